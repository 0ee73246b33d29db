"""Indices, as the setting EXPOSURE_INDICES names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BUNDLED_NAMES = (
    *("gpts_dv_alpha", "gpts_dv_beta", "gpts_dv_gamma", "gpts_human_alpha", "gpts_human_beta", "gpts_human_gamma"),
    *("gpts_task_human", "gpts_task_gpt4", "gpts_task_gpt4_alt", "microsoft"),
)
"""Indices that come with the project (bundled.py says what they are)."""

ALL_BUNDLED = "bundled"

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class NamedIndex:
    """An index, and its file; a bundled one has none."""

    name: str
    path: Path | None = None


def named_indices(text: str) -> tuple[NamedIndex, ...]:
    """The indices of a list such as `gpts_human_beta, aioe=path/to/aioe.csv`, in its order; `bundled` is all of those.

    Commas or line ends stand between several; a comma in a path stays in it. Raises ValueError that says which entry
    cannot be used, and why.
    """
    indices: dict[str, NamedIndex] = {}
    for entry in _entries(text):
        name, separator, file = (part.strip() for part in entry.partition("="))
        if name == ALL_BUNDLED and not separator:
            indices |= {one: NamedIndex(one) for one in BUNDLED_NAMES if one not in indices}
            continue
        if not _NAME.fullmatch(name) or name == ALL_BUNDLED:
            raise ValueError(f"an index cannot be named {name!r}; use lower-case letters, digits and underscores")
        if separator and not file:
            raise ValueError(f"{entry} names no file; write name=path")
        if separator and name in BUNDLED_NAMES:
            raise ValueError(f"{name} is the name of an index that comes with the project; choose another")
        if not separator and name not in BUNDLED_NAMES:
            known = ", ".join((ALL_BUNDLED, *BUNDLED_NAMES))
            raise ValueError(f"{name} is no index that comes with the project ({known}); write name=path for your own")
        if name in indices and separator:
            raise ValueError(f"{name} is named twice")
        indices[name] = NamedIndex(name, Path(file) if separator else None)
    return tuple(indices.values())


def _entries(text: str) -> list[str]:
    """The entries between commas and line ends. What is no name and names no file belongs to the path before it."""
    entries: list[str] = []
    for line in text.splitlines():
        is_first = True
        for part in line.split(","):
            bare = part.strip()
            if not bare:
                continue
            is_entry = "=" in part or bare == ALL_BUNDLED or bare in BUNDLED_NAMES
            if is_entry or is_first or "=" not in entries[-1]:
                entries.append(part)
            else:
                entries[-1] += f",{part}"
            is_first = False
    return [entry.strip() for entry in entries]
