"""How many handbook pages a second the parser reads, beside BeautifulSoup doing the same.

    python benchmarks/parse.py [SITES_FOLDER]

SITES_FOLDER holds one folder a host; left out, EXPOSURE_SITES names it. The parsers
take turns, a batch of pages each, in one process, and both end in the record of `exposure_dagster.parsing`: the
same fields, projections, codes and Markdown. A difference between two records is an error. BeautifulSoup
runs on Python's html.parser. What is made of words once they are found is the same code for both.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from exposure_dagster.corpora.ooh.grids import Cell, Grid, lay_out
from exposure_dagster.corpora.ooh.index import index_pages, parse_index
from exposure_dagster.corpora.ooh.markdown import grid_blocks, markdown_table
from exposure_dagster.corpora.ooh.page import interpret, parse_page
from exposure_dagster.corpora.ooh.page_words import TEXT_TABS, Fact, PageWords, Section
from exposure_dagster.parsing.html import squeezed
from exposure_dagster.parsing.records import IndexPage, ParsedPage

BATCH = 20
"""Pages that one parser reads before it is the other's turn: slow and fast moments of a machine hit both."""


def parse_page_with_soup(body: bytes, page: IndexPage) -> ParsedPage:
    soup = BeautifulSoup(body, "html.parser")
    panes = soup.find(id="panes")
    assert isinstance(panes, Tag)
    for clutter in panes.find_all(["script", "style", "noscript", "iframe"]):
        clutter.decompose()
    for link in panes.find_all("a", class_="about-this-section"):
        link.decompose()
    for line_break in panes.find_all("br"):
        line_break.insert_before(" ")
    tabs = {number: panes.find(id=f"tab-{number}", recursive=False) for number in (*TEXT_TABS, 9)}
    facts = panes.find("table", id="quickfacts")
    canonical = soup.find("link", rel="canonical")
    description = soup.find("meta", attrs={"name": "description"})
    announced = soup.find(id="tabs")
    words = PageWords(
        title=text(soup.find("h1")),
        canonical=attribute(canonical, "href"),
        description=attribute(description, "content"),
        modified=text(soup.find("p", class_="update")),
        tab_labels={attribute(link, "href"): text(link) for link in links_of(announced)},
        facts=[fact(row) for row in facts.select("tbody tr")] if facts else None,
        projections=projections(panes),
        links=[attribute(link, "href") for link in links_of(tabs[9])],
        sections={
            number: Section(attribute(tab.find("h2"), "id"), section_blocks(tab))
            for number in TEXT_TABS
            if (tab := tabs[number]) is not None
        },
    )
    return interpret(words, page)


def text(node: Tag | None) -> str:
    return squeezed(node.get_text()) if node is not None else ""


def attribute(node: Tag | None, name: str) -> str:
    return squeezed(" ".join(map(str, node.get_attribute_list(name)))) if node is not None else ""


def links_of(node: Tag | None) -> list[Tag]:
    return node.find_all("a") if node is not None else []


def fact(row: Tag) -> Fact:
    return Fact(text(row.th), text(row.td))


def projections(panes: Tag) -> Grid | None:
    for table in panes.find_all("table"):
        if table.thead is not None and "soc code" in text(table.thead).lower():
            return grid_of(table)
    return None


def grid_of(table: Tag) -> Grid:
    head: list[list[Cell]] = []
    body: list[list[Cell]] = []
    indents: list[int] = []
    footnotes: list[str] = []
    for part in table.find_all(["thead", "tbody", "tfoot"], recursive=False):
        for row in part.find_all("tr", recursive=False):
            cells = [cell_of(cell) for cell in row.find_all(["td", "th"], recursive=False)]
            if part.name == "tfoot":
                footnotes.append(text(row))
            elif part.name == "thead":
                head.append(cells)
            else:
                body.append(cells)
                indents.append(indent_of(row))
    return lay_out(text(table.caption), head, body, indents, footnotes)


def cell_of(cell: Tag) -> Cell:
    columns, rows = attribute(cell, "colspan"), attribute(cell, "rowspan")
    return Cell(text(cell), cell.name == "th", int(columns or 1), int(rows or 1))


def indent_of(row: Tag) -> int:
    level = attribute(row.find("p"), "class")
    return int(level[3:]) if level.startswith("sub") else 0


def section_blocks(section: Tag) -> list[str]:
    blocks: list[str] = []
    for node in section.children:
        if isinstance(node, Tag):
            blocks.extend(blocks_of(node))
        elif type(node) is NavigableString and (words := squeezed(node)):
            blocks.append(words)
    return blocks


def blocks_of(node: Tag) -> list[str]:
    if node.name == "table":
        return grid_blocks(grid_of(node))
    if node.name in {"div", "article"}:
        return container_blocks(node)
    words = text(node)
    if not words or words == "empty heading":
        return []
    if node.name in {"h2", "h3", "h4"}:
        return [f"{'#' * int(node.name[1])} {words}"]
    if node.name in {"ul", "ol"}:
        return [list_of(node)]
    return [words] if node.name == "p" else []


def container_blocks(node: Tag) -> list[str]:
    classes = node.get_attribute_list("class")
    if "ooh-chart" in classes:
        return [chart_of(node)]
    return [] if "ooh_right_img" in classes or "image-caption" in classes else section_blocks(node)


def list_of(node: Tag) -> str:
    lines = []
    for number, item in enumerate(node.find_all("li", recursive=False), start=1):
        marker = f"{number}. " if node.name == "ol" else "- "
        nested = [list_of(inner) for inner in item.find_all(["ul", "ol"], recursive=False)]
        own = squeezed("".join(words_of(part) for part in item.children))
        lines.append(marker + "\n".join([own, *nested]).replace("\n", "\n" + " " * len(marker)))
    return "\n".join(lines)


def words_of(part: PageElement) -> str:
    if isinstance(part, Tag):
        return "" if part.name in {"ul", "ol"} else part.get_text()
    return str(part) if isinstance(part, NavigableString) else ""


def chart_of(chart: Tag) -> str:
    labels = [text(label) for label in chart.find_all("dt")]
    values = [text(value) for value in chart.find_all("dd")]
    bars = [[label, value] for label, value in zip(labels, values, strict=True) if label and value]
    return markdown_table([text(chart.find("h3")), text(chart.find("p"))], bars)


@dataclass
class Timed:
    """A parser, the seconds it has taken so far, and what it made of each page."""

    parse: Callable[[bytes, IndexPage], ParsedPage]
    seconds: float = 0.0
    records: list[ParsedPage] = field(default_factory=list)

    def take(self, batch: list[tuple[IndexPage, bytes]]) -> None:
        gc.collect()  # neither pays for what the other left behind
        started = time.perf_counter()
        self.records.extend([self.parse(body, page) for page, body in batch])
        self.seconds += time.perf_counter() - started


def differences(ours: ParsedPage, theirs: ParsedPage) -> list[str]:
    """The names of the fields in which two records of a page differ."""
    pairs = zip(fields(ours.occupation), astuple(ours.occupation), astuple(theirs.occupation), strict=True)
    names = [column.name for column, mine, other in pairs if mine != other]
    rest = {"projections": ours.projections == theirs.projections, "unread": ours.unread == theirs.unread}
    return names + [name for name, is_same in rest.items() if not is_same]


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("EXPOSURE_SITES", "")
    ooh = Path(folder) / "www.bls.gov" / "ooh"
    if not (ooh / "a-z-index.htm").is_file():
        sys.exit(f"no handbook under {ooh}; usage: python benchmarks/parse.py SITES_FOLDER")
    listed = index_pages(parse_index((ooh / "a-z-index.htm").read_bytes()))
    files = [(page, ooh / page.category / f"{page.slug}.htm") for page in listed]
    pages = [(page, file.read_bytes()) for page, file in files if file.is_file()]
    lexbor = Timed(lambda body, page: parse_page(body, url=page.url))
    soup = Timed(parse_page_with_soup)
    for page, body in pages[:3]:  # imports and caches are no part of the comparison
        lexbor.parse(body, page)
        soup.parse(body, page)
    for start in range(0, len(pages), BATCH):
        lexbor.take(pages[start : start + BATCH])
        soup.take(pages[start : start + BATCH])

    unlike = {
        ours.occupation.slug: names
        for ours, theirs in zip(lexbor.records, soup.records, strict=True)
        if (names := differences(ours, theirs))
    }
    rows = sum(len(record.projections) for record in lexbor.records)
    text = sum(len(record.occupation.text) for record in lexbor.records)
    print(f"{len(pages)} pages, {rows} rows of projections, {text:,} characters of Markdown")
    print(f"exposure_dagster  {len(pages) / lexbor.seconds:8.1f} pages/s   {lexbor.seconds:7.2f} s")
    print(f"BeautifulSoup     {len(pages) / soup.seconds:8.1f} pages/s   {soup.seconds:7.2f} s")
    print(f"ratio             {soup.seconds / lexbor.seconds:8.1f}")
    print(f"fields compared   {len(fields(lexbor.records[0].occupation))} a page, and all rows of projections")
    print(f"pages that differ {len(unlike):8}")
    for slug, names in unlike.items():
        print(f"  {slug}: {', '.join(names)}")
    sys.exit(1 if unlike else 0)


if __name__ == "__main__":
    main()
