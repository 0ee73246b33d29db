"""The words of a handbook page, by where they stand. What they mean is not decided here."""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from exposure_dagster.errors import SourceError
from exposure_dagster.parsing.grids import Grid, read_grid
from exposure_dagster.parsing.html import squeezed, text_of, tidy, tree_of
from exposure_dagster.parsing.markdown import section_blocks
from exposure_dagster.parsing.projections import is_projections

TEXT_TABS = range(2, 7)
"""What they do, work environment, how to become one, pay, job outlook: the tabs whose text is kept."""

_LINKS_TAB = 9


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the quick facts."""

    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Section:
    """A tab: the id of its heading, and its Markdown blocks, heading first."""

    heading_id: str | None
    blocks: list[str]


@dataclass(frozen=True, slots=True)
class PageWords:
    """A page. Strings are empty, and tables None, where the page has none.

    `tab_labels` are the tabs that the page announces, by target ("#tab-1"); `links` those of tab 9;
    `sections` the tabs whose text is kept, by number.
    """

    title: str
    canonical: str
    description: str
    modified: str
    tab_labels: dict[str, str]
    facts: list[Fact] | None
    projections: Grid | None
    links: list[str]
    sections: dict[int, Section]


def page_words(body: bytes, *, url: str) -> PageWords:
    """Raises SourceError if the body has not the build of a handbook page."""
    tree = tree_of(body)
    panes = tree.css_first("#panes")
    if panes is None:
        title = tree.css_first("title")
        raise SourceError(
            f"this is no handbook page: it has no tabs, and is titled {text_of(title) if title else ''!r}",
            where=url,
            remedy="Look whether BLS refused the request; if it changed its layout, the parser has to follow",
        )
    tidy(panes)
    head = _head(tree)
    tables, tabs = _tables_and_tabs(panes)
    links = tabs.get(f"tab-{_LINKS_TAB}")
    return PageWords(
        title=_text(head.get("h1")),
        canonical=_attribute(head["link"][0], "href") if "link" in head else "",
        description=_attribute(head["meta"][0], "content") if "meta" in head else "",
        modified=_text(head.get("p")),
        tab_labels={_attribute(link, "href"): text_of(link) for link in head.get("a", [])},
        facts=next((_facts(table) for table in tables if table.id == "quickfacts"), None),
        projections=_projections(tables),
        links=[] if links is None else [_attribute(link, "href") for link in links.css("a")],
        sections={number: _section(tab) for number in TEXT_TABS if (tab := tabs.get(f"tab-{number}")) is not None},
    )


def _head(tree: LexborHTMLParser) -> dict[str, list[LexborNode]]:
    """What stands outside the panes, by tag: title, addresses of the page and of its tabs, date."""
    found: dict[str, list[LexborNode]] = {}
    for node in tree.css(':is(h1,link[rel="canonical"],meta[name="description"],#tabs a,p.update)'):
        found.setdefault(node.tag or "", []).append(node)
    return found


def _tables_and_tabs(panes: LexborNode) -> tuple[list[LexborNode], dict[str, LexborNode]]:
    tables: list[LexborNode] = []
    tabs: dict[str, LexborNode] = {}
    for node in panes.css(":is(table,[id^=tab-])"):
        if node.tag == "table":
            tables.append(node)
        else:
            tabs[node.id or ""] = node
    return tables, tabs


def _text(nodes: list[LexborNode] | None) -> str:
    return text_of(nodes[0]) if nodes else ""


def _attribute(node: LexborNode, name: str) -> str:
    return squeezed(node.attributes.get(name) or "")


def _facts(table: LexborNode) -> list[Fact]:
    rows = ([text_of(cell) for cell in row.iter()] for row in table.css("tr"))
    return [Fact(cells[0], cells[1]) for cells in rows if len(cells) == 2]


def _projections(tables: list[LexborNode]) -> Grid | None:
    # Known by its header: the id `outlook-table` is given by a script, and absent without a browser.
    for table in tables:
        head = table.css_first("thead")
        if head is not None and is_projections(text_of(head)):
            return read_grid(table)
    return None


def _section(tab: LexborNode) -> Section:
    heading = tab.css_first("h2")
    return Section(None if heading is None else heading.id, section_blocks(tab))
