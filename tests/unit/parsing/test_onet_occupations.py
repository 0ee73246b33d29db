"""One record an O*NET occupation, from page, database and projections."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from exposure_dagster.core.growth import GrowthCategory
from exposure_dagster.corpora.onet.crosswalk import ProjectionMatch
from exposure_dagster.corpora.onet.database import OnetDatabase
from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation
from exposure_dagster.corpora.onet.listing import ListedOccupation
from exposure_dagster.corpora.onet.occupations import OnetOccupation, newer_edition, onet_occupations
from exposure_dagster.corpora.onet.page import OnetPage
from exposure_dagster.parsing.education import EducationShare, education_level

KEEPERS = ListedOccupation("47-2999.00", "Lamp Keepers", 2, is_scoreable=True)
PAGE = OnetPage(
    onet_code="47-2999.00",
    title="Lamp Keepers",
    description="Keep lamps, says the page.",
    sample_titles=("Lamp Keeper",),
    tasks=("Light lamps.", "Trim wicks."),
    tasks_count=12,
    median_wage_annual=44_720,
    median_wage_hourly=21.5,
    wage_is_top_coded=False,
    wage_year=2025,
    growth_category=GrowthCategory.FASTER,
    openings=1_300,
    base_year=2024,
    projection_year=2034,
    education=(EducationShare("Some college courses", 25), EducationShare("High school diploma", 56)),
)
PROJECTION = ProjectionOccupation(
    soc_code="47-2999",
    title="Lamp keepers",
    aliases=(),
    employment=12_000,
    projected_employment=12_300,
    change=300,
    change_pct=2.5,
    openings=1_200,
    median_wage_annual=43_000,
    wage_is_top_coded=True,
    entry_education="High school diploma or equivalent",
    work_experience="None",
    training="None",
    base_year=2024,
    projection_year=2034,
    wage_year=2024,
)
DATABASE = OnetDatabase(
    release="30.2",
    files={},
    occupations=pd.DataFrame(
        {"onet_code": ["47-2999.00"], "title": ["Lamp Keepers"], "description": ["Keep lamps, says the database."]}
    ),
    reported_titles=pd.DataFrame(
        {"onet_code": ["47-2999.00"] * 2, "reported_title": ["Lighter", "Trimmer"], "is_in_my_next_move": True}
    ),
    education=pd.DataFrame(
        {
            "onet_code": ["47-2999.00"] * 5,
            "element_id": ["2.D.1"] * 4 + ["3.A.1"],
            "scale_id": ["RL"] * 4 + ["RW"],
            "category": pd.array([6, 1, 2, 3, 1], dtype="Int64"),
            "value": [30.0, 0.0, 40.0, 30.0, 99.0],
        }
    ),
    tasks=pd.DataFrame({"onet_code": ["47-2999.00"] * 3, "task_id": [1, 2, 3], "task": ["a", "b", "c"]}),
)


def the_one(
    *,
    pages: list[OnetPage] | None = None,
    database: OnetDatabase | None = None,
    projections: list[ProjectionOccupation] | None = None,
    listed: ListedOccupation = KEEPERS,
) -> OnetOccupation:
    (occupation,) = onet_occupations([listed], pages=pages, database=database, projections=projections)
    return occupation


def test_with_the_list_alone_there_are_titles_and_no_figures() -> None:
    occupation = the_one()
    assert (occupation.title, occupation.job_zone, occupation.soc_code) == ("Lamp Keepers", 2, "47-2999")
    assert occupation.url == "https://www.onetonline.org/link/summary/47-2999.00"
    assert (occupation.description, occupation.openings, occupation.sample_titles) == (None, None, ())
    assert occupation.origins == {}


def test_the_page_comes_before_the_database_and_the_database_before_the_projections() -> None:
    occupation = the_one(pages=[PAGE], database=DATABASE, projections=[PROJECTION])
    assert occupation.description == "Keep lamps, says the page."
    assert (occupation.median_wage_annual, occupation.wage_is_top_coded) == (44_720, False)
    assert (occupation.growth_category, occupation.openings) == (GrowthCategory.FASTER, 1_300)
    assert (occupation.education_top, occupation.education_top_pct) == ("High school diploma", 56)
    assert (occupation.tasks_count, occupation.sample_titles) == (12, ("Lamp Keeper",))
    assert occupation.employment_change_pct == 2.5
    assert occupation.origins["employment_change_pct"] == "projections"
    assert {origin for name, origin in occupation.origins.items() if name != "employment_change_pct"} == {"page"}


def test_without_pages_database_and_projections_give_all_but_the_hourly_wage() -> None:
    occupation = the_one(database=DATABASE, projections=[PROJECTION])
    missing = [name for name in OnetOccupation.__slots__ if getattr(occupation, name) is None]
    assert missing == ["median_wage_hourly"]
    assert occupation.description == "Keep lamps, says the database."
    assert (occupation.sample_titles, occupation.tasks_count) == (("Lighter", "Trimmer"), 3)
    assert (occupation.median_wage_annual, occupation.wage_is_top_coded) == (43_000, True)
    assert (occupation.growth_category, occupation.openings) == (GrowthCategory.AVERAGE, 1_200)
    assert (occupation.base_year, occupation.projection_year) == (2024, 2034)
    assert occupation.origins["tasks_count"] == "database"
    assert occupation.origins["openings"] == "projections"
    assert "median_wage_hourly" not in occupation.origins


def test_education_is_the_two_levels_named_most_and_the_lower_of_equals_first() -> None:
    occupation = the_one(database=DATABASE)
    assert (occupation.education_top, occupation.education_top_pct) == ("High school diploma", 40)
    assert (occupation.education_second, occupation.education_second_pct) == ("Post-secondary certificate", 30)


def test_levels_bear_the_names_of_the_release_where_it_has_them() -> None:
    categories = pd.DataFrame(
        {
            "element_id": ["2.D.1", "3.A.1"],
            "scale_id": ["RL", "RW"],
            "category": [2, 2],
            "description": ["Secondary School Diploma - or the equivalent (for example, GED)", "Up to one month"],
        }
    )
    assert the_one(database=replace(DATABASE, education_categories=categories)).education_top == (
        "Secondary school diploma"
    )


def test_where_nobody_was_asked_education_is_the_typical_entry_level_without_a_percentage() -> None:
    occupation = the_one(projections=[PROJECTION])
    assert (occupation.education_top, occupation.education_top_pct) == ("High school diploma", None)
    assert occupation.origins["education_top"] == "projections"


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("High School Diploma - or the equivalent (for example, GED)", "High school diploma"),
        ("high school diploma or equivalent", "High school diploma"),
        ("Associate's Degree (or other 2-year degree)", "Associate's degree"),
        ("bachelor\u2019s degree", "Bachelor's degree"),
        ("Doctoral or professional degree", "Doctoral or professional degree"),
    ],
)
def test_levels_of_all_sources_come_to_one_short_form(words: str, level: str) -> None:
    assert education_level(words) == level


def test_a_specialty_has_the_figures_of_its_soc_occupation_and_says_so() -> None:
    occupation = the_one(listed=replace(KEEPERS, onet_code="47-2999.01"), projections=[PROJECTION])
    assert (occupation.openings, occupation.employment_change_pct) == (1_200, 2.5)
    assert (occupation.projection_soc_code, occupation.projection_match) == ("47-2999", ProjectionMatch.SPECIALTY)


def test_a_combined_code_gives_its_figures_to_those_it_combines() -> None:
    occupation = the_one(
        listed=replace(KEEPERS, onet_code="13-1021.00"), projections=[replace(PROJECTION, soc_code="13-1020")]
    )
    assert (occupation.openings, occupation.projection_match) == (1_200, ProjectionMatch.COMBINED)


def test_an_occupation_outside_the_projections_has_no_growth() -> None:
    occupation = the_one(listed=replace(KEEPERS, onet_code="55-1011.00"), projections=[PROJECTION])
    assert (occupation.growth_category, occupation.openings, occupation.projection_match) == (None, None, None)
    assert (occupation.base_year, occupation.projection_year) == (None, None)


def test_growth_of_another_edition_on_a_page_gives_way_to_the_projections_at_hand() -> None:
    page = replace(PAGE, base_year=2025, projection_year=2035)
    occupation = the_one(pages=[page], projections=[PROJECTION])
    assert (occupation.growth_category, occupation.openings) == (GrowthCategory.AVERAGE, 1_200)
    assert occupation.median_wage_annual == 44_720
    assert newer_edition([PAGE, page], [PROJECTION]) == (2025, 2035)


def test_without_projections_the_page_tells_growth_and_years() -> None:
    occupation = the_one(pages=[PAGE])
    assert (occupation.growth_category, occupation.openings) == (GrowthCategory.FASTER, 1_300)
    assert (occupation.base_year, occupation.projection_year) == (2024, 2034)
    assert occupation.employment_change_pct is None


def test_pages_of_the_same_edition_or_an_older_one_tell_of_no_newer() -> None:
    assert newer_edition([PAGE, replace(PAGE, base_year=2023, projection_year=2033)], [PROJECTION]) is None
    assert newer_edition([replace(PAGE, base_year=None)], [PROJECTION]) is None


def test_a_page_without_wages_leaves_them_to_the_projections() -> None:
    page = replace(PAGE, median_wage_annual=None, median_wage_hourly=None)
    assert the_one(pages=[page], projections=[PROJECTION]).median_wage_annual == 43_000


def test_an_hourly_wage_alone_is_not_paired_with_a_yearly_one_of_another_source() -> None:
    page = replace(PAGE, median_wage_annual=None)
    occupation = the_one(pages=[page], projections=[PROJECTION])
    assert (occupation.median_wage_annual, occupation.median_wage_hourly) == (None, 21.5)
