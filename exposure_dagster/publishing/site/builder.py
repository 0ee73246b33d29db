"""The site's files: the page, its data, its built script. Written once, the same for the same content."""

from __future__ import annotations

import base64
import gzip
import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.publishing.site.document import parted, site_document, site_titles
from exposure_dagster.publishing.site.opening import opening
from exposure_dagster.publishing.site.picture import map_picture
from exposure_dagster.publishing.site.sharing import SHARE_FOLDER, code_link, map_tags, write_shared_pages

SITE_FOLDER = "site"
"""Folder of the site in a publication."""

PICTURE = "map.png"
"""A small picture of the map, for places that show no page."""

SITE_FILES = (
    "index.html",
    "site.css",
    "site.js",
    "data.js",
    "more.js",
    "data.json",
    "titles.js",
    "icon.svg",
    PICTURE,
)
"""Every file of the site's folder itself; in the folder below it are the pages that are passed on (`sharing`)."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""The policy that the page carries: everything comes from the site's own folder. A server may send it as a header."""


def build_site(content: PublishedContent, folder: Path) -> None:
    """Write the site of `content` into `folder`, which is made if need be. It opens from there, without a server."""
    folder.mkdir(parents=True, exist_ok=True)
    document = site_document(content)
    first, more = parted(document)
    texts = {
        "index.html": _index(document),
        "site.css": _page_file("site.css"),
        "site.js": _page_file("built/site.js"),
        "data.json": _json(document),
        "data.js": _packed_as("packedData", first),
        "more.js": _packed_as("packedMore", more),
        "titles.js": _packed_as("packedTitles", site_titles(content, document)),
        "icon.svg": _page_file("icon.svg"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / PICTURE).write_bytes(map_picture(document))
    write_shared_pages(document, folder / SHARE_FOLDER, content.addresses.site)


def missing_site_files(folder: Path) -> list[str]:
    """Names of the files that a site should hold and `folder` does not, or holds empty."""
    return [name for name in SITE_FILES if not (folder / name).is_file() or (folder / name).stat().st_size == 0]


def _index(document: dict[str, Any]) -> str:
    return Template(_page_file("index.html")).substitute(
        policy=html.escape(POLICY), social=map_tags(document), code=code_link(document), **opening(document)
    )


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _packed_as(name: str, data: object) -> str:
    """Gzip in base64, as a script: pages that are opened from a folder may load scripts and nothing else."""
    return f'globalThis.{name}="{base64.b64encode(gzip.compress(_json(data).encode(), mtime=0)).decode()}";\n'


def _page_file(name: str) -> str:
    return files(__package__).joinpath("page", *name.split("/")).read_text(encoding="utf-8")
