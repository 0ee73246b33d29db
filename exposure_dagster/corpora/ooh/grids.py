"""A table as rows of cells, with cells that span columns or rows laid out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from exposure_dagster.parsing.html import classes_of, squeezed, text_of

_HEADER_SEPARATOR = ": "
_WIDEST_SPAN = 100
_SPARE_COLUMNS = 1
"""The header of a page's projections spans a column more than the rows below it have."""

_SET_IN = re.compile(r"sub\d")
_CELLS = frozenset({"td", "th"})
_BLOCKS = frozenset({"p", "div", "ul", "ol", "dl"})

_Hanging = dict[int, tuple[int, str]]
"""Column to the rows that a cell further up still covers, and its text."""


class Cell(NamedTuple):
    """A cell as it stands in the page."""

    text: str
    is_header: bool
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: all rows of `body` and `header` have the same length.

    `header` is empty where the table has none; levels of a header are joined, "Change: Percent".
    `indents` gives for each row of the body how far its first cell is set in (class `sub1`, `sub2`, …).
    `flaw` says why cells may stand in columns that are not theirs; empty where rows and spans fit together.
    """

    caption: str
    header: list[str]
    body: list[list[str]]
    indents: list[int]
    footnotes: list[str]
    flaw: str = ""


def read_grid(table: LexborNode) -> Grid:
    caption = ""
    head: list[list[Cell]] = []
    body: list[list[Cell]] = []
    indents: list[int] = []
    footnotes: list[str] = []
    for part in table.iter():
        if part.tag == "caption":
            caption = text_of(part)
        for row in part.iter():
            if row.tag != "tr":
                continue
            if part.tag == "tfoot":
                footnotes.append(text_of(row))
            elif part.tag == "thead":
                head.append(_cells(row))
            else:
                body.append(_cells(row))
                indents.append(_indent(row))
    return lay_out(caption, head, body, indents, footnotes)


def lay_out(
    caption: str, head: list[list[Cell]], body: list[list[Cell]], indents: list[int], footnotes: list[str]
) -> Grid:
    """Cells to a grid. A cell over several rows repeats its text, one over several columns of the
    body does not. Rows of header cells alone that open a table without a head become its header; rows of a
    single cell across the table that close it are notes."""
    while body and len(body[-1]) == 1 and body[-1][0].columns > 1:
        footnotes = [body[-1][0].text, *footnotes]
        body, indents = body[:-1], indents[:-1]
    if not head:
        while len(head) + 1 < len(body) and all(cell.is_header for cell in body[len(head)]):
            head = body[: len(head) + 1]
        body, indents = body[len(head) :], indents[len(head) :]
    levels, hanging_head = _spread(head, repeat_columns=True)
    rows, hanging_body = _spread(body, repeat_columns=False)
    width = max(map(len, levels + rows), default=0)
    flaw = _uneven("header", levels) or _uneven("body", rows)
    if hanging_head or hanging_body:
        flaw = flaw or "a cell is said to span more rows than there are"
    if levels and rows and not 0 <= len(levels[0]) - len(rows[0]) <= _SPARE_COLUMNS:
        flaw = flaw or f"{len(rows[0])} columns under a header of {len(levels[0])}"
    for row in levels + rows:
        row.extend([""] * (width - len(row)))
    header = [_HEADER_SEPARATOR.join(dict.fromkeys(filter(None, column))) for column in zip(*levels, strict=True)]
    return Grid(caption, header, rows, indents, footnotes, flaw)


def _uneven(part: str, rows: list[list[str]]) -> str:
    other = next((number for number, row in enumerate(rows, start=1) if len(row) != len(rows[0])), None)
    if other is None:
        return ""
    return f"row {other} of the {part} has {len(rows[other - 1])} columns, row 1 has {len(rows[0])}"


def _cells(row: LexborNode) -> list[Cell]:
    return [_cell(node) for node in row.iter() if node.tag in _CELLS]


def _cell(node: LexborNode) -> Cell:
    attributes = node.attributes
    columns, rows = attributes.get("colspan"), attributes.get("rowspan")
    return Cell(
        _cell_text(node),
        node.tag == "th",
        _span(columns) if columns else 1,
        _span(rows) if rows else 1,
    )


def _cell_text(cell: LexborNode) -> str:
    for child in cell.iter():
        if child.tag in _BLOCKS:
            return squeezed(" ".join(part.text_lexbor() for part in cell.iter(include_text=True)))
    return text_of(cell)


def _span(value: str) -> int:
    return max(1, min(int(value), _WIDEST_SPAN)) if value.isdecimal() else 1


def _indent(row: LexborNode) -> int:
    """3 for a row whose first element of text is `<p class="sub3">`."""
    opening = next((part for cell in row.iter() for part in cell.iter()), None)
    names = [] if opening is None else filter(_SET_IN.fullmatch, classes_of(opening))
    return next((int(name[3:]) for name in names), 0)


def _spread(rows: list[list[Cell]], *, repeat_columns: bool) -> tuple[list[list[str]], _Hanging]:
    """The rows laid out, and what would still hang into rows below the last."""
    hanging: _Hanging = {}
    spread = []
    for row in rows:
        if not hanging and all(cell.columns == cell.rows == 1 for cell in row):
            spread.append([cell.text for cell in row])
            continue
        texts: list[str] = []
        _fill_from_above(texts, hanging)
        for cell in row:
            for offset in range(cell.columns):
                text = cell.text if repeat_columns or offset == 0 else ""
                if cell.rows > 1:
                    hanging[len(texts)] = (cell.rows - 1, text)
                texts.append(text)
            _fill_from_above(texts, hanging)
        spread.append(texts)
    return spread, hanging


def _fill_from_above(texts: list[str], hanging: _Hanging) -> None:
    while (above := hanging.pop(len(texts), None)) is not None:
        rows_left, text = above
        if rows_left > 1:
            hanging[len(texts)] = (rows_left - 1, text)
        texts.append(text)
