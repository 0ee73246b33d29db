"""HTML of a handbook section to Markdown.

Kept: headings, paragraphs, lists, tables, and charts as tables. Dropped: emphasis and the addresses of
links (their words stay), pictures with their captions, navigation, headings that read "empty heading",
and the note and source below every chart, which are the same on all pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import indent

from selectolax.lexbor import LexborNode

from exposure_dagster.corpora.ooh.grids import Grid, read_grid
from exposure_dagster.parsing.html import classes_of, squeezed, text_of

_HEADINGS = {"h1": "#", "h2": "##", "h3": "###", "h4": "####", "h5": "#####", "h6": "######"}
_LISTS = frozenset({"ul", "ol"})
_CONTAINERS = frozenset(
    {"div", "article", "section", "header", "main", "aside", "blockquote", "center", "details", "dl", "dt", "dd"}
)
_DROPPED = frozenset({"nav", "img", "picture", "figure", "svg", "video", "audio", "button", "form"})
_BLOCKS = frozenset({"p", "table", *_HEADINGS, *_LISTS, *_CONTAINERS, *_DROPPED})
_DROPPED_CLASSES = frozenset({"ooh_right_img", "image-caption", "tab-footer"})
_PLACEHOLDER_HEADING = "empty heading"
_LINK_TO_DATA = "Get data"
_SOURCE = re.compile(r"source:", re.IGNORECASE)

_LIST_MARKER = re.compile(r"(?:[-+*]|\d+[.)]) ")
_MARKER_TO_ESCAPE = re.compile(r"(\d*)([-+*>]|#{1,6}|[.)])(?= )")


@dataclass(frozen=True, slots=True)
class Rendering:
    """A part of a page: its Markdown blocks (heading, paragraph, list, table) and its tables, in order.

    `flaws` says which tables and charts are not built as such, so that figures may stand where they do not belong.
    """

    blocks: list[str] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)


def render(part: LexborNode) -> Rendering:
    """The Markdown of everything below a node."""
    rendering = Rendering()
    _render(part, rendering)
    return rendering


def _render(part: LexborNode, into: Rendering) -> None:
    loose = ""  # running text that stands in no block of its own
    for node in _without_comments(part):
        tag = node.tag or ""
        if tag not in _BLOCKS:
            loose += _skipped_space(node) + node.text_lexbor()
            continue
        if loose:
            _add_paragraph(squeezed(loose), into)
            loose = ""
        if tag == "p":
            _add_paragraph(text_of(node), into)
        elif tag in _HEADINGS:
            heading = text_of(node)
            if heading and heading.casefold() != _PLACEHOLDER_HEADING:
                into.blocks.append(f"{_HEADINGS[tag]} {heading}")
        elif tag in _LISTS:
            into.blocks.extend(filter(None, [_list(node)]))
        elif tag == "table":
            grid = read_grid(node)
            into.grids.append(grid)
            into.blocks.extend(grid_blocks(grid))
            if grid.flaw:
                into.flaws.append(f"a table: {grid.flaw}")
        elif tag in _CONTAINERS:
            _render_container(node, into)
    if loose:
        _add_paragraph(squeezed(loose), into)


def _skipped_space(node: LexborNode) -> str:
    before = node.prev
    return " " if before is not None and before.tag == "-text" and before.text_lexbor().isspace() else ""


def _add_paragraph(text: str, into: Rendering) -> None:
    if text:
        into.blocks.append(_escaped(text))


def _escaped(text: str) -> str:
    """The text, with a backslash where its first characters would make a list or a heading of it."""
    marker = _MARKER_TO_ESCAPE.match(text)
    return text if marker is None else f"{marker[1]}\\{text[len(marker[1]) :]}"


def _without_comments(part: LexborNode) -> Iterator[LexborNode]:
    """What stands in a part; a comment parts no words."""
    return (node for node in part.iter(include_text=True, skip_empty=True) if node.tag != "-comment")


def _render_container(node: LexborNode, into: Rendering) -> None:
    if node.tag == "dl":
        into.flaws.append(f"a list of terms outside of a chart: {text_of(node)}")
    classes = classes_of(node)
    if "ooh-chart" in classes:
        _chart(node, into)
    elif _DROPPED_CLASSES.isdisjoint(classes):
        _render(node, into)


def _list(node: LexborNode) -> str:
    lines: list[str] = []
    number = 0
    for child in node.iter():
        if child.tag in _LISTS:  # a list directly inside a list belongs to the item before it
            lines.append(indent(_list(child), "  "))
            continue
        item = _item(child)
        if item:
            number += 1
            marker = f"{number}. " if node.tag == "ol" else "- "
            lines.append(marker + indent(item, " " * len(marker)).lstrip())
    return "\n".join(lines)


def _item(node: LexborNode) -> str:
    if all(child.tag not in _BLOCKS for child in node.iter()):
        return _escaped(text_of(node))
    item = ""
    for block in render(node).blocks:
        gap = "" if not item else "\n" if _LIST_MARKER.match(block) else "\n\n"
        item += gap + block
    return item


def grid_blocks(grid: Grid) -> list[str]:
    """Caption, table and footnotes. Columns of links to data, and columns without a word, are left out."""
    columns = [
        index
        for index, column in enumerate(zip(*grid.body, strict=True))
        if any(column) and _LINK_TO_DATA not in column
    ]
    if not columns:
        return []
    header = [grid.header[index] for index in columns] if grid.header else [""] * len(columns)
    table = markdown_table(header, [[row[index] for index in columns] for row in grid.body])
    caption = [f"**{grid.caption}**"] if grid.caption else []
    return [*caption, table, *(note for note in grid.footnotes if note and not _SOURCE.match(note))]


def _chart(chart: LexborNode, into: Rendering) -> None:
    """A bar chart as a table: what is compared and what is measured make the header."""
    bars = chart.css_first("dl")
    if bars is None or bars.parent is None:
        into.flaws.append("a chart without bars")
        _render(chart, into)
        return
    heading = measure = ""
    for node in bars.parent.iter():
        if node.tag == "h3":
            heading = text_of(node)
        elif node.tag == "p":
            measure = measure or text_of(node)
        elif node.tag == "dl":
            break
    rows = _bars(bars)
    if rows:
        into.blocks.append(markdown_table([heading, measure], rows))
    if not (rows and heading and measure) or len(chart.css("dl")) > 1 or _are_unpaired(bars):
        into.flaws.append(f"a chart whose labels and figures do not pair: {heading} {measure}")


def _bars(bars: LexborNode) -> list[list[str]]:
    rows = []
    label = ""
    for node in bars.iter():
        if node.tag == "dt":
            label = text_of(node)
        elif label and (value := text_of(node)):
            rows.append([label, value])
    return rows


def _are_unpaired(bars: LexborNode) -> bool:
    parts = [(node.tag, bool(text_of(node))) for node in bars.iter() if node.tag != "-comment"]
    labels, figures = parts[::2], parts[1::2]
    return (
        len(labels) != len(figures)
        or any(tag != "dt" for tag, _ in labels)
        or any(tag != "dd" for tag, _ in figures)
        or any(label != figure for (_, label), (_, figure) in zip(labels, figures, strict=True))
    )


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_table_line(header), "| " + " | ".join(["---"] * len(header)) + " |"]
    lines.extend(map(_table_line, rows))
    return "\n".join(lines)


def _table_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
