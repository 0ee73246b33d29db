"""A user's own documents, from a CSV or Parquet file: rows, or all that is wrong with them.

Columns `doc_id`, `title` and `text`, and where they are known the facts of parsed.document_facts (`OPTIONAL`); others
are passed over. A file with a mistake gives no rows at all, so that a corpus is never half of one version and half of
another.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.bounded import read_bounded

if TYPE_CHECKING:
    import duckdb

REQUIRED = ("doc_id", "title", "text")
NUMBERS = {"jobs": "a whole number", "median_pay_annual": "a number", "pay_annual": "a number"}
"""Columns of figures of at least 0. `pay_annual` is the same as `median_pay_annual`."""

LINES = ("category", "pay_currency", "education", "outlook_desc", "url", "soc_code", "parent")
"""Columns of one line of text."""

LISTS = ("soc_codes", "onet_codes")
"""Columns of several texts, with semicolons between them."""

OPTIONAL = (*NUMBERS, *LINES, *LISTS, "pay_is_top_coded", "education_order", "outlook_pct")

MAX_LENGTH = 200
"""Characters of a doc_id or a title."""

MAX_FIGURE = 10**12

MAX_FILE_BYTES = 1_000_000_000
"""Of a file, and of the texts of the columns that are read, which a Parquet file may hold packed."""

MAX_ROWS = 2_000_000

_CURRENCY = re.compile(r"[A-Z]{3}")
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_ORDER = re.compile(r"\d{1,6}")
_PERCENT = re.compile(r"[+-]?\d{1,6}(\.\d{1,12})?")
_NUMBER = re.compile(r"\d+(\.\d*)?(e\+?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class OwnDocument:
    """A row. Facts are null where the file does not say; pay is in `pay_currency` a year, USD where none is named."""

    doc_id: str
    title: str
    text: str
    jobs: int | None = None
    median_pay_annual: float | None = None
    pay_currency: str | None = None
    pay_is_top_coded: bool | None = None
    category: str | None = None
    education: str | None = None
    education_order: int | None = None
    outlook_pct: float | None = None
    outlook_desc: str | None = None
    url: str | None = None
    soc_code: str | None = None
    soc_codes: tuple[str, ...] | None = None
    onet_codes: tuple[str, ...] | None = None
    parent: str | None = None


@dataclass(frozen=True)
class RowProblem:
    """A mistake in a file. `line` counts from 1 with the header (Parquet: the row, from 1); null for the whole file."""

    line: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.line is None else f"line {self.line}: {self.what}"


@dataclass(frozen=True)
class OwnFile:
    """What a file holds. `documents` is empty where there are problems; `sha256` where it cannot be read."""

    documents: tuple[OwnDocument, ...]
    problems: tuple[RowProblem, ...]
    sha256: str


@dataclass(frozen=True)
class _Rows:
    """Column titles, and the cells of each row as text, with the line that it begins in."""

    columns: Sequence[str]
    cells: Sequence[tuple[int, Sequence[str]]]


class _UnreadableError(Exception):
    """The file has no rows to check; holds the one problem."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.problem = RowProblem(line, what)


def read_own_file(path: Path) -> OwnFile:
    """The documents of a `.csv` (UTF-8, commas) or `.parquet` file, or its problems in the order of their lines."""
    try:
        body = read_bounded(path, MAX_FILE_BYTES)
    except OSError as error:
        return OwnFile((), (RowProblem(None, f"the file cannot be read: {error.strerror}"),), "")
    sha256 = hashlib.sha256(body).hexdigest()
    try:
        rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(body)
        documents, problems = _checked(rows)
    except _UnreadableError as error:
        documents, problems = [], [error.problem]
    return OwnFile(() if problems else tuple(documents), tuple(problems), sha256)


def _csv_rows(body: bytes) -> _Rows:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        what = f"byte {body[error.start]:#04x} is not UTF-8; save the file as CSV in UTF-8"
        raise _UnreadableError(line, what) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, Sequence[str]]] = []
    begins = 1
    try:
        for cells in reader:
            if cells:
                found.append((begins, cells))
            if len(found) > MAX_ROWS + 1:
                raise _UnreadableError(begins, f"more than {MAX_ROWS:,} rows, which is the most that is read")
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _UnreadableError(begins, f"no valid CSV: {error}") from None
    if not found:
        raise _UnreadableError(None, "the file is empty")
    return _Rows(found[0][1], found[1:])


def _parquet_rows(path: Path) -> _Rows:
    import duckdb

    try:
        with duckdb.connect() as connection:
            connection.execute("SET memory_limit = '4GB'")
            source = connection.from_parquet(str(path))
            columns = source.columns
            _check_size(source)
            rows = source.project(", ".join(map(_as_read, columns))).fetchall()
    except duckdb.Error as error:
        raise _UnreadableError(None, f"no valid Parquet: {str(error).splitlines()[0]}") from None
    return _Rows(columns, [(number, [_as_text(value) for value in row]) for number, row in enumerate(rows, start=1)])


def _check_size(source: duckdb.DuckDBPyRelation) -> None:
    """A few kilobytes of Parquet can stand for any number of rows and any length of text."""
    ((rows,),) = source.aggregate("count(*)").fetchall()
    if rows > MAX_ROWS:
        raise _UnreadableError(None, f"{rows:,} rows, of which at most {MAX_ROWS:,} are read")
    texts = [f"sum(strlen({_as_read(name)}::VARCHAR))" for name in source.columns if _is_read(name)]
    sizes = source.aggregate(", ".join(texts)).fetchall()[0] if texts else ()
    size = sum(int(length or 0) for length in sizes)
    if size > MAX_FILE_BYTES:
        raise _UnreadableError(None, f"texts of {size:,} bytes, of which at most {MAX_FILE_BYTES:,} are read")


def _is_read(name: str) -> bool:
    return name.strip() in (*REQUIRED, *OPTIONAL)


def _as_read(name: str) -> str:
    """The column in a query; one that is passed over costs nothing."""
    return '"{}"'.format(name.replace('"', '""')) if _is_read(name) else "NULL"


def _as_text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value)


def _checked(rows: _Rows) -> tuple[list[OwnDocument], list[RowProblem]]:
    titles = [title.strip() for title in rows.columns]
    known = [title for title in titles if title in (*REQUIRED, *OPTIONAL)]
    problems = [
        RowProblem(1, f"there is no column {name}; the columns are: {', '.join(titles)}")
        for name in REQUIRED
        if name not in titles
    ]
    problems += [RowProblem(1, f"column {name} is there twice") for name, count in Counter(known).items() if count > 1]
    if problems:
        return [], problems
    if not rows.cells:
        raise _UnreadableError(None, "there are no rows below the column titles")
    documents: list[OwnDocument] = []
    lines: dict[str, int] = {}
    for line, cells in rows.cells:
        if len(cells) != len(titles):
            problems.append(RowProblem(line, f"{len(cells)} cells where the header has {len(titles)}"))
            continue
        cell = {title: value.strip() for title, value in zip(titles, cells, strict=True)}
        mistakes = list(_mistakes(cell))
        doc_id = cell["doc_id"]
        if doc_id in lines:
            mistakes.append(f"doc_id {doc_id} stands in line {lines[doc_id]} already")
        lines.setdefault(doc_id, line)
        problems += [RowProblem(line, what) for what in mistakes]
        if not mistakes:
            documents.append(_document(cell))
    return documents, problems


def _document(cell: Mapping[str, str]) -> OwnDocument:
    """The row of cells in which no mistake was found."""
    jobs, outlook = _figure(cell.get("jobs", "")), cell.get("outlook_pct", "")
    pay = _figure(cell.get("median_pay_annual") or cell.get("pay_annual", ""))
    facts: dict[str, Any] = {name: cell.get(name) or None for name in LINES}
    for name in LISTS:
        facts[name] = tuple(part.strip() for part in cell.get(name, "").split(";") if part.strip()) or None
    return OwnDocument(
        cell["doc_id"],
        cell["title"],
        cell["text"],
        jobs=None if jobs is None else round(jobs),
        median_pay_annual=pay,
        pay_is_top_coded=_FLAGS.get(cell.get("pay_is_top_coded", "").lower()),
        education_order=int(order) if (order := cell.get("education_order", "")) else None,
        outlook_pct=float(outlook) if outlook else None,
        **facts,
    )


def _mistakes(cell: Mapping[str, str]) -> Iterable[str]:
    yield from (f"{name} is empty" for name in REQUIRED if not cell[name])
    for name in ("doc_id", "title", *LINES, *LISTS):
        text = cell.get(name, "")
        if len(text) > MAX_LENGTH or not text.isprintable():
            yield f"{name} is not one line of at most {MAX_LENGTH} characters"
    if (currency := cell.get("pay_currency", "")) and not _CURRENCY.fullmatch(currency):
        yield f"pay_currency is {currency[:40]!r}, which is no currency code of three capital letters, as in USD or EUR"
    if (url := cell.get("url", "")) and not url.startswith(("https://", "http://")):
        yield f"url is {url[:40]!r}, which does not begin with https:// or http://"
    if (flag := cell.get("pay_is_top_coded", "")) and flag.lower() not in _FLAGS:
        yield f"pay_is_top_coded is {flag[:40]!r}, which is neither true nor false"
    if (order := cell.get("education_order", "")) and not _ORDER.fullmatch(order):
        yield f"education_order is {order[:40]!r}, which is not a whole number of at least 0"
    if (outlook := cell.get("outlook_pct", "")) and not _PERCENT.fullmatch(outlook):
        yield f"outlook_pct is {outlook[:40]!r}, which is not a number of percent, as in -3.5"
    for name, what in NUMBERS.items():
        text = cell.get(name, "")
        figure = _figure(text)
        is_wrong = figure is None or figure > MAX_FIGURE or (name == "jobs" and not figure.is_integer())
        if text and is_wrong:
            yield f"{name} is {text[:40]!r}, which is not {what} of at least 0, in digits alone"


def _figure(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None
