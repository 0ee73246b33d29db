"""What is ranked beyond one prompt's documents: by a formula, rolled up from parts, and occupations across prompts."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.corpora.registry import JOINED_ON, corpora_of
from exposure_dagster.pipeline.ranked import (
    RankReport,
    corpus_of_prompt,
    replace_ranked,
    resilience_rows,
    stored_definition,
)
from exposure_dagster.pipeline.ranking_inputs import digest_now, digest_of_rankings
from exposure_dagster.ranking.task_rollup import roll_up_tasks
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import OCCUPATIONS, RESILIENCE, TASK_ROLLUPS


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
    SELECT doc_id, parent AS onet_code, figures ->> '$.parent_title' AS title, figures ->> '$.task_type' AS task_type
    FROM parsed.document_facts WHERE corpus = ? ORDER BY parent, (figures ->> '$.task_id')::BIGINT
"""


def join_occupations(warehouse: Warehouse) -> RankReport:
    """Fill ranked.occupations: each handbook page with its O*NET codes, and what every ranked prompt says of it."""
    prompts = dict(
        warehouse.rows("SELECT DISTINCT prompt, corpus FROM ranked.rankings JOIN scored.prompts USING (prompt)")
    )
    links = [
        f"SELECT '{corpus.name}' AS corpus, doc_id, slug FROM ({corpus.occupations})"
        for corpus in corpora_of([JOINED_ON.name, *prompts.values(), *_parents(prompts.values())])
        if corpus.occupations is not None
    ]
    parents = [f"('{corpus.name}', '{corpus.parts_of}')" for corpus in corpora_of(prompts.values()) if corpus.parts_of]
    query = _JOINED.format(links=" UNION ALL ".join(links), parents=", ".join(parents) or "(NULL, NULL)")
    rows = warehouse.read(query, {"joined_on": JOINED_ON.name})
    warehouse.replace(OCCUPATIONS, rows)
    return RankReport(rows, frame_digest(rows))


def _parents(corpora: object) -> list[str]:
    return [corpus.parts_of for corpus in corpora_of(corpora) if corpus.parts_of]  # type: ignore[arg-type]


_JOINED = """
WITH links AS ({links}),
parents(corpus, parent) AS (VALUES {parents}),
codes AS (
    SELECT slug, list(onet_code ORDER BY onet_code) AS onet_codes, sum(jobs_share)::BIGINT AS onet_jobs
    FROM parsed.soc_crosswalk WHERE slug IS NOT NULL GROUP BY slug
),
answers AS (
    SELECT r.prompt, p.corpus, r.doc_id, r.score, r.rank, r.tier, r.quadrant, f.final_ranking, r.scorer
    FROM ranked.rankings r JOIN scored.prompts p USING (prompt)
    LEFT JOIN ranked.resilience f ON f.prompt = r.prompt AND f.onet_code = r.doc_id
    UNION ALL
    SELECT t.prompt, parents.parent, t.onet_code, t.score, NULL, NULL, NULL, NULL, t.scorer
    FROM ranked.task_rollups t JOIN scored.prompts USING (prompt) JOIN parents USING (corpus)
),
scores AS (
    SELECT slug, prompt, list(doc_id ORDER BY doc_id) AS doc_ids,
           CASE count(*) WHEN 1 THEN any_value(score) ELSE round(avg(score), 3) END AS score,
           min(score) AS score_low, max(score) AS score_high, round(avg(final_ranking), 3) AS final_ranking,
           CASE WHEN any_value(corpus) = $joined_on THEN any_value(rank) END AS rank,
           CASE WHEN any_value(corpus) = $joined_on THEN any_value(tier) END AS tier,
           CASE WHEN any_value(corpus) = $joined_on THEN any_value(quadrant) END AS quadrant,
           string_agg(DISTINCT scorer, ' and ' ORDER BY scorer) AS scorer
    FROM answers JOIN links USING (corpus, doc_id) WHERE score IS NOT NULL GROUP BY slug, prompt
)
SELECT o.doc_id AS slug, o.title, o.category, o.url, coalesce(codes.onet_codes, []) AS onet_codes, o.jobs, onet_jobs,
       o.pay_annual AS median_pay_annual, o.pay_basis, o.pay_is_top_coded, o.outlook_pct, prompt, doc_ids, score,
       score_low, score_high, rank, tier, quadrant, scores.final_ranking, scorer
FROM parsed.document_facts o LEFT JOIN codes ON codes.slug = o.doc_id LEFT JOIN scores ON scores.slug = o.doc_id
WHERE o.corpus = $joined_on ORDER BY slug, prompt
"""
