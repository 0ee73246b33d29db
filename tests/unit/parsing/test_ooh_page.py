"""What becomes of a page of the handbook: facts, projections, codes, and the fields that cannot be read."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.parsing.figures import imputed_annual_pay
from exposure_dagster.parsing.records import Occupation, ParsedPage, UnreadField
from tests.unit.parsing.handbook import (
    FACTS,
    FIGURELESS,
    PAGE,
    PAGE_URL,
    PROJECTIONS_HEAD,
    PROJECTIONS_ROWS,
    changed,
    pay_cell,
)


def parsed(page: str) -> ParsedPage:
    return parse_page(page.encode(), url=PAGE_URL)


def occupation(page: str) -> Occupation:
    return parsed(page).occupation


def unread_fields(page: str) -> set[str]:
    return {unread.field for unread in parsed(page).unread}


def test_a_page_as_it_should_be_has_every_field_and_nothing_unread() -> None:
    page = parsed(PAGE)
    assert page.unread == []
    record = page.occupation
    assert (record.slug, record.category, record.url) == ("lamp-keepers", "light-and-signal", PAGE_URL)
    assert (record.title, record.description) == ("Lamp Keepers", "Lamp keepers keep lamps burning.")
    assert (record.median_pay_annual, record.median_pay_hourly, record.pay_basis) == (50000, 24.04, "annual")
    assert record.pay_is_top_coded is False
    assert record.entry_education == "High school diploma or equivalent"
    assert (record.work_experience, record.training) == ("None", "Apprenticeship")
    assert (record.jobs, record.projected_jobs, record.employment_change) == (12000, 11400, -600)
    assert (record.outlook_pct, record.outlook_desc) == (-5, "Decline")
    assert record.last_modified == date(2031, 8, 28)


def test_the_years_of_an_edition_are_read_from_its_labels() -> None:
    record = occupation(PAGE)
    assert (record.pay_year, record.base_year, record.projection_year) == (2031, 2031, 2041)
    later = occupation(PAGE.replace("2041", "2102").replace("2031–41", "2092–02").replace("2031", "2092"))
    assert (later.pay_year, later.base_year, later.projection_year) == (2092, 2092, 2102)


def test_years_on_which_the_page_does_not_agree_with_itself_are_unread() -> None:
    page = parsed(changed("Number of Jobs, 2031", "Number of Jobs, 2030"))
    assert page.occupation.base_year is None
    assert page.unread == [UnreadField("lamp-keepers", "base_year", "2030 in the quick facts, 2031 in the projections")]


class TestPay:
    def test_a_page_with_a_yearly_figure_alone_has_no_hourly_pay(self) -> None:
        record = occupation(pay_cell("$62,910     per year"))
        assert (record.median_pay_annual, record.median_pay_hourly, record.pay_basis) == (62910, None, "annual")

    def test_an_hourly_only_page_has_no_annual_pay(self) -> None:
        page = parsed(pay_cell("$23.33     per hour"))
        record = page.occupation
        assert (record.median_pay_annual, record.median_pay_hourly) == (None, 23.33)
        assert record.pay_basis == "hourly_only"
        assert page.unread == []

    def test_an_imputed_annual_pay_is_2080_hours(self) -> None:
        assert imputed_annual_pay(23.33) == 48526

    def test_equal_to_or_greater_than_is_top_coded(self) -> None:
        page = parsed(pay_cell("This wage is equal to or greater than $239,200 per year or $115.00 per hour."))
        record = page.occupation
        assert (record.median_pay_annual, record.median_pay_hourly) == (239200, 115.0)
        assert record.pay_is_top_coded is True
        assert page.unread == []

    def test_an_empty_cell_is_no_pay_where_the_page_says_its_wage_data_are_older(self) -> None:
        page = changed(
            "The median annual wage",
            "Wage data reported for this occupation were updated most recently in May 2024. The median",
            pay_cell(""),
        )
        assert unread_fields(page) == set()
        assert occupation(page).pay_basis == "none"

    def test_an_empty_cell_is_unread_where_the_page_says_nothing_of_the_kind(self) -> None:
        page = parsed(pay_cell(""))
        assert page.unread == [UnreadField("lamp-keepers", "median_pay_annual", "''")]
        assert page.occupation.pay_basis is None
        assert page.occupation.pay_is_top_coded is None

    def test_a_cell_that_says_not_available_is_no_pay(self) -> None:
        page = parsed(pay_cell("The median wage is not available."))
        assert (page.occupation.pay_basis, page.unread) == ("none", [])

    @pytest.mark.parametrize(
        "words",
        [
            "about fifty thousand dollars",
            "$50,000 per year $24.04 an hour",
            "$50,000 per month",
            "50,000 per year",
            "$4,166 per year (not available by hour)",
            "Loading…",
        ],
    )
    def test_words_of_no_known_form_are_unread_as_a_whole(self, words: str) -> None:
        page = parsed(pay_cell(words))
        assert page.unread == [UnreadField("lamp-keepers", "median_pay_annual", repr(words))]
        assert (page.occupation.median_pay_annual, page.occupation.median_pay_hourly) == (None, None)


class TestQuickFacts:
    def test_a_pointer_to_another_tab_is_no_level_and_no_gap(self) -> None:
        page = parsed(changed("High school diploma or equivalent", "See How to Become One"))
        assert (page.occupation.entry_education, page.unread) == (None, [])

    def test_they_are_found_by_their_labels_in_any_order(self) -> None:
        rows = FACTS.split("<tr>")[1:]
        backwards = "".join(f"<tr>{row}" for row in reversed(rows))
        assert occupation(changed(FACTS, backwards)) == occupation(PAGE)

    @pytest.mark.parametrize(
        ("label", "field"),
        [
            ("Median Pay", "median_pay_annual"),
            ("Typical Entry-Level Education", "entry_education"),
            ("Work Experience in a Related Occupation", "work_experience"),
            ("On-the-job Training", "training"),
            ("Number of Jobs", "jobs"),
            ("Job Outlook, 2031–41", "outlook_pct"),
            ("Employment Change", "employment_change"),
        ],
    )
    def test_a_label_that_is_gone_is_named_with_the_labels_found(self, label: str, field: str) -> None:
        page = parsed(changed(f"{label}", "Something New", PAGE))
        assert [unread.field for unread in page.unread] == [field]
        assert "Something New" in page.unread[0].found

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            ("High school diploma or equivalent", "entry_education"),
            ("None", "work_experience"),
            ("Apprenticeship", "training"),
            ("12,000", "jobs"),
            ("-5% (Decline)", "outlook_pct"),
            ("-600", "employment_change"),
        ],
    )
    def test_an_emptied_cell_is_named(self, value: str, field: str) -> None:
        page = parsed(changed(f"<td>  {value} </td>", "<td>  </td>"))
        assert field in {unread.field for unread in page.unread}
        assert getattr(page.occupation, field) is None

    def test_an_outlook_without_its_phrase_keeps_the_percentage(self) -> None:
        page = parsed(changed("-5% (Decline)", "-5%"))
        assert (page.occupation.outlook_pct, page.occupation.outlook_desc) == (-5, None)
        assert [unread.field for unread in page.unread] == ["outlook_desc"]

    def test_without_their_table_every_fact_is_named(self) -> None:
        page = parsed(changed('id="quickfacts"', 'id="facts"'))
        assert {unread.field for unread in page.unread} == {
            "median_pay_annual",
            "entry_education",
            "work_experience",
            "training",
            "jobs",
            "outlook_pct",
            "employment_change",
        }
        assert {unread.found for unread in page.unread} == {"no table of quick facts"}
        assert page.occupation.jobs is None


class TestProjections:
    def test_every_row_is_kept_with_its_level_and_totals_are_told_apart(self) -> None:
        rows = parsed(PAGE).projections
        assert [(row.row, row.level, row.occupation_title, row.soc_code, row.is_total) for row in rows] == [
            (1, 0, "Lamp keepers", None, True),
            (2, 1, "Harbor lamp keepers", "49-9910", True),
            (3, 2, "Oil lamp keepers", "49-9911", False),
            (4, 2, "Gas lamp keepers", "49-9912", False),
            (5, 1, "Street lamp keepers", "49-9920", False),
        ]
        assert (rows[2].employment, rows[2].projected_employment) == (4000, 3600)
        assert (rows[2].change_pct, rows[2].change) == (-10, -400)

    def test_rows_that_are_no_totals_add_up_to_row_1(self) -> None:
        rows = parsed(PAGE).projections
        assert sum(row.employment or 0 for row in rows if not row.is_total) == rows[0].employment

    def test_the_only_row_of_a_page_is_no_total(self) -> None:
        page = parsed(changed(PROJECTIONS_ROWS, PROJECTIONS_ROWS.split("</tr>")[0].replace("—", "49-9910")))
        assert [row.is_total for row in page.projections] == [False]
        assert page.occupation.soc_code == "49-9910"
        assert page.unread == []

    def test_they_are_found_without_the_id_that_a_script_gives_them(self) -> None:
        assert parsed(changed(' id="outlook-table"', "")) == parsed(PAGE)

    def test_columns_are_found_by_their_titles(self) -> None:
        header = PROJECTIONS_HEAD.replace("Employment, 2031", "X").replace("SOC Code", "Employment, 2031")
        swapped = changed(PROJECTIONS_HEAD, header.replace("X", "SOC Code"))
        for soc, employment in (("—", "12,000"), ("49-9910", "9,000"), ("49-9920", "3,000")):
            swapped = changed(f"<td>{soc}</td><td>{employment}</td>", f"<td>{employment}</td><td>{soc}</td>", swapped)
        for soc, employment in (("49-9911", "4,000"), ("49-9912", "5,000")):
            swapped = changed(f"<td>{soc}</td><td>{employment}</td>", f"<td>{employment}</td><td>{soc}</td>", swapped)
        assert parsed(swapped).projections == parsed(PAGE).projections

    def test_a_column_that_is_gone_is_named(self) -> None:
        page = parsed(changed("Projected Employment, 2041", "Forecast"))
        assert {unread.field for unread in page.unread} == {
            "projections.projected_employment",
            "projected_jobs",
        }
        assert page.projections[0].projected_employment is None

    def test_a_cell_that_is_no_number_is_named_with_its_row(self) -> None:
        page = parsed(changed("<td>5,000</td>", "<td>n.a.</td>"))
        assert page.unread == [UnreadField("lamp-keepers", "projections.employment", "row 4: 'n.a.'")]
        assert page.projections[3].employment is None

    def test_a_dash_for_a_code_is_unread_where_no_rows_stand_below_it(self) -> None:
        page = parsed(changed("49-9912", "–"))
        assert page.unread == [UnreadField("lamp-keepers", "projections.soc_code", "row 4: '–'")]

    def test_rows_that_lost_their_indent_are_noticed(self) -> None:
        page = parsed(changed('class="sub1"', 'class="first"', changed('class="sub2"', 'class="second"')))
        assert "projections.level" in {unread.field for unread in page.unread}
        assert page.projections[0].is_total

    def test_parts_that_do_not_add_up_to_the_total_are_noticed(self) -> None:
        page = parsed(changed('class="sub2"', 'class="sub1"'))
        assert page.unread == [
            UnreadField("lamp-keepers", "projections.is_total", "parts add up to 21,000, row 1 says 12,000")
        ]

    def test_a_missing_table_is_named_with_all_that_hangs_on_it(self) -> None:
        page = parsed(changed("SOC Code", "Code"))
        assert {unread.field for unread in page.unread} == {"projections", "soc_code", "projected_jobs"}
        assert page.projections == []


class TestFiguresThatDoNotFit:
    """Every figure stands twice, or follows from others: one that was read from another's place shows."""

    @pytest.mark.parametrize(
        ("old", "new", "field", "found"),
        [
            (
                "<td>11,400</td>",
                "<td>12,400</td>",
                "projections.change",
                "row 1: from 12,000 to 12,400, which is called a change of -600",
            ),
            (
                "<td>-10</td>",
                "<td>10</td>",
                "projections.change_pct",
                "row 3: from 4,000 to 3,600, which is called a change of -400 or 10 percent",
            ),
            ("<td>  12,000 </td>", "<td>  11,000 </td>", "jobs", "11,000 in the quick facts, 12,000 in row 1 of the"),
            ("-5% (Decline)", "5% (Decline)", "outlook_pct", "5 in the quick facts, -5 in row 1 of the projections"),
            (
                "<td>  -600 </td>",
                "<td>  600 </td>",
                "employment_change",
                "600 in the quick facts, -600 in row 1 of the",
            ),
            ("Gas lamp keepers", "Oil lamp keepers", "projections", None),
        ],
    )
    def test_it_is_named_with_both(self, old: str, new: str, field: str, found: str | None) -> None:
        page = changed(old, new) if found is not None else changed("49-9912", "49-9911", changed(old, new))
        (unread,) = parsed(page).unread
        assert unread.field == field
        assert unread.found.startswith(found or "two rows for Oil lamp keepers 49-9911")

    @pytest.mark.parametrize(
        ("old", "new", "flaw"),
        [
            ("<td>9,000</td>", '<td colspan="2">9,000</td>', "row 2 of the body has 8 columns, row 1 has 7"),
            ("<td>9,000</td>", "", "row 2 of the body has 6 columns, row 1 has 7"),
            ("<td>2,900</td>", '<td rowspan="3">2,900</td>', "a cell is said to span more rows than there are"),
            ('colspan="2">Change', 'colspan="3">Change', "row 2 of the header has 6 columns, row 1 has 9"),
        ],
    )
    def test_cells_that_slip_into_other_columns_are_noticed(self, old: str, new: str, flaw: str) -> None:
        assert UnreadField("lamp-keepers", "projections", flaw) in parsed(changed(old, new)).unread

    def test_a_flaw_in_a_table_of_the_text_is_one_of_the_text(self) -> None:
        page = parsed(changed("<td>Harbors</td>", '<td rowspan="9">Harbors</td>'))
        assert [(one.field, one.found) for one in page.unread] == [
            ("text", "tab 3: a table: row 2 of the body has 3 columns, row 1 has 2")
        ]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<dt style", "<dt></dt><dt style"),
            ("<p>   Median annual wages, May 2031</p>", ""),
            ('<div class="ooh-chart">', "<div>"),
        ],
    )
    def test_a_chart_that_is_not_built_as_one_is_noticed(self, old: str, new: str) -> None:
        assert "text" in {unread.field for unread in parsed(changed(old, new)).unread}


class TestCodes:
    def test_onet_codes_are_those_linked_in_tab_9(self) -> None:
        assert occupation(PAGE).onet_codes == ["49-9911.00", "49-9911.01", "49-9921.00"]

    def test_soc_codes_are_those_of_parts_and_of_onet_links(self) -> None:
        record = occupation(PAGE)
        assert record.soc_code is None
        assert record.soc_codes == ["49-9911", "49-9912", "49-9920", "49-9921"]

    def test_a_page_of_figures_without_onet_links_is_noticed(self) -> None:
        page = parsed(PAGE.replace("onetonline.org", "example.org"))
        assert [unread.field for unread in page.unread] == ["onet_codes"]
        assert page.occupation.onet_codes == []


class TestPagesWithoutFigures:
    def test_a_page_that_announces_no_summary_and_has_no_tables_lacks_nothing(self) -> None:
        page = parsed(FIGURELESS)
        assert page.unread == []
        assert page.projections == []
        assert (page.occupation.jobs, page.occupation.pay_basis, page.occupation.base_year) == (None, "none", None)
        assert page.occupation.text.startswith("# Lamp Keepers\n\n## What They Do\n\nThey serve.")

    def test_one_that_announces_a_summary_lacks_its_figures(self) -> None:
        page = changed(
            '<li><a href="#tab-2">', '<li><a href="#tab-1">Summary</a></li><li><a href="#tab-2">', FIGURELESS
        )
        assert {"jobs", "median_pay_annual", "projections", "onet_codes"} <= unread_fields(page)

    def test_one_that_announces_no_tabs_at_all_lacks_its_figures(self) -> None:
        assert "jobs" in unread_fields(changed('id="tabs"', 'id="menu"', FIGURELESS))

    def test_one_that_links_to_onet_lacks_its_figures(self) -> None:
        linked = changed(
            "Ask around.", '<a href="https://www.onetonline.org/link/summary/49-9911.00">O</a>', FIGURELESS
        )
        assert "jobs" in unread_fields(linked)


class TestTheRestOfAPage:
    @pytest.mark.parametrize(
        ("old", "new", "field"),
        [
            ("<h1>    Lamp Keepers</h1>", "", "title"),
            ('name="description"', 'name="summary"', "description"),
            ('class="update"', 'class="revised"', "last_modified"),
            ("August 28, 2031", "28/8/2031", "last_modified"),
            ("August 28, 2031", "August 32, 2031", "last_modified"),
            (f'href="{PAGE_URL}"', 'href="https://www.bls.gov/ooh/light-and-signal/bakers.htm"', "url"),
        ],
    )
    def test_what_is_gone_is_named(self, old: str, new: str, field: str) -> None:
        assert unread_fields(changed(old, new)) == {field}

    @pytest.mark.parametrize("tab", [2, 3, 4, 5, 6])
    def test_a_tab_that_is_gone_is_named(self, tab: int) -> None:
        page = parsed(changed(f'<div id="tab-{tab}"', f'<div id="pane-{tab}"'))
        assert UnreadField("lamp-keepers", "text", f"tab {tab}: absent") in page.unread

    def test_a_tab_with_nothing_but_its_heading_is_named(self) -> None:
        page = parsed(changed("<h3>Training</h3><p>Keepers learn from other keepers.</p>", "<h3>Training</h3>"))
        assert page.unread == [UnreadField("lamp-keepers", "text", "tab 4: nothing but headings")]

    def test_a_tab_that_holds_another_section_is_named(self) -> None:
        page = parsed(changed('id="become-one"', 'id="job-outlook"'))
        assert page.unread == [
            UnreadField("lamp-keepers", "text", "tab 4: holds 'job-outlook' instead of 'become-one'")
        ]

    @pytest.mark.parametrize(
        "body", [b"", b"   ", b"\x00\xff\xfe", b"<html><title>Access Denied</title><h1>Access Denied</h1></html>"]
    )
    def test_a_body_that_is_no_handbook_page_is_refused(self, body: bytes) -> None:
        with pytest.raises(SourceError, match=r"lamp-keepers\.htm: this is no handbook page"):
            parse_page(body, url=PAGE_URL)

    def test_an_address_of_no_handbook_page_is_refused(self) -> None:
        with pytest.raises(SourceError, match="not the address of a handbook page"):
            parse_page(PAGE.encode(), url="https://www.bls.gov/ooh/home.htm")

    def test_a_page_cut_short_is_read_as_far_as_it_goes(self) -> None:
        page = parsed(PAGE[: PAGE.index('id="tab-5"')])
        assert page.occupation.jobs == 12000
        assert {"text", "projections", "onet_codes", "last_modified"} <= {unread.field for unread in page.unread}

    def test_unclosed_and_stray_tags_are_mended(self) -> None:
        torn = PAGE.replace("</li>", "").replace("</p>", "").replace("<article>", "<article></b></div-x>")
        assert parsed(torn).occupation.jobs == 12000

    def test_elements_nested_without_end_are_refused(self) -> None:
        with pytest.raises(SourceError, match="nested too deeply"):
            parsed(changed("<h3>Duties</h3>", "<div>" * 5000))


REQUIRED = (
    *("title", "description", "pay_basis", "entry_education", "work_experience", "training", "jobs"),
    *("projected_jobs", "outlook_pct", "outlook_desc", "employment_change", "base_year", "projection_year"),
    *("last_modified", "pay_year"),
)
# Fields that are reported under the one they are read from.
REPORTED_AS = {
    "pay_basis": "median_pay_annual",
    "pay_year": "median_pay_annual",
    "outlook_desc": "outlook_pct",
}


@given(start=st.integers(0, len(PAGE)), length=st.integers(1, 400))
@settings(max_examples=300, deadline=None)
def test_whatever_passage_is_lost_no_field_is_silently_empty(start: int, length: int) -> None:
    try:
        page = parsed(PAGE[:start] + PAGE[start + length :])
    except SourceError:
        return
    named = {unread.field for unread in page.unread}
    for field in REQUIRED:
        if getattr(page.occupation, field) is None:
            assert {field, REPORTED_AS.get(field, field)} & named, field
    if not page.projections:
        assert "projections" in named
    if not page.occupation.onet_codes:
        assert "onet_codes" in named
    for row in page.projections:
        for field in ("occupation_title", "employment", "projected_employment", "change_pct", "change"):
            if getattr(row, field) is None:
                assert f"projections.{field}" in named
