"""The rows of a user's file, whatever it is: CSV, a workbook, Parquet, JSON lines. What they mean is not decided here.

Each is read from the bytes that were hashed, and from nothing else: a path is never handed to a reader that knows
patterns or takes folders for columns.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.characters import visible
from exposure_dagster.corpora.own.mapping import OwnMapping
from exposure_dagster.parsing.delimited import (
    TITLES_WITHIN,
    NotTextError,
    decoded,
    records,
    separator_of,
    without_sep_line,
)
from exposure_dagster.parsing.unpacking import TooLargeError, try_workbook

if TYPE_CHECKING:
    import duckdb

MAX_TEXT_BYTES = 1_000_000_000
"""Of the texts of the columns that are read, which a Parquet file may hold packed."""

MAX_ROWS = 2_000_000

WORKBOOK_TYPES = (".xlsx", ".xlsm")
JSON_TYPES = (".jsonl", ".ndjson", ".json")
PARQUET_TYPES = (".parquet", ".pq")
"""Others are CSV."""

Cell = object
"""Text, number, truth, date, list or None, as the file has it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Column titles and the rows below them, each with its line.

    `form` says what was read, `separator` what stands between the cells of a CSV file, `remark` what a user may want to
    know where columns are missing.
    """

    columns: Sequence[str]
    cells: Sequence[tuple[int, Sequence[Cell]]]
    form: str
    header_line: int = 1
    separator: str | None = None
    remark: str = ""


class UnreadableFileError(Exception):
    """The file has no rows that could be checked. `line` is where, if that is known."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.line = line


KnownTitles = Callable[[Sequence[str]], Sequence[str]]
"""Of these titles of columns, those that are read."""


def rows_of(body: bytes, file_type: str, mapping: OwnMapping, known: KnownTitles) -> Rows:
    """The rows of a file. Raises UnreadableFileError."""
    if file_type in WORKBOOK_TYPES:
        return _workbook_rows(body, mapping, known)
    if file_type in PARQUET_TYPES:
        return _parquet_rows(body, known)
    if file_type in JSON_TYPES:
        return _json_rows(body, mapping)
    return _csv_rows(body, mapping, known)


def _csv_rows(body: bytes, mapping: OwnMapping, known: KnownTitles) -> Rows:
    text, encoding = _text(body, mapping)
    lines = without_sep_line(text)
    separator = (
        mapping.separator
        or lines.separator
        or separator_of(lines.text, lambda titles: len(known([title.strip() for title in titles])))
    )
    if len(separator) != 1 or separator in '"\r\n':
        raise UnreadableFileError(1, f"{separator!r} cannot stand between cells")
    try:
        found = _bounded(records(lines.text, separator, begins=lines.begins, strict=True))
    except csv.Error as error:
        if separator != "\t":
            raise _no_csv(lines.text, separator, lines.begins, error) from None
        # many files with tabs know no quotes: a cell may begin with one
        unquoted = enumerate(lines.text.replace("\r\n", "\n").split("\n"), lines.begins)
        found = _bounded((at, line.split("\t")) for at, line in unquoted if line)
    if not found:
        raise UnreadableFileError(None, "the file is empty")
    named = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}.get(separator, repr(separator))
    return _below_titles(found, f"CSV, {encoding}, {named} between cells", known, separator=separator)


def _no_csv(text: str, separator: str, begins: int, error: csv.Error) -> UnreadableFileError:
    """The error with the line in which the row begins that is none."""
    line = begins
    with suppress(csv.Error):
        for at, cells in records(text, separator, begins=begins, strict=True):
            line = at + 1 + sum(cell.count("\n") for cell in cells)
    return UnreadableFileError(line, f"no valid CSV: {error}")


def _text(body: bytes, mapping: OwnMapping) -> tuple[str, str]:
    try:
        return decoded(body, mapping.encoding)
    except NotTextError as error:
        what = f"{error}; save the file in UTF-8, or name its encoding (see `encoding` in the README)"
        raise UnreadableFileError(error.line, what) from None


def _bounded(rows: Iterable[tuple[int, Sequence[Cell]]]) -> list[tuple[int, Sequence[Cell]]]:
    found: list[tuple[int, Sequence[Cell]]] = []
    for row in rows:
        found.append(row)
        if len(found) > MAX_ROWS + 1:
            raise UnreadableFileError(row[0], f"more than {MAX_ROWS:,} rows, which is the most that is read")
    return found


def _below_titles(
    rows: Sequence[tuple[int, Sequence[Cell]]],
    form: str,
    known: KnownTitles,
    *,
    separator: str | None = None,
    remark: str = "",
) -> Rows:
    """The rows below the one with the titles: of the first ones, that which has most of those that are read."""
    first = [[_title(cell) for cell in cells] for _, cells in islice(rows, TITLES_WITHIN)]
    at = max(range(len(first)), key=lambda number: (len(known(first[number])), -number))
    width = len(first[at])
    while width and not first[at][width - 1]:  # a spreadsheet writes empty columns at the end
        width -= 1
    cells = [(line, cells[:width] if _is_empty_beyond(cells, width) else cells) for line, cells in rows[at + 1 :]]
    return Rows(first[at][:width], cells, form, rows[at][0], separator, remark)


def _is_empty_beyond(cells: Sequence[Cell], width: int) -> bool:
    return not any(cell is not None and str(cell).strip() for cell in cells[width:])


def _title(cell: Cell) -> str:
    return "" if cell is None else " ".join(str(cell).split())


def _workbook_rows(body: bytes, mapping: OwnMapping, known: KnownTitles) -> Rows:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        try_workbook(body, *filter(None, [mapping.sheet]))
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        names = book.sheet_names
        sheet = mapping.sheet or next(iter(names), "")
        if sheet not in names:
            raise UnreadableFileError(None, f"there is no sheet {sheet!r}; the sheets are: {', '.join(names)}")
        found = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except TooLargeError as error:
        raise UnreadableFileError(None, str(error)) from None
    except CalamineError:
        raise UnreadableFileError(None, "no Excel workbook, or not the whole of one") from None
    rows = _bounded((line, cells) for line, cells in enumerate(found, start=1) if not _is_empty_beyond(cells, 0))
    if not rows:
        raise UnreadableFileError(None, f"sheet {sheet!r} is empty; the sheets are: {', '.join(names)}")
    others = ", ".join(name for name in names if name != sheet)
    remark = f"; this is sheet {sheet!r}, the others are: {others}" if others else ""
    return _below_titles(rows, f"Excel, sheet {sheet!r}", known, remark=remark)


def _json_rows(body: bytes, mapping: OwnMapping) -> Rows:
    text, encoding = _text(body, mapping)
    if text.lstrip()[:1] == "[":
        everything = _json(text, None)
        objects = _bounded((number, value) for number, value in enumerate(everything, start=1))
    else:
        lines = enumerate(text.split("\n"), start=1)
        objects = _bounded((number, _json(line, number)) for number, line in lines if line.strip())
    if not objects:
        raise UnreadableFileError(None, "the file is empty")
    wrong = next((number for number, value in objects if not isinstance(value, dict)), None)
    if wrong is not None:
        raise UnreadableFileError(wrong, "it is no JSON object with the fields of a document")
    fields = [(number, value) for number, value in objects if isinstance(value, dict)]
    columns = dict.fromkeys(str(name) for _, value in fields for name in value)
    cells = [(number, [value.get(name) for name in columns]) for number, value in fields]
    return Rows(list(columns), cells, f"JSON lines, {encoding}")


def _json(text: str, line: int | None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = error.lineno if line is None else line
        raise UnreadableFileError(at, f"no valid JSON: {error.msg}, column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        raise UnreadableFileError(line, f"no JSON that can be read: {visible(str(error))}") from None


def _parquet_rows(body: bytes, known: KnownTitles) -> Rows:
    """DuckDB reads Parquet from files alone: the bytes are put into one of ours, whose name says nothing."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="exposure-") as folder:
        file = Path(folder) / "documents.parquet"
        file.write_bytes(body)
        try:
            with duckdb.connect() as connection:
                connection.execute("SET memory_limit = '4GB'")
                source = connection.from_parquet(escape(str(file)), hive_partitioning=False)
                columns = source.columns
                wanted = set(known(columns))
                _check_size(source, wanted)
                rows = source.project(", ".join(_quoted(name) if name in wanted else "NULL" for name in columns))
                found = rows.fetchall()
        except duckdb.Error as error:
            what = str(error).splitlines()[0].replace(str(file), "the file")
            raise UnreadableFileError(None, f"no valid Parquet: {what}") from None
    return Rows(columns, list(enumerate(found, start=1)), "Parquet")


def _check_size(source: duckdb.DuckDBPyRelation, wanted: set[str]) -> None:
    """A few kilobytes of Parquet can stand for any number of rows and any length of text."""
    ((rows,),) = source.aggregate("count(*)").fetchall()
    if rows > MAX_ROWS:
        raise UnreadableFileError(None, f"{rows:,} rows, of which at most {MAX_ROWS:,} are read")
    texts = [f"sum(strlen({_quoted(name)}::VARCHAR))" for name in source.columns if name in wanted]
    sizes = source.aggregate(", ".join(texts)).fetchall()[0] if texts else ()
    size = sum(int(length or 0) for length in sizes)
    if size > MAX_TEXT_BYTES:
        raise UnreadableFileError(None, f"texts of {size:,} bytes, of which at most {MAX_TEXT_BYTES:,} are read")


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def is_missing(cell: Cell) -> bool:
    """Whether there is nothing in a cell."""
    return (
        cell is None or (isinstance(cell, float) and math.isnan(cell)) or (isinstance(cell, str) and not cell.strip())
    )
