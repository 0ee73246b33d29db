"""Which releases of the O*NET database there are, and which are known to be read."""

from __future__ import annotations

import re
from collections.abc import Iterable

NEWEST_KNOWN = "31.0"
"""The newest release whose tables and columns `release_tables` knows; the one that is fetched by default."""

RELEASES_URL = "https://www.onetcenter.org/database.html"

_FILE = re.compile(r"(?<![a-z])db_(\d{1,3})_(\d{1,2})(?!\d)", re.IGNORECASE)
_NAMED = re.compile(rb"\bdb_(\d{1,3})_(\d{1,2})_|O\*NET[^\d<]{0,20}?(\d{1,3})\.(\d{1,2})\s+Database", re.IGNORECASE)


def newest_release(body: bytes) -> str | None:
    """The newest release that the page links to or names, as in "30.2"; None where it names none."""
    found = [(int(a or c), int(b or d)) for a, b, c, d in _NAMED.findall(body)]
    return "{}.{}".format(*max(found)) if found else None


def release_of(name: str) -> str | None:
    """The release that a file is named after, as in `db_30_2_text.zip`; None where it is named after none."""
    match = _FILE.search(name)
    return None if match is None else f"{int(match[1])}.{int(match[2])}"


def by_age(releases: Iterable[str]) -> list[str]:
    """Releases, the newest first."""
    return sorted(releases, key=_numbers, reverse=True)


def is_newer(release: str, than: str) -> bool:
    """Whether a release came after another."""
    return _numbers(release) > _numbers(than)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
