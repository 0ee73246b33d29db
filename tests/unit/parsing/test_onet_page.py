"""Summary pages of O*NET OnLine."""

from __future__ import annotations

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.core.growth import GrowthCategory
from exposure_dagster.corpora.onet.page import OnetPage, ParsedOnetPage, parse_onet_page
from exposure_dagster.parsing.education import EducationShare
from tests.unit.parsing.summary_page import DESCRIPTION, EDUCATION, HEAD, TASKS, URL, WAGES, WHOLE, a_page


def parsed(*parts: str) -> ParsedOnetPage:
    return parse_onet_page(a_page(*parts), url=URL)


def without(part: str) -> list[str]:
    return [other for other in WHOLE if other != part]


def unread(page: ParsedOnetPage) -> list[tuple[str, str]]:
    return [(field.field, field.found) for field in page.unread]


def test_a_whole_page_is_read() -> None:
    assert parsed(*WHOLE) == ParsedOnetPage(
        OnetPage(
            onet_code="47-2999.00",
            title="Lamp Keepers",
            description="Light lamps, trim wicks, and keep watch over harbors by night.",
            sample_titles=("Lamp Keeper", "Lighter (Gas, Oil)", "Wick Trimmer"),
            tasks=("Light the lamps at dusk.", "Trim wicks."),
            tasks_count=12,
            median_wage_annual=44_720,
            median_wage_hourly=21.5,
            wage_is_top_coded=False,
            wage_year=2024,
            growth_category=GrowthCategory.MUCH_FASTER,
            openings=1_300,
            base_year=2024,
            projection_year=2034,
            education=(
                EducationShare("Some college courses", 25),
                EducationShare("High school diploma", 56),
            ),
        ),
        unread=[],
    )


def test_a_heading_without_inner_marks_gives_the_title_all_the_same() -> None:
    assert parsed("<h1>Lamp Keepers 47-2999.00 Updated 2025</h1>", *WHOLE[1:]).page.title == "Lamp Keepers"


def test_a_placeholder_is_no_description() -> None:
    placeholder = "<p>A subset of this occupation's profile is available. Data collection is under way.</p>"
    assert parsed(HEAD, placeholder, *WHOLE[1:]).page.description == (
        "Light lamps, trim wicks, and keep watch over harbors by night."
    )


def test_paragraphs_of_sections_are_no_description() -> None:
    page = parsed(*without(DESCRIPTION))
    assert page.page.description is None
    assert unread(page) == [("description", "no paragraph below the heading")]


def test_unrated_tasks_stand_in_a_list() -> None:
    tasks = """<div id="Tasks" class="reportsection"><ul>
    <li><div><div class="order-2">Light the lamps.</div><a>more info</a></div></li><li>Trim wicks.</li></ul></div>"""
    page = parsed(HEAD, DESCRIPTION, tasks, WAGES).page
    assert (page.tasks, page.tasks_count) == (("Light the lamps.", "Trim wicks."), 2)


@pytest.mark.parametrize(
    ("words", "annual", "hourly", "is_top_coded"),
    [
        ("$115.00+ hourly, $239,200+ annual", 239_200, 115.0, True),
        ("$23.33 hourly", None, 23.33, False),
        ("$93,600 annual", 93_600, None, False),
        ("annual wages not available", None, None, False),
        ("Not available", None, None, False),
    ],
)
def test_wages_have_several_forms(words: str, annual: int | None, hourly: float | None, is_top_coded: bool) -> None:
    page = parsed(*without(WAGES), WAGES.replace("$21.50 hourly, $44,720 annual", words))
    wages = (page.page.median_wage_annual, page.page.median_wage_hourly, page.page.wage_is_top_coded)
    assert wages == (annual, hourly, is_top_coded)
    assert page.unread == []


def test_titles_and_education_may_be_absent() -> None:
    page = parsed(HEAD, DESCRIPTION, TASKS, WAGES)
    assert (page.page.sample_titles, page.page.education, page.unread) == ((), (), [])


@pytest.mark.parametrize(
    ("old", "new", "field", "found"),
    [
        ("$21.50 hourly, $44,720 annual", "21.50 USD", "median_wage_annual", "21.50 USD"),
        ("Much faster than average", "Booming", "growth_category", "Booming (7% or higher)"),
        ("1,300", "some", "openings", "some"),
        ("Projected growth", "Growth", "growth_category", "no projected growth"),
        ("Median wages", "Wages", "median_wage_annual", "no median wages"),
        ("Projected job openings", "Openings", "openings", "no projected job openings"),
        ('id="Tasks"', 'id="Duties"', "tasks_count", "no section of tasks"),
    ],
)
def test_a_changed_layout_shows_as_an_unread_field(old: str, new: str, field: str, found: str) -> None:
    body = a_page(*WHOLE).decode().replace(old, new).encode()
    assert unread(parse_onet_page(body, url=URL)) == [(field, found)]


def test_announced_shares_that_cannot_be_read_are_reported() -> None:
    page = parsed(*without(EDUCATION), EDUCATION.replace("responded:", "said"))
    assert [field.field for field in page.unread] == ["education_top"]
    assert page.unread[0].found.startswith("Respondents said")


def test_of_an_occupation_without_data_only_title_and_description_are_wanted() -> None:
    page = parse_onet_page(a_page(HEAD, DESCRIPTION), url=URL, has_data=False)
    assert page.unread == []
    assert page.page.tasks_count is None


def test_the_page_of_another_occupation_is_refused() -> None:
    with pytest.raises(SourceError, match=r"not the summary page of 11-1011\.00: it is about 47-2999\.00"):
        parse_onet_page(a_page(*WHOLE), url="https://www.onetonline.org/link/summary/11-1011.00")


def test_a_refusal_is_no_summary_page() -> None:
    body = b"<html><head><title>Access Denied</title></head><body>No.</body></html>"
    with pytest.raises(SourceError, match=r"not the summary page of 47-2999\.00: it is titled 'Access Denied'"):
        parse_onet_page(body, url=URL)
