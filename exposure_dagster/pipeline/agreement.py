"""Holding a prompt's rankings against the indices that are set."""

from __future__ import annotations

import duckdb

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.registry import CORPORA
from exposure_dagster.pipeline.ranked import RankReport, corpus_of_prompt, stored_definition
from exposure_dagster.pipeline.ranking_inputs import digest_of_rankings, put_made_from
from exposure_dagster.ranking.agreement import ALL, ROLLED_UP, Compared, agree
from exposure_dagster.store.warehouse import Warehouse, replace_rows
from exposure_dagster.tables import AGREEMENT, DISAGREEMENTS

_VALUES = "SELECT index, doc_id, value FROM parsed.index_values WHERE corpus = ?"


def measure_agreement(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.agreement and ranked.disagreements for one prompt; the report's rows are the former's."""
    with warehouse.snapshot() as now:
        made_from = digest_of_rankings(now, prompt)
        definition = stored_definition(now, prompt)
        corpus = corpus_of_prompt(now, prompt)
        scores = now.read("SELECT doc_id, title, score FROM ranked.rankings WHERE prompt = ?", [prompt])
        compared = [Compared(ALL, scores, now.read(_VALUES, [corpus]))]
        parent = CORPORA[corpus].parts_of if corpus in CORPORA else None
        if parent is not None:
            rolled_up = now.read(
                "SELECT onet_code AS doc_id, title, score FROM ranked.task_rollups WHERE prompt = ?", [prompt]
            )
            compared.append(Compared(ROLLED_UP, rolled_up, now.read(_VALUES, [parent])))
        scales = {
            index: None if low is None or high is None else (low, high)
            for index, low, high in now.rows("SELECT DISTINCT index, scale_low, scale_high FROM raw.indices")
        }
    found = agree(prompt, compared, (definition.scale_low, definition.scale_high), scales)

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        for table, rows in ((AGREEMENT, found.agreement), (DISAGREEMENTS, found.disagreements)):
            replace_rows(connection, table, rows, where={"prompt": prompt})
            put_made_from(connection, table, prompt, made_from)

    warehouse.transact(write)
    digest = content_hash([rows.to_csv(index=False) for rows in (found.agreement, found.disagreements)])
    return RankReport(found.agreement, digest if len(found.agreement) else "none")
