"""A rehearsal: a few documents from text to ranked answer, while everything that stands stays as it is.

Nothing is written but the ledger (a model's answers, which a later run of the same prompt finds there
and does not ask for again), the run's record and the prompt's version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.pipeline.asked import asked_documents, keep_texts
from exposure_dagster.pipeline.inputs import ScorerChoice, other_titles, work_sections
from exposure_dagster.pipeline.prompts import keep_prompt_version
from exposure_dagster.pipeline.ranked import resilience_rows
from exposure_dagster.pipeline.scores import ModelMeans, ask_models, standing_together
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.ranking.rankings import composite_scores
from exposure_dagster.scoring.estimate import Estimate, OpenDocuments, estimate
from exposure_dagster.scoring.job import DocumentRef, ScoringJob, WarehouseTexts, jobs_by_model, scores_frame
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse

RUN_PREFIX = "rehearsal-"
"""Begins the run ids of rehearsals in scored.runs."""


@dataclass(frozen=True)
class Rehearsal:
    """What came of it. `rows`: doc_id, title, score, final_ranking (null without a resilience formula), status,
    rationale, error. `documents` are those of the whole corpus, `cost_usd` what was spent now."""

    prompt: str
    documents: int
    rows: pd.DataFrame
    scorer: ScorerName
    model: str
    cost_usd: float


def rehearse(
    warehouse: Warehouse,
    prompt: Prompt,
    limit: int,
    *,
    choice: ScorerChoice,
    means: ModelMeans,
    run_id: str,
    progress: Progress = NO_PROGRESS,
) -> Rehearsal:
    """Score and rank `limit` documents, spread over the prompt's corpus.

    Raises ScoringError where the model cannot be asked, or asking had to end early.
    """
    corpus = _corpus(warehouse, prompt)
    chosen = spread(list(corpus["doc_id"]), limit)
    cost_usd = 0.0
    choice = choice.of(prompt.asked)
    if choice.name is ScorerName.BASELINE:
        scores = _by_baseline(warehouse, prompt, corpus)
        scores = scores[scores["doc_id"].isin(chosen)].reset_index(drop=True)
    else:
        documents = corpus[corpus["doc_id"].isin(chosen)]

        def write(connection: duckdb.DuckDBPyConnection) -> None:
            keep_prompt_version(connection, prompt)
            keep_texts(connection, prompt.file.corpus, prompt.asked.include)

        warehouse.transact(write)
        job = ScoringJob(
            run_id=run_id,
            prompt=prompt.name,
            asked=prompt.asked,
            documents=[
                DocumentRef(*row)
                for row in documents[["doc_id", "title", "text_sha256"]].itertuples(index=False, name=None)
            ],
            texts=WarehouseTexts(warehouse),
            is_rehearsal=True,
        )
        ledger = open_ledger(warehouse)
        jobs = [
            replace(one, epoch=ledger.rehearsal_epoch(one.asked, is_asked_again=means.is_asked_again))
            for one in jobs_by_model(job)
        ]
        standing, figures = ask_models(
            jobs, warehouse=warehouse, means=replace(means, batching=None), progress=progress
        )
        scores = scores_frame(job, standing_together(standing))
        cost_usd = figures.cost_usd
    rows = _ranked(warehouse, prompt, scores).merge(corpus[["doc_id", "title"]], on="doc_id")
    rows = rows.sort_values(["final_ranking", "score"], ascending=False, ignore_index=True)
    return Rehearsal(prompt.name, len(corpus), rows, choice.name, prompt.asked.model_names, cost_usd)


def estimate_rehearsal(warehouse: Warehouse, prompt: Prompt, limit: int, means: ModelMeans) -> list[Estimate]:
    """What a rehearsal would take if the ledger held none of its answers, by model."""
    corpus = _corpus(warehouse, prompt)
    chosen = corpus[corpus["doc_id"].isin(spread(list(corpus["doc_id"]), limit))]
    documents = [Document(*row) for row in chosen[["doc_id", "title", "text"]].itertuples(index=False, name=None)]
    return [
        estimate(
            OpenDocuments(
                prompt.name, asked, documents * asked.samples, None, most_answers=len(documents) * asked.most_samples
            ),
            means.prices,
            is_counted=True,
        )
        for asked in prompt.asked.by_model
    ]


def spread(doc_ids: Sequence[str], limit: int) -> list[str]:
    """At most `limit` of the ids, in even steps over them all, the same ones each time."""
    count = min(limit, len(doc_ids))
    return [doc_ids[place * len(doc_ids) // count] for place in range(count)]


def _corpus(warehouse: Warehouse, prompt: Prompt) -> pd.DataFrame:
    return warehouse.read(f"FROM ({asked_documents(prompt.file.corpus, prompt.asked.include)}) ORDER BY doc_id")


def _by_baseline(warehouse: Warehouse, prompt: Prompt, corpus: pd.DataFrame) -> pd.DataFrame:
    """The baseline learns from the whole corpus, so all of it is scored, as in a run."""
    from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION, Alias, score_documents

    found = score_documents(
        prompt.baseline,
        [Document(*row) for row in corpus[["doc_id", "title", "text"]].itertuples(index=False, name=None)],
        [Alias(title, doc_id) for title, doc_id in other_titles(warehouse, prompt.file.corpus)],
        work_sections(prompt.file.corpus, prompt.asked.include),
    )
    is_single = prompt.asked.has_single_number
    frame = pd.DataFrame(
        {
            "doc_id": [one.doc_id for one in found],
            "score": [next(iter(one.attributes.values())) if is_single else None for one in found],
            "attributes": [None if is_single else json.dumps(one.attributes) for one in found],
            "rationale": [one.rationale for one in found],
        }
    )
    return frame.assign(
        status="ok",
        scorer=ScorerName.BASELINE.value,
        model=f"baseline {BASELINE_VERSION}",
        prompt_hash=prompt.asked.prompt_hash,
        scored_at=utc_now(),
        error=None,
    )


def _ranked(warehouse: Warehouse, prompt: Prompt, scores: pd.DataFrame) -> pd.DataFrame:
    rows = scores[["doc_id", "status", "rationale", "error"]].assign(
        score=composite_scores(scores, prompt.ranking), final_ranking=float("nan")
    )
    if prompt.ranking.resilience is not None:
        ranked = resilience_rows(warehouse, prompt.file.corpus, scores, prompt.ranking).set_index("onet_code")[
            "final_ranking"
        ]
        rows["final_ranking"] = rows["doc_id"].map(ranked)
    return rows
