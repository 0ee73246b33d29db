"""A downloaded table as rows whose cells are known by column, each with its line: CSV as published, or as somebody's
spreadsheet saved it again, with semicolons, in UTF-16, or as a workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from exposure_dagster.core.errors import SourceError
from exposure_dagster.parsing.delimited import NotTextError, decoded, records, separator_of, without_sep_line
from exposure_dagster.parsing.unpacking import TooLargeError, try_workbook

CHANGED_FORM = "Fetch the file again; if its publisher has changed its form, the reader has to follow."


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row: `line` counts from 1, the header included; `cells` are stripped and go by column title."""

    file: str
    line: int
    cells: Mapping[str, str]

    def error(self, column: str, what: str) -> SourceError:
        """The error of a cell, which names file, line and column."""
        return SourceError(what, where=f"{self.file}, line {self.line}, column {column!r}", remedy=CHANGED_FORM)


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file by the name that errors call it, its column titles, and its rows."""

    name: str
    header: list[str]
    rows: list[CsvRow]

    def require(self, columns: list[str]) -> None:
        """Raises SourceError that names the first column that is missing, and those there are."""
        for column in columns:
            if column not in self.header:
                raise self.missing(column)

    def missing(self, column: str) -> SourceError:
        """The error of a column that is not there."""
        return SourceError(
            f"there is no column {column!r}; the columns are: {', '.join(self.header)}",
            where=f"{self.name}, line 1",
            remedy=CHANGED_FORM,
        )


def read_csv(body: bytes, *, name: str) -> CsvFile:
    """Reads a CSV file or the first sheet of an `.xlsx` workbook, with a header.

    Raises SourceError where it has no rows, or a row has too few or too many cells.
    """
    lines = list(_workbook_lines(body, name) if body.startswith(_ZIP) else _lines(body, name))
    if len(lines) < 2:
        raise SourceError("it has no rows", where=name, remedy=CHANGED_FORM)
    header = [" ".join(title.split()) for title in lines[0][1]]
    while header and not header[-1]:  # a spreadsheet writes empty columns at the end
        header.pop()
    rows = [(line, _as_wide(cells, len(header))) for line, cells in lines[1:] if any(map(str.strip, cells))]
    uneven = next(((line, cells) for line, cells in rows if len(cells) != len(header)), None)
    if uneven is not None:
        line, cells = uneven
        what = f"{len(cells)} cells where the header has {len(header)}"
        raise SourceError(what, where=f"{name}, line {line}", remedy=CHANGED_FORM)
    if not rows:
        raise SourceError("it has no rows", where=name, remedy=CHANGED_FORM)
    return CsvFile(
        name,
        header,
        [
            CsvRow(name, line, {title: cell.strip() for title, cell in zip(header, cells, strict=True)})
            for line, cells in rows
        ],
    )


_ZIP = b"PK\x03\x04"


def _as_wide(cells: Sequence[str], width: int) -> Sequence[str]:
    return cells if any(map(str.strip, cells[width:])) else cells[:width]


def _lines(body: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    try:
        text, _ = decoded(body)
    except NotTextError:  # a publisher's file in Windows-1252 is read with what it has
        text = body.decode("cp1252", errors="replace")
    lines = without_sep_line(text)
    line = lines.begins
    try:
        for line, cells in records(lines.text, lines.separator or separator_of(lines.text), begins=lines.begins):
            yield line, cells
    except csv.Error as error:
        raise SourceError(f"no CSV ({error})", where=f"{name}, line {line}", remedy=CHANGED_FORM) from error


def _workbook_lines(body: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        try_workbook(body)
        rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except TooLargeError as error:
        raise SourceError(str(error), where=name, remedy=CHANGED_FORM) from error
    except (CalamineError, IndexError) as error:
        raise SourceError("no Excel workbook, or not the whole of one", where=name, remedy=CHANGED_FORM) from error
    yield from (
        (line, list(map(_written, cells))) for line, cells in enumerate(rows, start=1) if any(map(_written, cells))
    )


def _written(cell: object) -> str:
    """A cell as CSV would have it."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
