"""Users' own corpora, as the setting EXPOSURE_DOCUMENTS names them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

OWN_FILE_TYPES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet", ".pq", ".jsonl", ".ndjson", ".json")

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class OwnCorpus:
    """A user's own documents: the name by which prompts ask for them, and their file."""

    name: str
    path: Path


def own_corpora(text: str, taken: Collection[str]) -> tuple[OwnCorpus, ...]:
    """The corpora of a list such as `roles=path/to/roles.csv, posts=posts.parquet`, in its order.

    `taken` are the names of corpora that come with the project. Raises ValueError that says which entry cannot be
    used, and why.
    """
    corpora: dict[str, OwnCorpus] = {}
    for entry in _entries(text):
        name, separator, file = (part.strip() for part in entry.partition("="))
        if not separator or not file:
            raise ValueError(f"{entry} names no file; write name=path, and commas between several")
        if not _NAME.fullmatch(name):
            raise ValueError(f"a corpus cannot be named {name!r}; use lower-case letters, digits and underscores")
        if name in taken:
            raise ValueError(f"{name} is the name of a corpus that comes with the project; choose another")
        if name in corpora:
            raise ValueError(f"{name} is named twice")
        path = Path(file)
        if path.suffix.lower() not in OWN_FILE_TYPES:
            known = f"{', '.join(OWN_FILE_TYPES[:-1])} or {OWN_FILE_TYPES[-1]}"
            raise ValueError(f"{file} is of no known type; a corpus is a {known} file")
        corpora[name] = OwnCorpus(name, path)
    return tuple(corpora.values())


def _entries(text: str) -> list[str]:
    """The entries between commas. What names no corpus belongs to the path before it, which had a comma in it."""
    entries: list[str] = []
    for part in text.split(","):
        if entries and part.strip() and "=" not in part:
            entries[-1] += f",{part}"
        elif part.strip():
            entries.append(part)
    return [entry.strip() for entry in entries]
