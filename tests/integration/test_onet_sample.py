"""The bundled sample's O*NET and projections files: they are read like real ones, and match the sample's pages."""

from __future__ import annotations

import pytest

from exposure_dagster.corpora.onet.crosswalk import CrosswalkRow, PageCodes, ProjectionMatch, soc_crosswalk
from exposure_dagster.corpora.onet.database import NEEDED_TABLES, OnetDatabase, database_url, read_onet_database
from exposure_dagster.corpora.onet.documents import onet_documents
from exposure_dagster.corpora.onet.employment_projections import PROJECTIONS_URL, parse_projections
from exposure_dagster.corpora.onet.listing import LIST_URL, parse_onet_list
from exposure_dagster.corpora.onet.occupations import OnetOccupation, onet_occupations
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.settings import SAMPLE_SITES
from exposure_dagster.sources.bodies import Expected
from exposure_dagster.sources.fetching import PageRequest
from exposure_dagster.sources.folder import FolderFetcher


def body_of(url: str, expects: Expected) -> bytes:
    fetched = FolderFetcher(SAMPLE_SITES).fetch(PageRequest(url=url, expects=expects))
    assert fetched.reason is None
    assert fetched.body is not None
    return fetched.body


@pytest.fixture(scope="module")
def database() -> OnetDatabase:
    return read_onet_database(body_of(database_url("30.2"), "zip"), required=NEEDED_TABLES)


@pytest.fixture(scope="module")
def occupations(database: OnetDatabase) -> list[OnetOccupation]:
    return onet_occupations(
        parse_onet_list(body_of(LIST_URL, "csv")),
        database=database,
        projections=parse_projections(body_of(PROJECTIONS_URL, "csv")),
    )


@pytest.fixture(scope="module")
def crosswalk() -> list[CrosswalkRow]:
    pages = []
    for path in sorted((SAMPLE_SITES / "www.bls.gov/ooh").glob("*/*.htm")):
        url = f"https://www.bls.gov/ooh/{path.parent.name}/{path.name}"
        page = parse_page(path.read_bytes(), url=url).occupation
        pages.append(PageCodes(page.slug, page.onet_codes, page.soc_codes))
    listed = parse_onet_list(body_of(LIST_URL, "csv"))
    missing = {code for page in pages for code in page.onet_codes} - {occupation.onet_code for occupation in listed}
    assert missing == set()
    return soc_crosswalk(pages, listed, parse_projections(body_of(PROJECTIONS_URL, "csv")))


def test_every_scoreable_occupation_has_all_that_a_ranking_needs(occupations: list[OnetOccupation]) -> None:
    scoreable = [occupation for occupation in occupations if occupation.is_scoreable]
    assert len(scoreable) > 70
    assert len(scoreable) < len(occupations)
    for occupation in scoreable:
        assert occupation.description
        assert occupation.tasks_count
        assert occupation.sample_titles
        assert occupation.growth_category
        assert occupation.openings is not None


def test_documents_are_texts_of_some_length(occupations: list[OnetOccupation], database: OnetDatabase) -> None:
    assert min(len(document.text) for document in onet_documents(occupations, database=database)) > 300


def test_all_kinds_of_match_occur(crosswalk: list[CrosswalkRow]) -> None:
    assert {row.projection_match for row in crosswalk} == {*ProjectionMatch, None}
    assert any(row.slug is None for row in crosswalk)
    assert any(not row.is_scoreable and row.slug for row in crosswalk)


def test_shares_add_up_to_the_jobs_of_each_page(crosswalk: list[CrosswalkRow]) -> None:
    nurses = [row.jobs_share or 0 for row in crosswalk if row.slug == "registered-nurses"]
    assert (len(nurses), sum(nurses)) == (5, 3_391_000)
