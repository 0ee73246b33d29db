"""What is to be scored, which questions of it are open, and how each document stands afterwards."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property, partial
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Protocol

from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.prompts.model import SINGLE_ATTRIBUTE, AskedPrompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.registry import provider_of
from exposure_dagster.scoring.ledger import UNNAMED, KeyRecord, Ledger, Outcome, RequestKeys, Status
from exposure_dagster.scoring.notes import joined
from exposure_dagster.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document to be asked about; its text is fetched when it is needed."""

    doc_id: str
    title: str
    text_sha256: str


class TextSource(Protocol):
    """Where the texts of documents come from. Called away from the event loop, a portion at a time."""

    def texts(self, refs: Sequence[DocumentRef]) -> Mapping[str, str]:
        """Texts by `text_sha256`; all that are asked for, or an error."""


@dataclass(frozen=True)
class WarehouseTexts:
    """Texts from parsed.texts."""

    warehouse: Warehouse

    def texts(self, refs: Sequence[DocumentRef]) -> Mapping[str, str]:
        """Raises WarehouseError where a text was never stored."""
        wanted = sorted({ref.text_sha256 for ref in refs})
        found = dict(
            self.warehouse.rows(
                "SELECT text_sha256, text FROM parsed.texts WHERE text_sha256 IN (SELECT unnest(?))", [wanted]
            )
        )
        if len(found) < len(wanted):
            missing = next(ref for ref in refs if ref.text_sha256 not in found)
            raise WarehouseError(
                f"it holds no text of document {missing.doc_id} ({missing.text_sha256[:12]}…)",
                where=f"{self.warehouse.path}, parsed.texts",
                remedy="Materialize parsed/documents again.",
            )
        return found


TEXTS_AT_ONCE = 1000
"""Documents whose texts are in memory together."""


@dataclass(frozen=True)
class DocumentsInPortions:
    """Documents with their texts, which are read a portion at a time whenever they are gone through."""

    refs: Sequence[DocumentRef]
    texts: TextSource

    def __iter__(self) -> Iterator[Document]:
        for start in range(0, len(self.refs), TEXTS_AT_ONCE):
            portion = self.refs[start : start + TEXTS_AT_ONCE]
            texts = self.texts.texts(portion)
            for ref in portion:
                yield Document(ref.doc_id, ref.title, texts[ref.text_sha256])


@dataclass(frozen=True)
class HeldTexts:
    """Texts held in memory, by `text_sha256`."""

    by_sha256: Mapping[str, str]

    def texts(self, refs: Sequence[DocumentRef]) -> Mapping[str, str]:
        return {ref.text_sha256: self.by_sha256[ref.text_sha256] for ref in refs}


@dataclass(frozen=True)
class ScoringJob:
    """One prompt version and the documents it is asked about.

    `epoch` is raised to ask the same questions again on purpose (see `ledger.epoch_to_ask`). A rehearsal asks about
    some documents only, so that its end is not the end of an epoch. `weights` are what documents weigh in totals, by
    doc_id (jobs); only a prompt with `sampling` needs them.
    """

    run_id: str
    prompt: str
    asked: AskedPrompt
    documents: Sequence[DocumentRef]
    texts: TextSource
    epoch: int = 0
    is_rehearsal: bool = False
    keys: RequestKeys = UNNAMED
    weights: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def prompt_hash(self) -> str:
        return self.asked.prompt_hash

    @property
    def hashes(self) -> tuple[str, ...]:
        """Those under which the ledger holds answers to it (see `RequestKeys`)."""
        return self.keys.hashes(self.prompt_hash)

    def key_of(self, document: DocumentRef, sample: int) -> str:
        """The request key of a sample, which is numbered from 1."""
        return self.keys.of(self.prompt_hash, document.doc_id, document.text_sha256, sample, self.epoch)


def jobs_by_model(job: ScoringJob) -> list[ScoringJob]:
    """The job of each model that a prompt is asked of. The record of runs knows them by a number after the run's id."""
    return [
        replace(job, asked=asked, run_id=f"{job.run_id}#{place}" if place > 1 else job.run_id)
        for place, asked in enumerate(job.asked.by_model, start=1)
    ]


@dataclass(slots=True)
class Question:
    """A request key that has no answer yet. `attempts` are those in the ledger or on their way to it."""

    key: str
    document: DocumentRef
    sample: int
    attempts: int


def was_refused(job: ScoringJob, document: DocumentRef, records: Mapping[str, KeyRecord], samples: int) -> bool:
    """Whether one of so many samples of the document was refused."""
    found = (records.get(job.key_of(document, sample + 1)) for sample in range(samples))
    return any(record is not None and record.status is Status.REFUSED for record in found)


def samples_wanted(job: ScoringJob, outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many samples each document should have by what is answered so far, by doc_id.

    By the prompt's `sampling`; asked again with the new answers it may want more, until it wants none. Without one
    every document has the same number.
    """
    sampling = job.asked.sampling
    if sampling is None:
        return {document.doc_id: job.asked.samples for document in job.documents}
    from exposure_dagster.reliability.sampling import wanted_answers

    by_key = _by_key(job)
    numbers: dict[str, list[float]] = {document.doc_id: [] for document in job.documents}
    for outcome in outcomes:
        if outcome.status is Status.OK and outcome.request_key in by_key:
            numbers[by_key[outcome.request_key][0].doc_id].append(sampling.number(outcome.numbers))
    if not any(numbers.values()):
        return dict.fromkeys(numbers, sampling.min)
    weights = [job.weights.get(doc_id, 0.0) for doc_id in numbers] if job.weights else None
    wanted = wanted_answers(sampling.rule, list(numbers.values()), edges=sampling.edges, weights=weights)
    return dict(zip(numbers, map(int, wanted), strict=True))


def open_questions(
    job: ScoringJob, records: Mapping[str, KeyRecord], wanted: Mapping[str, int] | None = None
) -> list[Question]:
    """What is to be asked: samples in order, and in each the documents in the job's order.

    `wanted` is how many samples each document should have (`samples_wanted`), the prompt's number where it is left out.
    One of which a sample was refused is settled: nothing more is asked about it.
    Those that were asked about in vain come after those that were not: what one of them lacks, others do not wait for.
    Where a request holds several documents, each sample has them in an order of its own, the same every time: who
    stands beside whom, and where, is not the same in all of them.
    """
    most = job.asked.most_samples
    documents = [document for document in job.documents if not was_refused(job, document, records, most)]
    questions = []
    for sample in range(1, most + 1):
        of_sample = []
        if job.asked.documents_per_request > 1:
            random.Random(f"{job.prompt_hash} {sample} {job.epoch}").shuffle(documents)
        for document in documents:
            if sample > (job.asked.samples if wanted is None else wanted[document.doc_id]):
                continue
            key = job.key_of(document, sample)
            record = records.get(key)
            if record is None or not record.is_settled:
                of_sample.append(Question(key, document, sample, record.attempts if record else 0))
        questions += sorted(of_sample, key=lambda question: question.attempts)
    return questions


def questions_now(job: ScoringJob, ledger: Ledger) -> list[Question]:
    """What is to be asked by what the ledger holds."""
    wanted = samples_wanted(job, () if job.asked.sampling is None else ledger.outcomes(job.hashes, job.epoch))
    return open_questions(job, ledger.records(job.hashes, job.epoch), wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a document stands. `score` is the mean of the samples; null where several attributes are asked for.

    `score_sd` and `attributes_sd` are the standard deviations of the samples; null below two.
    `status` is ok, refused or failed; `note` says what a reader should know, as that the text was cut.
    """

    doc_id: str
    text_sha256: str
    status: Status
    score: float | None = None
    attributes: Mapping[str, float] | None = None
    rationale: str | None = None
    model: str | None = None
    samples: int = 0
    score_sd: float | None = None
    attributes_sd: Mapping[str, float] | None = None
    scored_at: datetime | None = None
    error: str | None = None
    note: str | None = None


def standings(job: ScoringJob, outcomes: Iterable[Outcome]) -> list[Standing]:
    """How every document of the job stands, by what the ledger holds of its samples."""
    by_key = _by_key(job)
    by_document: dict[DocumentRef, list[tuple[int, Outcome]]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.request_key in by_key:
            document, sample = by_key[outcome.request_key]
            by_document[document].append((sample, outcome))
    return [_current_answer(job, document, by_document[document]) for document in job.documents]


def _by_key(job: ScoringJob) -> dict[str, tuple[DocumentRef, int]]:
    """Document and sample by request key."""
    return {
        job.key_of(document, sample): (document, sample)
        for document in job.documents
        for sample in range(1, job.asked.most_samples + 1)
    }


def _current_answer(job: ScoringJob, document: DocumentRef, samples: Sequence[tuple[int, Outcome]]) -> Standing:
    """By the answers that every document is to have; what more was asked for of this one adds to them, and takes away
    nothing."""
    first = [outcome for sample, outcome in samples if sample <= job.asked.samples]
    further = [outcome for sample, outcome in samples if sample > job.asked.samples and outcome.status is Status.OK]
    outcomes = [*first, *further]
    stands = partial(
        Standing,
        doc_id=document.doc_id,
        text_sha256=document.text_sha256,
        model=job.asked.model,
        note=next((outcome.note for outcome in outcomes if outcome.note), None),
    )
    for status in (Status.REFUSED, Status.FAILED):
        bad = next((outcome for outcome in first if outcome.status is status), None)
        if bad is not None:
            return stands(status=status, error=bad.error)
    if len(first) < job.asked.samples:
        return stands(status=Status.FAILED, error="it was not asked about")
    means = {
        attribute.key: fmean(outcome.numbers[attribute.key] for outcome in outcomes)
        for attribute in job.asked.attributes
    }
    typical = min(outcomes, key=lambda outcome: sum(abs(outcome.numbers[key] - mean) for key, mean in means.items()))
    is_single = job.asked.has_single_number
    deviations = (
        {key: stdev(outcome.numbers[key] for outcome in outcomes) for key in means} if len(outcomes) > 1 else None
    )
    return stands(
        status=Status.OK,
        score=means[SINGLE_ATTRIBUTE] if is_single else None,
        attributes=None if is_single else means,
        rationale=typical.rationale,
        samples=len(outcomes),
        score_sd=deviations[SINGLE_ATTRIBUTE] if is_single and deviations else None,
        attributes_sd=None if is_single else deviations,
        scored_at=max(outcome.created_at for outcome in outcomes),
    )


def together(standings: Sequence[Standing]) -> Standing:
    """How a document stands with all the models that were asked, by how it stands with each.

    The score is the mean of the models' means, `score_sd` the standard deviation of all answers: samples and models are
    two dimensions of one thing. A model that refused is left out, and named in the note; with one that failed the
    document has failed, since it is asked again.
    """
    first = standings[0]
    if len(standings) == 1:
        return first
    names = ", ".join(one.model or "" for one in standings)
    answered = [one for one in standings if one.status is Status.OK]
    failed = next((one for one in standings if one.status is Status.FAILED), None)
    if failed is not None or not answered:
        bad = failed or first
        return replace(bad, model=names, error=f"{bad.model}: {bad.error}")
    keys = answered[0].attributes or {}
    attributes = {key: fmean((one.attributes or {})[key] for one in answered) for key in keys} or None
    score = None if answered[0].score is None else fmean(one.score or 0.0 for one in answered)
    typical = min(answered, key=lambda one: _distance(one, score, attributes))
    refusals = ", ".join(one.model or "" for one in standings if one.status is Status.REFUSED)
    return replace(
        typical,
        score=score,
        attributes=attributes,
        model=names,
        samples=sum(one.samples for one in answered),
        score_sd=None
        if score is None
        else _spread([(one.samples, one.score or 0.0, one.score_sd or 0.0) for one in answered]),
        attributes_sd=_spreads(answered, keys) if attributes else None,
        scored_at=max((one.scored_at for one in answered if one.scored_at), default=None),
        note=joined(
            next((one.note for one in standings if one.note), None), f"{refusals} refused" if refusals else None
        ),
    )


def _distance(one: Standing, score: float | None, attributes: Mapping[str, float] | None) -> float:
    if score is not None:
        return abs((one.score or 0.0) - score)
    return sum(abs((one.attributes or {})[key] - mean) for key, mean in (attributes or {}).items())


def _spread(parts: Sequence[tuple[int, float, float]]) -> float | None:
    """The standard deviation of all answers, from the number, mean and standard deviation of each model's."""
    count = sum(samples for samples, _, _ in parts)
    if count < 2:
        return None
    mean = sum(samples * score for samples, score, _ in parts) / count
    squares = sum((samples - 1) * sd**2 + samples * (score - mean) ** 2 for samples, score, sd in parts)
    return float((squares / (count - 1)) ** 0.5)


def _spreads(answered: Sequence[Standing], keys: Iterable[str]) -> dict[str, float] | None:
    """The same by attribute."""
    found = {
        key: _spread(
            [(one.samples, (one.attributes or {})[key], (one.attributes_sd or {}).get(key, 0.0)) for one in answered]
        )
        for key in keys
    }
    return {key: value for key, value in found.items() if value is not None} or None


def scores_frame(job: ScoringJob, rows: Sequence[Standing]) -> pd.DataFrame:
    """Rows of scored.scores, without `input_hash`, which belongs to who collected the inputs.

    The scorer is the provider's family, however its model was asked.
    """
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(Standing)}
    columns["status"] = [row.status.value for row in rows]
    for name in ("attributes", "attributes_sd"):
        columns[name] = [None if values is None else json.dumps(dict(values)) for values in columns[name]]
    import pandas as pd

    scorer = " and ".join(sorted({provider_of(one.model).family for one in job.asked.by_model}))
    return pd.DataFrame(columns).assign(prompt=job.prompt, prompt_hash=job.prompt_hash, scorer=scorer)
