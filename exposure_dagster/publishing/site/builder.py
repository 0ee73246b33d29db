"""The site's files: the page, its data, the chart library. Written once, the same for the same content."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.publishing.site.document import site_document, site_titles
from exposure_dagster.publishing.site.picture import map_picture
from exposure_dagster.publishing.site.sharing import SHARE_FOLDER, write_shared_pages

SITE_FOLDER = "site"
"""Folder of the site in a publication."""

PICTURE = "map.png"
"""A small picture of the map, for places that show no page."""

SITE_FILES = (
    "index.html",
    "site.css",
    "site.js",
    "data.js",
    "data.json",
    "titles.js",
    "plotly.min.js",
    "icon.svg",
    PICTURE,
)
"""Every file of the site's folder itself; in the folder below it are the pages that are passed on (`sharing`)."""

SCRIPTS = (
    "content.js",
    "text.js",
    "formats.js",
    "store.js",
    "theme.js",
    "scales.js",
    "figures.js",
    "state.js",
    "filters.js",
    "search.js",
    "panel.js",
    "detail.js",
    "table.js",
    "charts.js",
    "treemap.js",
    "scatter.js",
    "bars.js",
    "changes.js",
    "agreement.js",
    "method.js",
    "downloads.js",
    "main.js",
)
"""The page's scripts, in the order in which they need each other. They become one classic script: a browser
loads no modules from a folder."""

_LIBRARY_START = '"use strict";var Plotly=(()=>{'
_LIBRARY_CALL = "})();"
_LIBRARY_END = "\nwindow.Plotly = Plotly;"

_INJECTED_STYLE = re.compile(
    r"""createElement\("style"\).{0,200}?\.textContent=(?P<quote>['"])(?P<css>(?:\\.|(?!(?P=quote)).)*)(?P=quote)"""
)


def build_site(content: PublishedContent, folder: Path) -> None:
    """Write the site of `content` into `folder`, which is made if need be. It opens from there, without a server."""
    folder.mkdir(parents=True, exist_ok=True)
    document = site_document(content)
    data = _json(document)
    titles = _packed(_json(site_titles(content, document)))
    texts = {
        "index.html": _index(document["layers"][0]),
        "site.css": _page_file("site.css"),
        "site.js": _script(),
        "data.json": data,
        "data.js": f'globalThis.packedData="{_packed(data)}";\n',
        "titles.js": f'globalThis.packedTitles="{titles}";\n',
        "plotly.min.js": _library(),
        "icon.svg": _page_file("icon.svg"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / PICTURE).write_bytes(map_picture(document))
    write_shared_pages(document, folder / SHARE_FOLDER, content.addresses.site)


def missing_site_files(folder: Path) -> list[str]:
    """Names of the files that a site should hold and `folder` does not, or holds empty."""
    return [name for name in SITE_FILES if not (folder / name).is_file() or (folder / name).stat().st_size == 0]


@cache
def content_security_policy() -> str:
    """The policy that the page carries: a server may send the same as a header.

    Everything comes from the site's own folder. The chart library puts style elements into the page while it
    loads; these alone are allowed, each by the hash of its text.
    """
    styles = ["", *(_unescaped(match["css"]) for match in _INJECTED_STYLE.finditer(_plotly()))]
    hashes = " ".join(f"'sha256-{_digest(style)}'" for style in styles)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' {hashes}",
            "img-src 'self' blob: data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _index(first_layer: dict[str, object]) -> str:
    return Template(_page_file("index.html")).substitute(
        policy=html.escape(content_security_policy()),
        title=html.escape(str(first_layer["title"])),
        description=html.escape(str(first_layer["description"] or first_layer["title"])),
    )


def _script() -> str:
    """All of the page's scripts as one, in an async function: the first of them has to wait for the data."""
    modules = "\n".join(_page_file(f"js/{name}") for name in SCRIPTS)
    return f'"use strict";\n\n(async () => {{\nconst site = {{}};\n\n{modules}}})();\n'


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _packed(data: str) -> str:
    """Gzip in base64: the copy for pages that are opened from a folder, which may load scripts and nothing else."""
    return base64.b64encode(gzip.compress(data.encode(), mtime=0)).decode()


def _page_file(name: str) -> str:
    return files(__package__).joinpath("page", *name.split("/")).read_text(encoding="utf-8")


def _library() -> str:
    """The chart library, as a function `makePlotly` that the page calls when text and table are there.

    It comes in a wrapper for module loaders, in which a browser compiles all of it twice, the second time while
    the page waits. As one function in parentheses it is compiled once, beside the page's own work. Where the
    wrapper is not the known one the library stays as it comes, and the page finds it as `Plotly`.
    """
    source = _plotly()
    start, end = source.find(_LIBRARY_START), source.rfind(_LIBRARY_END)
    call = source.rfind(_LIBRARY_CALL, 0, end)
    if not 0 <= start < call:
        return source
    licence = source[: source.index("*/") + 2]
    body, notices = source[start + len(_LIBRARY_START) : call], source[call + len(_LIBRARY_CALL) : end]
    return f'{licence}\n"use strict";globalThis.makePlotly=(function(){{{body}}});{notices}\n'


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _unescaped(literal: str) -> str:
    """The text of a JavaScript string literal without its quotes."""
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), literal)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
