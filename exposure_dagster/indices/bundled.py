"""The indices that come with the project: where each stands, what it is, and whose it is.

`data/README.md` says the same for who opens the folder.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from exposure_dagster.indices.index import CodeSystem, Index
from exposure_dagster.indices.names import BUNDLED_NAMES

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Origin:
    """Whose the figures of a file are."""

    licence: str
    citation: str
    year: int


GPTS = Origin(
    "MIT",
    "Eloundou, Manning, Mishkin and Rock (2024), GPTs are GPTs: Labor market impact potential of LLMs, Science 384, "
    "1306–1308. https://github.com/openai/GPTs-are-GPTs",
    2024,
)
MICROSOFT = Origin(
    "CC BY 4.0",
    "Tomlinson, Jaffe, Wang, Counts and Suri (2025), Working with AI: Measuring the Applicability of Generative AI to "
    "Occupations, arXiv:2507.07935. https://github.com/microsoft/working-with-ai",
    2025,
)


@dataclass(frozen=True)
class _Place:
    file: str
    column: str
    code_system: CodeSystem
    origin: Origin


def _occupations(column: str) -> _Place:
    return _Place("gpts_occupations.csv.gz", column, CodeSystem.ONET_2019, GPTS)


def _tasks(column: str) -> _Place:
    return _Place("gpts_tasks.csv.gz", column, CodeSystem.SLUG, GPTS)


_PLACES: Mapping[str, _Place] = MappingProxyType(
    {
        "gpts_dv_alpha": _occupations("dv_rating_alpha"),
        "gpts_dv_beta": _occupations("dv_rating_beta"),
        "gpts_dv_gamma": _occupations("dv_rating_gamma"),
        "gpts_human_alpha": _occupations("human_rating_alpha"),
        "gpts_human_beta": _occupations("human_rating_beta"),
        "gpts_human_gamma": _occupations("human_rating_gamma"),
        "gpts_task_human": _tasks("human"),
        "gpts_task_gpt4": _tasks("gpt4"),
        "gpts_task_gpt4_alt": _tasks("gpt4_alt"),
        "microsoft": _Place("microsoft_applicability.csv.gz", "value", CodeSystem.SOC_2018, MICROSOFT),
    }
)
assert tuple(_PLACES) == BUNDLED_NAMES


@cache
def bundled_index(name: str) -> Index:
    """An index that comes with the project. Raises KeyError where there is none of that name."""
    place = _PLACES[name]
    body = (DATA / place.file).read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(body).decode()))
    return Index(
        name=name,
        code_system=place.code_system,
        values={row["code"]: float(row[place.column]) for row in rows},
        file_sha256=hashlib.sha256(body).hexdigest(),
        licence=place.origin.licence,
        citation=place.origin.citation,
        year=place.origin.year,
        scale=None if place.origin is MICROSOFT else (0.0, 1.0),
    )


@cache
def soc_2018_codes() -> Mapping[str, tuple[str, ...]]:
    """SOC codes of 2018 by those of 2010, where anything was renumbered, split or joined (BLS's crosswalk)."""
    found: dict[str, tuple[str, ...]] = {}
    with (DATA / "soc_2010_to_2018.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            before = row["soc_2010_code"]
            found[before] = (*found.get(before, ()), row["soc_2018_code"])
    return MappingProxyType(found)
