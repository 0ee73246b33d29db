"""A downloaded CSV file as rows whose cells are known by column, each with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from exposure_dagster.core.errors import SourceError

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
    """Reads a CSV file with a header.

    Raises SourceError where it has no rows, or a row has too few or too many cells.
    """
    reader = csv.reader(io.StringIO(_decoded(body), newline=""))
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise SourceError(f"no CSV ({error})", where=f"{name}, line {reader.line_num}", remedy=CHANGED_FORM) from error
    if len(lines) < 2:
        raise SourceError("it has no rows", where=name, remedy=CHANGED_FORM)
    header = [" ".join(title.split()) for title in lines[0][1]]
    uneven = next(((line, cells) for line, cells in lines if len(cells) != len(header)), None)
    if uneven is not None:
        line, cells = uneven
        what = f"{len(cells)} cells where the header has {len(header)}"
        raise SourceError(what, where=f"{name}, line {line}", remedy=CHANGED_FORM)
    rows = [
        CsvRow(name, line, {title: cell.strip() for title, cell in zip(header, cells, strict=True)})
        for line, cells in lines[1:]
    ]
    return CsvFile(name, header, rows)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")
