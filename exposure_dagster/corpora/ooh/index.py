"""The handbook's A–Z index: every title, aliases included, and the pages they lead to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborNode

from exposure_dagster.core.errors import SourceError
from exposure_dagster.parsing.damage import DAMAGE, damage_of
from exposure_dagster.parsing.html import NestedTooDeeplyError, text_of, tree_of_words
from exposure_dagster.parsing.records import IndexEntry, IndexPage, UnreadField

INDEX_URL = "https://www.bls.gov/ooh/a-z-index.htm"

_INDEX_SLUG = "a-z-index"
_PAGE_PATH = re.compile(r"/ooh/(?P<category>[\w-]+)/(?P<slug>(?!home\.)[\w-]+)\.html?")
_ALIAS = re.compile(r"(?P<title>.+?),\s*see:\s(?P<names>.*)", re.IGNORECASE)
_MOST_LINKS = 2


@cache
def page_at(href: str) -> IndexPage | None:
    """The handbook page that a link leads to; relative links count from the index. None if to none."""
    try:
        address = urlsplit(urljoin(INDEX_URL, href.strip()))
    except ValueError:  # what urllib makes of brackets that hold no IPv6 address
        return None
    if address.hostname not in {"www.bls.gov", "bls.gov"}:
        return None
    path = _PAGE_PATH.fullmatch(address.path)
    if path is None:
        return None
    category, slug = path["category"], path["slug"]
    return IndexPage(slug, category, f"https://www.bls.gov/ooh/{category}/{slug}.htm")


def parse_index(body: bytes) -> list[IndexEntry]:
    """The entries in the order of the index, each title of a page once.

    Raises SourceError if there is none. Entries that lead to no page are left to `unread_entries`.
    """
    entries: dict[tuple[str, str], IndexEntry] = {}
    for item in _items(_lists(body)):
        entry = _entry(item)
        if entry is None:
            continue
        standing = entries.setdefault((entry.title, entry.url), entry)
        if standing.is_alias:
            entries[entry.title, entry.url] = entry
    if not entries:
        raise SourceError(
            "no entry of the A–Z index can be read",
            where=INDEX_URL,
            remedy="Look whether the body is the index or a refusal; if BLS changed its layout, the parser must follow",
        )
    return list(entries.values())


def unread_entries(body: bytes) -> list[UnreadField]:
    """The items of the index from which no title and page can be read, links beside the items, titles that do not
    agree, and the index's damage.

    Every page has one title of its own, which its aliases name; where it is not so, entries ran into each other.
    """
    parts = _lists(body)
    items = _items(parts)
    found = [text_of(item) for item in items if _entry(item) is None]
    found += [text_of(link) for part in parts for link in part.css("a[href]") if not _is_in_item(link)]
    unread = [UnreadField(_INDEX_SLUG, "entry", words) for words in found + _disagreements(items)]
    return unread + [UnreadField(_INDEX_SLUG, DAMAGE, clause) for clause in damage_of(body)]


def _disagreements(items: list[LexborNode]) -> list[str]:
    titles: dict[str, set[str]] = {}
    named: list[tuple[str, str]] = []
    for item in items:
        entry, alias = _entry(item), _ALIAS.match(text_of(item))
        if entry is not None:
            of_page = titles.setdefault(entry.url, set())
            if not entry.is_alias:
                of_page.add(entry.title)
            elif alias is not None:
                named.append((entry.url, alias["names"]))
    pages = Counter(title for of_page in titles.values() for title in of_page)
    return [
        *(
            f"{url} is named by {', '.join(sorted(own)) or 'aliases alone'}"
            for url, own in titles.items()
            if len(own) != 1
        ),
        *(f"{url} is named {title}" for url, title in named if titles[url] and title not in titles[url]),
        *(f"{title} names {count} pages" for title, count in pages.items() if count > 1),
    ]


def index_pages(entries: Iterable[IndexEntry]) -> list[IndexPage]:
    """The pages that entries lead to, each once, in order of first mention.

    Raises SourceError if two pages share a slug: a slug is what everything else is keyed by.
    """
    pages: dict[str, IndexPage] = {}
    for entry in entries:
        page = pages.setdefault(entry.slug, IndexPage(entry.slug, entry.category, entry.url))
        if page.url != entry.url:
            raise SourceError(
                f"two pages have the slug {entry.slug!r}: {page.url} and {entry.url}",
                where=INDEX_URL,
                remedy="Find out which of them is current, and report it: pages are told apart by their slug",
            )
    return list(pages.values())


def _lists(body: bytes) -> list[LexborNode]:
    try:
        return tree_of_words(body).css("div.a-z-list")
    except NestedTooDeeplyError:
        return []


def _items(parts: list[LexborNode]) -> list[LexborNode]:
    return [item for part in parts for item in part.css("li")]


def _is_in_item(node: LexborNode) -> bool:
    above = node.parent
    while above is not None and above.tag not in ("li", "body"):
        above = above.parent
    return above is not None and above.tag == "li"


def _entry(item: LexborNode) -> IndexEntry | None:
    """An item names one title, and one page: two entries that ran into each other are none."""
    links = item.css("a")
    pages = {page_at(link.attributes.get("href") or "") for link in links}
    page = pages.pop() if len(pages) == 1 and len(links) <= _MOST_LINKS and len(item.css("li")) == 1 else None
    alias = _ALIAS.match(text_of(item))
    title = alias["title"] if alias else text_of(links[0]) if links else ""
    if page is None or not title:
        return None
    return IndexEntry(title, page.slug, page.category, page.url, is_alias=alias is not None or len(links) > 1)
