"""What is published beside each prompt's rankings and summaries, read from the warehouse."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pandas as pd

from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS, OOH_CORPUS
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.publishing.content import PublishedTable
from exposure_dagster.publishing.tables import (
    HANDBOOK,
    NOT_OF_RESILIENCE,
    PROVENANCE,
    PUBLISHED_PROMPTS,
    PUBLISHED_VERSIONS,
)
from exposure_dagster.stages.basis import ranked_as
from exposure_dagster.tables import CHANGES, OCCUPATIONS, OOH_TITLES, RESILIENCE, TASK_ROLLUPS, Table

_PAGES = "SELECT {document} AS doc_id, url, content_sha256, fetched_at FROM {table} WHERE content_sha256 IS NOT NULL"

ONET_FIGURES = """
    SELECT o.onet_code, o.projection_soc_code, c.shares, c.sharing, p.employment AS row_jobs,
           o.base_year, o.projection_year, p.wage_year, o.origins ->> 'median_wage_annual' AS pay_origin,
           o.origins ->> 'employment_change_pct' AS outlook_origin, o.origins ->> 'education_top' AS education_origin,
           (SELECT any_value(release) FROM raw.onet_database) AS onet_release
    FROM parsed.onet_occupations o
    LEFT JOIN (
        SELECT onet_code, count(jobs_share) AS shares, max(sharing) AS sharing FROM parsed.soc_crosswalk GROUP BY 1
    ) c USING (onet_code)
    LEFT JOIN parsed.employment_projections p ON p.soc_code = o.projection_soc_code
    ORDER BY onet_code
"""
"""What `PublishedContent.onet` holds."""

PUBLISHED_FROM = (
    "ranked.rankings",
    "ranked.summaries",
    "ranked.changes",
    "ranked.resilience",
    "ranked.task_rollups",
    "ranked.occupations",
    "parsed.ooh_titles",
    "parsed.soc_crosswalk",
    "(SELECT * EXCLUDE (text) FROM parsed.ooh_occupations)",
    f"({_PAGES.format(document='slug', table='raw.ooh_pages')})",
    f"({_PAGES.format(document='onet_code', table='raw.onet_pages')})",
    "(SELECT content_sha256 FROM raw.onet_database)",
    f"({ONET_FIGURES})",
    "(SELECT corpus, doc_id, file_sha256 FROM raw.own_documents)",
    "(SELECT prompt, count(*), sum(cost_usd) FROM scored.responses WHERE is_accepted GROUP BY ALL)",
)
"""All that a publication is read from, with the columns that reach it."""


def published_tables(connection: duckdb.DuckDBPyConnection) -> tuple[PublishedTable, ...]:
    """The tables, each with its own columns and in its order; those without a row are left out."""
    return tuple(table for table in _tables(connection) if len(table.rows))


def _tables(connection: duckdb.DuckDBPyConnection) -> Iterator[PublishedTable]:
    prompts = _prompts(connection)
    for prompt, corpus in zip(prompts["prompt"], prompts["corpus"], strict=True):
        yield PublishedTable(PROVENANCE, PROVENANCE.name, _provenance(connection, prompt, corpus), prompt)
    shown = ", ".join(name for name in RESILIENCE.column_names if name not in NOT_OF_RESILIENCE)
    for table, stem, columns in (
        (RESILIENCE, "ai_resilience", shown),
        (TASK_ROLLUPS, "task_rollups", "* EXCLUDE (prompt)"),
    ):
        for (prompt,) in connection.execute(f"SELECT DISTINCT prompt FROM {table.full_name} ORDER BY 1").fetchall():
            query = f"SELECT {columns} FROM {table.full_name} WHERE prompt = ? ORDER BY rank, title, onet_code"
            yield PublishedTable(table, stem, _whole(connection.execute(query, [prompt]).df(), table), prompt)
    for table, stem, query in (
        (OCCUPATIONS, "occupations", f"SELECT * FROM {OCCUPATIONS.full_name} ORDER BY slug"),
        (HANDBOOK, "handbook", f"SELECT {', '.join(HANDBOOK.column_names)} FROM parsed.ooh_occupations ORDER BY slug"),
        (OOH_TITLES, "titles", f"SELECT * FROM {OOH_TITLES.full_name} ORDER BY title, slug"),
        (CHANGES, "changes", f"SELECT * FROM {CHANGES.full_name} ORDER BY prompt, abs(shift) DESC, doc_id"),
    ):
        yield PublishedTable(table, stem, _whole(connection.execute(query).df(), table))
    yield PublishedTable(PUBLISHED_PROMPTS, PUBLISHED_PROMPTS.name, prompts)
    yield PublishedTable(PUBLISHED_VERSIONS, PUBLISHED_VERSIONS.name, _versions(connection))


def _prompts(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    ranked = {prompt for (prompt,) in connection.execute("SELECT DISTINCT prompt FROM ranked.rankings").fetchall()}
    records = []
    for prompt, how in sorted(ranked_as(connection).items()):
        definition = how.definition
        if prompt not in ranked:
            continue
        records.append(
            {
                "prompt": prompt,
                "title": definition.title,
                "description": definition.description,
                "corpus": how.corpus,
                "scale_low": definition.scale_low,
                "scale_high": definition.scale_high,
                "ranking_hash": definition.ranking_hash,
                "definition": definition.model_dump_json(),
            }
        )
    return pd.DataFrame(records, columns=list(PUBLISHED_PROMPTS.column_names))


def _versions(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Versions that nobody has answered are left out: an edit alone changes nothing that is published."""
    rows = connection.execute(
        """
        SELECT prompt, prompt_hash, min(first_seen_at), bool_or(standing.prompt IS NOT NULL),
               any_value(definition)::VARCHAR
        FROM scored.prompt_versions
        LEFT JOIN (SELECT DISTINCT prompt, prompt_hash FROM ranked.rankings) standing USING (prompt, prompt_hash)
        LEFT JOIN (SELECT DISTINCT prompt, prompt_hash FROM scored.score_versions) past USING (prompt, prompt_hash)
        WHERE prompt IN (SELECT prompt FROM ranked.rankings)
          AND (standing.prompt IS NOT NULL OR past.prompt IS NOT NULL)
        GROUP BY 1, 2 ORDER BY 1, 3, 2
        """
    ).fetchall()
    records = []
    for prompt, prompt_hash, first_seen_at, is_standing, text in rows:
        asked = AskedPrompt.model_validate_json(text)
        records.append(
            {
                "prompt": prompt,
                "prompt_hash": prompt_hash,
                "first_seen_at": first_seen_at,
                "is_standing": is_standing,
                "model": asked.model,
                "effort": asked.effort,
                "samples": asked.samples,
                "documents_per_request": asked.documents_per_request,
                "question": asked.system,
            }
        )
    return pd.DataFrame(records, columns=list(PUBLISHED_VERSIONS.column_names))


def _provenance(connection: duckdb.DuckDBPyConnection, prompt: str, corpus: str) -> pd.DataFrame:
    rows = connection.execute(
        f"""
        WITH accepted AS (
            SELECT doc_id, prompt_hash, text_sha256, list(DISTINCT request_id ORDER BY request_id)
                     FILTER (request_id IS NOT NULL) AS request_ids,
                   sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens,
                   sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
                   sum(cache_write_tokens)::BIGINT AS cache_write_tokens, sum(cost_usd) AS cost_usd
            FROM (
                FROM scored.responses WHERE prompt = $prompt AND is_accepted
                QUALIFY epoch IS NOT DISTINCT FROM max(epoch) OVER (PARTITION BY prompt_hash, doc_id, text_sha256)
            )
            GROUP BY ALL
        ), pages AS ({_SOURCE_OF.get(corpus, _SOURCE_OF_OWN_DOCUMENTS)})
        SELECT s.prompt, s.doc_id, s.text_sha256, s.samples, s.score_sd, s.note, s.error,
               CASE WHEN pages.url LIKE 'http%' THEN pages.url END AS page_url,
               pages.content_sha256 AS page_sha256, pages.fetched_at AS page_fetched_at,
               coalesce(request_ids, []) AS request_ids, input_tokens, output_tokens, cache_read_tokens,
               cache_write_tokens, cost_usd
        FROM scored.scores s
        LEFT JOIN accepted ON s.scorer <> 'baseline' AND accepted.doc_id = s.doc_id
             AND accepted.prompt_hash = s.prompt_hash AND accepted.text_sha256 = s.text_sha256
        LEFT JOIN pages ON pages.doc_id = s.doc_id
        WHERE s.prompt = $prompt AND s.doc_id IN (SELECT doc_id FROM ranked.rankings WHERE prompt = $prompt)
        ORDER BY s.doc_id
        """,
        {"prompt": prompt, **({} if corpus in _SOURCE_OF else {"corpus": corpus})},
    ).df()
    return _whole(rows, PROVENANCE)


_ONET_SOURCE = """
    SELECT {document} AS doc_id, coalesce(p.url, d.url) AS url,
           coalesce(p.content_sha256, d.content_sha256) AS content_sha256,
           coalesce(p.fetched_at, d.fetched_at) AS fetched_at
    FROM {table} LEFT JOIN (FROM raw.onet_pages WHERE content_sha256 IS NOT NULL) p USING (onet_code)
    LEFT JOIN (FROM raw.onet_database WHERE content_sha256 IS NOT NULL LIMIT 1) d ON true
"""

_SOURCE_OF = {
    OOH_CORPUS: _PAGES.format(document="slug", table="raw.ooh_pages"),
    ONET_CORPUS: _ONET_SOURCE.format(document="onet_code", table="parsed.onet_occupations"),
    ONET_TASKS_CORPUS: _ONET_SOURCE.format(document="doc_id", table="parsed.onet_tasks"),
}
"""By corpus, where the text of each document was read: the page, or else the release of the database."""

_SOURCE_OF_OWN_DOCUMENTS = """
    SELECT doc_id, NULL AS url, file_sha256 AS content_sha256, read_at AS fetched_at
    FROM raw.own_documents WHERE corpus = $corpus
"""


def _whole(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Whole numbers stay whole where some are missing."""
    whole = {column.name for column in table.columns if column.type in ("BIGINT", "INTEGER")}
    return rows.astype({name: "Int64" for name in rows.columns if name in whole})
