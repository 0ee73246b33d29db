"""What of a page counts as damage, and what does not."""

from __future__ import annotations

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.onet.page import parse_onet_page
from exposure_dagster.corpora.ooh.index import parse_index, unread_entries
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.parsing.damage import DAMAGE, damage_of
from tests.unit.parsing.handbook import FIGURELESS, PAGE, PAGE_URL, changed, index_of
from tests.unit.parsing.summary_page import URL, WHOLE, a_page


@pytest.mark.parametrize(
    "markup",
    [
        "<p>One<p>Two<ul><li>a<li>b</ul>",  # HTML lets these ends be left out
        "<br><br/><img src=a.png alt='a > b'><input disabled>",
        '<!DOCTYPE html><!-- <p> and <b --><script>if (1 < 2) "<td>"</script><style>a > b {}</style>',
        '<A HREF="/x?a=1&amp;b=2">Ä</A>',
    ],
)
def test_html_as_it_may_be_written_is_whole(markup: str) -> None:
    assert damage_of(markup.encode()) == []


@pytest.mark.parametrize("page", [PAGE, FIGURELESS, a_page(*WHOLE).decode()])
def test_pages_in_the_build_of_real_ones_are_whole(page: str) -> None:
    assert damage_of(page.encode()) == []


@pytest.mark.parametrize(
    ("markup", "says"),
    [
        (b"<div><p>a</p>", "tags that do not match: 1 <div> and 0 </div>"),
        (b"<p>a</p></span>", "tags that do not match: 0 <span> and 1 </span>"),
        (b"<p>a<p>b<p>c<p>d</p>", "tags that do not match: 4 <p> and 1 </p>"),
        (b"<p>a</p><!-- b", "tags that do not match: 1 <!-- and 0 -->"),
        (b'<p class="x>a</p><p title="b">c</p>', "a tag that is torn, or a bracket of none: '<p class=\"x>a"),
        (b"<td a<td>", "a tag that is torn, or a bracket of none: '<td a<td>'"),
        (b"<p>a</p>>", "a tag that is torn, or a bracket of none: '>'"),
        (b"<p>a\0b\x1bc</p>", "characters that belong to no text, or could not be read: U+0000, U+001B (2 in all)"),
        ("<p>\u202e</p>".encode(), "characters that belong to no text, or could not be read: U+202E (1 in all)"),
        (
            '<meta charset="utf-8"><p>é</p>'.encode() + b"\xff",
            "characters that belong to no text, or could not be read: U+FFFD (1 in all)",
        ),
        (b"<p>\x96</p>", "read as cp1252, which is a guess"),
        (b'<meta charset="koi8-r"><p>\xc1</p>', "read as koi8-r, as it declares, and as no page of these sites is"),
    ],
)
def test_damage_is_named(markup: bytes, says: str) -> None:
    clauses = damage_of(markup)
    assert clauses
    assert clauses[0].startswith(says)


def test_every_reader_of_pages_names_it() -> None:
    page = parse_page(changed("A summary.", "A <span>summary.").encode(), url=PAGE_URL)
    summary = parse_onet_page(a_page(*WHOLE).replace(b"</span>", b"", 1), url=URL)
    index = unread_entries(index_of(f'<a href="{PAGE_URL}">Lamp keepers</a>').replace(b"</ul>", b""))
    for unread in (page.unread, summary.unread, index):
        assert [one.field for one in unread] == [DAMAGE]


@pytest.mark.parametrize("tag", ["div", "ul><li", "table><tr><td", "b"])
def test_elements_nested_10_000_deep_are_refused_before_they_cost_time(tag: str) -> None:
    deep = f"<{tag}>" * 10_000
    for read in (
        lambda: parse_page(changed("<h3>Duties</h3>", deep).encode(), url=PAGE_URL),
        lambda: parse_onet_page(a_page(deep, *WHOLE), url=URL),
        lambda: parse_index(index_of(deep)),
    ):
        with pytest.raises(SourceError):
            read()
