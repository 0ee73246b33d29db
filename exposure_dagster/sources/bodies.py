"""Whether a body is what was asked for: whole, and HTML, CSV or a zip archive.

Only the outside of a body is looked at. What an HTML page says belongs to `parsing`.
"""

from __future__ import annotations

import io
import zipfile
from typing import Literal

Expected = Literal["html", "csv", "zip"]

MAX_BYTES: dict[Expected, int] = {"html": 20_000_000, "csv": 50_000_000, "zip": 200_000_000}
"""Of a body, unpacked as it came over the line. The largest that are known have 1.7, 0.3 and 40 million."""

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_WINDOW = 4096


def problem_of(body: bytes, expects: Expected, *, content_type: str | None = None) -> str | None:
    """Why the body cannot be used, as one clause without a full stop; None where it can.

    `content_type` is the server's header; None where there is none (a file). Only HTML is held to it:
    downloads are served under all sorts of types.
    """
    if not body.strip():
        return "the body is empty"
    if expects == "html":
        return _html_problem(body, content_type)
    if _looks_like_html(body):
        return f"an HTML page came instead of {'a zip archive' if expects == 'zip' else 'CSV'}"
    if expects == "zip":
        return None if zipfile.is_zipfile(io.BytesIO(body)) else "not a zip archive, or not the whole of one"
    return "binary data came instead of CSV" if b"\0" in body[:_WINDOW] else None


def _html_problem(body: bytes, content_type: str | None) -> str | None:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type and media_type not in _HTML_TYPES:
        return f"not HTML: the server calls it {media_type}"
    if not _looks_like_html(body):
        return "not HTML: it does not begin like a page"
    if b"</html" not in _ascii_lower(body[-_WINDOW:]):
        return "the page is cut off: it does not end with </html>"
    return None


def _looks_like_html(body: bytes) -> bool:
    start = _ascii_lower(body[:_WINDOW])
    return b"<!doctype html" in start or b"<html" in start


def _ascii_lower(part: bytes) -> bytes:
    """Lower case, and without the NULs that UTF-16 puts between ASCII letters."""
    return part.replace(b"\0", b"").lower()
