"""The real list, database tables, projections, handbook pages and published ranking, against known figures."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from exposure_dagster.core.growth import GrowthCategory
from exposure_dagster.corpora.onet.checks import every_table_is_read
from exposure_dagster.corpora.onet.crosswalk import CrosswalkRow, PageCodes, soc_crosswalk
from exposure_dagster.corpora.onet.database import OnetDatabase, read_onet_database
from exposure_dagster.corpora.onet.documents import onet_documents, task_documents, task_table, title_table
from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation, parse_projections
from exposure_dagster.corpora.onet.listing import ListedOccupation, parse_onet_list
from exposure_dagster.corpora.onet.occupations import OnetOccupation, onet_occupations
from exposure_dagster.corpora.onet.release_tables import NEEDED_TABLES
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.prompts.formula import ResilienceFormula
from exposure_dagster.ranking.resilience import final_ranking, growth_signal, openings_signal
from exposure_dagster.settings import SAMPLE_SITES
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.onet_files import fetch, parse

pytestmark = pytest.mark.shared

CATEGORIES = {
    GrowthCategory.DECLINE: 0,
    GrowthCategory.LITTLE_OR_NO_CHANGE: 0.2,
    GrowthCategory.SLOWER: 0.4,
    GrowthCategory.AVERAGE: 0.6,
    GrowthCategory.FASTER: 0.8,
    GrowthCategory.MUCH_FASTER: 1,
}
THEIR_CATEGORIES = {**CATEGORIES, GrowthCategory.FASTER: 0.6, GrowthCategory.MUCH_FASTER: 0.6}
"""With the defect of the published ranking: either kind of fast growth counts as average."""

JOBS_ON_ALL_PAGES = 143_066_500


@pytest.fixture(scope="module")
def listed(shared_dir: Path) -> list[ListedOccupation]:
    return parse_onet_list((shared_dir / "data/sites/www.onetonline.org/find/all/All_Occupations.csv").read_bytes())


@pytest.fixture(scope="module")
def projections(shared_dir: Path) -> list[ProjectionOccupation]:
    return parse_projections((shared_dir / "data/downloads/Employment Projections.csv").read_bytes())


@pytest.fixture(scope="module")
def database(shared_dir: Path) -> OnetDatabase:
    return read_onet_database(
        shared_dir / "data/downloads/onet_db",
        required=NEEDED_TABLES,
    )


@pytest.fixture(scope="module")
def occupations(
    listed: list[ListedOccupation], database: OnetDatabase, projections: list[ProjectionOccupation]
) -> list[OnetOccupation]:
    return onet_occupations(listed, database=database, projections=projections)


@pytest.fixture(scope="module")
def crosswalk(
    shared_dir: Path, listed: list[ListedOccupation], projections: list[ProjectionOccupation]
) -> list[CrosswalkRow]:
    pages = []
    for path in sorted((shared_dir / "data/sites/www.bls.gov/ooh").glob("*/*.htm")):
        url = f"https://www.bls.gov/ooh/{path.parent.name}/{path.name}"
        page = parse_page(path.read_bytes(), url=url).occupation
        pages.append(PageCodes(page.slug, page.onet_codes, page.soc_codes))
    assert len(pages) == 342
    return soc_crosswalk(pages, listed, projections)


def test_1016_occupations_are_listed_and_923_of_them_can_be_scored(listed: list[ListedOccupation]) -> None:
    scoreable = [occupation for occupation in listed if occupation.is_scoreable]
    assert (len(listed), len(scoreable)) == (1_016, 923)
    assert Counter(occupation.job_zone for occupation in scoreable) == {1: 33, 2: 298, 3: 213, 4: 225, 5: 154}
    assert sum(occupation.onet_code.endswith(".00") for occupation in listed) == 867


def test_all_projections_are_read(projections: list[ProjectionOccupation]) -> None:
    assert len(projections) == 832
    assert sum(row.median_wage_annual is None for row in projections) == 6
    assert sum(row.wage_is_top_coded for row in projections) == 17
    assert sum(row.openings == 0 for row in projections) == 4
    assert {(row.base_year, row.projection_year, row.wage_year) for row in projections} == {(2024, 2034, 2024)}


def test_the_database_is_read_with_all_rows(database: OnetDatabase) -> None:
    tables = {name: getattr(database, name) for name in database.files}
    assert {name: len(frame) for name, frame in tables.items()} == {
        "occupations": 1_016,
        "reported_titles": 7_953,
        "education": 37_125,
        "education_categories": 41,
        "tasks": 18_796,
    }
    assert database.education_categories is not None
    assert "None" in database.education_categories["description"].tolist()


def test_database_and_projections_alone_give_every_scoreable_occupation_its_figures(
    occupations: list[OnetOccupation],
) -> None:
    frame = pd.DataFrame([asdict(occupation) for occupation in occupations if occupation.is_scoreable])
    known = frame.notna().sum()
    complete = ["description", "growth_category", "employment_change_pct", "openings", "education_top", "tasks_count"]
    assert known[complete].eq(923).all()
    assert (known["education_top_pct"], known["median_wage_annual"], known["median_wage_hourly"]) == (878, 918, 0)
    assert frame["sample_titles"].map(len).gt(0).sum() == 907
    assert frame["projection_match"].value_counts().to_dict() == {"exact": 750, "specialty": 143, "combined": 30}


def test_there_is_a_document_an_occupation_and_one_a_task(
    occupations: list[OnetOccupation], database: OnetDatabase
) -> None:
    documents = onet_documents(occupations, database=database)
    tasks = task_table(occupations, database)
    assert len(documents) == 923
    assert min(len(document.text) for document in documents) > 500
    assert (len(task_documents(tasks)), tasks["doc_id"].nunique()) == (18_796, 18_796)
    assert tasks["task"].duplicated().sum() == 1_259
    assert len(title_table(occupations)) == 7_953


def test_341_pages_are_joined_to_700_codes_and_no_job_is_counted_twice(
    crosswalk: list[CrosswalkRow], projections: list[ProjectionOccupation]
) -> None:
    assert len({row.slug for row in crosswalk if row.is_linked}) == 341
    assert len({row.onet_code for row in crosswalk if row.is_linked}) == 700
    assert len({row.onet_code for row in crosswalk}) == len(crosswalk) == 1_016
    assert sum(row.jobs_share or 0 for row in crosswalk) == sum(row.employment for row in projections)
    assert sum(row.jobs_share or 0 for row in crosswalk if row.slug) == pytest.approx(JOBS_ON_ALL_PAGES, abs=1_000)


def test_no_row_of_the_projections_lies_on_two_pages(crosswalk: list[CrosswalkRow]) -> None:
    pages: dict[str, set[str]] = {}
    for row in crosswalk:
        if row.slug and row.projection_soc_code:
            pages.setdefault(row.projection_soc_code, set()).add(row.slug)
    assert all(len(slugs) == 1 for slugs in pages.values())


@pytest.fixture(scope="module")
def published(shared_dir: Path, occupations: list[OnetOccupation]) -> pd.DataFrame:
    """The published scores and rankings beside our figures of the same occupations."""
    theirs = pd.read_csv(shared_dir / "data/reference/resilience_published.csv", thousands=",")
    ours = pd.DataFrame([asdict(occupation) for occupation in occupations])
    return theirs.merge(ours, left_on="Code", right_on="onet_code", validate="one_to_one")


def test_growth_category_and_openings_follow_from_the_projections_for_all(published: pd.DataFrame) -> None:
    words = published["Projected Growth"].str.partition(" (")[0]
    assert len(published) == 923
    assert (words == published["growth_category"]).all()
    assert (published["Projected Job Openings"] == published["openings"]).all()


def recomputed(published: pd.DataFrame, categories: dict[GrowthCategory, float]) -> pd.Series:
    formula = ResilienceFormula.model_validate(
        {
            "scale": (1, 5),
            "defensive": {"share": 0.65, "weights": {"a1": 1}},
            "offensive": {"share": 0.35, "weights": {"a9": 1}},
            "signals": {"score": 0.50, "growth": 0.30, "openings": 0.20},
            "growth_categories": categories,
        }
    )
    growth = growth_signal(published, formula)["growth_norm"]
    return final_ranking(published["ai_proof_score"], growth, openings_signal(published["openings"]), formula)


def test_the_published_ranking_is_reproduced_with_its_defect_put_back(published: pd.DataFrame) -> None:
    difference = (recomputed(published, THEIR_CATEGORIES) - published["final_ranking"]).abs()
    assert (difference <= 0.0005).sum() == 923


def test_by_the_documented_table_exactly_70_rows_differ(published: pd.DataFrame) -> None:
    difference = (recomputed(published, CATEGORIES) - published["final_ranking"]).abs()
    assert (difference > 0.0005).sum() == 70
    assert difference.max() == pytest.approx(0.120, abs=1e-9)


def test_a_release_of_the_new_content_model_is_read_with_its_education(shared_dir: Path) -> None:
    database = read_onet_database(shared_dir / "data/cases/onet_30_3_layout/db_31_0_text.zip", required=NEEDED_TABLES)
    assert (database.release, database.not_read) == ("31.0", ())
    listed = [ListedOccupation("11-1011.00", "Firm heads", 5, is_scoreable=True)]
    (occupation,) = onet_occupations(listed, database=database)
    assert (occupation.education_top, occupation.education_top_pct) == ("Bachelor's degree", 100)
    assert (occupation.sample_titles, occupation.tasks_count) == (("Firm head",), 1)


def test_the_whole_of_a_warehouse_is_filled_from_it(shared_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(SAMPLE_SITES, tmp_path / "sites")
    warehouse = Warehouse(tmp_path / "exposure.duckdb")
    saved = shared_dir / "data/cases/onet_30_3_layout/db_31_0_text.zip"
    fetch(warehouse, open_site(str(tmp_path / "sites"), contact=None), database=saved)
    outcome = every_table_is_read(parse(warehouse))
    assert outcome.passed
    assert "it goes without table 'Job Titles' (to 30.2: 'Alternate Titles')" in outcome.description
    educated = "SELECT education_top, education_top_pct FROM parsed.onet_occupations WHERE onet_code = '11-1011.00'"
    assert warehouse.rows(educated) == [("Bachelor's degree", 100.0)]


NAMES_OF_31 = {
    "Education Training and Experience": "Education",
    "ETE Categories": "Education Categories",
    "Alternate Titles": "Job Titles",
}


def test_the_real_tables_are_the_same_under_the_names_of_31(
    shared_dir: Path, tmp_path: Path, database: OnetDatabase
) -> None:
    for folder in ("onet_db", "onet_titles"):
        for path in (shared_dir / "data/downloads" / folder).glob("*.xlsx"):
            shutil.copy(path, tmp_path / f"{NAMES_OF_31.get(path.stem, path.stem)}.xlsx")
    renamed = read_onet_database(tmp_path, required=NEEDED_TABLES)
    for table in NEEDED_TABLES:
        pd.testing.assert_frame_equal(getattr(renamed, table), getattr(database, table))
    assert renamed.not_read == ()
    assert renamed.job_titles is not None
    assert len(renamed.job_titles) == 56_495
    assert renamed.job_titles["short_title"].notna().sum() == 3_865


def test_a_needed_real_table_under_a_name_that_nobody_knows_is_found_by_its_columns(
    shared_dir: Path, tmp_path: Path, database: OnetDatabase
) -> None:
    for path in (shared_dir / "data/downloads/onet_db").glob("*.xlsx"):
        shutil.copy(path, tmp_path / f"{path.stem.replace('Education Training and Experience', 'Schooling')}.xlsx")
    renamed = read_onet_database(tmp_path, required=NEEDED_TABLES)
    assert renamed.files["education"] == "Schooling.xlsx"
    pd.testing.assert_frame_equal(renamed.education, database.education)


def test_listed_titles_lead_to_occupations_besides_the_reported_ones(
    shared_dir: Path, occupations: list[OnetOccupation], database: OnetDatabase
) -> None:
    listed = read_onet_database(shared_dir / "data/downloads/onet_titles").job_titles
    titles = title_table(occupations, replace(database, job_titles=listed))
    assert not titles.duplicated(["onet_code", "title"]).any()
    assert titles["kind"].value_counts()["reported"] == 7_953
    assert len(titles) > 55_000
