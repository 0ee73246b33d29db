"""Occupations across prompts: every ranked prompt, joined to the pages of the handbook."""

from __future__ import annotations

from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.corpora.registry import JOINED_ON, corpora_of
from exposure_dagster.pipeline.documents import fill_missing_facts
from exposure_dagster.pipeline.ranked import (
    RankReport,
)
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import OCCUPATIONS


def join_occupations(warehouse: Warehouse) -> RankReport:
    """Fill ranked.occupations: each handbook page with its O*NET codes, and what every ranked prompt says of it."""
    fill_missing_facts(warehouse)
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
