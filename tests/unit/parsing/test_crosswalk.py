"""Handbook page ↔ SOC ↔ O*NET, and how jobs are shared among O*NET occupations."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from exposure_dagster.corpora.onet.crosswalk import (
    COMBINED_CODES,
    CrosswalkRow,
    PageCodes,
    ProjectionMatch,
    projection_link,
    soc_crosswalk,
)
from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation
from exposure_dagster.corpora.onet.listing import ListedOccupation


def listed(*codes: str) -> list[ListedOccupation]:
    return [ListedOccupation(code, f"Occupation {code}", 3, is_scoreable=True) for code in codes]


def projection(soc_code: str, employment: int) -> ProjectionOccupation:
    return ProjectionOccupation(
        soc_code=soc_code,
        title="T",
        aliases=(),
        employment=employment,
        projected_employment=employment,
        change=0,
        change_pct=0.0,
        openings=0,
        median_wage_annual=None,
        wage_is_top_coded=False,
        entry_education="",
        work_experience="",
        training="",
        base_year=2024,
        projection_year=2034,
        wage_year=2024,
    )


NURSES = PageCodes("registered-nurses", ["29-1141.00", "29-1141.01"], ["29-1141"])


def by_code(rows: list[CrosswalkRow]) -> dict[str, CrosswalkRow]:
    return {row.onet_code: row for row in rows}


def test_a_code_of_its_own_is_exact_and_its_specialties_are_not() -> None:
    rows = by_code(soc_crosswalk([NURSES], listed("29-1141.00", "29-1141.01"), [projection("29-1141", 100)]))
    assert rows["29-1141.00"].projection_match is ProjectionMatch.EXACT
    assert rows["29-1141.01"].projection_match is ProjectionMatch.SPECIALTY
    assert {row.projection_soc_code for row in rows.values()} == {"29-1141"}


def test_a_code_that_the_projections_lack_takes_the_combined_one() -> None:
    link = projection_link("13-1021.00", {"13-1020"})
    assert link is not None
    assert (link.soc_code, link.match) == ("13-1020", ProjectionMatch.COMBINED)


def test_a_detailed_code_wins_over_the_combined_one_where_an_edition_lists_it() -> None:
    link = projection_link("13-1021.00", {"13-1020", "13-1021"})
    assert link is not None
    assert (link.soc_code, link.match) == ("13-1021", ProjectionMatch.EXACT)


def test_a_code_outside_the_projections_has_no_row_and_no_jobs() -> None:
    (row,) = soc_crosswalk([], listed("55-1011.00"), [projection("29-1141", 100)])
    assert (row.projection_soc_code, row.projection_match, row.jobs_share, row.sharing) == (None, None, None, 0)


def test_combined_codes_are_none_of_those_they_combine() -> None:
    assert not set(COMBINED_CODES) & set(COMBINED_CODES.values())


def test_an_occupation_belongs_to_the_page_that_links_to_it() -> None:
    rows = by_code(soc_crosswalk([NURSES], listed("29-1141.00", "47-2181.00"), []))
    assert (rows["29-1141.00"].slug, rows["29-1141.00"].is_linked) == ("registered-nurses", True)
    assert (rows["47-2181.00"].slug, rows["47-2181.00"].is_linked) == (None, False)


def test_an_occupation_without_a_link_belongs_to_the_page_that_covers_its_soc_code() -> None:
    buyers = PageCodes("buyers", [], ["13-1020"])
    rows = by_code(soc_crosswalk([NURSES, buyers], listed("29-1141.03", "13-1021.00"), [projection("13-1020", 90)]))
    assert (rows["29-1141.03"].slug, rows["29-1141.03"].is_linked) == ("registered-nurses", False)
    assert (rows["13-1021.00"].slug, rows["13-1021.00"].is_linked) == ("buyers", False)


def test_the_jobs_of_a_row_are_shared_equally_among_its_occupations() -> None:
    codes = listed("29-1141.00", "29-1141.01", "29-1141.02")
    rows = soc_crosswalk([NURSES], codes, [projection("29-1141", 300)])
    assert [(row.jobs_share, row.sharing) for row in rows] == [(100, 3)] * 3


def test_a_code_that_two_pages_link_to_counts_its_jobs_once() -> None:
    pages = [PageCodes("a", ["29-1141.00"], []), PageCodes("b", ["29-1141.00"], [])]
    rows = soc_crosswalk(pages, listed("29-1141.00"), [projection("29-1141", 101)])
    assert [(row.slug, row.jobs_share) for row in rows] == [("a", 51), ("b", 50)]


@settings(deadline=None)
@given(
    employment=st.dictionaries(st.sampled_from(["11-1011", "13-1020", "29-1141"]), st.integers(0, 10**7)),
    codes=st.sets(
        st.builds(
            "{}.{:02}".format,
            st.sampled_from(["11-1011", "13-1021", "13-1022", "29-1141", "55-1011"]),
            st.integers(0, 5),
        )
    ),
)
def test_shares_add_up_to_the_projections_whatever_is_listed(employment: dict[str, int], codes: set[str]) -> None:
    rows = soc_crosswalk([NURSES], listed(*sorted(codes)), [projection(*item) for item in employment.items()])
    for soc_code, jobs in employment.items():
        shares = [row.jobs_share for row in rows if row.projection_soc_code == soc_code]
        assert not shares or sum(share or 0 for share in shares) == jobs
