"""What a prompt file may hold, and its hashes.

A prompt has three parts that are kept apart, because they go stale apart: what the model sees
(`AskedPrompt`, prompt_hash), how answers are ranked and shown (`RankingDefinition`, ranking_hash),
and what the baseline works from (`BaselineDefinition`, baseline_hash).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.main import IncEx
from pydantic_core import PydanticCustomError

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora import OF_PARTS, SECTIONS, WITH_SIGNALS
from exposure_dagster.prompts.formula import ResilienceFormula, TaskRollup
from exposure_dagster.reliability.sampling_rule import SamplingRule, SamplingTarget

Effort = Literal["low", "medium", "high", "xhigh", "max"]

SINGLE_ATTRIBUTE = "score"
"""Key of the one attribute of a prompt that asks for a single number."""

RESERVED_KEYS = frozenset({"id", "title", "rationale"})
"""What an answer holds beside its numbers; no attribute may bear such a key."""

MAX_ALLOWED_VALUES = 101

MAX_MODELS = 10

MAX_SAMPLES = 50

MAX_VARIANTS = 5

_NUMBERED = re.compile(r"a([1-9]|10)")


def _one_line(text: str) -> str:
    collapsed = " ".join(text.split())
    if not collapsed:
        raise ValueError("must not be empty")
    return collapsed


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise ValueError("must be lower-case letters, digits and underscores, beginning with a letter")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Identifier = Annotated[str, AfterValidator(_identifier)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scale(_Strict):
    """Allowed answers: all integers from `min` to `max`, or the numbers in `values`."""

    min: int | None = None
    max: int | None = None
    values: tuple[FiniteFloat, ...] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.values is not None:
            if self.min is not None or self.max is not None:
                raise ValueError("give either min and max, or values")
            if len(set(self.values)) < 2 or len(set(self.values)) != len(self.values):
                raise ValueError("values needs at least two different numbers")
        elif self.min is None or self.max is None:
            raise ValueError("needs min and max, or values")
        elif not self.min < self.max or self.max - self.min >= MAX_ALLOWED_VALUES:
            raise ValueError(f"min must lie below max, by less than {MAX_ALLOWED_VALUES}")
        return self

    @property
    def allowed(self) -> tuple[float, ...]:
        """Every allowed answer, ascending."""
        if self.values is not None:
            return tuple(sorted(self.values))
        assert self.min is not None and self.max is not None
        return tuple(float(value) for value in range(self.min, self.max + 1))

    @property
    def is_integer(self) -> bool:
        return all(value.is_integer() for value in self.allowed)

    @property
    def low(self) -> float:
        return self.allowed[0]

    @property
    def high(self) -> float:
        return self.allowed[-1]

    def nearest(self, value: float) -> float:
        """The allowed answer nearest to a number; halves go up."""
        return max(self.allowed, key=lambda allowed: (-abs(allowed - value), allowed))


class Level(_Strict):
    """A stretch of the scale with its meaning. `label` is for people; the model sees the rest."""

    label: Line
    range: tuple[FiniteFloat, FiniteFloat]
    description: Line
    examples: tuple[Line, ...] = ()

    @property
    def middle(self) -> float:
        return (self.range[0] + self.range[1]) / 2


class WordLists(_Strict):
    """Words that speak for a high or a low answer; only the baseline reads them."""

    raises: tuple[Line, ...] = ()
    lowers: tuple[Line, ...] = ()


class Attribute(_Strict):
    """One number that a prompt asks for. `title` is for people; the model sees the rest."""

    key: Identifier
    title: Line
    question: Line
    scale: Scale
    levels: tuple[Level, ...] = Field(min_length=1)
    baseline: WordLists = WordLists()

    @model_validator(mode="after")
    def _levels_lie_on_the_scale(self) -> Self:
        _check_ranges("levels", [level.range for level in self.levels], self.scale)
        return self


class Tier(_Strict):
    """A named stretch of the scale, for rankings and legends."""

    label: Line
    range: tuple[FiniteFloat, FiniteFloat]


class Probe(_Strict):
    """A document, by a title of its own, and where it should score; never sent as an example."""

    document: Line
    range: tuple[FiniteFloat, FiniteFloat]
    attribute: Identifier | None = None


class QuadrantLabels(_Strict):
    """Names of the four quadrants: both attributes high, one of them alone, or neither."""

    both: Line
    x_only: Line
    y_only: Line
    neither: Line

    @property
    def in_order(self) -> tuple[str, str, str, str]:
        return (self.both, self.x_only, self.y_only, self.neither)


class Quadrants(_Strict):
    """Two attributes that divide the documents into four. A value at or above its cut-off is high."""

    x: Identifier
    y: Identifier
    x_cut_off: FiniteFloat = 5.0
    y_cut_off: FiniteFloat = 5.0
    labels: QuadrantLabels

    @model_validator(mode="after")
    def _tells_four_apart(self) -> Self:
        if self.x == self.y:
            raise _wrong("x and y must be different attributes", "y")
        if len(set(self.labels.in_order)) < 4:
            raise _wrong("must be four different names", "labels")
        return self


class Ranking(_Strict):
    """How answers become one ranked number: by a weighted mean of attributes, or by a declared formula.

    `resilience` is the formula of ranked.resilience, `rollup` the weights by which scores of tasks become
    those of occupations.
    """

    weights: dict[Identifier, Annotated[FiniteFloat, Field(ge=0)]] | None = None
    quadrants: Quadrants | None = None
    resilience: ResilienceFormula | None = None
    rollup: TaskRollup | None = None


def _wrong(message: str, *path: str | int) -> PydanticCustomError:
    """An error that belongs to a place below the validated object; pydantic by itself names the object only."""
    return PydanticCustomError("wrong", "{message}", {"message": message, "path": path})


def _check_ranges(what: str, ranges: list[tuple[float, float]], scale: Scale) -> None:
    previous_end: float | None = None
    for index, (start, end) in sorted(enumerate(ranges), key=lambda numbered: numbered[1]):
        place = (what, index, "range")
        if start > end:
            raise _wrong(f"[{start:g}, {end:g}] begins above its end", *place)
        if start < scale.low or end > scale.high:
            raise _wrong(f"[{start:g}, {end:g}] leaves the scale, {scale.low:g} to {scale.high:g}", *place)
        if previous_end is not None and start <= previous_end:
            raise _wrong(f"[{start:g}, {end:g}] overlaps another range; both ends belong to a range", *place)
        previous_end = end


def _check_quadrants(quadrants: Quadrants, attributes: tuple[Attribute, ...] | None) -> None:
    place = ("ranking", "quadrants")
    if attributes is None:
        raise _wrong("needs attributes to divide by", *place)
    by_key = {attribute.key: attribute for attribute in attributes}
    for axis, key, cut_off in (("x", quadrants.x, quadrants.x_cut_off), ("y", quadrants.y, quadrants.y_cut_off)):
        if key not in by_key:
            raise _wrong(f"no attribute has the key {key}", *place, axis)
        scale = by_key[key].scale
        if not scale.low < cut_off <= scale.high:
            what = f"{cut_off:g} divides nothing: it must lie above {scale.low:g} and not above {scale.high:g}"
            raise _wrong(what, *place, f"{axis}_cut_off")


def _check_formula(formula: ResilienceFormula, corpus: str, attributes: tuple[Attribute, ...] | None) -> None:
    place = ("ranking", "resilience")
    if corpus not in WITH_SIGNALS:
        raise _wrong(f"needs corpus {' or '.join(WITH_SIGNALS)}, of which growth and openings are known", *place)
    if attributes is None:
        raise _wrong("needs attributes to make the score of", *place)
    keys = {attribute.key for attribute in attributes}
    apart = sorted(keys.symmetric_difference(formula.attributes))
    if apart:
        raise _wrong(f"its weights and the attributes of the prompt differ in {', '.join(apart)}", *place)
    odd = sorted(key for key in keys if not _NUMBERED.fullmatch(key))
    if odd:
        raise _wrong(f"its attributes are columns a1 to a10 of ranked.resilience; rename {', '.join(odd)}", *place)
    scale = attributes[0].scale
    if formula.scale != (scale.low, scale.high):
        what = f"is not the scale of the attributes, {scale.low:g} to {scale.high:g}"
        raise _wrong(what, *place, "scale")


class Variant(_Strict):
    """The same question, put in another way: to see how much of a score lies in the wording, the model or the effort.

    What it does not say is as the prompt has it. Its answers make no part of the score.
    """

    name: Identifier
    instruction: str | None = None
    model: Line | None = None
    effort: Effort | None = None

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if self.instruction is None and self.model is None and self.effort is None:
            raise _wrong("differs in nothing: give it an instruction, a model or an effort", "name")
        if self.instruction is not None and not self.instruction.strip():
            raise _wrong("is empty", "instruction")
        return self


class Sampling(_Strict):
    """How many answers each document gets, between `min` and `max`: as its tier, or the totals, need them."""

    min: int = Field(ge=2, le=MAX_SAMPLES)
    max: int = Field(ge=2, le=MAX_SAMPLES)
    target: SamplingTarget

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.min >= self.max:
            raise _wrong(f"must lie above min, {self.min}; as many for each document are `samples: {self.min}`", "max")
        return self


class PromptFile(_Strict):
    """The front matter and the instruction of a prompt file, checked.

    A prompt asks for one number (`scale`, `levels`, optional `baseline`) or for several (`attributes`).
    """

    title: Line
    description: Line | None = None
    corpus: Identifier
    include: tuple[Identifier, ...] = ()
    enabled: bool = True
    model: Line | None = None
    models: tuple[Line, ...] | None = Field(None, min_length=2, max_length=MAX_MODELS)
    effort: Effort | None = None
    samples: int = Field(1, ge=1, le=MAX_SAMPLES)
    sampling: Sampling | None = None
    documents_per_request: int = Field(1, ge=1, le=50)
    scale: Scale | None = None
    levels: tuple[Level, ...] | None = None
    baseline: WordLists | None = None
    attributes: tuple[Attribute, ...] | None = None
    tiers: tuple[Tier, ...] = ()
    ranking: Ranking = Ranking()
    probes: tuple[Probe, ...] = ()
    variants: tuple[Variant, ...] = Field((), max_length=MAX_VARIANTS)
    instruction: str

    @model_validator(mode="after")
    def _is_asked_of_one_model_or_several(self) -> Self:
        if (self.model is None) == (self.models is None):
            what = "give one of both, model or models" if self.model else "missing; a prompt names its model, or models"
            raise _wrong(what, "model")
        if self.models is not None and len(set(self.models)) < len(self.models):
            raise _wrong("names a model twice", "models")
        return self

    @property
    def asked_models(self) -> tuple[str, ...]:
        """The models that are asked, in the order of the file."""
        return self.models or (self.model or "",)

    @model_validator(mode="after")
    def _asks_for_one_number_or_several(self) -> Self:
        if not self.instruction.strip():
            raise _wrong("the text below the front matter is empty", "instruction")
        if self.attributes is None:
            if self.scale is None or not self.levels:
                missing = "scale" if self.scale is None else "levels"
                raise _wrong("missing; a prompt has scale and levels, or attributes", missing)
            _check_ranges("levels", [level.range for level in self.levels], self.scale)
            if self.ranking.weights is not None:
                raise _wrong("needs attributes to weigh", "ranking", "weights")
        else:
            if self.scale is not None or self.levels is not None or self.baseline is not None:
                raise ValueError("give scale, levels and baseline at each attribute, or no attributes")
            keys = [attribute.key for attribute in self.attributes]
            if len(keys) < 2 or len(set(keys)) != len(keys):
                raise _wrong("needs at least two attributes, with different keys", "attributes")
            for index, key in enumerate(keys):
                if key in RESERVED_KEYS:
                    raise _wrong(f"`{key}` is a part of every answer; choose another key", "attributes", index, "key")
            if len({attribute.scale for attribute in self.attributes}) > 1:
                raise _wrong("must share one scale, or they cannot be combined", "attributes")
            unknown = set(self.ranking.weights or {}) - set(keys)
            if unknown:
                raise _wrong(f"no attribute has the key {', '.join(sorted(unknown))}", "ranking", "weights")
            if self.ranking.weights is not None and not sum(self.ranking.weights.values()) > 0:
                raise _wrong("must not all be 0", "ranking", "weights")
        _check_ranges("tiers", [tier.range for tier in self.tiers], self.numbers[0].scale)
        return self

    @model_validator(mode="after")
    def _includes_what_its_corpus_has(self) -> Self:
        allowed = SECTIONS.get(self.corpus, ())
        for place, name in enumerate(self.include):
            if name not in allowed:
                known = f"which has {', '.join(allowed)}" if allowed else "which has nothing to include"
                raise _wrong(f"unknown section {name} of corpus {self.corpus}, {known}", "include", place)
            if name in self.include[:place]:
                raise _wrong(f"{name} is there twice", "include", place)
        return self

    @model_validator(mode="after")
    def _ranking_fits(self) -> Self:
        ranking = self.ranking
        if ranking.quadrants is not None:
            _check_quadrants(ranking.quadrants, self.attributes)
        if ranking.resilience is not None:
            if ranking.weights is not None:
                raise _wrong("give either weights or resilience, which has weights of its own", "ranking", "weights")
            _check_formula(ranking.resilience, self.corpus, self.attributes)
        if ranking.rollup is not None:
            if self.corpus not in OF_PARTS:
                raise _wrong(f"needs corpus {' or '.join(OF_PARTS)}, whose tasks it rolls up", "ranking", "rollup")
            if self.attributes is not None and ranking.weights is None:
                raise _wrong("needs a prompt of one number, or weights that make one of several", "ranking", "rollup")
        return self

    @model_validator(mode="after")
    def _samples_are_counted_one_way(self) -> Self:
        if self.sampling is not None:
            if "samples" in self.model_fields_set:
                raise _wrong("give one of both, samples or sampling", "sampling")
            if self.sampling.target is SamplingTarget.TIERS and len(self.tiers) < 2:
                raise _wrong("needs two tiers or more, to tell them apart", "sampling", "target")
        return self

    @model_validator(mode="after")
    def _variants_have_names_of_their_own(self) -> Self:
        names = [variant.name for variant in self.variants]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise _wrong(f"{name} is there twice", "variants", place, "name")
        return self

    @model_validator(mode="after")
    def _probes_are_no_examples(self) -> Self:
        examples = {example.casefold() for one in self.numbers for level in one.levels for example in level.examples}
        keys = [one.key for one in self.numbers]
        scale = self.numbers[0].scale
        for place, probe in enumerate(self.probes):
            where = ("probes", place)
            if probe.document.casefold() in examples:
                raise _wrong(f"{probe.document} is an example: the model is told where it belongs", *where, "document")
            _check_ranges("probes", [probe.range], scale)
            if self.attributes is None and probe.attribute is not None:
                raise _wrong("the prompt asks for one number: leave it out", *where, "attribute")
            if self.attributes is not None and probe.attribute not in keys:
                raise _wrong(f"needs the key of an attribute: {', '.join(keys)}", *where, "attribute")
        return self

    @property
    def numbers(self) -> tuple[Attribute, ...]:
        """The attributes; the single number of a prompt without any is an attribute named `score`."""
        if self.attributes is not None:
            return self.attributes
        assert self.scale is not None and self.levels is not None
        return (
            Attribute(
                key=SINGLE_ATTRIBUTE,
                title=self.title,
                question=self.title,
                scale=self.scale,
                levels=self.levels,
                baseline=self.baseline or WordLists(),
            ),
        )


class AskedAttribute(_Strict):
    """An attribute as the answer's schema knows it."""

    key: Identifier
    allowed: tuple[float, ...]


class AskedSampling(_Strict):
    """Of which document another answer is asked for: at least `min` and at most `max` each.

    One number is made of an answer by `weights`, of attributes; for tiers, `edges` are where two of them meet.
    """

    min: int
    max: int
    target: SamplingTarget
    weights: dict[Identifier, float]
    edges: tuple[float, ...] = ()

    @property
    def rule(self) -> SamplingRule:
        return SamplingRule(self.min, self.max, self.target)

    def number(self, attributes: Mapping[str, float]) -> float:
        """The one number of an answer: the mean of its attributes by their weights."""
        return sum(weight * attributes[key] for key, weight in self.weights.items()) / sum(self.weights.values())


class AskedPrompt(_Strict):
    """All that reaches the model and decides its answer: the snapshot that scoring reads.

    Stored as `scored.prompt_versions.definition`. `system` is the whole of the system block as sent;
    `answer_schema` the JSON schema that the answer must fit; `include` the sections of the corpus that are part of each
    document, in the order of the corpus. A prompt that includes none has the hash that it had before there were any.
    How many `samples` are taken is no part of the hash, nor is `sampling`, by which some documents get more than these:
    more of them are more answers to the same question.
    """

    system: str
    attributes: tuple[AskedAttribute, ...]
    answer_schema: dict[str, Any]
    document_format: str
    model: str
    effort: Effort | None
    samples: int
    documents_per_request: int
    include: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Of a prompt that several models are asked, all of them; `model` is the first then."""
    variants: tuple[AskedVariant, ...] = ()
    """The same question put in other ways. They are no part of the hash: each has its own."""
    sampling: AskedSampling | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A prompt without what there was not always has the hash that it had before."""
        fields: dict[str, Any] = serialize(self)
        added_later = ("include", "models", "variants", "sampling")
        return {name: value for name, value in fields.items() if name not in added_later or value}

    @property
    def prompt_hash(self) -> str:
        return self._hash_of(1)

    @property
    def earlier_hashes(self) -> frozenset[str]:
        """The hashes that this version had while the number of samples was part of it, whatever that was."""
        return frozenset(self._hash_of(samples) for samples in range(2, MAX_SAMPLES + 1))

    def _hash_of(self, samples: int) -> str:
        return content_hash({**self.model_dump(mode="json", exclude={"variants", "sampling"}), "samples": samples})

    @property
    def most_samples(self) -> int:
        """Answers that a document has at most."""
        return self.samples if self.sampling is None else self.sampling.max

    @property
    def by_model(self) -> tuple[AskedPrompt, ...]:
        """What each model is asked: a prompt version of its own, so that a further model asks no other again."""
        if not self.models:
            return (self.model_copy(update={"variants": ()}),) if self.variants else (self,)
        return tuple(self.model_copy(update={"model": model, "models": (), "variants": ()}) for model in self.models)

    @property
    def questions(self) -> dict[str, AskedPrompt]:
        """All that is asked, of whom: by model, and by model and variant."""
        found = {one.model: one for one in self.by_model}
        for variant in self.variants:
            found |= {f"{one.model}, {variant.name}": one for one in variant.asked.by_model}
        return found

    @property
    def model_names(self) -> str:
        """The models as people read them."""
        return ", ".join(self.models or (self.model,))

    @property
    def has_single_number(self) -> bool:
        return len(self.attributes) == 1 and self.attributes[0].key == SINGLE_ATTRIBUTE


class AskedVariant(_Strict):
    """A variant, and what it asks."""

    name: Identifier
    asked: AskedPrompt


class RankedAttribute(_Strict):
    key: Identifier
    title: str
    level_labels: tuple[tuple[str, tuple[float, float]], ...]
    weight: float


class RankingDefinition(_Strict):
    """How a prompt's answers are ranked and shown. Stored as `ranked.definitions.definition`."""

    title: str
    description: str | None
    scale_low: float
    scale_high: float
    attributes: tuple[RankedAttribute, ...]
    tiers: tuple[Tier, ...]
    quadrants: Quadrants | None = None
    resilience: ResilienceFormula | None = None
    rollup: TaskRollup | None = None
    probes: tuple[Probe, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A definition without probes has the hash that it had before there were any."""
        fields: dict[str, Any] = serialize(self)
        return {name: value for name, value in fields.items() if name != "probes" or value}

    @property
    def ranking_hash(self) -> str:
        return content_hash(self.model_dump(mode="json"))


class BaselineAttribute(_Strict):
    """An attribute as the baseline reads it; its title, like the levels' labels, is for people."""

    key: Identifier
    title: str = ""
    scale: Scale
    levels: tuple[Level, ...]
    words: WordLists


class BaselineDefinition(_Strict):
    """What the baseline works from. Stored as `scored.prompts.baseline_definition`."""

    attributes: tuple[BaselineAttribute, ...]

    @property
    def baseline_hash(self) -> str:
        labels: IncEx = {"__all__": {"label"}}
        shown: dict[str, IncEx | bool] = {"title": True, "levels": labels}
        return content_hash(self.model_dump(mode="json", exclude={"attributes": {"__all__": shown}}))


class Prompt(_Strict):
    """A checked prompt file under its name, with its three parts."""

    name: str
    source: str
    file: PromptFile
    asked: AskedPrompt
    ranking: RankingDefinition
    baseline: BaselineDefinition
