"""BLS's employment projections by occupation: the CSV file that data.bls.gov makes of its table."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from exposure_dagster.parsing.codes import SOC_CODE
from exposure_dagster.parsing.csv_rows import CsvFile, CsvRow, read_csv
from exposure_dagster.parsing.written_figures import decimal_mark

PROJECTIONS_URL = "https://data.bls.gov/projections/occupationProj"

_CHANGE_TITLE = re.compile(r"Employment Change, (\d{4})[-–](\d{4})")
_WAGE_TITLE = re.compile(r"Median Annual Wage(?: (\d{4}))?")
_FORMULA = re.compile(r'="(.*)"')
_NUMBER = re.compile(r"-?\d{1,3}(?:,?\d{3})*(?:\.\d+)?")
_NOT_AVAILABLE = "N/A"
_COMMAS_AND_POINTS = str.maketrans(",.", ".,")


@dataclass(frozen=True, slots=True)
class ProjectionOccupation:
    """A row of the projections: a detailed SOC occupation, or a group of them that BLS projects as one.

    `employment` and `projected_employment` are jobs in `base_year` and `projection_year`, `change` their
    difference as BLS rounds it, `change_pct` percent, `openings` jobs a year. `median_wage_annual` is USD
    in `wage_year`, null where BLS has no yearly figure, a lower bound where `wage_is_top_coded`.
    """

    soc_code: str
    title: str
    aliases: tuple[str, ...]
    employment: int
    projected_employment: int
    change: int
    change_pct: float
    openings: int
    median_wage_annual: int | None
    wage_is_top_coded: bool
    entry_education: str
    work_experience: str
    training: str
    base_year: int
    projection_year: int
    wage_year: int | None


@dataclass(frozen=True, slots=True)
class _Form:
    """The titles of the columns in one edition, which carry its years."""

    base_year: int
    projection_year: int
    wage_year: int | None
    wage: str
    change: str
    change_pct: str
    openings: str
    has_decimal_commas: bool = False
    """As a spreadsheet of a country that writes so saves it again."""

    title: str = "Occupation Title"
    code: str = "Occupation Code"
    entry_education: str = "Typical Entry-Level Education"
    work_experience: str = "Work Experience in a Related Occupation"
    training: str = "Typical on-the-job Training"

    @property
    def employment(self) -> str:
        return f"Employment {self.base_year}"

    @property
    def projected_employment(self) -> str:
        return f"Employment {self.projection_year}"

    @property
    def figures(self) -> list[str]:
        return [self.employment, self.projected_employment, self.change, self.change_pct, self.openings, self.wage]

    @property
    def all_columns(self) -> list[str]:
        return [self.title, self.code, *self.figures, self.entry_education, self.work_experience, self.training]


def parse_projections(body: bytes, *, file: str = "Employment Projections.csv") -> list[ProjectionOccupation]:
    """The occupations in the order of the file, of whichever edition; the years are read from the header.

    Raises SourceError that names file, line and column where a column is missing, a code or a figure
    has another form, or a code stands twice. `file` is what the errors call the file.
    """
    table = read_csv(body, name=file)
    form = _form(table)
    lines: dict[str, int] = {}
    occupations = []
    for row in table.rows:
        occupation = _occupation(row, form)
        if occupation.soc_code in lines:
            raise row.error(form.code, f"{occupation.soc_code} stands already in line {lines[occupation.soc_code]}")
        lines[occupation.soc_code] = row.line
        occupations.append(occupation)
    return occupations


def _form(table: CsvFile) -> _Form:
    change = _titled(table, _CHANGE_TITLE, "Employment Change, YYYY-YYYY")
    wage = _titled(table, _WAGE_TITLE, "Median Annual Wage YYYY")
    years = change[0].removeprefix("Employment Change, ")
    form = _Form(
        base_year=int(change[1]),
        projection_year=int(change[2]),
        wage_year=int(wage[1]) if wage[1] else None,
        wage=wage[0],
        change=change[0],
        change_pct=f"Employment Percent Change, {years}",
        openings=f"Occupational Openings, {years} Annual Average",
    )
    table.require(form.all_columns)
    mark = decimal_mark(row.cells[title] for row in table.rows for title in form.figures)
    return replace(form, has_decimal_commas=mark == ",")


def _titled(table: CsvFile, title: re.Pattern[str], shown: str) -> re.Match[str]:
    match = next(filter(None, map(title.fullmatch, table.header)), None)
    if match is None:
        raise table.missing(shown)
    return match


def _occupation(row: CsvRow, form: _Form) -> ProjectionOccupation:
    title, *aliases = (" ".join(part.split()) for part in row.cells[form.title].split("*"))
    if not title:
        raise row.error(form.title, "an occupation without a title")
    wage, is_top_coded = _wage(row, form)
    return ProjectionOccupation(
        soc_code=_code(row, form.code),
        title=title,
        aliases=tuple(filter(None, aliases)),
        employment=_jobs(row, form, form.employment),
        projected_employment=_jobs(row, form, form.projected_employment),
        change=_jobs(row, form, form.change),
        change_pct=float(_number(row, form, form.change_pct)),
        openings=_jobs(row, form, form.openings),
        median_wage_annual=wage,
        wage_is_top_coded=is_top_coded,
        entry_education=row.cells[form.entry_education],
        work_experience=row.cells[form.work_experience],
        training=row.cells[form.training],
        base_year=form.base_year,
        projection_year=form.projection_year,
        wage_year=form.wage_year,
    )


def _code(row: CsvRow, column: str) -> str:
    formula = _FORMULA.fullmatch(row.cells[column])
    code = formula[1] if formula else row.cells[column]
    if not SOC_CODE.fullmatch(code):
        raise row.error(column, f"{code!r} is no SOC code such as 29-1141")
    return code


def _jobs(row: CsvRow, form: _Form, column: str) -> int:
    """The file counts in thousands, with one decimal."""
    return int(_number(row, form, column) * 1000)


def _wage(row: CsvRow, form: _Form) -> tuple[int | None, bool]:
    words = row.cells[form.wage]
    if words == _NOT_AVAILABLE:
        return None, False
    is_top_coded = words.startswith(">=")
    return int(_number(row, form, form.wage, words.removeprefix(">="))), is_top_coded


def _number(row: CsvRow, form: _Form, column: str, words: str | None = None) -> Decimal:
    text = row.cells[column] if words is None else words
    if form.has_decimal_commas:
        text = text.translate(_COMMAS_AND_POINTS)
    if not _NUMBER.fullmatch(text):
        raise row.error(column, f"{row.cells[column]!r} is no number")
    return Decimal(text.replace(",", ""))
