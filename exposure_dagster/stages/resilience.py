"""What is ranked beyond one prompt's documents: resilience, tasks rolled up, occupations across the systems."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.ranking.task_rollup import roll_up_tasks
from exposure_dagster.stages.basis import basis_now, basis_of_rankings, frame_digest
from exposure_dagster.stages.ranked import RankReport, replace_ranked, resilience_rows, stored_definition
from exposure_dagster.tables import OCCUPATIONS, RESILIENCE, TASK_ROLLUPS
from exposure_dagster.warehouse import Warehouse

EXPOSURE_PROMPT = "exposure"
RESILIENCE_PROMPT = "resilience"
"""The prompts that ranked.occupations joins."""


def rank_by_formula(warehouse: Warehouse, prompt: str) -> RankReport | None:
    """Fill ranked.resilience for one prompt; None (and no rows) where it declares no resilience formula."""
    with warehouse.snapshot() as now:
        made_from = basis_now(now, prompt)
        definition = stored_definition(now, prompt)
        rows = pd.DataFrame()
        if definition.resilience is not None:
            scores = now.read("SELECT * FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [prompt])
            rows = resilience_rows(now, scores, definition)
    if definition.resilience is None:
        replace_ranked(warehouse, RESILIENCE, rows, prompt, made_from)
        return None
    rows = rows.assign(prompt=prompt, ranking_hash=definition.ranking_hash)
    replace_ranked(warehouse, RESILIENCE, rows, prompt, made_from)
    return RankReport(rows, frame_digest(rows))


def roll_up(warehouse: Warehouse, prompt: str) -> RankReport | None:
    """Fill ranked.task_rollups for one prompt from ranked.rankings; None (and no rows) where it declares none."""
    with warehouse.snapshot() as now:
        made_from = basis_of_rankings(now, prompt)
        definition = stored_definition(now, prompt)
        if definition.rollup is not None:
            scores = now.read("SELECT doc_id, score, scorer FROM ranked.rankings WHERE prompt = ?", [prompt])
            tasks = now.read("SELECT * FROM parsed.onet_tasks ORDER BY onet_code, task_id")
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


def join_occupations(warehouse: Warehouse) -> RankReport:
    """Fill ranked.occupations: each handbook page with its O*NET codes, its exposure and its resilience."""
    rows = warehouse.read(_JOINED, {"exposure": EXPOSURE_PROMPT, "resilience": RESILIENCE_PROMPT})
    warehouse.replace(OCCUPATIONS, rows)
    return RankReport(rows, frame_digest(rows))


_JOINED = """
WITH codes AS (
    SELECT slug, list(onet_code ORDER BY onet_code) AS onet_codes, sum(jobs_share)::BIGINT AS onet_jobs
    FROM parsed.soc_crosswalk WHERE slug IS NOT NULL GROUP BY slug
), resilience AS (
    SELECT slug, round(avg(ai_proof_score), 3) AS resilience, min(ai_proof_score) AS resilience_low,
           max(ai_proof_score) AS resilience_high, round(avg(final_ranking), 3) AS final_ranking,
           count(*) AS resilience_codes, string_agg(DISTINCT scorer, ' and ' ORDER BY scorer) AS resilience_scorer
    FROM parsed.soc_crosswalk JOIN ranked.resilience USING (onet_code)
    WHERE prompt = $resilience AND ai_proof_score IS NOT NULL AND slug IS NOT NULL GROUP BY slug
), exposure AS (
    SELECT doc_id AS slug, score AS exposure, rank AS exposure_rank, tier AS exposure_tier, scorer AS exposure_scorer
    FROM ranked.rankings WHERE prompt = $exposure
), quadrants AS (
    SELECT doc_id AS slug, quadrant, prompt AS quadrant_prompt FROM ranked.rankings
    WHERE prompt = (SELECT min(prompt) FROM ranked.rankings WHERE quadrant IS NOT NULL)
)
SELECT slug, o.title, o.category, o.url, coalesce(codes.onet_codes, []) AS onet_codes, o.jobs, onet_jobs,
       o.median_pay_annual, o.pay_basis, o.pay_is_top_coded, o.outlook_pct, exposure, exposure_rank, exposure_tier,
       exposure_scorer, quadrant, quadrant_prompt, resilience, resilience_low, resilience_high, final_ranking,
       resilience_codes, resilience_scorer
FROM parsed.ooh_occupations o LEFT JOIN codes USING (slug) LEFT JOIN resilience USING (slug)
     LEFT JOIN exposure USING (slug) LEFT JOIN quadrants USING (slug)
ORDER BY slug
"""
