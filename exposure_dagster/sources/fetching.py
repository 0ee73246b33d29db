"""What a fetcher is: the request, what came of it, and the one interface over every kind of site.

How a live site is asked is in `live`, how a folder is read in `folder`. What is kept of a page from
one fetch to the next is in `stored`.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from exposure_dagster.core.clock import utc_now
from exposure_dagster.sources.bodies import Expected, problem_of


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time as fetchers see it, so that tests need not wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now


SYSTEM_CLOCK = Clock()


@dataclass(frozen=True, kw_only=True)
class KnownBody:
    """The good body we already hold, so that an unchanged one is neither sent nor stored again."""

    content_sha256: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """An address, what its body must be, and the body of it that we hold."""

    url: str
    expects: Expected = "html"
    known: KnownBody | None = None


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of a request. Never an exception: a page that cannot be had does not stop the others.

    `reason` is None where the page is good. Then either `body` holds it, or `is_unchanged` is true and
    the body is the known one. `status` is null where no answer came, `checked_at` (naive UTC) where
    the site was not even asked.
    """

    url: str
    status: int | None
    reason: str | None
    checked_at: datetime | None
    body: bytes | None = None
    content_sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    is_unchanged: bool = False

    @property
    def is_good(self) -> bool:
        return self.reason is None

    def refused(self, reason: str) -> Fetched:
        """The outcome where the body that came is of no use: it is not kept, and the page is to be asked for again."""
        return Fetched(url=self.url, status=self.status, reason=reason, checked_at=self.checked_at)


@dataclass(frozen=True, kw_only=True)
class BodyHeaders:
    """What a server says about a body."""

    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None


NO_HEADERS = BodyHeaders()
"""A file says nothing about itself."""


class Fetcher(ABC):
    """Fetches pages, one after the other. Use it as a context manager."""

    @abstractmethod
    def fetch(self, request: PageRequest) -> Fetched:
        """Fetch one page; what goes wrong is in the result's `reason`."""

    def fetch_many(self, requests: Iterable[PageRequest]) -> Iterator[Fetched]:
        """Fetch in order, handing over each page as it comes: what was handed over survives a stop."""
        for request in requests:
            yield self.fetch(request)

    def close(self) -> None:  # noqa: B027  a folder has nothing to close
        """Give back connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def judged(request: PageRequest, body: bytes, headers: BodyHeaders, *, checked_at: datetime) -> Fetched:
    """The outcome of a body that arrived in full: unchanged, good or of no use. Its status is 200."""
    content_sha256 = hashlib.sha256(body).hexdigest()
    is_unchanged = request.known is not None and request.known.content_sha256 == content_sha256
    if not is_unchanged:
        reason = problem_of(body, request.expects, content_type=headers.content_type)
        if reason is not None:
            return Fetched(url=request.url, status=200, reason=reason, checked_at=checked_at)
    return Fetched(
        url=request.url,
        status=200,
        reason=None,
        checked_at=checked_at,
        body=None if is_unchanged else body,
        content_sha256=content_sha256,
        etag=headers.etag,
        last_modified=headers.last_modified,
        is_unchanged=is_unchanged,
    )
