"""Pages out of a folder that is laid out by host: the bundled sample, or pages that someone saved."""

from __future__ import annotations

import errno
from pathlib import Path
from urllib.parse import unquote, urlsplit

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.sources.bodies import MAX_BYTES
from exposure_dagster.sources.fetching import (
    NO_HEADERS,
    SYSTEM_CLOCK,
    Clock,
    Fetched,
    Fetcher,
    PageRequest,
    judged,
)

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


class FolderFetcher(Fetcher):
    """Reads `<folder>/<host>/<path of the address>`.

    An address with a query is looked for under `name?query`, as crawlers save it, then under the bare
    name. An absent file is a 404. Bodies pass the same checks as those of a live site.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = folder
        self._clock = clock

    def fetch(self, request: PageRequest) -> Fetched:
        now = self._clock.now()
        names = file_names(request.url)
        for name in names:
            try:
                body = read_bounded(self._folder / name, MAX_BYTES[request.expects])
            except OSError as error:
                if error.errno in _ABSENT:
                    continue
                reason = f"the file {name} cannot be read: {error.strerror}"
                return Fetched(url=request.url, status=None, reason=reason, checked_at=now)
            return judged(request, body, NO_HEADERS, checked_at=now)
        reason = f"no file {names[-1]} in the folder of pages" if names else "not an address of a page"
        return Fetched(url=request.url, status=404, reason=reason, checked_at=now)


def file_names(url: str) -> list[Path]:
    """Paths, relative to the folder, under which the page of an address may lie; the likeliest first.

    Empty where the address names no file. No path ever leads out of the folder, however it is encoded.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return []
    steps = [host, *(unquote(step) for step in parts.path.removeprefix("/").split("/"))]
    last_names = [f"{steps[-1]}?{unquote(parts.query)}"] if parts.query else []
    candidates = [[*steps[:-1], name] for name in (*last_names, steps[-1])]
    return [Path(*steps) for steps in candidates if len(steps) > 1 and all(map(_is_plain_name, steps))]


def _is_plain_name(step: str) -> bool:
    return step not in ("", ".", "..") and not any(sign in step for sign in "/\\\0")
