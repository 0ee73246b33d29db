"""Between which rank correlations a sound prompt lies, by prompt and index: data/expected.toml, and nowhere else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.indices.bundled import DATA

Band = tuple[float, float]

_FORMULAS = "2"
"""Changes whenever a formula of the agreement does, so that what was made by it is made again."""


def expected_band(prompt: str, index: str) -> Band | None:
    """Lowest and highest Spearman's correlation that is expected; None where nothing is."""
    band = _bands().get(prompt, {}).get(index)
    return None if band is None else (band[0], band[1])


@cache
def expected_version() -> str:
    """Changes whenever a band or a formula does."""
    return content_hash([_FORMULAS, _bands()])


@cache
def _bands() -> Mapping[str, Mapping[str, list[float]]]:
    return tomllib.loads((DATA / "expected.toml").read_text(encoding="utf-8"))
