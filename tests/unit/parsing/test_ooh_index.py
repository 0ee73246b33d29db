"""What becomes of the A–Z index."""

from __future__ import annotations

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.ooh.index import index_pages, page_at, parse_index, unread_entries
from exposure_dagster.parsing.records import IndexEntry, IndexPage, UnreadField
from tests.unit.parsing.handbook import index_of

KEEPERS = "https://www.bls.gov/ooh/light-and-signal/lamp-keepers.htm"


def test_an_entry_with_one_link_is_the_title_of_its_page() -> None:
    body = index_of(f'<a href="{KEEPERS}">  Lamp\n keepers</a>')
    assert parse_index(body) == [
        IndexEntry("Lamp keepers", "lamp-keepers", "light-and-signal", KEEPERS, is_alias=False)
    ]


def test_an_entry_that_says_see_is_an_alias_of_the_page_it_names() -> None:
    body = index_of(
        f'<a href="{KEEPERS}">Wick Trimmer</a>, see: <a href="{KEEPERS}">Lamp keepers</a>',
        f'Lighter, Gas, see: <a href="{KEEPERS}">Lamp keepers</a>',
    )
    assert [(entry.title, entry.slug, entry.is_alias) for entry in parse_index(body)] == [
        ("Wick Trimmer", "lamp-keepers", True),
        ("Lighter, Gas", "lamp-keepers", True),
    ]


@pytest.mark.parametrize(
    "href",
    [
        KEEPERS,
        "http://www.bls.gov/ooh/light-and-signal/lamp-keepers.htm",
        "//www.bls.gov/ooh/light-and-signal/lamp-keepers.htm",
        "/ooh/light-and-signal/lamp-keepers.htm",
        "light-and-signal/lamp-keepers.htm",
        "./light-and-signal/lamp-keepers.htm#tab-2",
        "../ooh/light-and-signal/lamp-keepers.htm?view_full",
        " https://www.bls.gov/ooh/light-and-signal/lamp-keepers.html ",
    ],
)
def test_every_form_of_a_link_leads_to_the_same_page(href: str) -> None:
    assert page_at(href) == IndexPage("lamp-keepers", "light-and-signal", KEEPERS)


@pytest.mark.parametrize(
    "href",
    [
        "",
        "#top",
        "/ooh/home.htm",
        "/ooh/light-and-signal/home.htm",
        "https://example.org/ooh/a/b.htm",
        "http://[",
        "mailto:a@b.c",
    ],
)
def test_other_links_lead_to_no_page(href: str) -> None:
    assert page_at(href) is None


def test_an_entry_that_stands_twice_counts_once_and_a_title_outweighs_an_alias() -> None:
    body = index_of(
        f'<a href="{KEEPERS}">Lamp keepers</a>, see: <a href="{KEEPERS}">Lamp keepers</a>',
        f'<a href="{KEEPERS}">Lamp keepers</a>',
        f'<a href="{KEEPERS}">Lamp keepers</a>',
    )
    assert [entry.is_alias for entry in parse_index(body)] == [False]


@pytest.mark.parametrize("body", [b"", b"<html><title>Access Denied</title></html>", index_of(), index_of("No link")])
def test_an_index_without_a_readable_entry_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError, match="no entry of the A–Z index can be read"):
        parse_index(body)


def test_entries_that_cannot_be_read_are_named() -> None:
    body = index_of(f'<a href="{KEEPERS}">Lamp keepers</a>', "Wick Trimmer", '<a href="/ooh/home.htm">Home</a>')
    assert len(parse_index(body)) == 1
    assert unread_entries(body) == [
        UnreadField("a-z-index", "entry", "Wick Trimmer"),
        UnreadField("a-z-index", "entry", "Home"),
    ]


BELLS = "https://www.bls.gov/ooh/b/bells.htm"
OWN = f'<a href="{KEEPERS}">Lamp keepers</a>'


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([OWN, f'<a href="{KEEPERS}">Trimmer</a>, see: <a href="{BELLS}">Bells</a>'], ["Trimmer, see: Bells"]),
        ([OWN, f'{OWN} <a href="{KEEPERS}">Lamps</a> <a href="{KEEPERS}">Oil</a>'], ["Lamp keepers Lamps Oil"]),
        ([OWN, f'<a href="{KEEPERS}">Lamps</a>'], [f"{KEEPERS} is named by Lamp keepers, Lamps"]),
        ([f'Trimmer, see: <a href="{KEEPERS}">Lamp keepers</a>'], [f"{KEEPERS} is named by aliases alone"]),
        ([OWN, f'<a href="{BELLS}">Lamp keepers</a>'], ["Lamp keepers names 2 pages"]),
        ([OWN, f'<a href="{KEEPERS}">Trimmer</a>, see: Bells'], [f"{KEEPERS} is named Bells"]),
        ([OWN, f'{OWN}</li></ul><a href="{BELLS}">Bells</a><ul><li>{OWN}'], ["Bells"]),
        ([OWN, f"<ul><li>{OWN}</li></ul>"], ["Lamp keepers"]),
    ],
)
def test_entries_that_ran_into_each_other_are_noticed(items: list[str], found: list[str]) -> None:
    assert [unread.found for unread in unread_entries(index_of(*items))] == found


def test_pages_are_listed_once_in_the_order_of_the_index() -> None:
    body = index_of(
        '<a href="/ooh/b/bells.htm">Bells</a>',
        f'<a href="{KEEPERS}">Lamps</a>',
        '<a href="/ooh/b/bells.htm">Chimes</a>',
    )
    assert [page.slug for page in index_pages(parse_index(body))] == ["bells", "lamp-keepers"]


def test_two_pages_with_one_slug_are_refused_with_both_addresses() -> None:
    body = index_of(f'<a href="{KEEPERS}">Lamp keepers</a>', '<a href="/ooh/farming/lamp-keepers.htm">Lamp keepers</a>')
    with pytest.raises(SourceError, match=r"'lamp-keepers'.*light-and-signal/.*farming/lamp-keepers\.htm"):
        index_pages(parse_index(body))
