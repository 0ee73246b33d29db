"""The occupations that a role's title and duties are nearest to.

A title that is an occupation's own name, be it in the singular, or a title of that occupation alone, decides. For all
other roles three votes are taken, each of the 20 nearest, each weighted by its similarity cubed:

- single titles, by TF-IDF of their characters and words: "Sr. Java developer" is near "Java developer";
- occupations by all of their titles together: words that many titles of an occupation share say more;
- occupations by their description and tasks, by TF-IDF of word beginnings.

The share of a candidate is its part of the three, by the weights below. What they reach on titles that people report
is measured by `benchmarks/matching.py`. The weights were chosen on other draws than it reports, and matter little:
halving or doubling one of them moves what is found by two points at most.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from exposure_dagster.matching import ACCEPTED_SHARE, CANDIDATES, LEAST_SIMILARITY

VOTERS = 20
_POWER = 3

_WEIGHTS = {False: (0.4, 0.5, 0.1), True: (0.3, 0.4, 0.3)}
"""Of the three votes, for a role without duties and with them."""

_TITLE_PARTS = (0.7, 0.3)
_TOGETHER_PARTS = (0.3, 0.7)
"""Of characters and words in the similarity of titles, and of occupations by their titles."""

_BATCH = 250
"""Roles that are compared at once: their similarities to 60,000 titles take some 60 MB."""

_MOST_CHARACTERS = 20_000
"""Of a role's title and of its duties: what follows says nothing new."""

_STEM = 6
_PLURAL_IN_IES = re.compile(r"(?<=\w{3})ies$")
_PLURAL = re.compile(r"(?<=\w{3})(?<![sui])s$")

_TFIDF: Any = {"sublinear_tf": True, "dtype": np.float32}

Votes = npt.NDArray[Any]
Matrix = Any
"""A sparse matrix of SciPy, which has no types of its own."""


@dataclass(frozen=True, slots=True)
class KnownOccupation:
    """An occupation: its own name, the titles by which it also goes, and what people in it do."""

    onet_code: str
    name: str
    titles: Sequence[str] = ()
    duties: str = ""


def known_occupations(
    names: Iterable[tuple[str, ...]], titles: Iterable[tuple[str, ...]], duties: Iterable[tuple[str, ...]]
) -> list[KnownOccupation]:
    """Occupations of rows: code, name and description; code and title; code and a sentence on what is done."""
    of_code: dict[str, list[str]] = defaultdict(list)
    done: dict[str, list[str]] = defaultdict(list)
    for code, title in titles:
        of_code[code].append(title)
    for code, sentence in duties:
        done[code].append(sentence)
    return [
        KnownOccupation(code, name, of_code[code], " ".join(filter(None, [description, *done[code]])))
        for code, name, description in names
    ]


@dataclass(frozen=True, slots=True)
class Role:
    """What is to be found: a title, and what is done under it where that is known."""

    title: str
    duties: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    onet_code: str
    share: float


@dataclass(frozen=True, slots=True)
class Match:
    """The candidates, the likeliest first; none where nothing of the role is known. An exact one stands alone.

    `nearest` is how similar the nearest title of all is to the role's, 0 to 1.
    """

    candidates: tuple[Candidate, ...]
    nearest: float = 0.0
    is_exact: bool = False

    @property
    def accepted(self) -> Candidate | None:
        """The first candidate where it is sure enough to be taken without a look."""
        first = next(iter(self.candidates), None)
        if first is None:
            return None
        is_near = first.share >= ACCEPTED_SHARE and self.nearest >= LEAST_SIMILARITY
        return first if self.is_exact or is_near else None


def plain_title(title: str) -> str:
    """A title by its letters and figures alone: without case, accents, signs and doubled blanks."""
    letters = unicodedata.normalize("NFKD", title[:_MOST_CHARACTERS].casefold())
    return " ".join(re.findall(r"\w+", "".join(one for one in letters if not unicodedata.combining(one))))


def _singular(title: str) -> str:
    """O*NET names occupations in the plural, and people name their role in the singular."""
    return " ".join(_PLURAL.sub("", _PLURAL_IN_IES.sub("y", word)) for word in title.split())


class Matcher:
    """Finds occupations for roles. Building it reads all titles, so that one is made for many roles."""

    def __init__(self, occupations: Iterable[KnownOccupation]) -> None:
        known = sorted(occupations, key=lambda one: one.onet_code)
        self._codes = [one.onet_code for one in known]
        self._names: dict[str, set[int]] = defaultdict(set)
        self._titles: dict[str, set[int]] = defaultdict(set)
        of_occupation: list[dict[str, None]] = []
        for place, one in enumerate(known):
            titles = dict.fromkeys(filter(None, map(plain_title, (one.name, *one.titles))))
            self._names[_singular(plain_title(one.name))].add(place)
            for title in titles:
                self._titles[title].add(place)
            of_occupation.append(titles)
        self._names.pop("", None)
        self._is_empty = not self._titles
        if self._is_empty:
            return
        voters = [(title, place) for place, titles in enumerate(of_occupation) for title in titles]
        self._voters = np.array([place for _, place in voters])
        self._single = _Space(_TITLE_PARTS, [title for title, _ in voters])
        self._together = _Space(_TOGETHER_PARTS, [" ".join(titles) for titles in of_occupation])
        self._duties = _Stems([plain_title(f"{one.name} {one.duties}") for one in known])

    def match(self, roles: Sequence[Role]) -> list[Match]:
        """What each role is, in their order."""
        distinct = list(dict.fromkeys(roles))
        found: dict[Role, Match] = {}
        open_ones: list[Role] = []
        for role in distinct:
            exact = self._exact(role)
            if exact is None:
                open_ones.append(role)
            else:
                found[role] = Match((Candidate(self._codes[exact], 1.0),), 1.0, is_exact=True)
        for start in range(0, len(open_ones), _BATCH):
            batch = open_ones[start : start + _BATCH]
            found.update(zip(batch, self._voted(batch), strict=True))
        return [found[role] for role in roles]

    def _exact(self, role: Role) -> int | None:
        """The occupation whose name the title is, or whose title alone."""
        title = plain_title(role.title)
        for places in (self._names.get(_singular(title), ()), self._titles.get(title, ())):
            if len(places) == 1:
                return next(iter(places))
        return None

    def _voted(self, roles: Sequence[Role]) -> Iterator[Match]:
        if self._is_empty:
            yield from (Match(()) for _ in roles)
            return
        titles = [plain_title(role.title) for role in roles]
        duties = [plain_title(role.duties) for role in roles]
        everyone = np.arange(len(self._codes))
        both = [f"{title} {text}" for title, text in zip(titles, duties, strict=True)]
        near = self._single.similarities(titles)
        votes = [
            _votes(similarities, voters, len(everyone))
            for similarities, voters in (
                (near, self._voters),
                (self._together.similarities(titles), everyone),
                (self._duties.similarities(both), everyone),
            )
        ]
        weights = np.array([_WEIGHTS[bool(text)] for text in duties])
        shares = sum(vote * weights[:, [place]] for place, vote in enumerate(votes))
        nearest = near.max(axis=1).toarray().ravel()
        for title, row, similarity in zip(titles, np.asarray(shares).round(4), nearest, strict=True):
            # an occupation that the very title stands under comes before those that are only near it
            bears_it = np.isin(everyone, list(self._titles.get(title, ())))
            order = np.lexsort((everyone, -row, ~bears_it))
            first = [place for place in order[:CANDIDATES] if row[place] > 0]
            yield Match(tuple(Candidate(self._codes[place], float(row[place])) for place in first), float(similarity))


class _Space:
    """Texts by their characters (two to four, within words) and their words (single and in pairs)."""

    def __init__(self, parts: tuple[float, float], texts: Sequence[str]) -> None:
        self._by = FeatureUnion(
            [
                ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), lowercase=False, **_TFIDF)),
                ("words", TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), **_TFIDF)),
            ],
            # a similarity is the product of two of them
            transformer_weights={"characters": parts[0] ** 0.5, "words": parts[1] ** 0.5},
        )
        self._known = self._by.fit_transform(texts).T.tocsr()

    def similarities(self, texts: Sequence[str]) -> Matrix:
        return (self._by.transform(texts) @ self._known).tocsr()


class _Stems:
    """Texts by the beginnings of their words, so that "inspects" and "inspecting" are one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._by = TfidfVectorizer(analyzer=_stems, **_TFIDF)
        self._known = self._by.fit_transform(texts).T.tocsr()

    def similarities(self, texts: Sequence[str]) -> Matrix:
        return (self._by.transform(texts) @ self._known).tocsr()


def _stems(text: str) -> list[str]:
    return [word[:_STEM] for word in text.split()]


def _votes(similarities: Matrix, voters: Votes, groups: int) -> Votes:
    """Each row's votes by group, as shares: of the nearest voters, of equals those that come first."""
    similarities.sort_indices()
    votes = np.zeros((similarities.shape[0], groups))
    for row in range(similarities.shape[0]):
        part = slice(similarities.indptr[row], similarities.indptr[row + 1])
        values, voter = similarities.data[part], similarities.indices[part]
        if len(values) > VOTERS:
            least = np.partition(values, -VOTERS)[-VOTERS]
            nearer = np.flatnonzero(values > least)
            kept = np.concatenate([nearer, np.flatnonzero(values == least)[: VOTERS - len(nearer)]])
            values, voter = values[kept], voter[kept]
        np.add.at(votes[row], voters[voter], values.astype(float) ** _POWER)
    totals = votes.sum(axis=1, keepdims=True)
    return votes / np.where(totals > 0, totals, 1)
