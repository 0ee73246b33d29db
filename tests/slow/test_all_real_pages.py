"""All real pages and files, from the sites to ranked tables: the figures that are known of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.corpora.onet.checks import crosswalk, occupations
from exposure_dagster.corpora.ooh.fetching import refresh_ooh_index, refresh_ooh_pages
from exposure_dagster.corpora.ooh.parsing import parse_ooh_pages
from exposure_dagster.settings import Settings
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.onet_files import HOURS, fetch, parse

pytestmark = pytest.mark.shared


def test_all_342_real_pages_are_parsed_ranked_and_add_up(real_run: Path) -> None:
    warehouse = Warehouse(Settings(home=real_run).warehouse_file)
    ((rows, jobs),) = warehouse.rows("SELECT count(*), sum(jobs)::BIGINT FROM ranked.rankings")
    assert (rows, jobs) == (342, 143_066_500)
    assert warehouse.rows("SELECT * FROM parsed.ooh_unread") == []
    assert warehouse.rows(
        "SELECT count(*) FROM parsed.ooh_occupations WHERE soc_code IS NOT NULL OR len(onet_codes) > 0"
    ) == [(341,)]


def test_the_real_files_give_the_known_figures(shared_dir: Path, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb")
    site = open_site(str(shared_dir / "data/sites"), contact=None)
    with site.fetcher() as fetcher:
        refresh_ooh_index(warehouse, site, fetcher, refetch_after_hours=HOURS)
        refresh_ooh_pages(warehouse, site, fetcher, refetch_after_hours=HOURS)
    parse_ooh_pages(warehouse)
    downloads = shared_dir / "data/downloads"
    fetch(warehouse, site, database=downloads / "onet_db", projections=downloads / "Employment Projections.csv")
    report = parse(warehouse)
    assert {name: table.rows for name, table in report.tables.items()} == {
        "onet_occupations": 1_016,
        "onet_tasks": 18_796,
        "onet_features": 0,
        "onet_titles": 7_953,
        "onet_unread": 0,
    }
    counted = "count(*), count(growth_category), count(openings), count(text)"
    assert warehouse.rows(f"SELECT {counted} FROM parsed.onet_occupations WHERE is_scoreable") == [(923,) * 4]
    assert warehouse.rows("SELECT count(*) FROM parsed.employment_projections") == [(832,)]
    linked = "SELECT count(DISTINCT slug), count(DISTINCT onet_code) FROM parsed.soc_crosswalk WHERE is_linked"
    assert warehouse.rows(linked) == [(341, 700)]
    assert dict(warehouse.rows("SELECT corpus, count(*) FROM parsed.documents GROUP BY 1")) == {
        "ooh": 342,
        "onet": 923,
        "onet_tasks": 18_796,
    }
    outcomes = [*occupations(warehouse, report), *crosswalk(warehouse)]
    assert [(outcome.name, outcome.description) for outcome in outcomes if not outcome.passed] == []
