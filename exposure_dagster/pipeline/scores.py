"""Standing answers: asked for, counted, recorded."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.pipeline.baseline import score_with_baseline
from exposure_dagster.pipeline.distilling import Distilled, chances_of
from exposure_dagster.pipeline.distilling import distil as estimate_the_others
from exposure_dagster.pipeline.documents import jobs_of
from exposure_dagster.pipeline.inputs import ScorerChoice, scorer_for
from exposure_dagster.pipeline.prompts import stored_prompt
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.scoring.context import WITH_A_SERVER_OF_ONES_OWN, Limits
from exposure_dagster.scoring.estimate import OpenDocuments, estimate
from exposure_dagster.scoring.job import (
    DocumentRef,
    DocumentsInPortions,
    Question,
    ScoringJob,
    Standing,
    WarehouseTexts,
    jobs_by_model,
    questions_now,
    scores_frame,
    together,
)
from exposure_dagster.scoring.ledger import Ledger
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.scoring.notes import Cuts, cuts
from exposure_dagster.scoring.tally import RunFigures, all_figures
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse, replace_rows
from exposure_dagster.tables import SCORES, VARIANTS

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.scoring.run import Batching, ScoringResult


@dataclass(frozen=True)
class ModelMeans:
    """What asking a model takes: how it is reached, what it costs, and the limits.

    `is_asked_again`: every question is asked anew, whatever the ledger holds.
    """

    prices: PriceTable
    limits: Limits
    batching: Batching | None = None
    is_asked_again: bool = False

    def limits_of(self, model: str) -> Limits:
        """The limits where this model is asked: a server of one's own may be slow to wake, and slow."""
        if self.prices.endpoints.of(model).is_own:
            return self.limits
        return replace(self.limits, patience=WITH_A_SERVER_OF_ONES_OWN)


@dataclass(frozen=True)
class Answers:
    """The numbers that stand for one attribute, a document each (NaN without an answer), and the ends of its scale."""

    attribute: str
    values: pd.Series
    low: float
    high: float


@dataclass(frozen=True)
class ScoreReport:
    """How a prompt's partition stands after a run. `figures` are what the scorer measured, by name."""

    scorer: str
    documents: int
    is_complete: bool
    answers: tuple[Answers, ...]
    figures: Mapping[str, int | float | str]
    note: str | None = None


def score_prompt(
    warehouse: Warehouse,
    name: str,
    *,
    choice: ScorerChoice,
    means: ModelMeans,
    run_id: str,
    distil: int = 0,
    progress: Progress = NO_PROGRESS,
) -> ScoreReport:
    """Bring scored.scores of one prompt up to date with scored.inputs.

    With `distil` a model is asked about so many documents, and the others are estimated from its answers.
    """
    from exposure_dagster.publishing.content import BASELINE_NOTE

    _refuse_to_ask_nothing(warehouse, name)
    note = None
    figures: dict[str, int | float | str] = {}
    prompt = stored_prompt(warehouse, name)
    match scorer_for(warehouse, prompt, choice):
        case ScorerName.BASELINE:
            figures["documents scored now"] = score_with_baseline(warehouse, name, run_id=run_id)
            note = BASELINE_NOTE
        case _ if choice.of(prompt.asked).name is ScorerName.BASELINE:
            note = (
                f"{name}: a model's answers stand and there is no key to ask it again; they are left as they are. Set "
                f"{choice.endpoints.of(prompt.asked.model).provider.key_variable}, or EXPOSURE_SCORER=baseline to "
                "replace them."
            )
        case _:
            done, estimated_usd, distilled = score_with_model(
                warehouse, name, means=means, run_id=run_id, distil=distil, progress=progress
            )
            cut = cut_documents(warehouse, name)
            figures = _shown(done, estimated_usd)
            figures |= {"documents cut": cut.documents, "characters left out": cut.left_out}
            note = _what_failed(warehouse, name, done.commonest_error)
            if distilled is not None:
                figures |= distilled.figures
                note = "; ".join(filter(None, (note, f"{name}: {distilled}")))
    return _report(warehouse, name, figures, note)


def score_with_model(
    warehouse: Warehouse,
    name: str,
    *,
    means: ModelMeans,
    run_id: str,
    distil: int = 0,
    progress: Progress = NO_PROGRESS,
) -> tuple[RunFigures, float, Distilled | None]:
    """Ask the model what is not answered yet, and put every document's standing into scored.scores.

    Returns what the run did, what it had been estimated to cost, in USD, and with `distil` what was estimated of the
    documents that the model was not asked about. Raises ScoringError where
    asking had to end early; then what stood goes on standing, and what was answered is in the ledger.
    """
    import pandas as pd

    from exposure_dagster.pipeline.history import keep_version

    with warehouse.snapshot() as now:
        prompt = stored_prompt(now, name)
        inputs = now.read(
            "SELECT i.doc_id, i.text_sha256, i.input_hash, i.prompt_hash, coalesce(d.title, i.doc_id) AS title"
            " FROM scored.inputs i LEFT JOIN parsed.documents d ON d.corpus = ? AND d.doc_id = i.doc_id"
            " WHERE i.prompt = ? ORDER BY i.doc_id",
            [prompt.corpus, name],
        )
        asked = _asked_of(now, name, inputs["prompt_hash"].iloc[0]) if len(inputs) else prompt.asked
        chances = chances_of(now, name, prompt.corpus, distil) if distil else {}
        jobs_by_document = jobs_of(now, prompt.corpus) if asked.sampling is not None else {}
    job = ScoringJob(
        run_id=run_id,
        prompt=name,
        asked=asked,
        documents=[
            DocumentRef(*row) for row in inputs[["doc_id", "title", "text_sha256"]].itertuples(index=False, name=None)
        ],
        texts=WarehouseTexts(warehouse),
        weights={doc_id: jobs for doc_id, jobs in jobs_by_document.items() if jobs is not None},
    )
    ledger = open_ledger(warehouse)
    jobs = in_their_epochs(jobs_by_model(job), ledger, is_asked_again=means.is_asked_again)
    if distil:
        job, jobs = _about_few(job, jobs, chances, ledger, means.prices)
    variants = {} if distil else _variant_jobs(job, ledger, is_asked_again=means.is_asked_again)
    every = [*jobs, *(one for of_variant in variants.values() for one in of_variant)]
    estimated_usd = sum(_estimated_usd(warehouse, one, means.prices) for one in every)
    standing, figures = ask_models(every, warehouse=warehouse, means=means, progress=progress)
    found = standing_together(standing[: len(jobs)])
    besides = _variants_frame(job, variants, standing[len(jobs) :])
    frame = scores_frame(job, found).merge(inputs[["doc_id", "input_hash"]], on="doc_id")
    distilled = None
    if len(frame) < len(inputs):
        distilled = estimate_the_others(warehouse, prompt, frame, chances, inputs)
        frame = pd.concat([frame, distilled.rows], ignore_index=True)

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        _refuse_to_lose_all(connection, name, frame)
        replace_rows(connection, SCORES, frame, where={"prompt": name})
        if not distil:
            replace_rows(connection, VARIANTS, besides, where={"prompt": name})
        keep_version(connection, name)

    warehouse.transact(write)
    return figures, estimated_usd, distilled


def _variant_jobs(job: ScoringJob, ledger: Ledger, *, is_asked_again: bool) -> dict[str, list[ScoringJob]]:
    """By variant, the job of each model that it is asked of."""
    return {
        variant.name: in_their_epochs(
            jobs_by_model(replace(job, asked=variant.asked, run_id=f"{job.run_id}#{variant.name}")),
            ledger,
            is_asked_again=is_asked_again,
        )
        for variant in job.asked.variants
    }


def _variants_frame(
    job: ScoringJob, jobs: Mapping[str, Sequence[ScoringJob]], standing: Sequence[Sequence[Standing]]
) -> pd.DataFrame:
    """Rows of scored.variants, from how documents stand with each job, in the order of the jobs."""
    import pandas as pd

    frames = []
    remaining = iter(standing)
    hashes = {variant.name: variant.asked.prompt_hash for variant in job.asked.variants}
    for name, of_variant in jobs.items():
        rows = scores_frame(job, standing_together(list(itertools.islice(remaining, len(of_variant)))))
        frames.append(rows.assign(variant=name, variant_hash=hashes[name], sd=rows["score_sd"]))
    if not frames:
        return pd.DataFrame(columns=list(VARIANTS.column_names))
    return pd.concat(frames, ignore_index=True)[list(VARIANTS.column_names)]


def _about_few(
    job: ScoringJob, jobs: Sequence[ScoringJob], chosen: Collection[str], ledger: Ledger, prices: PriceTable
) -> tuple[ScoringJob, list[ScoringJob]]:
    """The jobs, about the chosen documents and those that are answered already: what is had is not estimated."""
    is_open = {question.document.doc_id for one in jobs for question in _open_questions(one, ledger, prices)}
    few = [one for one in job.documents if one.doc_id in chosen or one.doc_id not in is_open]
    return replace(job, documents=few), [replace(one, documents=few) for one in jobs]


def in_their_epochs(jobs: Sequence[ScoringJob], ledger: Ledger, *, is_asked_again: bool) -> list[ScoringJob]:
    """The jobs of a prompt's models, each with its epoch. Where asking them again was begun and not ended, those that
    came to their end are not asked once more."""
    unfinished = ledger.unfinished_epochs()
    is_going_on = any(job.prompt_hash in unfinished for job in jobs)
    return [
        replace(
            job,
            epoch=ledger.epoch_to_ask(
                job.asked, is_asked_again=is_asked_again and (not is_going_on or job.prompt_hash in unfinished)
            ),
        )
        for job in jobs
    ]


def ask_models(
    jobs: Sequence[ScoringJob], *, warehouse: Warehouse, means: ModelMeans, progress: Progress = NO_PROGRESS
) -> tuple[list[Sequence[Standing]], RunFigures]:
    """Ask each job, one after the other; how documents stand after each, and what was done in all.

    Raises ScoringError where one of them had to end early; what all were answered is in the ledger.
    """
    from exposure_dagster.scoring.run import check_can_be_asked
    from exposure_dagster.scoring.run import score_with_model as ask_model

    if len(jobs) > 1:  # none is paid for before it is known that all can be asked
        for job in jobs:
            check_can_be_asked(job.asked, means.prices)
    results: list[ScoringResult] = []
    for job in jobs:
        limits = means.limits_of(job.asked.model)
        spent_usd = sum(one.figures.cost_usd + one.figures.assumed_usd for one in results)
        budget = replace(limits.budget, run_usd=limits.budget.run_usd - spent_usd)  # one run's, whoever is asked
        results.append(
            ask_model(
                job,
                warehouse=warehouse,
                prices=means.prices,
                limits=replace(limits, budget=budget),
                batching=means.batching,
                progress=progress,
            )
        )
    return [result.standings for result in results], all_figures([result.figures for result in results])


def standing_together(standing: Sequence[Sequence[Standing]]) -> list[Standing]:
    """How each document stands with all the models that were asked, by how it stands with each."""
    return [together(of_one) for of_one in zip(*standing, strict=True)]


def _refuse_to_ask_nothing(warehouse: Warehouse, name: str) -> None:
    """Answers that stand are not emptied because the documents are not there. Raises ScoringError."""
    ((documents, standing),) = warehouse.rows(
        "SELECT (SELECT count(*) FROM scored.inputs WHERE prompt = $prompt),"
        " (SELECT count(*) FROM scored.scores WHERE prompt = $prompt AND status = 'ok')",
        {"prompt": name},
    )
    if standing and not documents:
        raise ScoringError(
            f"its corpus has no documents; the {standing:,} answers that stand are left as they are",
            where=f"prompt {name}",
            remedy="Fetch and parse the sources first: `exposure run`.",
        )


def _refuse_to_lose_all(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    """Answers that stand are not replaced by nothing but failures. Raises ScoringError."""
    failed = frame[frame["status"] == "failed"]
    if not len(frame) or len(failed) < len(frame):
        return
    ((standing,),) = connection.execute(
        "SELECT count(*) FROM scored.scores WHERE prompt = ? AND status = 'ok'", [name]
    ).fetchall()
    if standing:
        raise ScoringError(
            f"not one of {len(frame):,} documents was answered ({failed['error'].iloc[0]}); "
            f"the {standing:,} earlier answers stand as they were",
            where=f"prompt {name}",
            remedy="Mend what the error names, and run again: only what is missing is asked.",
        )


def _estimated_usd(warehouse: Warehouse, job: ScoringJob, prices: PriceTable) -> float:
    """What the job's open questions should cost, by the number of characters."""
    questions = _open_questions(job, open_ledger(warehouse), prices)
    documents = DocumentsInPortions([question.document for question in questions], job.texts)
    return estimate(OpenDocuments(job.prompt, job.asked, documents, None), prices).cost_usd


def _open_questions(job: ScoringJob, ledger: Ledger, prices: PriceTable) -> list[Question]:
    job = replace(job, keys=ledger.keys([job.asked], prices.endpoints.of(job.asked.model).family))
    return questions_now(job, ledger)


def _asked_of(warehouse: Warehouse, name: str, prompt_hash: str) -> AskedPrompt:
    """The snapshot that the inputs were collected for: the file may have been edited since."""
    rows = warehouse.rows(
        "SELECT definition FROM scored.prompt_versions WHERE prompt = ? AND prompt_hash = ?", [name, prompt_hash]
    )
    return AskedPrompt.model_validate_json(rows[0][0])


def _shown(figures: RunFigures, estimated_usd: float) -> dict[str, int | float | str]:
    shown = {name.replace("_", " "): value for name, value in asdict(figures).items() if value is not None}
    del shown["documents"], shown["noted"]
    return {**shown, **figures.noted, "estimated cost usd": round(estimated_usd, 6)}


def _what_failed(warehouse: Warehouse, name: str, commonest_error: str | None) -> str | None:
    """How many documents have no answer, to the prompt itself and to its variants."""
    ((failed, documents, of_variants),) = warehouse.rows(
        "SELECT count(*) FILTER (status = 'failed'), count(*),"
        " (SELECT count(*) FROM scored.variants WHERE prompt = $prompt AND status = 'failed')"
        " FROM scored.scores WHERE prompt = $prompt",
        {"prompt": name},
    )
    lacking = []
    if failed:
        lacking.append(f"{failed:,} of {documents:,} documents have no answer")
    if of_variants:
        lacking.append(f"answers missing in its variants: {of_variants:,}, which its scores do without")
    if not lacking:
        return None
    why = f"; the commonest error: {commonest_error}" if commonest_error else ""
    return f"{name}: {'; '.join(lacking)}{why}"


def cut_documents(warehouse: Warehouse, name: str) -> Cuts:
    """How much of a prompt's documents its standing answers are not about, since it was too long for the model."""
    notes = warehouse.rows("SELECT note FROM scored.scores WHERE prompt = ? AND note IS NOT NULL", [name])
    return cuts(note for (note,) in notes)


def _report(warehouse: Warehouse, name: str, figures: Mapping[str, int | float | str], note: str | None) -> ScoreReport:
    import pandas as pd

    with warehouse.snapshot() as now:
        rows = now.read("SELECT score, attributes FROM scored.scores WHERE prompt = ?", [name])
        ((scorers, unanswered),) = now.rows(
            "SELECT string_agg(DISTINCT scorer, ' and ' ORDER BY scorer), count(*) FILTER (status <> 'ok')"
            " FROM scored.scores WHERE prompt = ?",
            [name],
        )
        attributes = stored_prompt(now, name).asked.attributes
    numbers = [json.loads(text) if isinstance(text, str) else {} for text in rows["attributes"]]
    return ScoreReport(
        scorer=scorers or "",
        documents=len(rows),
        is_complete=not unanswered,
        answers=tuple(
            Answers(
                one.key,
                rows["score"]
                if len(attributes) == 1
                else pd.Series([answer.get(one.key) for answer in numbers], dtype=float),
                min(one.allowed),
                max(one.allowed),
            )
            for one in attributes
        ),
        figures=figures,
        note=note,
    )
