"""The baseline: an estimate from words alone, without a key, a network or a model.

It works from the prompt file and the documents and from nothing else, and reads of a document what its corpus says is
about the work. Three signals are averaged: the balance of the prompt's word lists; what the documents' vectors say of
that balance, learnt from the other documents (self-training); and, at half the weight, an axis through the vectors that
the examples of the levels fit and, at half their weight, the levels' own words. The values that each example gets from
an axis that was fitted without it bring the average to the scale, and say how far an estimate errs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exposure_dagster.prompts.model import BaselineAttribute, BaselineDefinition, Scale, WordLists
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Alias, Anchor, Titles, anchors_of
from exposure_dagster.providers.baseline.regression import ridge
from exposure_dagster.providers.baseline.text import (
    ListedWords,
    Signal,
    TextSpace,
    Tokens,
    WordBalance,
    WorkText,
    form_in_text,
    portions,
    tokens_of,
)

if TYPE_CHECKING:
    from exposure_dagster.providers.baseline.text import Floats

__all__ = [
    "BASELINE_VERSION",
    "Alias",
    "BaselineScore",
    "estimate_from_answers",
    "score_documents",
    "scores_in_portions",
]

BASELINE_VERSION = "3"
"""Changes whenever the same prompt and documents would give other scores or rationales."""

_AXIS_WEIGHT = 0.5
_LEVEL_TEXT_WEIGHT = 0.5
_MIN_ANCHORS = 4
_MIN_DOCUMENTS_TO_LEARN_FROM = 30
_MIN_CORRELATION_WITH_WORDS = 0.3
_FOLDS = 10
_ERRORS_ABOVE_CHANCE = 2
_DEVIATIONS_ON_A_SCALE = 5
_DECIMALS = 1
_DECIMALS_BETWEEN_VALUES = 3
_INDEX_BEFORE_VECTORS = 3.0
_PENALTY_OF_ANSWERS = 3.0
_NAMED_ANCHORS = 2
_NAMED_WORDS = 4
_EXPLAINED_ONE_BY_ONE = 3
_NAMED_ATTRIBUTES = 2
_NO_EXAMPLES = "No example of the prompt names a document: {}, and the place on the scale is rough."
_LEVELS_STAND_IN = "the levels' own words stand in"
_WORDS_ALONE = "its listed words alone decide"
_ROUGH = "Too few examples agree with the texts, so the place on the scale is rough."


@dataclass(frozen=True)
class BaselineScore:
    """An estimate: a number an attribute, on its scale with one decimal, or with three between the scale's `values`.

    `standard_errors` says by attribute how far such an estimate errs, as the examples show that were left out; it lacks
    those attributes of which too few examples agree with the texts to tell.
    """

    doc_id: str
    attributes: dict[str, float]
    rationale: str
    standard_errors: dict[str, float]


@dataclass(frozen=True)
class _Corpus:
    """`tokens` are those of all parts about the work together; `parts` have those of each, a section after another."""

    doc_ids: Sequence[str]
    titles: Sequence[str]
    tokens: Tokens
    parts: Sequence[Tokens]
    space: TextSpace | None
    named: Titles

    @classmethod
    def of(
        cls,
        documents: Iterable[Document],
        aliases: Sequence[Alias],
        sections: Sequence[str],
        attributes: Sequence[BaselineAttribute],
    ) -> _Corpus:
        """Of documents in the order of their ids, which are gone through several times."""
        examples = {name for attribute in attributes for level in attribute.levels for name in level.examples}
        doc_ids: list[str] = []
        titles: list[str] = []
        divided = [False]

        def whole() -> Iterator[list[str]]:
            for document in documents:
                text = WorkText.of(document.text, sections)
                divided[0] = divided[0] or any(part is not text.whole for part in text.parts)
                doc_ids.append(document.doc_id)
                titles.append(document.title)
                yield tokens_of(document.title) + tokens_of(text.whole)

        def part(section: int) -> Iterator[list[str]]:
            for document in documents:
                yield tokens_of(document.title) + tokens_of(WorkText.of(document.text, sections).parts[section])

        tokens = Tokens.of(whole())
        parts = [Tokens.of(part(section)) for section in range(len(sections))] if divided[0] else [tokens]
        named = Titles(zip(doc_ids, titles, strict=True), aliases, names=examples)
        return cls(doc_ids, titles, tokens, parts, TextSpace.of(tokens), named)


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
    """The mean of the balances of each part about the work, so that a long part counts no more than a short one."""

    signal: Signal
    balances: Sequence[tuple[WordBalance, float]]

    def pulls(self, row: int) -> dict[str, float]:
        moved: defaultdict[str, float] = defaultdict(float)
        for balance, deviation in self.balances:
            for entry, pull in balance.pulls(row).items():
                moved[entry] += pull / deviation
        return moved


@dataclass(frozen=True)
class _Calibration:
    """`error` is the standard error of a document's value; None where the line is not fitted."""

    offset: float
    slope: float
    error: float | None


@dataclass(frozen=True)
class _Index:
    """Where all documents stand on one attribute, on no scale yet; `left_out` is where the others put each anchor."""

    values: Floats
    left_out: Floats
    anchors: Sequence[Anchor]
    axis: _Axis | None
    words: _Words | None


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
    definition: BaselineDefinition,
    documents: Sequence[Document],
    aliases: Sequence[Alias],
    sections: Sequence[str] = (),
) -> list[BaselineScore]:
    """An estimate for each document, in the order of their ids; the order of the arguments makes no difference.

    Aliases of documents that are not among `documents` are passed over. `sections` are the beginnings of the headings
    under which the texts speak of the work (`Corpus.about_work`); without any the whole texts do.
    """
    ordered = sorted(documents, key=lambda document: document.doc_id)
    return [one for portion in scores_in_portions(definition, ordered, aliases, sections) for one in portion]


def scores_in_portions(
    definition: BaselineDefinition,
    documents: Iterable[Document],
    aliases: Sequence[Alias],
    sections: Sequence[str] = (),
) -> Iterator[list[BaselineScore]]:
    """The same, a portion at a time. `documents` are in the order of their ids, and gone through several times: they
    need not be in memory."""
    with _one_thread():
        corpus = _Corpus.of(documents, aliases, sections, definition.attributes)
        if not corpus.doc_ids:
            return
        estimates = [_estimate(attribute, corpus) for attribute in definition.attributes]
    errors = {one.attribute.key: one.calibration.error for one in estimates if one.calibration.error is not None}
    for rows in portions(len(corpus.doc_ids)):
        yield [
            BaselineScore(
                corpus.doc_ids[row],
                {estimate.attribute.key: estimate.values[row] for estimate in estimates},
                _rationale(estimates, corpus, row),
                errors,
            )
            for row in range(rows.start, rows.stop)
        ]


def estimate_from_answers(
    definition: BaselineDefinition,
    documents: Sequence[Document],
    aliases: Sequence[Alias],
    sections: Sequence[str],
    answers: Mapping[str, Mapping[str, float]],
) -> list[BaselineScore]:
    """An estimate for each document from a model's answers about some of them, in the order of their ids.

    `answers` has for these the number of each attribute. A ridge regression over the documents' vectors learns what the
    baseline's own index, which it takes on unpenalized but for a little, says too much or too little. An answered
    document gets what the answers about the others say of it, and `standard_errors` how far these lie from its own.
    """
    import numpy as np

    ordered = sorted(documents, key=lambda document: document.doc_id)
    with _one_thread():
        corpus = _Corpus.of(ordered, aliases, sections, definition.attributes)
        rows = [row for row, doc_id in enumerate(corpus.doc_ids) if doc_id in answers]
        weights = np.zeros(len(ordered))
        weights[rows] = 1.0
        found: list[dict[str, float]] = [{} for _ in ordered]
        errors = {}
        for attribute in definition.attributes:
            known = np.zeros(len(ordered))
            known[rows] = [answers[corpus.doc_ids[row]][attribute.key] for row in rows]
            index = _index(attribute, corpus).values * _INDEX_BEFORE_VECTORS
            vectors = index[:, None] if corpus.space is None else np.column_stack([corpus.space.vectors, index])
            fitted = ridge(vectors, known, weights, _PENALTY_OF_ANSWERS)
            left_out = fitted.left_out(vectors, known, weights)
            for row, value in enumerate(np.where(weights > 0, left_out, fitted.predict(vectors))):
                found[row][attribute.key] = _on_scale(value, attribute.scale)
            missed = [found[row][attribute.key] - known[row] for row in rows]
            errors[attribute.key] = float(np.sqrt(np.mean(np.square(missed))))
    return [
        BaselineScore(doc_id, found[row], _by_the_likest(corpus, rows, row, answers), errors)
        for row, doc_id in enumerate(corpus.doc_ids)
    ]


def _one_thread() -> AbstractContextManager[object]:
    """Linear algebra by one thread: its matrices are narrow, several wait for one another more than they help, and the
    last bit of a sum would hang on how many a machine has."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits


def _estimate(attribute: BaselineAttribute, corpus: _Corpus) -> _Estimate:
    index = _index(attribute, corpus)
    calibration = _calibrate(index.values, index.left_out, index.anchors, attribute)
    on_scale = [_on_scale(value, attribute.scale) for value in calibration.offset + calibration.slope * index.values]
    return _Estimate(attribute, on_scale, index.anchors, index.axis, index.words, calibration)


def _index(attribute: BaselineAttribute, corpus: _Corpus) -> _Index:
    import numpy as np

    anchors = [
        anchor for anchor in anchors_of(attribute.levels, corpus.named) if not corpus.tokens.is_empty(anchor.row)
    ]
    rows = [anchor.row for anchor in anchors]
    words = _weigh_words(attribute.words, corpus)
    learnt = _learn(words, corpus.space)
    axis = None if words and len(anchors) < _MIN_ANCHORS else _fit_axis(attribute, anchors, corpus.space)
    # Of words and what is learnt from them no example is a part: left out, they say of it what they say.
    parts = [(signal.values, signal.values[rows], 1.0) for signal in (words and words.signal, learnt) if signal]
    parts += [(axis.signal.values, axis.left_out, _AXIS_WEIGHT)] if axis else []
    if not parts:
        return _Index(np.zeros(len(corpus.doc_ids)), np.zeros(len(rows)), anchors, axis, words)
    values, left_outs, weights = zip(*parts, strict=True)
    return _Index(
        np.average(values, axis=0, weights=weights),
        np.average(left_outs, axis=0, weights=weights),
        anchors,
        axis,
        words,
    )


def _fit_axis(attribute: BaselineAttribute, anchors: Sequence[Anchor], space: TextSpace | None) -> _Axis | None:
    import numpy as np

    if space is None:
        return None
    level_vectors = space.project([tokens_of(level.description) for level in attribute.levels])
    vectors = np.vstack([space.vectors[[anchor.row for anchor in anchors]], level_vectors])
    values = np.array([anchor.value for anchor in anchors] + [level.middle for level in attribute.levels])
    weights = np.where(np.arange(len(values)) < len(anchors), 1.0, _LEVEL_TEXT_WEIGHT)
    weights[~vectors.any(axis=1)] = 0  # a text without a known word says nothing
    if len(set(values[weights > 0])) < 2:
        return None
    fitted = ridge(vectors, values, weights)
    signal = Signal.of(fitted.predict(space.vectors))
    if signal is None:
        return None
    left_out = fitted.left_out(vectors, values, weights)
    return _Axis(signal, signal.standardize(left_out[: len(anchors)]), fitted.coefficients)


def _weigh_words(lists: WordLists, corpus: _Corpus) -> _Words | None:
    import numpy as np

    if not lists.raises and not lists.lowers:
        return None
    balances = [
        WordBalance(ListedWords.of(lists.raises, part), ListedWords.of(lists.lowers, part)) for part in corpus.parts
    ]
    standardized = [(balance, signal) for balance in balances if (signal := Signal.of(balance.values)) is not None]
    if not standardized:
        return None
    signal = Signal.of(np.sum([one.values for _, one in standardized], axis=0))
    if signal is None:
        return None
    return _Words(signal, [(balance, one.deviation * signal.deviation) for balance, one in standardized])


def _learn(words: _Words | None, space: TextSpace | None) -> Signal | None:
    """What the vectors say of the words' balance: each document by a ridge regression over those of other folds.

    Words that no list names get a say by the listed ones that they stand beside, and a document that has few of the
    lists' words is judged by those that are like it. None where there are too few documents to learn from, or the
    vectors do not tell the balance.
    """
    import numpy as np

    if words is None or space is None or len(space.vectors) < _MIN_DOCUMENTS_TO_LEARN_FROM:
        return None
    fold = np.arange(len(space.vectors)) % _FOLDS
    learnt = np.zeros(len(fold))
    for number in range(_FOLDS):
        others = ridge(space.vectors, words.signal.values, np.where(fold == number, 0.0, 1.0))
        learnt[fold == number] = others.predict(space.vectors[fold == number])
    signal = Signal.of(learnt)
    if signal is None or float((signal.values * words.signal.values).mean()) < _MIN_CORRELATION_WITH_WORDS:
        return None
    return signal


def _calibrate(
    index: Floats, left_out: Floats, anchors: Sequence[Anchor], attribute: BaselineAttribute
) -> _Calibration:
    """The line from the index to the scale.

    Examples are chosen to cover the scale and are no sample of the documents, so the index is regressed on
    their values and the line turned round: index = c + d·value + noise gives, for documents whose index has
    mean m and variance V, value = (m − c)/d + (1 − noise²/V)/d · (index − m). The estimates never spread wider
    than the examples. Where the examples are too few, or d is within two standard errors of 0, a fifth of the
    scale is taken for a standard deviation.

    By the same line the values of documents have the variance (V − noise²)/d²; what of it a slope b leaves
    unexplained, and what it takes of the noise, is the square of an estimate's error:
    (1 − b·d)² · (V − noise²)/d² + b² · noise².
    """
    import numpy as np

    values = np.array([anchor.value for anchor in anchors])
    mean, variance = float(index.mean()), float(index.var())
    if len(values) >= _MIN_ANCHORS and len(set(values)) > 1 and variance > 0:
        per_value, constant = (float(one) for one in np.polyfit(values, left_out, 1))
        noise = float(((left_out - constant - per_value * values) ** 2).sum()) / (len(values) - 2)
        error = (noise / float(((values - values.mean()) ** 2).sum())) ** 0.5
        if per_value > _ERRORS_ABOVE_CHANCE * error and noise < variance:
            slope = min((1 - noise / variance) / per_value, float(values.std()) / variance**0.5)
            center = float(np.clip((mean - constant) / per_value, values.min(), values.max()))
            unexplained = (1 - slope * per_value) ** 2 * (variance - noise) / per_value**2
            return _Calibration(center - slope * mean, slope, (unexplained + slope**2 * noise) ** 0.5)
    center = sum(level.middle for level in attribute.levels) / len(attribute.levels)
    slope = (attribute.scale.high - attribute.scale.low) / _DEVIATIONS_ON_A_SCALE / (variance**0.5 or 1.0)
    return _Calibration(center - slope * mean, slope, None)


def _on_scale(value: float, scale: Scale) -> float:
    """Between listed values too, where a mean of samples would lie: rounded to so few, what is rolled up is lost."""
    decimals = _DECIMALS if scale.values is None else _DECIMALS_BETWEEN_VALUES
    return round(min(max(float(value), scale.low), scale.high), decimals)


def _rationale(estimates: Sequence[_Estimate], corpus: _Corpus, row: int) -> str:
    parts = ["Estimated from the words of the text, without a model."]
    if len(estimates) > _EXPLAINED_ONE_BY_ONE:
        return " ".join([*parts, *_outstanding(estimates, corpus, row)])
    for estimate in estimates:
        sentences = [_anchor_sentence(estimate, corpus, row), *_word_sentences(estimate, corpus, row)]
        if estimate.anchors and estimate.calibration.error is None:
            sentences.append(_ROUGH)
        heading = f"{estimate.attribute.title or estimate.attribute.key}: " if len(estimates) > 1 else ""
        parts.append(heading + " ".join(sentences))
    return " ".join(parts)


def _by_the_likest(corpus: _Corpus, rows: Sequence[int], row: int, answers: Mapping[str, Mapping[str, float]]) -> str:
    """Why an estimate from answers is what it is: the answered documents whose texts are most like this one's."""
    others = [other for other in rows if other != row]
    start = f"Estimated from a model's answers about {len(others)} other documents, by the words of the text."
    if corpus.space is None or not corpus.space.vectors[row].any():
        return start
    likeness = corpus.space.vectors[others] @ corpus.space.vectors[row]
    nearest = sorted(zip(-likeness, others, strict=True), key=lambda pair: (float(pair[0]), pair[1]))
    named = [(corpus.titles[other], answers[corpus.doc_ids[other]]) for _, other in nearest[:_NAMED_ANCHORS]]
    told = (f"{title} ({', '.join(f'{value:g}' for value in answer.values())})" for title, answer in named)
    return f"{start} Most like it: {' and '.join(told)}."


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
    if any(estimate.anchors and estimate.calibration.error is None for estimate in estimates):
        sentences.append(_ROUGH)
    return sentences


def _anchor_sentence(estimate: _Estimate, corpus: _Corpus, row: int) -> str:
    if not estimate.anchors:
        return _NO_EXAMPLES.format(_LEVELS_STAND_IN if estimate.words is None else _WORDS_ALONE)
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
    shown = corpus.tokens.row(row)
    return [form_in_text(word, shown) for word in raising], [form_in_text(word, shown) for word in lowering]
