"""Standing answers by the baseline."""

from __future__ import annotations

import json

import duckdb

from exposure_dagster.core.clock import utc_now
from exposure_dagster.pipeline.asked import asked_documents
from exposure_dagster.pipeline.inputs import other_titles, work_sections
from exposure_dagster.pipeline.prompts import stored_prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.mirror import copy_to_warehouse, open_ledger
from exposure_dagster.scoring.run_records import RunRow, record_run
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse, replace_rows
from exposure_dagster.tables import SCORES


def score_with_baseline(warehouse: Warehouse, name: str, *, run_id: str) -> int:
    """Recompute scored.scores for one prompt with the baseline, unless it stands already.

    Returns the number of documents that were scored; 0 where the standing scores are still true.
    """
    import pandas as pd

    from exposure_dagster.pipeline.history import keep_version
    from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION, Alias, score_documents

    started_at = utc_now()
    with warehouse.snapshot() as now:
        prompt = stored_prompt(now, name)
        inputs = now.read(
            "SELECT i.doc_id, i.text_sha256, i.input_hash, d.title, d.text FROM scored.inputs i"
            f" JOIN ({asked_documents(prompt.corpus, prompt.asked.include)}) d USING (doc_id)"
            " WHERE i.prompt = ? ORDER BY i.doc_id",
            [name],
        )
        standing = now.rows(
            "SELECT doc_id, input_hash FROM scored.scores WHERE prompt = ? AND scorer = 'baseline' ORDER BY doc_id",
            [name],
        )
        titles = other_titles(now, prompt.corpus)
    if standing == list(inputs[["doc_id", "input_hash"]].itertuples(index=False, name=None)):
        return 0
    scores = score_documents(
        prompt.baseline,
        [Document(*row) for row in inputs[["doc_id", "title", "text"]].itertuples(index=False, name=None)],
        [Alias(title, doc_id) for title, doc_id in titles],
        work_sections(prompt.corpus, prompt.asked.include),
    )
    frame = inputs[["doc_id", "text_sha256", "input_hash"]].merge(
        pd.DataFrame(
            {
                "doc_id": [score.doc_id for score in scores],
                "score": [_single(score.attributes) for score in scores],
                "attributes": [
                    None if len(score.attributes) == 1 else json.dumps(score.attributes) for score in scores
                ],
                "rationale": [score.rationale for score in scores],
                "standard_errors": [json.dumps(score.standard_errors) for score in scores],
            }
        ),
        on="doc_id",
        validate="one_to_one",
    )
    finished_at = utc_now()
    frame = frame.assign(
        prompt=name,
        prompt_hash=prompt.prompt_hash,
        status="ok",
        scorer=ScorerName.BASELINE.value,
        model=f"baseline {BASELINE_VERSION}",
        samples=1,
        scored_at=finished_at,
    )
    run = RunRow(
        run_id=run_id,
        prompt=name,
        prompt_hash=prompt.prompt_hash,
        scorer=ScorerName.BASELINE.value,
        epoch=None,
        started_at=started_at,
        finished_at=finished_at,
        outcome="complete",
    )
    with warehouse.held():

        def write(connection: duckdb.DuckDBPyConnection) -> None:
            replace_rows(connection, SCORES, frame, where={"prompt": name})
            keep_version(connection, name)

        warehouse.transact(write)
        ledger = open_ledger(warehouse)
        record_run(ledger, run)
        copy_to_warehouse(ledger, warehouse)
    return len(frame)


def _single(attributes: dict[str, float]) -> float | None:
    return next(iter(attributes.values())) if len(attributes) == 1 else None
