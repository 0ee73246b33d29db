"""Cards and the small pages of single occupations that are passed on."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from exposure_dagster.publishing.content import Addresses
from exposure_dagster.publishing.site.card_picture import card_picture
from exposure_dagster.publishing.site.cards import MOST_DOCUMENTS, Card, cards, file_names, first_sentence, has_cards
from exposure_dagster.publishing.site.document import site_document
from exposure_dagster.publishing.site.sharing import write_shared_pages
from tests.unit.publishing.site_content import HOSTILE_TITLE, site_content


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return site_document(replace(site_content(), addresses=Addresses(site="https://example.org/jobs/")))


def card_of(document: dict[str, Any], layer: str, doc_id: str) -> Card:
    of_layer = next(one for one in document["layers"] if one["id"] == layer)
    return next(card for card in cards(document, of_layer) if card.doc_id == doc_id)


class Page(HTMLParser):
    """The tags of a page, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def meta(self, name: str) -> str | None:
        return next((a["content"] for _, a in self.tags if name in (a.get("property"), a.get("name"))), None)


def pages(document: dict[str, Any], folder: Path) -> Path:
    write_shared_pages(document, folder / "share", document["site_url"])
    return folder / "share"


def test_a_card_says_where_a_score_stands_and_who_gave_it(document: dict[str, Any]) -> None:
    card = card_of(document, "exposure", "developers")
    assert (card.value, card.scale, card.tier) == ("8.6", "of 10", "High")
    assert card.standing == "Higher than 84% of 13 handbook occupations"
    assert card.said_by.startswith("Estimated from its words, without a language model")
    assert sum(card.bins) == 13


def test_the_highest_score_is_not_said_to_be_higher_than_all(document: dict[str, Any]) -> None:
    assert card_of(document, "exposure", "clerks").standing == "The highest of 13 handbook occupations"


def test_relatives_are_of_the_same_field_and_score_lower(document: dict[str, Any]) -> None:
    relatives = card_of(document, "exposure", "clerks").relatives
    assert relatives is not None
    assert relatives.heading == "Scoring lower, in the same category with the same entry-level education"
    assert relatives.looked_at == 1
    assert [(one.title, one.value) for one in relatives.better] == [("Tellers", "8.0")]


def test_where_a_source_names_relatives_they_are_those(document: dict[str, Any]) -> None:
    documents = document["sets"][0]
    near = [[] for _ in documents["id"]]
    place = documents["id"].index
    near[place("clerks")] = [-1 - place("actors"), -1 - place("roofers")]
    section = {"title": "Related occupations", "names": [], "at": near, "are_relatives": True}
    related = {**document, "sets": [{**documents, "sections": [section]}]}
    relatives = card_of(related, "exposure", "clerks").relatives
    assert relatives is not None
    assert relatives.heading == "Scoring lower, among related occupations"
    assert [one.title for one in relatives.better] == ["Actors", "Roofers"]


def test_relatives_of_other_documents_are_those_of_the_pages_that_these_belong_to(document: dict[str, Any]) -> None:
    documents = document["sets"][0]
    belong = {"developers": ["15-1252.00"], "teachers": ["25-2031.00"], "roofers": ["47-2181.00"]}
    others = {
        "name": "others",
        "title": "Other occupations",
        "id": ["15-1252.00", "25-2031.00", "47-2181.00"],
        "sections": [
            {"title": "Related occupations", "names": ["?"], "at": [[0, -3, -2], [], []], "are_relatives": True}
        ],
    }
    pages = {**documents, "codes": [belong.get(doc_id, []) for doc_id in documents["id"]]}
    relatives = card_of({**document, "sets": [pages, others]}, "exposure", "developers").relatives
    assert relatives is not None
    assert relatives.heading == "Scoring lower, among related occupations (Other occupations)"
    assert [one.title for one in relatives.better] == ["Roofers", "High School Teachers"], "the nearest first"


def test_the_quadrant_is_the_one_that_the_page_shows(document: dict[str, Any]) -> None:
    card = card_of(document, "two_variable", "developers")
    layer = next(one for one in document["layers"] if one["id"] == "two_variable")
    assert card.quadrant in layer["quadrants"]["labels"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Most of it is writing. Some is not.", "Most of it is writing."),
        ("Work for the U.S. Army goes on. More.", "Work for the U.S. Army goes on."),
        ("Tools, e.g. a saw, stay. More.", "Tools, e.g. a saw, stay."),
        ("No end", "No end"),
        ("  \n ", None),
        (None, None),
        ("W" * 300, f"{'W' * 219}…"),
        ("word " * 100, f"{('word ' * 43).strip()}…"),
    ],
)
def test_a_reason_is_one_sentence(text: str | None, sentence: str | None) -> None:
    assert first_sentence(text) == sentence


def test_names_of_files_are_safe_and_differ_whatever_the_ids_are() -> None:
    ids = [
        "software-developers",
        "15-1252.00",
        "../../etc/passwd",
        "A",
        "a",
        "con",
        "nul.txt",
        "",
        "日本",
        "本日",
        "x" * 300,
    ]
    names = file_names(ids)
    assert names[:2] == ids[:2]
    assert len({name.lower() for name in names}) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name) for name in names)
    assert "con" not in names


def test_a_long_list_has_no_cards(document: dict[str, Any]) -> None:
    layer = document["layers"][0]
    assert has_cards(layer, {"id": ["a"] * MOST_DOCUMENTS})
    assert not has_cards(layer, {"id": ["a"] * (MOST_DOCUMENTS + 1)})


def test_a_page_unfolds_with_its_picture_where_the_sites_address_is_known(
    document: dict[str, Any], tmp_path: Path
) -> None:
    folder = pages(document, tmp_path)
    page = Page((folder / "exposure" / "clerks.html").read_text(encoding="utf-8"))
    assert page.meta("og:title") == "Office Clerks: 9.0 of 10 – Exposure to AI"
    assert page.meta("og:url") == "https://example.org/jobs/share/exposure/clerks.html"
    assert page.meta("og:image") == "https://example.org/jobs/share/exposure/clerks.png"
    assert page.meta("twitter:card") == "summary_large_image"
    with Image.open(folder / "exposure" / "clerks.png") as picture:
        assert picture.size == (1200, 630)
    other = Page((folder / "robotics" / "clerks.html").read_text(encoding="utf-8"))
    assert other.meta("og:image") == "https://example.org/jobs/map.png"


def test_without_the_address_no_tag_names_a_half_of_one(document: dict[str, Any], tmp_path: Path) -> None:
    folder = pages({**document, "site_url": None}, tmp_path)
    page = Page((folder / "exposure" / "clerks.html").read_text(encoding="utf-8"))
    assert page.meta("og:title")
    assert [page.meta(name) for name in ("og:url", "og:image")] == [None, None]


def test_hostile_titles_and_reasons_stay_text(document: dict[str, Any], tmp_path: Path) -> None:
    folder = pages(document, tmp_path)
    for layer in ("exposure", "robotics"):
        page = Page((folder / layer / "hostile.html").read_text(encoding="utf-8"))
        assert {tag for tag, _ in page.tags} <= {
            *("html", "head", "meta", "title", "link", "body", "main", "p", "bdi", "h1", "h2", "strong", "blockquote"),
            *("section", "ul", "li", "a", "span", "img", "footer"),
        }
        assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]
        assert HOSTILE_TITLE in page.words
        assert str(page.meta("og:title")).startswith(HOSTILE_TITLE)


def test_an_address_that_is_not_of_the_web_is_no_link(document: dict[str, Any], tmp_path: Path) -> None:
    documents = document["sets"][0]
    changed = {**documents, "url": ["javascript:alert(1)"] * len(documents["id"]), "url_pattern": None}
    folder = pages({**document, "sets": [changed]}, tmp_path)
    assert "javascript:" not in (folder / "exposure" / "clerks.html").read_text(encoding="utf-8")


def test_every_link_between_pages_leads_somewhere(document: dict[str, Any], tmp_path: Path) -> None:
    folder = pages(document, tmp_path)
    for path in folder.rglob("*.html"):
        for tag, attributes in Page(path.read_text(encoding="utf-8")).tags:
            target = attributes.get("href") or attributes.get("src")
            if tag in ("a", "img") and target is not None and not target.startswith(("http", "../../index.html#")):
                assert (path.parent / target).is_file(), (path, target)


def test_a_title_without_glyphs_has_a_page_and_no_picture(document: dict[str, Any], tmp_path: Path) -> None:
    documents = document["sets"][0]
    titles = ["護理師" if one == "Office Clerks" else one for one in documents["title_of"]]
    folder = pages({**document, "sets": [{**documents, "title_of": titles}]}, tmp_path)
    page = Page((folder / "exposure" / "clerks.html").read_text(encoding="utf-8"))
    assert page.meta("twitter:card") == "summary"
    assert not (folder / "exposure" / "clerks.png").exists()


@pytest.mark.parametrize(
    "title", ["W" * 300, "word " * 60, "x", HOSTILE_TITLE.replace("\u202e", "").replace("\u2066", "")]
)
def test_pictures_take_titles_of_any_length(document: dict[str, Any], title: str) -> None:
    card = replace(card_of(document, "exposure", "clerks"), title=title, name=title, credits="Data: somebody. " * 100)
    picture = card_picture(card)
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (1200, 630)
