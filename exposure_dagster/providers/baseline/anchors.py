"""The documents that a prompt's levels name as examples."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exposure_dagster.prompts.model import Level
from exposure_dagster.prompts.render import Document

_PARTS = re.compile(r",\s*(?:and\s+)?|\s+and\s+")


@dataclass(frozen=True)
class Alias:
    """Another title of a document, such as one of the A–Z index."""

    title: str
    doc_id: str


@dataclass(frozen=True)
class Anchor:
    """A document whose place on the scale is known, because a level names it.

    `row` is its place among the documents; `value` the middle of the level's `range`, or the mean of
    several where several levels name it.
    """

    row: int
    names: tuple[str, ...]
    value: float
    range: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.range
        place = f"{low:g}" if low == high else f"{low:g}–{high:g}"
        return f"{self.names[0]} ({place})"


class Titles:
    """Which document a name means: by its title, else by an alias, else by a part of its title.

    Case, spaces and the English plural of the last word make no difference. "Paralegals" is a part of
    "Paralegals and legal assistants". A name that fits several documents equally well means none.
    """

    def __init__(self, documents: Sequence[Document], aliases: Iterable[Alias]) -> None:
        rows = {document.doc_id: row for row, document in enumerate(documents)}
        titles = [(document.title, row) for row, document in enumerate(documents)]
        known_aliases = [(alias.title, rows[alias.doc_id]) for alias in aliases if alias.doc_id in rows]
        parts = [(part, row) for title, row in titles for part in _PARTS.split(title)]
        self._lookups = [_by_key(named) for named in (titles, known_aliases, parts)]

    def row_of(self, name: str) -> int | None:
        """The document's place among the documents."""
        key = _key(name)
        found = next((lookup[key] for lookup in self._lookups if key in lookup), set())
        return next(iter(found)) if len(found) == 1 else None


def anchors_of(levels: Sequence[Level], titles: Titles) -> list[Anchor]:
    """An anchor for each document that is an example of a level, in the documents' order."""
    naming: defaultdict[int, list[tuple[str, Level]]] = defaultdict(list)
    for level in levels:
        for example in level.examples:
            row = titles.row_of(example)
            if row is not None:
                naming[row].append((example, level))
    return [
        Anchor(
            row,
            tuple(name for name, _ in named),
            sum(level.middle for _, level in named) / len(named),
            (min(level.range[0] for _, level in named), max(level.range[1] for _, level in named)),
        )
        for row, named in sorted(naming.items())
    ]


def _by_key(named: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    lookup: defaultdict[str, set[int]] = defaultdict(set)
    for name, row in named:
        lookup[_key(name)].add(row)
    return dict(lookup)


def _key(name: str) -> str:
    *before, last = name.casefold().split() or [""]
    return " ".join([*before, _singular(last)])


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
