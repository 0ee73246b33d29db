"""Small pages of single occupations, `share/<layer>/<occupation>.html`, made to be passed on.

A place that unfolds links reads a page without running its script, and drops what stands after the `#` of an address:
hence a page for each view that is worth a link. It says what the card says (see `cards`), and leads on to the map. All
text is escaped; no script runs. The pictures, which such places load from elsewhere, are named by their whole address,
and hence only where the site's address is known (EXPOSURE_SITE_URL).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from exposure_dagster.publishing.site.card_picture import CARD_SIZE_PX, card_picture
from exposure_dagster.publishing.site.cards import Card, Relatives, cards, file_names, has_cards

SHARE_FOLDER = "share"
"""Folder of these pages in the site."""

CARD_STYLE = "card.css"

CARD_POLICY = "; ".join(
    ("default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'", "form-action 'none'")
)
"""The content-security policy of these pages."""


def write_shared_pages(document: Mapping[str, Any], folder: Path, site_url: str | None = None) -> None:
    """Write the pages of every layer that has cards into `folder`, which is made, and the pictures of the first.

    `document` is the site's data. A picture for each card of each layer would make a publication several times as
    heavy: the layer that the site opens with has them, and pages of others show none.
    """
    folder.mkdir()
    (folder / CARD_STYLE).write_text(_file(CARD_STYLE), encoding="utf-8")
    sets = {documents["name"]: documents for documents in document["sets"]}
    for layer in document["layers"]:
        if not has_cards(layer, sets[layer["set"]]):
            continue
        target = folder / file_names([layer["id"]])[0]
        target.mkdir()
        urls = dict(zip(sets[layer["set"]]["id"], _addresses_of(sets[layer["set"]]), strict=True))
        link = sets[layer["set"]]["link"]
        for card in cards(document, layer):
            picture = card_picture(card) if layer is document["layers"][0] else None
            if picture is not None:
                (target / f"{card.file}.png").write_bytes(picture)
            source = (urls[card.doc_id], link) if link else None
            page = _page(card, source=source, has_picture=picture is not None, site_url=site_url)
            (target / f"{card.file}.html").write_text(page, encoding="utf-8")


def map_tags(document: Mapping[str, Any]) -> str:
    """The tags by which a link to the map unfolds."""
    layer, site_url = document["layers"][0], document["site_url"]
    description = layer["description"] or layer["title"]
    tags = [("og:type", "website"), ("og:title", f"{layer['title']}, by occupation"), ("og:description", description)]
    if site_url is not None:
        tags += [("og:url", site_url), ("og:image", f"{site_url}map.png"), ("og:image:alt", "The map of occupations")]
    return _tags(tags)


def code_link(document: Mapping[str, Any]) -> str:
    """The way to the code, where it is known."""
    url = document["code_url"]
    return "" if url is None else f', and <a href="{html.escape(url)}" rel="noreferrer">the code</a> that made them'


def page_address(layer: str, file: str) -> str:
    """The address of a card's page, from the site's folder."""
    return f"{SHARE_FOLDER}/{quote(file_names([layer])[0])}/{quote(file)}.html"


def _addresses_of(documents: Mapping[str, Any]) -> list[str | None]:
    pattern = documents.get("url_pattern")
    return [pattern.replace("{id}", one) for one in documents["id"]] if pattern else documents["url"]


def _page(card: Card, *, source: tuple[str | None, str] | None, has_picture: bool, site_url: str | None) -> str:
    heading = f"{card.title}: {card.value} {card.scale}"
    labels = "".join(f" {label}." for label in (card.tier, card.quadrant) if label)
    summary = f"{card.layer_title}. {card.standing}.{labels}{f' {card.reason}' if card.reason else ''}"
    texts = {
        "policy": CARD_POLICY,
        "heading": f"{heading} – {card.layer_title}",
        "summary": summary,
        "twitter": "summary_large_image" if has_picture else "summary",
        "layer": card.layer_title,
        "title": card.title,
        "value": card.value,
        "scale": card.scale,
        "standing": card.standing,
        "labels": labels,
        "place": card.place,
        "said_by": card.said_by,
        "credits": card.credits,
    }
    parts = {
        "addresses": _addresses(card, heading, has_picture=has_picture, site_url=site_url),
        "reason": f"      <blockquote><p><bdi>{html.escape(card.reason)}</bdi></p></blockquote>\n"
        if card.reason
        else "",
        "relatives": _relatives(card.relatives) if card.relatives else "",
        "source": _source(*source) if source else "",
        "picture": _picture(card, heading) if has_picture else "",
    }
    return _template().substitute({name: html.escape(text) for name, text in texts.items()} | parts)


def _addresses(card: Card, heading: str, *, has_picture: bool, site_url: str | None) -> str:
    """The tags that need the site's address: where the page is, and its picture."""
    if site_url is None:
        return ""
    page = f"{site_url}{page_address(card.layer, card.file)}"
    picture = f"{page.removesuffix('.html')}.png" if has_picture else f"{site_url}map.png"
    width, height = CARD_SIZE_PX
    tags = [
        ("og:url", page),
        ("og:image", picture),
        ("og:image:alt", heading if has_picture else "The map of occupations"),
        *((("og:image:width", str(width)), ("og:image:height", str(height))) if has_picture else ()),
    ]
    return f'{_tags(tags)}    <link rel="canonical" href="{html.escape(page)}">\n'


def _tags(tags: Sequence[tuple[str, str]]) -> str:
    return "".join(f'    <meta property="{name}" content="{html.escape(text)}">\n' for name, text in tags)


def _relatives(relatives: Relatives) -> str:
    heading = html.escape(relatives.heading)
    if not relatives.better:
        return f"      <p>{heading}: none of {relatives.looked_at}.</p>\n"
    items = "".join(
        f'          <li><a href="{quote(one.file)}.html"><bdi>{html.escape(one.title)}</bdi></a> '
        f"<span>{one.value}</span></li>\n"
        for one in relatives.better
    )
    return f"      <section>\n        <h2>{heading}</h2>\n        <ul>\n{items}        </ul>\n      </section>\n"


def _source(url: str | None, link: str) -> str:
    """A link to the source's page, which has to be one of the web: an address may be foreign text too."""
    if not url or not url.startswith(("https://", "http://")):
        return ""
    return f' <a href="{html.escape(url)}" rel="noreferrer">{html.escape(link)}</a>'


def _picture(card: Card, heading: str) -> str:
    width, height = CARD_SIZE_PX
    alt = html.escape(f"{heading}. {card.standing}.")
    return f'      <img src="{quote(card.file)}.png" width="{width}" height="{height}" alt="{alt}">\n'


@cache
def _template() -> Template:
    return Template(_file("card.html"))


def _file(name: str) -> str:
    return files(__package__).joinpath("card", name).read_text(encoding="utf-8")
