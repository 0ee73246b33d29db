"""What is kept of a page from one fetch to the next: the last good body, and how the last attempt went.

Reading and writing the rows belongs to the warehouse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exposure_dagster.core.errors import SourceError
from exposure_dagster.sources.fetching import Fetched, KnownBody


@dataclass(frozen=True, kw_only=True)
class StoredPage:
    """A row of a `raw` table: `status`, `reason` and `checked_at` are those of the last attempt;
    `fetched_at`, `content_sha256`, `etag`, `last_modified` and `body` those of the last good body.

    A 304 says that the body we hold is the page's, and is kept as status 200. Times are naive UTC.
    `content_sha256` is null where there never was a good body; `body` may also be left unread.
    """

    url: str
    status: int | None = None
    reason: str | None = None
    fetched_at: datetime | None = None
    checked_at: datetime | None = None
    content_sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body: bytes | None = None

    @property
    def known(self) -> KnownBody | None:
        """The good body, as the next request tells of it."""
        if self.content_sha256 is None:
            return None
        return KnownBody(content_sha256=self.content_sha256, etag=self.etag, last_modified=self.last_modified)


def updated(stored: StoredPage | None, fetched: Fetched) -> StoredPage:
    """The row after an attempt. A failed one changes how the page stands, and nothing of its body."""
    before = stored or StoredPage(url=fetched.url)
    checked_at = fetched.checked_at or before.checked_at
    if not fetched.is_good:
        return replace(before, status=fetched.status, reason=fetched.reason, checked_at=checked_at)
    if fetched.is_unchanged:
        return replace(
            before,
            status=200,
            reason=None,
            checked_at=checked_at,
            etag=fetched.etag or before.etag,
            last_modified=fetched.last_modified or before.last_modified,
        )
    return StoredPage(
        url=fetched.url,
        status=fetched.status,
        reason=None,
        fetched_at=fetched.checked_at,
        checked_at=checked_at,
        content_sha256=fetched.content_sha256,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        body=fetched.body,
    )


def is_due(stored: StoredPage | None, *, now: datetime, refetch_after_hours: float) -> bool:
    """Whether a live site is to be asked for the page (`now`: naive UTC).

    Not if it was had, or found unchanged, within so many hours: so a fetch that was stopped goes on
    where it stopped. A page whose last attempt failed is always due.
    """
    if stored is None or stored.reason is not None or stored.content_sha256 is None:
        return True
    if stored.checked_at is None:
        return True
    age = now - stored.checked_at
    return not timedelta(0) <= age < timedelta(hours=refetch_after_hours)


def required_body(page: StoredPage, *, what: str) -> bytes:
    """The last good body of a page that no run can do without; `what` names it ("the A–Z index").

    Raises SourceError where there is none.
    """
    if page.body is not None:
        return page.body
    raise SourceError(
        f"{what} cannot be had: {page.reason}",
        where=page.url,
        remedy="Without it there is no run: try again later, or point EXPOSURE_SITES at a folder of saved pages.",
    )
