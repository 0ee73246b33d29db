"""Which releases of the O*NET database there are: read from the page that offers them."""

from __future__ import annotations

import re

RELEASES_URL = "https://www.onetcenter.org/database.html"

_NAMED = re.compile(rb"\bdb_(\d{1,3})_(\d{1,2})_|O\*NET[^\d<]{0,20}?(\d{1,3})\.(\d{1,2})\s+Database", re.IGNORECASE)


def newest_release(body: bytes) -> str | None:
    """The newest release that the page links to or names, as in "30.2"; None where it names none."""
    found = [(int(a or c), int(b or d)) for a, b, c, d in _NAMED.findall(body)]
    return "{}.{}".format(*max(found)) if found else None


def is_newer(release: str, than: str) -> bool:
    """Whether a release came after another."""
    return _numbers(release) > _numbers(than)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
