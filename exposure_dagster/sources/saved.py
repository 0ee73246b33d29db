"""Files that someone saved on their own disk: they stand in for what would else be fetched."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.sources.bodies import MAX_BYTES
from exposure_dagster.sources.fetching import NO_HEADERS, SYSTEM_CLOCK, Clock, Fetched, PageRequest, judged

_THE_SAME_DAY = (1980, 1, 1, 0, 0, 0)
"""The date of every member of an archive of ours, so that the same files give the same archive."""


def read_saved(path: Path, request: PageRequest, *, clock: Clock = SYSTEM_CLOCK) -> Fetched:
    """A saved file, judged like a fetched body."""
    now = clock.now()
    try:
        body = read_bounded(path, MAX_BYTES[request.expects])
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror}"
        return Fetched(url=request.url, status=None, reason=reason, checked_at=now)
    return judged(request, body, NO_HEADERS, checked_at=now)


def read_saved_folder(
    folder: Path, files: Iterable[str], request: PageRequest, *, clock: Clock = SYSTEM_CLOCK
) -> Fetched:
    """Files of a saved folder (paths relative to it) as one zip archive, the same for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, _THE_SAME_DAY)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, (folder / name).read_bytes())
    return judged(request, packed.getvalue(), NO_HEADERS, checked_at=clock.now())
