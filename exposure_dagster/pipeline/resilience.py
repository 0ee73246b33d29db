"""What is ranked by a resilience formula."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.pipeline.ranked import (
    RankReport,
    corpus_of_prompt,
    replace_ranked,
    resilience_rows,
    stored_definition,
)
from exposure_dagster.pipeline.ranking_inputs import digest_now
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import RESILIENCE


def rank_by_formula(warehouse: Warehouse, prompt: str) -> RankReport | None:
    """Fill ranked.resilience for one prompt; None (and no rows) where it declares no resilience formula."""
    with warehouse.snapshot() as now:
        made_from = digest_now(now, prompt)
        definition = stored_definition(now, prompt)
        rows = pd.DataFrame()
        if definition.resilience is not None:
            scores = now.read("SELECT * FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [prompt])
            rows = resilience_rows(now, corpus_of_prompt(now, prompt), scores, definition)
    if definition.resilience is None:
        replace_ranked(warehouse, RESILIENCE, rows, prompt, made_from)
        return None
    rows = rows.assign(prompt=prompt, ranking_hash=definition.ranking_hash)
    replace_ranked(warehouse, RESILIENCE, rows, prompt, made_from)
    return RankReport(rows, frame_digest(rows))
