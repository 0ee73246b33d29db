"""Scores of parts, rolled up to what they are parts of."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.pipeline.ranked import (
    RankReport,
    corpus_of_prompt,
    replace_ranked,
    stored_definition,
)
from exposure_dagster.pipeline.ranking_inputs import digest_of_rankings
from exposure_dagster.ranking.task_rollup import roll_up_tasks
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TASK_ROLLUPS


def roll_up(warehouse: Warehouse, prompt: str) -> RankReport | None:
    """Fill ranked.task_rollups for one prompt from ranked.rankings; None (and no rows) where it declares none."""
    with warehouse.snapshot() as now:
        made_from = digest_of_rankings(now, prompt)
        definition = stored_definition(now, prompt)
        if definition.rollup is not None:
            scores = now.read("SELECT doc_id, score, scorer FROM ranked.rankings WHERE prompt = ?", [prompt])
            tasks = now.read(_PARTS, [corpus_of_prompt(now, prompt)])
    if definition.rollup is None:
        replace_ranked(warehouse, TASK_ROLLUPS, pd.DataFrame(), prompt, made_from)
        return None
    rows = roll_up_tasks(scores[["doc_id", "score"]], tasks, definition.rollup)
    rows["rank"] = rows["score"].rank(method="min", ascending=False).astype("Int64")
    rows = rows.sort_values(["rank", "title", "onet_code"], na_position="last", ignore_index=True)
    rows["scorer"] = " and ".join(sorted(scores["scorer"].dropna().unique())) or None
    rows = rows.assign(prompt=prompt, ranking_hash=definition.ranking_hash)
    replace_ranked(warehouse, TASK_ROLLUPS, rows, prompt, made_from)
    return RankReport(rows, frame_digest(rows))


_PARTS = """
    SELECT doc_id, parent AS onet_code, figures ->> '$.parent_title' AS title, figures ->> '$.task_type' AS task_type,
           (figures ->> '$.importance')::DOUBLE AS importance
    FROM parsed.document_facts WHERE corpus = ? ORDER BY parent, (figures ->> '$.task_id')::BIGINT
"""
