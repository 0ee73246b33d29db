"""An Excel workbook of a table: codes stay codes, the header stays in sight, and a sheet names the sources.

A spreadsheet that opens CSV makes a date of `11-2011` and drops the zero of `0110`. Here every text is written as text,
which no program takes for a formula or a link. The same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from exposure_dagster.core.tables import Column, Table

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 50_000
"""Of a sheet, without the header. Excel takes 1,048,575; to open so many takes it minutes, and us to write them."""

LONGEST_TEXT = 32_767
"""Characters of a cell that Excel takes."""

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook knows no time zone
"""Written into every workbook, whose bytes would differ by the clock otherwise."""

_WIDTHS = {"BOOLEAN": 8, "BIGINT": 12, "INTEGER": 12, "DOUBLE": 12, "TIMESTAMP": 19, "DATE": 11}
_WIDE_TEXT = 60


@dataclass(frozen=True)
class Sheet:
    """Rows of a table, the first of so many in all."""

    table: Table
    rows: pd.DataFrame
    of: int


def write_workbook(sheets: Sequence[Sheet], path: Path, *, about: Sequence[str], most_rows: int = MOST_ROWS) -> None:
    """Write the rows of each sheet, what its columns mean, and `about`: a line each on a sheet of its own."""
    tables = [(sheet.table, sheet.rows.head(most_rows)) for sheet in sheets]
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED})
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for table, frame in tables:
            columns = _columns_in(table, frame)
            formats = [book.add_format({"num_format": _number_format(column)}) for column in columns]
            _write_rows(book.add_worksheet(table.name), columns, frame, bold, formats)
        _write_columns(
            book.add_worksheet("columns"),
            [(table, _columns_in(table, frame)) for table, frame in tables],
            bold,
            wrapped,
        )
        longest = max(sheet.of for sheet in sheets)
        cut = [
            f"A sheet here has {most_rows:,} rows at most, the first; the CSV and Parquet files have all {longest:,}."
        ]
        _write_lines(book.add_worksheet("sources"), [*(cut if longest > most_rows else ()), *about], wrapped)


def _columns_in(table: Table, frame: pd.DataFrame) -> list[Column]:
    return [column for column in table.columns if column.name in frame]


def _write_rows(
    sheet: Worksheet, columns: Sequence[Column], frame: pd.DataFrame, bold: Format, formats: Sequence[Format]
) -> None:
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, _width(column, frame))
    sheet.autofilter(0, 0, len(frame), max(len(columns) - 1, 0))
    sheet.write_row(0, 0, [column.name for column in columns], bold)
    for line, values in enumerate(frame[[column.name for column in columns]].itertuples(index=False), start=1):
        for at, value in enumerate(values):
            _write(sheet, line, at, value, formats[at])


def _write(sheet: Worksheet, line: int, at: int, value: Any, number_format: Format) -> None:
    if isinstance(value, str):
        sheet.write_string(line, at, value if len(value) <= LONGEST_TEXT else f"{value[: LONGEST_TEXT - 1]}…")
    elif value is None or pd.isna(value):
        return
    elif isinstance(value, bool | np.bool_):
        sheet.write_boolean(line, at, bool(value))
    elif isinstance(value, datetime):
        sheet.write_datetime(line, at, value, number_format)
    else:
        sheet.write_number(line, at, float(value), number_format)


def _write_columns(
    sheet: Worksheet, tables: Sequence[tuple[Table, Sequence[Column]]], bold: Format, wrapped: Format
) -> None:
    sheet.freeze_panes(1, 0)
    for at, width in enumerate((14, 24, 22, 100)):
        sheet.set_column(at, at, width)
    sheet.write_row(0, 0, ["sheet", "column", "unit", "meaning"], bold)
    every = [(table.name, column) for table, columns in tables for column in columns]
    for line, (name, column) in enumerate(every, start=1):
        for at, text in enumerate((name, column.name, column.unit or "", column.description)):
            sheet.write_string(line, at, text, wrapped)


def _write_lines(sheet: Worksheet, lines: Sequence[str], wrapped: Format) -> None:
    sheet.set_column(0, 0, 140)
    for line, text in enumerate(lines):
        sheet.write_string(line, 0, text[:LONGEST_TEXT], wrapped)


def _number_format(column: Column) -> str:
    if column.type == "TIMESTAMP":
        return "yyyy-mm-dd hh:mm:ss"
    if column.type in ("BIGINT", "INTEGER"):
        return "0" if column.name == "rank" else "#,##0"
    if column.unit is not None and "per" in column.unit.split():
        return "#,##0"
    return "0.0" if column.unit == "percent" else "0.00"


def _width(column: Column, frame: pd.DataFrame) -> float:
    known = _WIDTHS.get(column.type)
    if known is not None:
        return max(known, len(column.name) + 3)
    longest = frame[column.name].dropna().astype(str).str.len().quantile(0.9) if len(frame) else 0
    return float(min(_WIDE_TEXT, max(len(column.name) + 3, 0 if pd.isna(longest) else longest + 2)))
