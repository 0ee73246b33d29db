"""Where columns come from, held against the registry of tables."""

from __future__ import annotations

import pytest

from exposure_dagster.pipeline.lineage import ANSWER, LINEAGE, PROMPT_FILE, RUN, beginnings, lineage_table
from exposure_dagster.tables import TABLES

OUTSIDE = {PROMPT_FILE, ANSWER, RUN}
DECLARED = sorted(LINEAGE)
RANKED = sorted(name for name in TABLES if name.startswith("ranked."))


@pytest.mark.parametrize("table", DECLARED)
def test_every_column_that_is_named_exists(table: str) -> None:
    assert set(LINEAGE[table]) <= set(TABLES[table].column_names)
    for origins in LINEAGE[table].values():
        for origin in origins:
            if origin.column is None:
                assert origin.source in OUTSIDE
            else:
                assert origin.column in TABLES[origin.source].column_names


@pytest.mark.parametrize("table", RANKED)
def test_every_ranked_column_has_an_origin(table: str) -> None:
    assert {name for name, origins in LINEAGE[table].items() if origins} == set(TABLES[table].column_names)


@pytest.mark.parametrize("table", DECLARED)
def test_every_column_begins_at_a_page_a_prompt_file_or_an_answer(table: str) -> None:
    for column in LINEAGE[table]:
        for origin in beginnings(table, column):
            assert (
                origin.source in OUTSIDE or origin.source.startswith("raw.") or origin.source == "scored.responses"
            ), f"{column}: {origin}"


def test_a_ranking_leads_back_to_the_page_and_to_the_prompt_file() -> None:
    assert {str(origin) for origin in beginnings("ranked.rankings", "jobs")} == {
        "raw.ooh_pages.body",
        "raw.employment_projections.body",
        "raw.own_documents.jobs",
    }
    assert [str(origin) for origin in beginnings("ranked.rankings", "prompt_hash")] == [PROMPT_FILE]
    assert {str(origin) for origin in beginnings("ranked.rankings", "rank")} >= {
        "raw.ooh_pages.body",
        PROMPT_FILE,
        ANSWER,
    }


def test_the_readable_table_has_a_row_a_column() -> None:
    lines = lineage_table("ranked.rankings").splitlines()
    assert len(lines) == 2 + len(TABLES["ranked.rankings"].columns)
    assert any("`url`" in line and "`raw.ooh_pages.body`" in line for line in lines)
