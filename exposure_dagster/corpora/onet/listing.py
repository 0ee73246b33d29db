"""The list of all O*NET occupations: the CSV file that onetonline.org offers of it."""

from __future__ import annotations

from dataclasses import dataclass

from exposure_dagster.parsing.codes import is_onet_code
from exposure_dagster.parsing.csv_rows import CsvRow, read_csv

LIST_URL = "https://www.onetonline.org/find/all/All_Occupations.csv?fmt=csv"

_CODE = "Code"
_TITLE = "Occupation"
_JOB_ZONE = "Job Zone"
_DATA_LEVEL = "Data-level"

_JOB_ZONES = {"n/a": None, "": None, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
_DATA_LEVELS = {"Y": True, "": False}


@dataclass(frozen=True, slots=True)
class ListedOccupation:
    """An occupation of the list.

    `job_zone` is 1 (little preparation) to 5 (extensive). `is_scoreable` says whether O*NET has data on
    the occupation: it has none on military ones, nor on those that gather all others of a group.
    """

    onet_code: str
    title: str
    job_zone: int | None
    is_scoreable: bool


def parse_onet_list(body: bytes, *, file: str = "All_Occupations.csv") -> list[ListedOccupation]:
    """The occupations in the order of the list.

    Raises SourceError that names file, line and column where a column is missing, a code or a figure
    has another form, or a code stands twice. `file` is what the errors call the list.
    """
    table = read_csv(body, name=file)
    table.require([_CODE, _TITLE, _JOB_ZONE, _DATA_LEVEL])
    lines: dict[str, int] = {}
    occupations = []
    for row in table.rows:
        occupation = _occupation(row)
        if occupation.onet_code in lines:
            raise row.error(_CODE, f"{occupation.onet_code} stands already in line {lines[occupation.onet_code]}")
        lines[occupation.onet_code] = row.line
        occupations.append(occupation)
    return occupations


def _occupation(row: CsvRow) -> ListedOccupation:
    code, title = row.cells[_CODE], row.cells[_TITLE]
    zone, level = row.cells[_JOB_ZONE], row.cells[_DATA_LEVEL]
    if not is_onet_code(code):
        raise row.error(_CODE, f"{code!r} is no O*NET-SOC code such as 29-1141.00")
    if not title:
        raise row.error(_TITLE, "an occupation without a title")
    if zone not in _JOB_ZONES:
        raise row.error(_JOB_ZONE, f"{zone!r} is neither a job zone from 1 to 5 nor n/a")
    if level not in _DATA_LEVELS:
        raise row.error(_DATA_LEVEL, f"{level!r} is neither Y nor empty")
    return ListedOccupation(code, title, _JOB_ZONES[zone], _DATA_LEVELS[level])
