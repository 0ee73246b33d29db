"""The documents that a prompt's levels name as examples."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from exposure_dagster.prompts.model import Level

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

    def __init__(
        self, documents: Iterable[tuple[str, str]], aliases: Iterable[Alias], *, names: Collection[str] | None = None
    ) -> None:
        """`documents` are ids and titles. Where it is known which names will be asked for, no more is kept."""
        wanted = None if names is None else {_key(name) for name in names}
        of_alias: defaultdict[str, list[str]] = defaultdict(list)
        for alias in aliases:
            of_alias[alias.doc_id].append(alias.title)
        self._lookups: tuple[dict[str, set[int]], ...] = ({}, {}, {})
        for row, (doc_id, title) in enumerate(documents):
            for lookup, titles in zip(
                self._lookups, ([title], of_alias.get(doc_id, ()), _PARTS.split(title)), strict=True
            ):
                for one in titles:
                    key = _key(one)
                    if wanted is None or key in wanted:
                        lookup.setdefault(key, set()).add(row)

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


def _key(name: str) -> str:
    *before, last = name.casefold().split() or [""]
    return " ".join([*before, _singular(last)])


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
