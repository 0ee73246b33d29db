"""The registry of tables: what every entry has to say, and that DuckDB takes it."""

from __future__ import annotations

import re

import duckdb
import pytest

from exposure_dagster.core.tables import Table
from exposure_dagster.tables import TABLES, registry_digest

ALL = [pytest.param(table, id=name) for name, table in TABLES.items()]

RELIED_ON = {
    "raw.ooh_index": "url, status, fetched_at, content_sha256, etag, last_modified, body",
    "raw.ooh_pages": "url, status, fetched_at, content_sha256, etag, last_modified, body, slug, category",
    "parsed.ooh_titles": "title, slug, is_alias",
    "parsed.ooh_occupations": (
        "slug, title, category, url, soc_code, soc_codes, onet_codes, median_pay_annual, median_pay_hourly, pay_basis, "
        "pay_is_top_coded, entry_education, work_experience, training, jobs, projected_jobs, outlook_pct, "
        "outlook_desc, employment_change, base_year, projection_year, last_modified, text"
    ),
    "parsed.ooh_projections": (
        "slug, row, level, occupation_title, soc_code, is_total, employment, projected_employment, change_pct, change"
    ),
    "parsed.documents": "corpus, doc_id, title, text, text_sha256",
    "parsed.texts": "text_sha256, text",
    "scored.prompts": "prompt, prompt_hash, corpus, title, model, source, is_enabled",
    "scored.prompt_versions": "prompt_hash, prompt, definition, first_seen_at",
    "scored.inputs": "prompt, prompt_hash, doc_id, text_sha256",
    "scored.scores": (
        "prompt, prompt_hash, doc_id, score, attributes, rationale, status, scorer, model, samples, score_sd, scored_at"
    ),
    "scored.responses": (
        "request_key, attempt, is_accepted, prompt, prompt_hash, doc_id, text_sha256, scorer, model, sample, epoch, "
        "status, attributes, rationale, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, "
        "request_id, batch_id, latency_ms, created_at, error"
    ),
    "scored.runs": "run_id, prompt, started_at, finished_at, asked, reused, refused, failed, cost_usd, outcome",
    "ranked.definitions": "prompt, ranking_hash, definition",
    "ranked.rankings": "prompt, rank, doc_id, title, score, tier, percentile, jobs, median_pay_annual, wages",
    "ranked.summaries": ("prompt, grouping, group_label, occupations, jobs, wages, mean_score, job_weighted_mean"),
}
"""The interface: tables and columns that users script against. To rename one is a change to tell them of."""


@pytest.mark.parametrize("name", RELIED_ON)
def test_the_columns_that_others_rely_on_are_there(name: str) -> None:
    assert set(RELIED_ON[name].split(", ")) <= set(TABLES[name].column_names)


@pytest.mark.parametrize("table", ALL)
def test_a_key_is_made_of_columns(table: Table) -> None:
    assert table.key
    assert set(table.key) <= set(table.column_names)


@pytest.mark.parametrize("table", ALL)
def test_columns_have_plain_names_each_once(table: Table) -> None:
    assert len(set(table.column_names)) == len(table.column_names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in table.column_names)


@pytest.mark.parametrize("table", ALL)
def test_everything_is_described_in_sentences(table: Table) -> None:
    assert table.grain
    assert all(text.endswith(".") for text in [table.description, *(column.description for column in table.columns)])


@pytest.mark.parametrize("table", ALL)
def test_a_yes_or_no_is_named_like_one(table: Table) -> None:
    for column in table.columns:
        assert (column.type == "BOOLEAN") == bool(re.match(r"(is|has)_|(pay|wage)_is_", column.name)), column.name


@pytest.mark.parametrize("table", ALL)
def test_times_and_amounts_have_a_unit(table: Table) -> None:
    measured = [
        c for c in table.columns if c.type == "TIMESTAMP" or c.name.endswith(("_pct", "_usd", "_ms", "_tokens"))
    ]
    assert all(column.unit for column in measured)


def test_duckdb_makes_every_table_with_the_columns_in_their_order_and_twice_over() -> None:
    with duckdb.connect() as connection:
        for schema in {table.schema for table in TABLES.values()}:
            connection.execute(f"CREATE SCHEMA {schema}")
        for _ in range(2):
            for table in TABLES.values():
                connection.execute(table.ddl())
        for table in TABLES.values():
            described = connection.execute(f"DESCRIBE {table.full_name}").fetchall()
            assert [(name, kind, nulls == "YES") for name, kind, nulls, *_ in described] == [
                (column.name, column.type, column.is_nullable) for column in table.columns
            ]


def test_no_table_needs_what_a_lake_of_files_cannot_do() -> None:
    assert not any(re.search("PRIMARY|UNIQUE|FOREIGN|CHECK", table.ddl()) for table in TABLES.values())


def test_ledger_and_archives_only_grow() -> None:
    growing = ("parsed.texts", "scored.prompt_versions", "scored.responses")
    assert all(TABLES[name].is_append_only for name in growing)


def test_the_digest_of_the_registry_is_that_of_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = registry_digest()
    assert before == registry_digest()
    fewer = {name: table for name, table in TABLES.items() if name != "ranked.summaries"}
    monkeypatch.setattr("exposure_dagster.tables.TABLES", fewer)
    assert registry_digest() != before
