"""Standing answers by the baseline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from exposure_dagster.core.clock import utc_now
from exposure_dagster.pipeline.asked import asked_documents
from exposure_dagster.pipeline.inputs import other_titles, work_sections
from exposure_dagster.pipeline.prompts import stored_prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.mirror import copy_to_warehouse, open_ledger
from exposure_dagster.scoring.run_records import RunRow, record_run
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.spool import Spool
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import SCORES

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.providers.baseline.scorer import BaselineScore


@dataclass(frozen=True)
class _SpooledDocuments:
    """Documents whose texts are read from a spool whenever they are gone through."""

    spool: Spool

    def __iter__(self) -> Iterator[Document]:
        return (Document(doc_id, title, text) for doc_id, title, text, *_ in self.spool.rows())


def score_with_baseline(warehouse: Warehouse, name: str, *, run_id: str) -> int:
    """Recompute scored.scores for one prompt with the baseline, unless it stands already.

    Returns the number of documents that were scored; 0 where the standing scores are still true.
    """
    from exposure_dagster.pipeline.history import keep_version
    from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION, Alias, scores_in_portions

    started_at = utc_now()
    with Spool() as documents, Spool() as scored:
        with warehouse.snapshot() as now:
            prompt = stored_prompt(now, name)
            if _stands(now, name):
                return 0
            with now.connect(read_only=True) as connection:
                documents.take(
                    connection,
                    "SELECT i.doc_id, d.title, d.text, i.text_sha256, i.input_hash FROM scored.inputs i"
                    f" JOIN ({asked_documents(prompt.corpus, prompt.asked.include)}) d USING (doc_id)"
                    " WHERE i.prompt = $prompt ORDER BY i.doc_id",
                    {"prompt": name},
                )
            titles = other_titles(now, prompt.corpus)
        for portion in scores_in_portions(
            prompt.baseline,
            _SpooledDocuments(documents),
            [Alias(title, doc_id) for title, doc_id in titles],
            work_sections(prompt.corpus, prompt.asked.include),
        ):
            scored.add(_rows(portion), SCORES)
        finished_at = utc_now()
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
                connection.execute(f"DELETE FROM {SCORES.full_name} WHERE prompt = ?", [name])
                connection.execute(
                    f"""
                    INSERT INTO {SCORES.full_name} BY NAME
                    SELECT s.*, i.text_sha256, i.input_hash, $prompt AS prompt, $prompt_hash AS prompt_hash,
                           'ok' AS status, $scorer AS scorer, $model AS model, 1 AS samples, $at AS scored_at
                    FROM {scored.source} s
                    JOIN (SELECT doc_id, text_sha256, input_hash FROM {documents.source}) i USING (doc_id)
                    ORDER BY s.doc_id
                    """,
                    {
                        "prompt": name,
                        "prompt_hash": prompt.prompt_hash,
                        "scorer": ScorerName.BASELINE.value,
                        "model": f"baseline {BASELINE_VERSION}",
                        "at": finished_at,
                    },
                )
                keep_version(connection, name)

            warehouse.transact(write)
            ledger = open_ledger(warehouse)
            record_run(ledger, run)
            copy_to_warehouse(ledger, warehouse)
            ((documents_scored,),) = warehouse.rows("SELECT count(*) FROM scored.scores WHERE prompt = ?", [name])
    return int(documents_scored)


def _stands(warehouse: Warehouse, name: str) -> bool:
    """Whether the baseline's scores are those of the inputs: of each document one, and no others."""
    ((apart,),) = warehouse.rows(
        """
        SELECT count(*) FILTER (i.input_hash IS DISTINCT FROM s.input_hash)
        FROM (SELECT doc_id, input_hash FROM scored.inputs WHERE prompt = $prompt) i
        FULL JOIN (SELECT doc_id, input_hash FROM scored.scores WHERE prompt = $prompt AND scorer = 'baseline') s
             USING (doc_id)
        """,
        {"prompt": name},
    )
    return not apart


def _rows(scores: Sequence[BaselineScore]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "doc_id": [score.doc_id for score in scores],
            "score": [_single(score.attributes) for score in scores],
            "attributes": [None if len(score.attributes) == 1 else json.dumps(score.attributes) for score in scores],
            "rationale": [score.rationale for score in scores],
            "standard_errors": [json.dumps(score.standard_errors) for score in scores],
        }
    )


def _single(attributes: dict[str, float]) -> float | None:
    return next(iter(attributes.values())) if len(attributes) == 1 else None
