"""A user's own documents, from a file as people have them: rows, or all that is wrong with them.

`doc_id`, `title` and `text`, and where they are known the facts of parsed.document_facts (`FIELDS`), each from the
column of its name or from the one that a mapping says (`mapping.py`); other columns are passed over. A file with a
mistake gives no rows at all, so that a corpus is never half of one version and half of another.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.characters import harmless
from exposure_dagster.corpora.own.cells import Cell, Rows, UnreadableFileError, is_missing, rows_of
from exposure_dagster.corpora.own.mapping import (
    ALIASES,
    FIELDS,
    MappingError,
    OwnMapping,
    OwnSource,
    mapping_file,
    read_mapping,
)
from exposure_dagster.corpora.own.words import CellError, as_text, is_seen, looks_like_html, without_markup
from exposure_dagster.parsing.html import squeezed
from exposure_dagster.parsing.written_figures import (
    CURRENCY_OF_SIGN,
    NOT_KNOWN,
    NOT_SAID,
    SEVERAL_CURRENCIES,
    AmbiguousError,
    Figure,
    decimal_mark,
    figure,
)

REQUIRED = ("doc_id", "title", "text")
NUMBERS = {"jobs": "a whole number", "median_pay_annual": "a number"}
"""Fields of figures of at least 0."""

LINES = ("category", "education", "outlook_desc", "url", "soc_code", "parent")
"""Fields of one line of text."""

LISTS = ("soc_codes", "onet_codes", "isco_codes", "esco_codes")
"""Fields of several codes, with semicolons between them."""

CODES = ("doc_id", "soc_code", *LISTS)

MAX_LENGTH = 500
"""Characters of a doc_id, a title or another line."""

MAX_FIGURE = 10**12

MAX_FILE_BYTES = 1_000_000_000

MAX_PROBLEMS = 10_000
"""Reading stops there."""

IN_A_YEAR = {"annual": 1, "monthly": 12, "weekly": 52}
"""Pay of these periods is made annual; that of an hour is kept as it is, since hours differ."""

_BASES = {
    **dict.fromkeys(("annual", "annually", "year", "yearly", "per year", "a year", "annum"), "annual"),
    **dict.fromkeys(("monthly", "month", "per month", "a month"), "monthly"),
    **dict.fromkeys(("weekly", "week", "per week", "a week"), "weekly"),
    **dict.fromkeys(("hourly", "hour", "per hour", "an hour"), "hourly"),
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "y", "t"), True),
    **dict.fromkeys(("false", "0", "no", "n", "f"), False),
}
_ORDER = re.compile(r"\d{1,6}")
_TEXT_FORMULA = re.compile(r'\s*="([^"]*)"\s*')
_BETWEEN_CODES = re.compile(r"[;,|\n]")


@dataclass(frozen=True, slots=True)
class OwnDocument:
    """A row. Facts are null where the file does not say.

    Pay is in `pay_currency`, USD where none is named, a year or an hour, as `pay_basis` says in the file.
    """

    doc_id: str
    title: str
    text: str
    jobs: int | None = None
    median_pay_annual: float | None = None
    median_pay_hourly: float | None = None
    pay_currency: str | None = None
    pay_basis: str | None = None
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
    isco_codes: tuple[str, ...] | None = None
    esco_codes: tuple[str, ...] | None = None
    parent: str | None = None


@dataclass(frozen=True)
class RowProblem:
    """A mistake in a file. `line` counts from 1 with the header (Parquet: the row, from 1); null for the whole file.

    `kind` is what mistakes of one kind have in common.
    """

    line: int | None
    what: str
    kind: str = ""

    def __str__(self) -> str:
        return self.what if self.line is None else f"line {self.line}: {self.what}"


@dataclass(frozen=True)
class OwnFile:
    """What a file holds. `documents` is empty where there are problems; `sha256` where it cannot be read.

    `form` says what it was read as, `columns` which of its columns each field is from, `notes` what a user should know
    of how it was read.
    """

    documents: tuple[OwnDocument, ...]
    problems: tuple[RowProblem, ...]
    sha256: str
    form: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: OwnSource | None = None


def sha256_of_file(path: Path) -> str:
    """Of its bytes, as `read_own_file` has it. Raises OSError as `read_bounded` does."""
    return hashlib.sha256(read_bounded(path, MAX_FILE_BYTES)).hexdigest()


def read_own_file(path: Path) -> OwnFile:
    """The documents of a file, or its problems in the order of their lines."""
    try:
        body = read_bounded(path, MAX_FILE_BYTES)
    except OSError as error:
        return OwnFile((), (RowProblem(None, f"the file cannot be read: {error.strerror}"),), "")
    sha256 = hashlib.sha256(body).hexdigest()
    try:
        mapping = read_mapping(path)
        rows = rows_of(body, path.suffix.lower(), mapping, lambda titles: _Columns(titles, mapping).known())
    except MappingError as error:
        return OwnFile((), (RowProblem(None, str(error)),), sha256)
    except UnreadableFileError as error:
        return OwnFile((), (RowProblem(error.line, str(error)),), sha256)
    del body  # what it says is among the rows
    columns = _Columns(rows.columns, mapping)
    reading = _Reading(rows, columns, mapping, mapping_file(path).name)
    problems = columns.problems(rows) or reading.read()
    reading.fields = ()  # they know the reading, and would keep all rows until Python looks for such circles
    return OwnFile(
        () if problems else tuple(reading.documents),
        tuple(problems),
        sha256,
        rows.form,
        {name: [rows.columns[at] for at in places] for name, places in columns.places.items()},
        tuple(reading.notes()),
        mapping.source,
    )


class _Columns:
    """Where each field stands among the titles of a file."""

    def __init__(self, titles: Sequence[str], mapping: OwnMapping) -> None:
        self.titles = [squeezed(title) for title in titles]
        self.mapping = mapping
        self.places = {name: places for name in FIELDS if (places := self._places_of(name))}

    def _places_of(self, name: str) -> list[int]:
        said = self.mapping.titles_of(name)
        if said:
            return [at for title in said for at in self._at(squeezed(title))]
        names = [name, *(alias for alias, of in ALIASES.items() if of == name)]
        exact = [at for at, title in enumerate(self.titles) if title in names]
        return exact or [at for at, title in enumerate(self.titles) if _as_name(title) in names]

    def _at(self, title: str) -> list[int]:
        exact = [at for at, one in enumerate(self.titles) if one == title]
        return exact or [at for at, one in enumerate(self.titles) if one.casefold() == title.casefold()]

    def known(self) -> list[str]:
        return [self.titles[at] for at in sorted({at for places in self.places.values() for at in places})]

    def problems(self, rows: Rows) -> list[RowProblem]:
        shown = ", ".join(self.titles[:50])
        line = rows.header_line
        absent = [
            title for name in self.mapping.columns for title in self.mapping.titles_of(name)
            if not self._at(squeezed(title))
        ]  # fmt: skip
        missing = [
            name for name in REQUIRED
            if not self.places.get(name) and name not in self.mapping.columns and name not in self.mapping.values
        ]  # fmt: skip
        found = [
            RowProblem(line, f"there is no column {title}; the columns are: {shown}{rows.remark}")
            for title in (*missing, *absent)
        ]
        for name, places in self.places.items():
            titles = [self.titles[at] for at in places]
            twice = next((title for title in titles if titles.count(title) > 1), None)
            if twice is not None:
                found.append(RowProblem(line, f"column {twice} is there twice, for {name}"))
        return found

    def unread(self) -> list[str]:
        used = {at for places in self.places.values() for at in places}
        return [title for at, title in enumerate(self.titles) if at not in used and title]


def _as_name(title: str) -> str:
    return re.sub(r"[\s-]+", "_", title.strip()).casefold()


class _Reading:
    """One pass over the rows of a file."""

    def __init__(self, rows: Rows, columns: _Columns, mapping: OwnMapping, mapping_name: str) -> None:
        self.rows = rows
        self.columns = columns
        self.mapping = mapping
        self.mapping_name = mapping_name
        self.documents: list[OwnDocument] = []
        self.lines: dict[str, int] = {}
        self.missing = frozenset(word.casefold() for word in mapping.missing)
        self.levels = {level: at for at, level in enumerate(mapping.education_levels, start=1)}
        self.decimal: str | None = mapping.decimal
        self.blank = self.footnotes = self.cleaned = self.like_html = self.without_currency = 0
        self.unordered: set[str] = set()
        self.fields = tuple(self._fields())

    def read(self) -> list[RowProblem]:
        """Fill `documents`; the problems of the rows, in the order of their lines."""
        rows = list(self._rows())
        if not rows:
            return [RowProblem(None, "there are no rows below the column titles")]
        self.decimal = self.mapping.decimal or decimal_mark(self._texts_of_figures(rows))
        problems: list[RowProblem] = []
        for line, cells in rows:
            problems += self._problems_of(line, cells)
            if len(problems) >= MAX_PROBLEMS:
                return [*problems, RowProblem(None, f"more than {MAX_PROBLEMS:,} problems; the rest was not read")]
        self._take_the_one_currency()
        return problems

    def _take_the_one_currency(self) -> None:
        """A sign of a currency in some rows says it of all, where it is the only one."""
        paid = [one for one in self.documents if (one.median_pay_annual or one.median_pay_hourly) is not None]
        named = {one.pay_currency for one in paid if one.pay_currency}
        self.without_currency = 0 if len(named) == 1 else sum(one.pay_currency is None for one in paid)
        if len(named) == 1:
            (currency,) = named
            known = {one.doc_id for one in paid if one.pay_currency is None}
            self.documents = [
                replace(one, pay_currency=currency) if one.doc_id in known else one for one in self.documents
            ]

    def _rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """The rows without those that are empty, and without the footnotes below the last one."""
        rows = self.rows.cells
        end = len(rows)
        while end and (not _filled(rows[end - 1][1]) or _is_footnote(rows[end - 1][1], len(self.columns.titles))):
            end -= 1
            self.footnotes += bool(_filled(rows[end][1]))
        for line, cells in rows[:end]:
            if _filled(cells):
                yield line, cells
            else:
                self.blank += 1
        self.blank += len(rows) - end - self.footnotes

    def _texts_of_figures(self, rows: Iterable[tuple[int, Sequence[Cell]]]) -> Iterator[str]:
        places = [at for name in (*NUMBERS, "outlook_pct") for at in self.columns.places.get(name, ())]
        for _, cells in rows:
            yield from (cell.strip() for at in places if at < len(cells) and isinstance(cell := cells[at], str))

    def _problems_of(self, line: int, cells: Sequence[Cell]) -> list[RowProblem]:
        width = len(self.columns.titles)
        if len(cells) != width:
            what = f"{len(cells)} cells where the header has {width}"
            return [RowProblem(line, what, f"another number of cells than the {width} of the header")]
        found: list[RowProblem] = []
        values: dict[str, Any] = {}
        for name, read in self.fields:
            try:
                values.update(read(name, self._cells_of(name, cells)))
            except CellError as error:
                found.append(RowProblem(line, f"{name} {error}", f"{name} {error.kind}"))
        if not found:
            try:
                values = self._with_pay(values)
            except CellError as error:
                found.append(RowProblem(line, str(error), error.kind))
        doc_id = values.get("doc_id")
        if doc_id is not None:
            if doc_id in self.lines:
                what = f"doc_id {doc_id} stands in line {self.lines[doc_id]} already"
                found.append(RowProblem(line, what, "doc_id stands in another line already"))
            self.lines.setdefault(doc_id, line)
        if not found:
            self.documents.append(OwnDocument(**values))
        return found

    def _fields(self) -> Iterator[tuple[str, Any]]:
        for name in REQUIRED:
            yield name, self._text if name == "text" else self._required_line
        there = {*self.columns.places, *self.mapping.values}
        readers = {
            **dict.fromkeys(LINES, self._line),
            **dict.fromkeys(LISTS, self._codes),
            **dict.fromkeys((*NUMBERS, "outlook_pct"), self._figure),
            "pay_currency": self._currency,
            "pay_basis": self._basis,
            "pay_is_top_coded": self._flag,
            "education_order": self._order,
        }
        yield from ((name, read) for name, read in readers.items() if name in there)

    def _cells_of(self, name: str, cells: Sequence[Cell]) -> list[Cell]:
        """What stands in the columns of a field, else the value of every row."""
        there = [_unquoted(cells[at]) for at in self.columns.places.get(name, ())]
        found = [cell for cell in there if not self._is_missing(name, cell)]
        if not found and name in self.mapping.values:
            return [self.mapping.values[name]]
        return found

    def _is_missing(self, name: str, cell: Cell) -> bool:
        if is_missing(cell):
            return True
        if name in REQUIRED or not isinstance(cell, str):
            return False
        word = cell.strip().casefold()
        is_text = name in ("category", "education", "outlook_desc")
        return word in self.missing or word in (NOT_SAID if is_text else NOT_KNOWN)

    def _text(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        parts = [self._words(as_text(cell, "\n")) for cell in cells]
        text = "\n\n".join(part.strip() for part in parts if part.strip())
        if not is_seen(text):
            raise CellError("is empty")
        return {name: text}

    def _words(self, text: str) -> str:
        if self.mapping.html:
            return without_markup(text)
        self.like_html += looks_like_html(text)
        return text

    def _required_line(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if name == "doc_id" and len(cells) > 1:
            cells = ["/".join(as_text(cell, None, is_code=True).strip() for cell in cells)]
        found = self._line(name, cells)
        if not found[name]:
            raise CellError("is empty")
        return found

    def _line(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if not cells:
            return {name: None}
        whole = as_text(cells[0], None, is_code=name in CODES)
        if name != "doc_id":
            whole = self._words(whole)
        line = squeezed(harmless(whole))
        self.cleaned += line != squeezed(whole)
        if len(line) > MAX_LENGTH or "\n" in harmless(whole).strip():
            raise CellError(f"is not one line of at most {MAX_LENGTH} characters")
        if name == "url" and line and not line.startswith(("https://", "http://")):
            raise CellError(f"is {line[:40]!r}, which does not begin with https:// or http://", "is no address")
        if name == "education":
            if self.levels and line not in self.levels:
                self.unordered.add(line)
            return {name: line or None, "education_order": self.levels.get(line)}
        return {name: line if is_seen(line) else None}

    def _codes(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        whole = ";".join(as_text(cell, ";", is_code=True) for cell in cells)
        codes = [squeezed(harmless(part)) for part in _BETWEEN_CODES.split(whole)]
        if any(len(code) > MAX_LENGTH for code in codes):
            raise CellError(f"is not one line of at most {MAX_LENGTH} characters")
        return {name: tuple(filter(None, codes)) or None}

    def _figure(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if not cells:
            return {name: None}
        found = self._figure_of(name, cells[0])
        if name != "median_pay_annual":
            return {name: round(found.value) if name == "jobs" else found.value}
        return {name: found}

    def _figure_of(self, name: str, cell: Cell) -> Figure:
        is_small = name == "outlook_pct"
        shown = str(cell)[:40]
        found = Figure(_as_float(cell)) if isinstance(cell, int | float | Decimal) else None
        if isinstance(cell, str):
            text = squeezed(cell)
            decimal = self.decimal or ("." if "," in text and self.rows.separator != ";" else None)
            try:
                found = figure(text, decimal, is_small=is_small)
            except AmbiguousError as error:
                said = f'say decimal = "." or "," in {self.mapping_name}'
                raise CellError(f"is {shown!r}, which {error}; {said}", f"may be one of two figures; {said}") from None
        what = "a number of percent, as in -3.5" if is_small else f"{NUMBERS.get(name)} of at least 0"
        if found is None or not abs(found.value) <= (10**6 if is_small else MAX_FIGURE):
            raise CellError(f"is {shown!r}, which is not {what}", f"is not {what}")
        if name in self.mapping.times:
            found = replace(found, value=round(found.value * self.mapping.times[name], 6))
        is_of_pay = name == "median_pay_annual"
        is_odd = ((found.sign or found.is_lower_bound) and not is_of_pay) or (found.is_percent and not is_small)
        is_below = not is_small and (found.value < 0 or (name == "jobs" and not found.value.is_integer()))
        if is_odd or is_below:
            raise CellError(f"is {shown!r}, which is not {what}", f"is not {what}")
        return found

    def _currency(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if not cells:
            return {name: None}
        code = squeezed(as_text(cells[0], None))
        code = CURRENCY_OF_SIGN.get(code, code)
        if not _CURRENCY.fullmatch(code):
            rule = "no currency code of three capital letters, as in USD or EUR"
            raise CellError(f"is {code[:40]!r}, which is {rule}", f"is {rule}")
        return {name: code}

    def _basis(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if not cells:
            return {name: None}
        word = squeezed(as_text(cells[0], None))
        if word.casefold() not in _BASES:
            rule = "neither annual, monthly, weekly nor hourly"
            raise CellError(f"is {word[:40]!r}, which is {rule}", f"is {rule}")
        return {name: _BASES[word.casefold()]}

    def _flag(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if not cells:
            return {name: None}
        word = squeezed(as_text(cells[0], None)).casefold()
        if word not in _FLAGS:
            raise CellError(f"is {word[:40]!r}, which is neither true nor false", "is neither true nor false")
        return {name: _FLAGS[word]}

    def _order(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        if not cells:
            return {}
        word = squeezed(as_text(cells[0], None))
        if not _ORDER.fullmatch(word):
            rule = "not a whole number of at least 0"
            raise CellError(f"is {word[:40]!r}, which is {rule}", f"is {rule}")
        return {name: int(word)}

    def _with_pay(self, values: dict[str, Any]) -> dict[str, Any]:
        """The row with its pay in one currency a year, or an hour."""
        found: Figure | None = values.get("median_pay_annual")
        if found is None:
            return values
        currency = values.get("pay_currency") or self._currency_of(found.sign)
        if found.sign and values.get("pay_currency") and not _may_be(found.sign, values["pay_currency"]):
            raise CellError(
                f"median_pay_annual is in {found.sign} where pay_currency says {values['pay_currency']}",
                "median_pay_annual has the sign of another currency than pay_currency",
            )
        basis = values.get("pay_basis")
        is_hourly = basis == "hourly"
        return {
            **values,
            "median_pay_annual": None if is_hourly else found.value * IN_A_YEAR[basis or "annual"],
            "median_pay_hourly": found.value if is_hourly else None,
            "pay_currency": currency,
            "pay_is_top_coded": True if found.is_lower_bound else values.get("pay_is_top_coded"),
        }

    def _currency_of(self, sign: str | None) -> str | None:
        if sign is None:
            return None
        if sign in SEVERAL_CURRENCIES:
            if sign == "$":
                return "USD"
            raise CellError(
                f"median_pay_annual is in {sign}, which several currencies are; say pay_currency",
                "median_pay_annual has the sign of several currencies; say pay_currency",
            )
        return CURRENCY_OF_SIGN.get(sign, sign)

    def notes(self) -> Iterator[str]:
        """What a user should know of how the file was read."""
        unread = self.columns.unread()
        if unread:
            more = f" and {len(unread) - 20:,} more" if len(unread) > 20 else ""
            yield f"passed over: {', '.join(unread[:20])}{more}"
        if self.blank:
            yield f"{self.blank:,} empty rows are passed over"
        if self.footnotes:
            yield f"{self.footnotes:,} rows at the end with one cell of words are footnotes, and passed over"
        if self.without_currency:
            yield (
                f"{self.without_currency:,} figures of pay name no currency: they are taken to be in USD; say"
                f" pay_currency in {self.mapping_name}, below [values], if they are not"
            )
        if self.like_html:
            yield (
                f"{self.like_html:,} cells look like HTML and are taken as they are; html = true in {self.mapping_name}"
                " takes their words alone"
            )
        if self.cleaned:
            yield f"{self.cleaned:,} cells have characters that act or are not seen, which are taken out"
        if self.unordered:
            shown = ", ".join(sorted(self.unordered)[:10])
            yield f"education that is none of education_levels, and so has no place among them: {shown}"


def _as_float(number: float | Decimal) -> float:
    try:
        return math.nan if isinstance(number, bool) else float(number)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def _unquoted(cell: Cell) -> Cell:
    """A cell without the formula by which some keep a code in CSV from being changed: `="11-2011"`."""
    if not isinstance(cell, str) or '="' not in cell:
        return cell
    found = _TEXT_FORMULA.fullmatch(cell)
    return cell if found is None else found[1]


def _filled(cells: Sequence[Cell]) -> int:
    return sum(not is_missing(cell) for cell in cells)


def _is_footnote(cells: Sequence[Cell], width: int) -> bool:
    first = cells[0]
    return width > 2 and _filled(cells) == 1 and isinstance(first, str) and " " in first.strip()


def _may_be(sign: str, currency: str) -> bool:
    return currency in SEVERAL_CURRENCIES.get(sign, (CURRENCY_OF_SIGN.get(sign, sign),))
