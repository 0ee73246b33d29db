"""Cards: what is said of one occupation in one layer where there is room for little, as on a page that is passed on.

They are made from the site's data (see `document`), so that a card never says what the page does not.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from exposure_dagster.prompts.model import Tier
from exposure_dagster.ranking.rankings import assign_tiers

MOST_DOCUMENTS = 1_500
"""Documents of a set that has cards: a longer list of one's own would weigh more than all else that is published."""

MOST_RELATIVES = 4
"""Better placed relatives that a card names."""

_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_TAKEN_NAME = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)(\..*)?")
"""Names that Windows keeps for devices, whatever stands after a point."""

_SENTENCE_END = re.compile(r"(?<![A-Z])(?<!\b(?:e\.g|i\.e|etc))(?<!\b(?:vs|Dr|Mr|Ms|St|No))[.!?]+[\"”’)]*(?=\s+\S)")
_LONGEST_REASON = 220


@dataclass(frozen=True)
class Relative:
    """Another document of the set, with its value in the card's layer."""

    title: str
    value: str
    file: str


@dataclass(frozen=True)
class Relatives:
    """Documents near to the card's that are better placed. `heading` says by what they are near, and how placed;
    `looked_at` is how many near ones there are."""

    heading: str
    looked_at: int
    better: tuple[Relative, ...]


@dataclass(frozen=True)
class Card:
    """One document in one layer. `share` is where its value lies on the scale, 0 to 1; `bins` and `bin` are how many
    documents lie in each stretch of it, and in which this one."""

    layer: str
    layer_title: str
    family: str
    doc_id: str
    title: str
    name: str
    value: str
    scale: str
    share: float
    tier: str | None
    standing: str
    quadrant: str | None
    reason: str | None
    said_by: str
    credits: str
    relatives: Relatives | None
    bins: tuple[int, ...]
    bin: int
    file: str

    @property
    def place(self) -> str:
        """What stands after the `#` of the page's address for this view."""
        return urlencode({"layer": self.layer, "id": self.doc_id})


def has_cards(layer: Mapping[str, Any], documents: Mapping[str, Any]) -> bool:
    """Whether documents have cards in a layer: in those of a prompt's scores, of sets that are not too long."""
    return layer["kind"] == "score" and "asked" in layer and len(documents["id"]) <= MOST_DOCUMENTS


def file_names(ids: Sequence[str]) -> list[str]:
    """A name for each id that is safe in an address and on every file system, whatever the id holds."""
    return [one if _PLAIN_NAME.fullmatch(one) and not _TAKEN_NAME.fullmatch(one) else _hashed(one) for one in ids]


def cards(document: Mapping[str, Any], layer: Mapping[str, Any]) -> Iterator[Card]:
    """The card of each document that has a value in the layer. `document` is the site's data, `layer` one of its."""
    documents = next(one for one in document["sets"] if one["name"] == layer["set"])
    values = [None if value is None else float(value) for value in layer["value"]]
    known = sorted(value for value in values if value is not None)
    tiers = _tiers(layer, values)
    quadrants = _quadrants(document, layer)
    files = file_names(documents["id"])
    owner = _owner(document, layer)
    written = _writer(layer, known)
    near = _near(document, documents)
    bins = _bins(layer, values)
    counts = [0] * (max(10, *(one + 1 for one in bins if one is not None)) if known else 0)
    for one in bins:
        if one is not None:
            counts[one] += 1
    noun = _noun(documents["title"])
    credits = _credits(document["sources"])
    shorts = documents.get("short") or [None] * len(values)
    for at, value in enumerate(values):
        if value is None:
            continue
        yield Card(
            layer=layer["id"],
            layer_title=layer["title"],
            family=layer["family"],
            doc_id=documents["id"][at],
            title=documents["title_of"][at] or documents["id"][at],
            name=shorts[at] or documents["title_of"][at] or documents["id"][at],
            value=written(value),
            scale=_scale(layer),
            share=_share(layer, value),
            tier=tiers[at],
            standing=_standing(value, known, noun),
            quadrant=quadrants[at],
            reason=_reason(owner, at),
            said_by=_said_by(document, layer, at),
            credits=credits,
            relatives=_relatives(layer, documents, values, files=files, at=at, near=near, written=written)
            if near
            else None,
            bins=tuple(counts),
            bin=bins[at] or 0,
            file=files[at],
        )


def first_sentence(text: str | None) -> str | None:
    """The first sentence of a reason; the beginning of it, up to a word, where that is long."""
    if not text or not text.strip():
        return None
    line = " ".join(text.split())
    end = _SENTENCE_END.search(line)
    sentence = line[: end.end()] if end else line
    if len(sentence) <= _LONGEST_REASON:
        return sentence
    cut = sentence[: _LONGEST_REASON - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut}…"


def _reason(owner: Mapping[str, Any], at: int) -> str | None:
    """One sentence of the reason. Of an estimate the second: with the first it says that it is one, as cards do."""
    text = owner["rationale"][at] if owner.get("rationale") else None
    which = owner["answered_by"][at]
    if text and which is not None and owner["answers"][which]["scorer"] == "baseline":
        line = " ".join(text.split())
        end = _SENTENCE_END.search(line)
        text = line[end.end() :] if end else line
    return first_sentence(text)


def _hashed(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48]
    return f"{words or 'x'}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _owner(document: Mapping[str, Any], layer: Mapping[str, Any]) -> Mapping[str, Any]:
    owner = layer.get("answers_of")
    return layer if owner is None else next(one for one in document["layers"] if one["id"] == owner)


def _writer(layer: Mapping[str, Any], known: Sequence[float]) -> Callable[[float], str]:
    """Writes values as the page does (`decimals` of a layer in its store, `formats.value`), halves away from zero."""
    span = layer["high"] - layer["low"]
    whole = all(value.is_integer() for value in known)
    decimals = 0 if whole else 3 if span <= 1 else 2 if layer.get("range") else 1
    step = Decimal(1).scaleb(-decimals)
    return lambda value: f"{Decimal(value).quantize(step, ROUND_HALF_UP):,}".replace("-", "−")


def _scale(layer: Mapping[str, Any]) -> str:
    low, high = layer["low"], layer["high"]
    return f"of {high:g}" if low == 0 else f"on a scale from {low:g} to {high:g}"


def _share(layer: Mapping[str, Any], value: float) -> float:
    low, high = float(layer["low"]), float(layer["high"])
    return min(1.0, max(0.0, (value - low) / ((high - low) or 1.0)))


def _bins(layer: Mapping[str, Any], values: Sequence[float | None]) -> list[int | None]:
    """In which tenth of the scale each value lies; of scales of few whole numbers, at which of them."""
    low, span = layer["low"], (layer["high"] - layer["low"]) or 1
    if float(low).is_integer() and float(span).is_integer() and 8 <= span <= 20:
        return [None if value is None else int(min(span, max(0, math.floor(value - low + 0.5)))) for value in values]
    return [None if value is None else min(9, int(_share(layer, value) * 10)) for value in values]


def _tiers(layer: Mapping[str, Any], values: Sequence[float | None]) -> list[str | None]:
    given = [Tier(label=tier["label"], range=(tier["low"], tier["high"])) for tier in layer["tiers"]]
    if not given:
        return [None] * len(values)
    labels = assign_tiers(pd.Series(values, dtype="float64"), given)
    return [label if isinstance(label, str) else None for label in labels]


def _quadrants(document: Mapping[str, Any], layer: Mapping[str, Any]) -> list[str | None]:
    rule = layer.get("quadrants")
    if rule is None:
        return [None] * len(layer["value"])
    values = {one["id"]: one["value"] for one in document["layers"] if one["id"] in (rule["x"], rule["y"])}
    return [
        None
        if x is None or y is None
        else rule["labels"][(round(x, 9) >= rule["x_cut"]) + 2 * (round(y, 9) >= rule["y_cut"])]
        for x, y in zip(values[rule["x"]], values[rule["y"]], strict=True)
    ]


def _standing(value: float, known: Sequence[float], noun: str) -> str:
    """Where a value stands among all: never 100 %, since nothing is higher than itself."""
    below = sum(1 for one in known if one < value - 1e-9)
    above = sum(1 for one in known if one > value + 1e-9)
    if not above and not below:
        return f"The same as all {len(known):,} {noun}"
    if not above or not below:
        end = "highest" if not above else "lowest"
        tied = len(known) - above - below
        return f"The {end} of {len(known):,} {noun}{f', with {tied - 1:,} more' if tied > 1 else ''}"
    word, count = ("Higher", below) if below >= above else ("Lower", above)
    return f"{word} than {math.floor(100 * count / len(known))}% of {len(known):,} {noun}"


def _noun(title: str) -> str:
    """The title of a set inside a sentence: a name with capitals in it, such as O*NET's, stays."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _said_by(document: Mapping[str, Any], layer: Mapping[str, Any], at: int) -> str:
    """Who answered. Estimates say that they are some, and the sample that it is one."""
    which = layer["answered_by"][at]
    answers = layer["answers"] if which is None else [layer["answers"][which]]
    estimated = [one for one in answers if one["scorer"] == "baseline"]
    models = sorted({one["model"] for one in answers if one["scorer"] != "baseline" and one["model"]})
    said = []
    if models:
        said.append(f"Answered by {' and '.join(models)}")
    if estimated:
        said.append("estimated from its words, without a language model" if not models else "partly estimated")
    dates = [one["date"] for one in answers if one["date"]]
    text = ", ".join([*said, *([max(dates)] if dates else [])])
    sample = ". Made-up sample texts: no finding" if document["sample_note"] else ""
    return f"{text[:1].upper()}{text[1:]}{sample}. No forecast of job losses."


def _credits(sources: Sequence[Mapping[str, str | None]]) -> str:
    """Whose data a card is made from, with the names of their licences."""
    named = [(one["source"], (one["licence"] or "").split(". ")[0].rstrip(".")) for one in sources]
    return f"Data: {'; '.join(f'{source} ({licence})' if licence else str(source) for source, licence in named)}."


@dataclass(frozen=True)
class _Near:
    """Which documents are near to one, by their places, the nearest first; and by what they are."""

    of: Callable[[int], Sequence[int]]
    by: str


def _near(document: Mapping[str, Any], documents: Mapping[str, Any]) -> _Near | None:
    """By relatives that a source names; else those of the same category with the same entry-level education, the
    nearest in pay first."""
    named = _named_relatives(document, documents)
    if named is not None:
        return named
    categories, levels, pay = documents["category"]["at"], documents["education"]["at"], documents["pay"]
    alike: dict[tuple[int, int], list[int]] = {}
    for at, key in enumerate(zip(categories, levels, strict=True)):
        if None not in key:
            alike.setdefault(key, []).append(at)
    if not alike:
        return None

    def near(at: int) -> list[int]:
        group = [one for one in alike.get((categories[at], levels[at]), ()) if one != at]
        return sorted(group, key=lambda one: math.inf if None in (pay[one], pay[at]) else abs(pay[one] - pay[at]))

    return _Near(near, "in the same category with the same entry-level education")


def _named_relatives(document: Mapping[str, Any], documents: Mapping[str, Any]) -> _Near | None:
    """The relatives of a set's documents; of the set that occupations are joined on, those of the documents that its
    own are joined to by their codes."""
    for other in document["sets"]:
        section = next((one for one in other.get("sections", ()) if one.get("are_relatives")), None)
        if section is None:
            continue
        named = [[-1 - place for place in places if place < 0] for places in section["at"]]
        if other is documents:
            return _Near(named.__getitem__, f"among {_noun(section['title'])}")
        if documents["is_joined_on"]:
            found = _by_codes(documents["codes"], other["id"], named)
            if any(found):
                return _Near(found.__getitem__, f"among {_noun(section['title'])} ({other['title']})")
    return None


def _by_codes(codes: Sequence[Sequence[str]], ids: Sequence[str], named: Sequence[Sequence[int]]) -> list[list[int]]:
    place = {doc_id: at for at, doc_id in enumerate(ids)}
    joined = [[place[code] for code in of_one if code in place] for of_one in codes]
    holders: dict[int, list[int]] = {}
    for at, places in enumerate(joined):
        for one in places:
            holders.setdefault(one, []).append(at)
    near = [[at for one in places for there in named[one] for at in holders.get(there, ())] for places in joined]
    return [[one for one in dict.fromkeys(found) if one != at] for at, found in enumerate(near)]


def _relatives(
    layer: Mapping[str, Any],
    documents: Mapping[str, Any],
    values: Sequence[float | None],
    *,
    files: Sequence[str],
    at: int,
    near: _Near,
    written: Callable[[float], str],
) -> Relatives | None:
    """Those of the near documents that are better placed: lower, where a layer says how much may change, and higher
    where it says how much is protected."""
    own = values[at]
    is_resilience = layer["family"] == "resilience"
    scored = [(one, value) for one in near.of(at) if (value := values[one]) is not None]
    if own is None or not scored:
        return None
    better = [(one, value) for one, value in scored if (value > own + 1e-9 if is_resilience else value < own - 1e-9)]
    return Relatives(
        heading=f"Scoring {'higher' if is_resilience else 'lower'}, {near.by}",
        looked_at=len(scored),
        better=tuple(
            Relative(documents["title_of"][one] or documents["id"][one], written(value), files[one])
            for one, value in better[:MOST_RELATIVES]
        ),
    )
