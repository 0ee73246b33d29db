"""A table as rows of cells, with cells that span columns or rows laid out."""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from exposure_dagster.parsing.html import classes_of, squeezed, text_of

_HEADER_SEPARATOR = ": "
_BLOCKS = frozenset({"p", "div", "ul", "ol", "dl"})

_Hanging = dict[int, tuple[int, str]]
"""Column to the rows that a cell further up still covers, and its text."""


@dataclass(frozen=True, slots=True)
class Cell:
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
    """

    caption: str
    header: list[str]
    body: list[list[str]]
    indents: list[int]
    footnotes: list[str]


def read_grid(table: LexborNode) -> Grid:
    caption = ""
    head: list[LexborNode] = []
    body: list[LexborNode] = []
    footnotes: list[str] = []
    for part in table.iter():
        if part.tag == "caption":
            caption = text_of(part)
        for row in part.iter():
            if row.tag != "tr":
                continue
            if part.tag == "tfoot" or "footnotes" in classes_of(row):
                footnotes.append(text_of(row))
            elif part.tag == "thead":
                head.append(row)
            else:
                body.append(row)
    return lay_out(
        caption,
        [_cells(row) for row in head],
        [_cells(row) for row in body],
        [_indent(row) for row in body],
        footnotes,
    )


def lay_out(
    caption: str, head: list[list[Cell]], body: list[list[Cell]], indents: list[int], footnotes: list[str]
) -> Grid:
    """Cells to a grid. A cell over several rows repeats its text, one over several columns of the
    body does not; rows of header cells alone that open a table without a head become its header."""
    if not head:
        while len(head) + 1 < len(body) and all(cell.is_header for cell in body[len(head)]):
            head = body[: len(head) + 1]
        body, indents = body[len(head) :], indents[len(head) :]
    levels = _spread(head, repeat_columns=True)
    rows = _spread(body, repeat_columns=False)
    width = max((len(row) for row in levels + rows), default=0)
    for row in levels + rows:
        row.extend([""] * (width - len(row)))
    header = [_HEADER_SEPARATOR.join(dict.fromkeys(filter(None, column))) for column in zip(*levels, strict=True)]
    return Grid(caption, header, rows, indents, footnotes)


def _cells(row: LexborNode) -> list[Cell]:
    cells = []
    for node in row.iter():
        if node.tag not in {"td", "th"}:
            continue
        attributes = node.attributes
        cells.append(
            Cell(
                _cell_text(node),
                node.tag == "th",
                _span(attributes.get("colspan")),
                _span(attributes.get("rowspan")),
            )
        )
    return cells


def _cell_text(cell: LexborNode) -> str:
    if all(child.tag not in _BLOCKS for child in cell.iter()):
        return text_of(cell)
    return squeezed(" ".join(child.text_lexbor() for child in cell.iter(include_text=True)))


def _span(value: str | None) -> int:
    return min(int(value), 100) if value and value.isdecimal() and int(value) > 0 else 1


def _indent(row: LexborNode) -> int:
    first = row.css_first("[class^=sub]")
    if first is None:
        return 0
    number = (first.attributes.get("class") or "").removeprefix("sub")
    return int(number) if number.isdecimal() else 0


def _spread(rows: list[list[Cell]], *, repeat_columns: bool) -> list[list[str]]:
    hanging: _Hanging = {}
    spread = []
    for row in rows:
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
    return spread


def _fill_from_above(texts: list[str], hanging: _Hanging) -> None:
    while (above := hanging.pop(len(texts), None)) is not None:
        rows_left, text = above
        if rows_left > 1:
            hanging[len(texts)] = (rows_left - 1, text)
        texts.append(text)
