"""The site's files: the page, its data, its built script. Written once, the same for the same content."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Iterator
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

MOST_BYTES = 5_000_000
"""Of a file that the page loads, or that others read."""

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


def build_site(content: PublishedContent, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Write the site of `content` into `folder`, which is made if need be. It opens from there, without a server.

    What the page loads when it is wanted, and the whole data for others to read, come in several files where one would
    have more than `most_bytes`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = site_document(content)
    first, more = parted(document)
    texts = {
        "index.html": _index(document),
        "site.css": _page_file("site.css"),
        "site.js": _page_file("built/site.js"),
        **_whole_data(document, first, more, most_bytes),
        "data.js": _packed_as("packedData", first),
        **_more(more, most_bytes),
        "titles.js": _packed_as("packedTitles", site_titles(content, document)),
        "icon.svg": _page_file("icon.svg"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / PICTURE).write_bytes(map_picture(document))
    write_shared_pages(document, folder / SHARE_FOLDER, content.addresses.site)


def _whole_data(
    document: dict[str, Any], first: dict[str, Any], more: dict[str, Any], most_bytes: int
) -> dict[str, str]:
    """`data.json`; of much data without what `more` has, which is in the files that it names as `more`."""
    whole = _json(document)
    if len(whole.encode()) <= most_bytes:
        return {"data.json": whole}
    parts = {f"data-{number}.json": _json(part) for number, part in enumerate(_parts(more, most_bytes), start=1)}
    return {"data.json": _json({**first, "more": list(parts)}), **parts}


def _more(more: dict[str, Any], most_bytes: int) -> dict[str, str]:
    """`more.js`; of much data its first part, which names the files of the others as `parts`."""
    packed = _packed_as("packedMore", more)
    if len(packed) <= most_bytes:
        return {"more.js": packed}
    head, *others = _parts(more, most_bytes * 3 // 4)  # what base64 adds, in case that it cannot be packed
    names = [f"more-{number}.js" for number in range(1, len(others) + 1)]
    parts = zip(["more.js", *names], [{**head, "parts": names}, *others], strict=True)
    return {name: _packed_as("packedMore", part) for name, part in parts}


def _parts(more: dict[str, Any], most_bytes: int) -> list[dict[str, Any]]:
    """The columns in as few parts as hold so many bytes; a column is never divided."""
    parts: list[dict[str, Any]] = []
    left = 0
    for kind, name, column, values in _columns(more):
        size = len(_json(values).encode())
        if not parts or size > left:
            parts.append({"sets": {}, "layers": {}})
            left = most_bytes
        parts[-1][kind].setdefault(name, {})[column] = values
        left -= size
    return parts or [more]


def _columns(more: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    for kind in ("sets", "layers"):
        for name, columns in more[kind].items():
            yield from ((kind, name, column, values) for column, values in columns.items())


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
