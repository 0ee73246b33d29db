"""The baseline: an estimate from words alone, without a key, a network or a model.

It works from the prompt file and the documents and from nothing else. An axis is fitted to the
documents' vectors by the examples that the levels name and, at half their weight, by what the levels
say; it is averaged with the balance of the prompt's word lists, and brought to the scale by the
values that each example gets from an axis that was fitted without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exposure_dagster.prompts.model import BaselineAttribute, BaselineDefinition, Scale, WordLists
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Alias, Anchor, Titles, anchors_of
from exposure_dagster.providers.baseline.text import (
    ListedWords,
    Signal,
    TextSpace,
    WordBalance,
    form_in_text,
    tokens_of,
)

if TYPE_CHECKING:
    from exposure_dagster.providers.baseline.text import Floats

__all__ = ["BASELINE_VERSION", "Alias", "BaselineScore", "score_documents"]

BASELINE_VERSION = "2"
"""Changes whenever the same prompt and documents would give other scores or rationales."""

_LEVEL_TEXT_WEIGHT = 0.5
_MIN_ANCHORS_TO_CALIBRATE = 4
_ERRORS_ABOVE_CHANCE = 2
_DEVIATIONS_ON_A_SCALE = 5
_NAMED_ANCHORS = 2
_NAMED_WORDS = 4
_EXPLAINED_ONE_BY_ONE = 3
_NAMED_ATTRIBUTES = 2
_NO_EXAMPLES = (
    "No example of the prompt names a document: the levels' own words stand in, and the place on the scale is rough."
)
_ROUGH = "Too few examples agree with the texts, so the place on the scale is rough."


@dataclass(frozen=True)
class BaselineScore:
    """An estimate: a number an attribute, on its scale with one decimal, or one of the scale's `values`."""

    doc_id: str
    attributes: dict[str, float]
    rationale: str


@dataclass(frozen=True)
class _Corpus:
    documents: Sequence[Document]
    tokens: Sequence[Sequence[str]]
    space: TextSpace | None
    titles: Titles


@dataclass(frozen=True)
class _Axis:
    """A direction through the documents' vectors; `left_out` is each anchor's value on the axis without it."""

    signal: Signal
    left_out: Floats
    direction: Floats

    def pulls(self, space: TextSpace, row: int) -> dict[str, float]:
        return space.pulls(row, self.direction / self.signal.deviation)


@dataclass(frozen=True)
class _Words:
    signal: Signal
    balance: WordBalance

    def pulls(self, row: int) -> dict[str, float]:
        return {entry: pull / self.signal.deviation for entry, pull in self.balance.pulls(row).items()}


@dataclass(frozen=True)
class _Calibration:
    offset: float
    slope: float
    is_fitted: bool


@dataclass(frozen=True)
class _Estimate:
    """All documents on one attribute."""

    attribute: BaselineAttribute
    values: Sequence[float]
    anchors: Sequence[Anchor]
    axis: _Axis | None
    words: _Words | None
    calibration: _Calibration


def score_documents(
    definition: BaselineDefinition, documents: Sequence[Document], aliases: Sequence[Alias]
) -> list[BaselineScore]:
    """An estimate for each document, in the order of their ids; the order of the arguments makes no difference.

    Aliases of documents that are not among `documents` are passed over.
    """
    if not documents:
        return []
    ordered = sorted(documents, key=lambda document: document.doc_id)
    tokens = [tokens_of(f"{document.title}\n{document.text}") for document in ordered]
    corpus = _Corpus(ordered, tokens, TextSpace.of(tokens), Titles(ordered, aliases))
    estimates = [_estimate(attribute, corpus) for attribute in definition.attributes]
    return [
        BaselineScore(
            document.doc_id,
            {estimate.attribute.key: estimate.values[row] for estimate in estimates},
            _rationale(estimates, corpus, row),
        )
        for row, document in enumerate(ordered)
    ]


def _estimate(attribute: BaselineAttribute, corpus: _Corpus) -> _Estimate:
    import numpy as np

    anchors = [anchor for anchor in anchors_of(attribute.levels, corpus.titles) if corpus.tokens[anchor.row]]
    rows = [anchor.row for anchor in anchors]
    axis = _fit_axis(attribute, anchors, corpus.space)
    words = _weigh_words(attribute.words, corpus.tokens)
    both = [part.signal.values for part in (axis, words) if part is not None]
    index = np.mean(both, axis=0) if both else np.zeros(len(corpus.documents))
    both_left_out = ([axis.left_out] if axis else []) + ([words.signal.values[rows]] if words else [])
    left_out = np.mean(both_left_out, axis=0) if both_left_out else np.zeros(len(rows))
    calibration = _calibrate(index, left_out, anchors, attribute)
    values = [_on_scale(value, attribute.scale) for value in calibration.offset + calibration.slope * index]
    return _Estimate(attribute, values, anchors, axis, words, calibration)


def _fit_axis(attribute: BaselineAttribute, anchors: Sequence[Anchor], space: TextSpace | None) -> _Axis | None:
    import numpy as np
    from sklearn.linear_model import Ridge

    if space is None:
        return None
    level_vectors = space.project([tokens_of(level.description) for level in attribute.levels])
    vectors = np.vstack([space.vectors[[anchor.row for anchor in anchors]], level_vectors])
    values = np.array([anchor.value for anchor in anchors] + [level.middle for level in attribute.levels])
    weights = np.where(np.arange(len(values)) < len(anchors), 1.0, _LEVEL_TEXT_WEIGHT)
    weights[~vectors.any(axis=1)] = 0  # a text without a known word says nothing

    def fitted(weights: Floats) -> Ridge | None:
        if len(set(values[weights > 0])) < 2:
            return None
        return Ridge(alpha=1.0).fit(vectors, values, sample_weight=weights)

    whole = fitted(weights)
    if whole is None:
        return None
    signal = Signal.of(whole.predict(space.vectors))
    if signal is None:
        return None
    left_out = np.zeros(len(anchors))
    for place in range(len(anchors)):
        without = fitted(np.where(np.arange(len(values)) == place, 0, weights))
        left_out[place] = signal.mean if without is None else without.predict(vectors[[place]])[0]
    return _Axis(signal, signal.standardize(left_out), whole.coef_)


def _weigh_words(lists: WordLists, tokens: Sequence[Sequence[str]]) -> _Words | None:
    if not lists.raises and not lists.lowers:
        return None
    balance = WordBalance(ListedWords.of(lists.raises, tokens), ListedWords.of(lists.lowers, tokens))
    signal = Signal.of(balance.values)
    return None if signal is None else _Words(signal, balance)


def _calibrate(
    index: Floats, left_out: Floats, anchors: Sequence[Anchor], attribute: BaselineAttribute
) -> _Calibration:
    """The line from the index to the scale.

    Examples are chosen to cover the scale and are no sample of the documents, so the index is regressed on
    their values and the line turned round: index = c + d·value + noise gives, for documents whose index has
    mean m and variance V, value = (m − c)/d + (1 − noise²/V)/d · (index − m). The estimates never spread wider
    than the examples. Where the examples are too few, or d is within two standard errors of 0, a fifth of the
    scale is taken for a standard deviation.
    """
    import numpy as np

    values = np.array([anchor.value for anchor in anchors])
    mean, variance = float(index.mean()), float(index.var())
    if len(values) >= _MIN_ANCHORS_TO_CALIBRATE and len(set(values)) > 1 and variance > 0:
        per_value, constant = np.polyfit(values, left_out, 1)
        noise = float(((left_out - constant - per_value * values) ** 2).sum()) / (len(values) - 2)
        error = (noise / float(((values - values.mean()) ** 2).sum())) ** 0.5
        if per_value > _ERRORS_ABOVE_CHANCE * error and noise < variance:
            slope = min((1 - noise / variance) / per_value, float(values.std()) / variance**0.5)
            center = float(np.clip((mean - constant) / per_value, values.min(), values.max()))
            return _Calibration(center - slope * mean, slope, is_fitted=True)
    center = sum(level.middle for level in attribute.levels) / len(attribute.levels)
    slope = (attribute.scale.high - attribute.scale.low) / _DEVIATIONS_ON_A_SCALE / (variance**0.5 or 1.0)
    return _Calibration(center - slope * mean, slope, is_fitted=False)


def _on_scale(value: float, scale: Scale) -> float:
    if scale.values is not None:
        return scale.nearest(float(value))
    return round(min(max(float(value), scale.low), scale.high), 1)


def _rationale(estimates: Sequence[_Estimate], corpus: _Corpus, row: int) -> str:
    parts = ["Estimated from the words of the text, without a model."]
    if len(estimates) > _EXPLAINED_ONE_BY_ONE:
        return " ".join([*parts, *_outstanding(estimates, corpus, row)])
    for estimate in estimates:
        sentences = [_anchor_sentence(estimate, corpus, row), *_word_sentences(estimate, corpus, row)]
        if estimate.anchors and not estimate.calibration.is_fitted:
            sentences.append(_ROUGH)
        heading = f"{estimate.attribute.title or estimate.attribute.key}: " if len(estimates) > 1 else ""
        parts.append(heading + " ".join(sentences))
    return " ".join(parts)


def _outstanding(estimates: Sequence[_Estimate], corpus: _Corpus, row: int) -> list[str]:
    """Of many attributes those on which the document stands highest and lowest, with the words that put it there."""
    ordered = sorted(estimates, key=lambda estimate: -estimate.values[row])
    ends = ((ordered[:_NAMED_ATTRIBUTES], 0, "highest"), (ordered[-_NAMED_ATTRIBUTES:][::-1], 1, "lowest"))
    sentences = []
    for group, side, name in ends:
        named = []
        for estimate in group:
            words = _pulling_words(estimate, corpus, row)[side]
            title = estimate.attribute.title or estimate.attribute.key
            named.append(f"“{title}”" + (f" (words: {', '.join(words)})" if words else ""))
        sentences.append(f"It stands {name} on {' and '.join(named)}.")
    if any(estimate.anchors and not estimate.calibration.is_fitted for estimate in estimates):
        sentences.append(_ROUGH)
    return sentences


def _anchor_sentence(estimate: _Estimate, corpus: _Corpus, row: int) -> str:
    if not estimate.anchors:
        return _NO_EXAMPLES
    own = [f"It is itself an example: {anchor}." for anchor in estimate.anchors if anchor.row == row]
    others = [anchor for anchor in estimate.anchors if anchor.row != row]
    if corpus.space is None or not corpus.space.vectors[row].any() or not others:
        return " ".join(own or ["Its text is like that of no example."])
    likeness = corpus.space.vectors[[anchor.row for anchor in others]] @ corpus.space.vectors[row]
    nearest = sorted(zip(-likeness, others, strict=True), key=lambda pair: (float(pair[0]), pair[1].row))
    named = " and ".join(str(anchor) for _, anchor in nearest[:_NAMED_ANCHORS])
    return " ".join([*own, f"Nearest examples: {named}."])


def _word_sentences(estimate: _Estimate, corpus: _Corpus, row: int) -> list[str]:
    return [
        f"Words that {verb} it: {', '.join(words)}."
        for verb, words in zip(("raise", "lower"), _pulling_words(estimate, corpus, row), strict=True)
        if words
    ]


def _pulling_words(estimate: _Estimate, corpus: _Corpus, row: int) -> tuple[list[str], list[str]]:
    """The words that raise the estimate most, and those that lower it, as they stand in the text."""
    pulls = estimate.words.pulls(row) if estimate.words is not None else {}
    if not pulls and estimate.axis is not None and corpus.space is not None:
        pulls = estimate.axis.pulls(corpus.space, row)
    strongest = sorted(pulls, key=lambda word: (-abs(pulls[word]), word))
    raising = [word for word in strongest if pulls[word] > 0][:_NAMED_WORDS]
    lowering = [word for word in strongest if pulls[word] < 0][:_NAMED_WORDS]
    shown = corpus.tokens[row]
    return [form_in_text(word, shown) for word in raising], [form_in_text(word, shown) for word in lowering]
