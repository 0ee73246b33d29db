"""The handbook's A–Z index: every title, aliases included, and the pages they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborNode

from exposure_dagster.errors import SourceError
from exposure_dagster.parsing.html import text_of, tree_of
from exposure_dagster.parsing.records import IndexEntry, IndexPage, UnreadField

INDEX_URL = "https://www.bls.gov/ooh/a-z-index.htm"

_INDEX_SLUG = "a-z-index"
_PAGE_PATH = re.compile(r"/ooh/(?P<category>[\w-]+)/(?P<slug>(?!home\.)[\w-]+)\.html?")
_ALIAS = re.compile(r"(?P<title>.+?),\s*see:\s", re.IGNORECASE)


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
    for item in _items(body):
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
    """The items of the index from which no title and page can be read."""
    return [UnreadField(_INDEX_SLUG, "entry", text_of(item)) for item in _items(body) if _entry(item) is None]


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


def _items(body: bytes) -> list[LexborNode]:
    return tree_of(body).css("div.a-z-list li")


def _entry(item: LexborNode) -> IndexEntry | None:
    links = [link for link in item.css("a") if link.attributes.get("href")]
    page = page_at(links[-1].attributes.get("href") or "") if links else None
    alias = _ALIAS.match(text_of(item))
    title = alias["title"] if alias else text_of(links[0]) if links else ""
    if page is None or not title:
        return None
    return IndexEntry(title, page.slug, page.category, page.url, is_alias=alias is not None or len(links) > 1)
