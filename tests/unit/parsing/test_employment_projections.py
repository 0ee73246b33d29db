"""BLS's employment projections, as the CSV file that its table is downloaded as."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
import xlsxwriter

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation, parse_projections

HEADER = [
    "Occupation Title",
    "Occupation Code",
    "Employment 2024",
    "Employment 2034",
    "Employment Change, 2024-2034",
    "Employment Percent Change, 2024-2034",
    "Occupational Openings, 2024-2034 Annual Average",
    "Median Annual Wage 2024",
    "Typical Entry-Level Education",
    "Education Code",
    "Work Experience in a Related Occupation",
    "Workex Code",
    "Typical on-the-job Training",
    "trCode",
]
ROW = {
    "Occupation Title": "Accountants and auditors    * Account Auditor* CPA",
    "Occupation Code": '="13-2011"',
    "Employment 2024": "1,579.8",
    "Employment 2034": "1,652.6",
    "Employment Change, 2024-2034": "72.8",
    "Employment Percent Change, 2024-2034": "4.6",
    "Occupational Openings, 2024-2034 Annual Average": "124.2",
    "Median Annual Wage 2024": "81,680",
    "Typical Entry-Level Education": "Bachelor's degree",
    "Education Code": "3",
    "Work Experience in a Related Occupation": "None",
    "Workex Code": "4",
    "Typical on-the-job Training": "None",
    "trCode": "6",
}


def a_file(*rows: dict[str, str], header: list[str] = HEADER) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([row[title] for title in HEADER] for row in rows)
    return text.getvalue().encode()


def the_row(**changes: str) -> ProjectionOccupation:
    (occupation,) = parse_projections(a_file(ROW | {title.replace("_", " "): text for title, text in changes.items()}))
    return occupation


def test_a_row_is_read_with_jobs_counted_singly_and_the_years_of_the_header() -> None:
    assert the_row() == ProjectionOccupation(
        soc_code="13-2011",
        title="Accountants and auditors",
        aliases=("Account Auditor", "CPA"),
        employment=1_579_800,
        projected_employment=1_652_600,
        change=72_800,
        change_pct=4.6,
        openings=124_200,
        median_wage_annual=81_680,
        wage_is_top_coded=False,
        entry_education="Bachelor's degree",
        work_experience="None",
        training="None",
        base_year=2024,
        projection_year=2034,
        wage_year=2024,
    )


def test_a_title_without_aliases_has_none() -> None:
    assert the_row(Occupation_Title="Production workers, all other").aliases == ()


def test_a_code_may_stand_without_the_spreadsheet_formula_around_it() -> None:
    assert the_row(Occupation_Code="13-2011").soc_code == "13-2011"


def test_a_wage_that_is_not_available_is_null() -> None:
    row = the_row(Median_Annual_Wage_2024="N/A")
    assert (row.median_wage_annual, row.wage_is_top_coded) == (None, False)


def test_a_wage_at_the_top_is_a_lower_bound() -> None:
    row = the_row(Median_Annual_Wage_2024=">=239,200")
    assert (row.median_wage_annual, row.wage_is_top_coded) == (239_200, True)


def test_a_decline_is_negative_and_openings_may_be_none() -> None:
    row = parse_projections(
        a_file(
            ROW
            | {
                "Employment Change, 2024-2034": "-2.1",
                "Employment Percent Change, 2024-2034": "-33.1",
                "Occupational Openings, 2024-2034 Annual Average": "0.0",
            }
        )
    )[0]
    assert (row.change, row.change_pct, row.openings) == (-2_100, -33.1, 0)


def test_the_next_edition_is_read_with_its_own_years() -> None:
    header = [title.replace("2034", "2035").replace("2024", "2025") for title in HEADER]
    row = parse_projections(a_file(ROW, header=header))[0]
    assert (row.base_year, row.projection_year, row.wage_year, row.employment) == (2025, 2035, 2025, 1_579_800)


@pytest.mark.parametrize(
    ("title", "words", "what"),
    [
        ("Occupation Code", "132011", "'132011' is no SOC code"),
        ("Occupation Title", "", "without a title"),
        ("Employment 2024", "many", "'many' is no number"),
        ("Employment Percent Change, 2024-2034", "", "'' is no number"),
        ("Occupational Openings, 2024-2034 Annual Average", "12..0", "'12..0' is no number"),
        ("Median Annual Wage 2024", ">=", "'>=' is no number"),
    ],
)
def test_a_cell_of_another_form_is_refused_with_line_and_column(title: str, words: str, what: str) -> None:
    other = ROW | {"Occupation Code": '="15-2011"'}
    with pytest.raises(SourceError) as caught:
        parse_projections(a_file(other, ROW | {title: words}), file="projections.csv")
    assert caught.value.where == f"projections.csv, line 3, column {title!r}"
    assert what in caught.value.what


@pytest.mark.parametrize(
    "title", ["Occupation Code", "Employment 2034", "Employment Change, 2024-2034", "Median Annual Wage 2024"]
)
def test_a_changed_column_name_is_refused_with_the_columns_there_are(title: str) -> None:
    header = ["Something else" if name == title else name for name in HEADER]
    with pytest.raises(SourceError, match=r"there is no column .* the columns are: .*Something else"):
        parse_projections(a_file(ROW, header=header))


def test_a_code_that_stands_twice_is_refused() -> None:
    with pytest.raises(SourceError, match=r"line 3, column 'Occupation Code': 13-2011 stands already in line 2"):
        parse_projections(a_file(ROW, ROW))


def test_a_page_saved_in_place_of_the_file_is_refused() -> None:
    with pytest.raises(SourceError, match="there is no column"):
        parse_projections(b"<html>\n<body>\n</body>\n</html>")


GERMAN = str.maketrans(",.", ".,")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("has_decimal_commas", [False, True])
def test_a_file_that_a_spreadsheet_has_saved_again_is_read_as_the_one_that_was_published(
    encoding: str, has_decimal_commas: bool
) -> None:
    published = a_file(ROW)
    header, *rows = csv.reader(io.StringIO(published.decode()))
    if has_decimal_commas:
        rows = [[cell.translate(GERMAN) if re.fullmatch(r"-?[\d,.]+", cell) else cell for cell in row] for row in rows]
    text = "".join(";".join(cells) + ";\r\n" for cells in (header, *rows)) + ";" * len(header) + "\r\n"
    assert parse_projections(("sep=;\r\n" + text).encode(encoding)) == parse_projections(published)


def test_a_workbook_is_read_as_the_published_file(tmp_path: Path) -> None:
    published = a_file(ROW)
    path = tmp_path / "projections.xlsx"
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for line, cells in enumerate(csv.reader(io.StringIO(published.decode()))):
            sheet.write_row(line, 0, cells)
    assert parse_projections(path.read_bytes()) == parse_projections(published)
