"""The words of a handbook page, by where they stand. What they mean is not decided here."""

from __future__ import annotations

from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.ooh.grids import Grid
from exposure_dagster.corpora.ooh.markdown import render
from exposure_dagster.corpora.ooh.projections import is_projections
from exposure_dagster.parsing.html import squeezed, text_of, tidy, tree_of_words

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
    """A tab: the id of its heading, its Markdown blocks, heading first, and the flaws of its tables and charts."""

    heading_id: str | None
    blocks: list[str]
    flaws: list[str] = field(default_factory=list)


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
    tree = tree_of_words(body)
    build = _build(tree)
    panes = _panes(tree, build, url)
    tabs = {tab.id: tab for tab in panes.iter()}
    facts = panes.css_first("#quickfacts")
    links = tabs.get(f"tab-{_LINKS_TAB}")
    sections: dict[int, Section] = {}
    grids: list[Grid] = []
    for number in TEXT_TABS:
        tab = tabs.get(f"tab-{number}")
        if tab is not None:
            tidy(tab)
            heading, rendering = tab.css_first("h2"), render(tab)
            sections[number] = Section(None if heading is None else heading.id, rendering.blocks, rendering.flaws)
            grids.extend(rendering.grids)
    return PageWords(
        title="" if build.heading is None else text_of(build.heading),
        canonical=_in_head(tree, 'link[rel="canonical"]', "href"),
        description=_in_head(tree, 'meta[name="description"]', "content"),
        modified="" if build.modified is None else text_of(build.modified),
        tab_labels={_attribute(link, "href"): text_of(link) for link in build.tab_links},
        facts=None if facts is None else _facts(facts),
        # Known by its header: the id `outlook-table` is given by a script, and absent without a browser.
        projections=next(filter(is_projections, grids), None),
        links=[] if links is None else [_attribute(link, "href") for link in links.css("a")],
        sections=sections,
    )


def check_build(body: bytes, *, url: str) -> None:
    """Raises SourceError if the body has not the build of a handbook page."""
    tree = tree_of_words(body)
    _panes(tree, _build(tree), url)


@dataclass(slots=True)
class _Build:
    """The parts of a page's body; the first of each, where several would do."""

    heading: LexborNode | None = None
    tab_links: list[LexborNode] = field(default_factory=list)
    panes: LexborNode | None = None
    modified: LexborNode | None = None


def _build(tree: LexborHTMLParser) -> _Build:
    build = _Build()
    for node in tree.css(":is(h1,#tabs a,#panes,p.update)"):
        if node.id == "panes":
            build.panes = build.panes or node
        elif node.tag == "h1":
            build.heading = build.heading or node
        elif node.tag == "a":
            build.tab_links.append(node)
        else:
            build.modified = build.modified or node
    return build


def _panes(tree: LexborHTMLParser, build: _Build, url: str) -> LexborNode:
    if build.panes is None:
        title = tree.css_first("title")
        raise SourceError(
            f"this is no handbook page: it has no tabs, and is titled {text_of(title) if title else ''!r}",
            where=url,
            remedy="Look whether BLS refused the request; if it changed its layout, the parser has to follow",
        )
    return build.panes


def _in_head(tree: LexborHTMLParser, selector: str, attribute: str) -> str:
    node = tree.css_first(selector)
    return "" if node is None else _attribute(node, attribute)


def _attribute(node: LexborNode, name: str) -> str:
    return squeezed(node.attributes.get(name) or "")


def _facts(table: LexborNode) -> list[Fact]:
    tidy(table)
    rows = ([text_of(cell) for cell in row.iter()] for row in table.css("tr"))
    return [Fact(cells[0], cells[1]) for cells in rows if len(cells) == 2]
