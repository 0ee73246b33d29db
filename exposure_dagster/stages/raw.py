"""Fetching into the raw tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import pandas as pd

from exposure_dagster.parsing.damage import damage_of
from exposure_dagster.parsing.ooh_index import INDEX_URL, index_pages, parse_index
from exposure_dagster.parsing.records import IndexPage
from exposure_dagster.progress import NO_PROGRESS, Progress
from exposure_dagster.prompts.model import content_hash
from exposure_dagster.scoring.locks import holding
from exposure_dagster.sources.fetching import Fetched, Fetcher, PageRequest, utc_now
from exposure_dagster.sources.sites import Site
from exposure_dagster.sources.stored import StoredPage, is_due, required_body, updated
from exposure_dagster.tables import OOH_INDEX, OOH_PAGES, Table
from exposure_dagster.warehouse import Warehouse, insert_rows

BODIES_A_WRITE = 50
SECONDS_A_WRITE = 5.0
"""A stopped fetch loses what came in since the last write: at most so many new bodies, or so long."""

_OF_THE_ATTEMPT = ("status", "reason", "checked_at", "etag", "last_modified")

_STORED_COLUMNS = "url, status, reason, fetched_at, checked_at, content_sha256, etag, last_modified"


@dataclass(frozen=True)
class MissingPage:
    """A page whose last attempt failed, with what stands in its place."""

    url: str
    status: int | None
    reason: str
    has_earlier_body: bool


@dataclass(frozen=True)
class FetchReport:
    """What a refresh did. `digest` changes if and only if a stored body did; `note` says why nothing was asked."""

    listed: int
    asked: int
    new_bodies: int
    missing: tuple[MissingPage, ...]
    digest: str
    note: str | None = None


@contextmanager
def turn_at(warehouse: Warehouse, site: Site, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """The turn to ask a live site: one run of a home at a time, so that the pause between requests holds for all.

    Waits for the run that has it; a run that dies gives it back. Files need no turn.
    """
    if site.folder is not None:
        yield
        return
    with holding(warehouse.path.parent / "locks" / "pages.lock", on_wait=on_wait):
        yield


def refresh_ooh_index(warehouse: Warehouse, site: Site, fetcher: Fetcher, *, refetch_after_hours: float) -> FetchReport:
    """Fetch the A–Z index into raw.ooh_index.

    Raises SourceError where there is no index, neither a new one nor an earlier one, or where a new
    one names no page: then the earlier one stays. It stays too where a new one is damaged, since the pages that
    such an index names no more are not gone.
    """
    warehouse.claim_for_site(site.kind)
    stored = stored_pages(warehouse, OOH_INDEX.full_name).get(INDEX_URL)
    if not is_to_be_asked(site, stored, refetch_after_hours):
        assert stored is not None
        return FetchReport(1, 0, 0, (), stored.content_sha256 or "")
    fetched = fetcher.fetch(PageRequest(url=INDEX_URL, known=stored.known if stored else None))
    if fetched.body is not None and stored is not None and stored.known is not None:
        fetched = _refused_if_damaged(fetched, fetched.body)
    row = updated(stored, fetched)
    if row.content_sha256 is None:
        required_body(row, what="the A–Z index")
    if fetched.body is not None:
        index_pages(parse_index(fetched.body))
    write_attempts(warehouse, OOH_INDEX, [row], [{}])
    return FetchReport(1, 1, int(fetched.body is not None), missing_pages([row]), row.content_sha256 or "")


def _refused_if_damaged(fetched: Fetched, body: bytes) -> Fetched:
    damage = damage_of(body)
    if not damage:
        return fetched
    reason = f"it is damaged, and the earlier one stands: {'; '.join(damage)}"
    return Fetched(url=fetched.url, status=fetched.status, reason=reason, checked_at=fetched.checked_at)


def refresh_ooh_pages(
    warehouse: Warehouse,
    site: Site,
    fetcher: Fetcher,
    *,
    refetch_after_hours: float,
    progress: Progress = NO_PROGRESS,
) -> FetchReport:
    """Fetch every page that the A–Z index names into raw.ooh_pages, in groups that survive a stop.

    A page that cannot be had is recorded and does not stop the others. Raises SourceError where there
    is no index yet.
    """
    warehouse.claim_for_site(site.kind)
    with warehouse.snapshot() as now:
        pages = {page.url: page for page in listed_pages(now)}
        stored = stored_pages(now, OOH_PAGES.full_name)
    if not stored.keys() <= pages.keys():
        _follow_moves(warehouse, pages)
        stored = stored_pages(warehouse, OOH_PAGES.full_name)
    due = [url for url in pages if is_to_be_asked(site, stored.get(url), refetch_after_hours)]
    requests = [PageRequest(url=url, known=known.known if (known := stored.get(url)) else None) for url in due]
    places = {page.url: {"slug": page.slug, "category": page.category, "is_listed": True} for page in pages.values()}
    writer = PageWriter(warehouse, OOH_PAGES, places, stored)
    fetch_into(writer, fetcher, requests, progress)
    mark_listed(warehouse, OOH_PAGES, pages)
    listed = [stored[url] for url in pages]
    digest = content_hash(sorted((row.url, row.content_sha256) for row in listed))
    return FetchReport(len(pages), len(requests), writer.new_bodies, missing_pages(listed), digest)


class PageWriter:
    """Writes pages in groups that are small enough to lose; `stored` is kept up to date, without bodies.

    `places` says by address what stands in the table's row beside what was fetched.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        table: Table,
        places: Mapping[str, Mapping[str, object]],
        stored: dict[str, StoredPage],
    ) -> None:
        self.new_bodies = 0
        self.failures = 0
        self._warehouse = warehouse
        self._table = table
        self._places = places
        self._stored = stored
        self._pending: list[StoredPage] = []
        self._bodies = 0
        self._written_at = time.monotonic()

    def add(self, fetched: Fetched) -> None:
        self._pending.append(updated(self._stored.get(fetched.url), fetched))
        self._bodies += fetched.body is not None
        self.new_bodies += fetched.body is not None
        self.failures += not fetched.is_good
        if self._bodies >= BODIES_A_WRITE or time.monotonic() - self._written_at >= SECONDS_A_WRITE:
            self.flush()

    def flush(self) -> None:
        if self._pending:
            places = [self._places[row.url] for row in self._pending]
            write_attempts(self._warehouse, self._table, self._pending, places)
            self._stored.update((row.url, replace(row, body=None)) for row in self._pending)
        self._pending = []
        self._bodies = 0
        self._written_at = time.monotonic()


def fetch_into(writer: PageWriter, fetcher: Fetcher, requests: Sequence[PageRequest], progress: Progress) -> None:
    """Fetch in order; what came in survives a stop."""
    progress.start("fetched", len(requests))
    try:
        for fetched in fetcher.fetch_many(requests):
            writer.add(fetched)
            progress.advance(failed=writer.failures)
    finally:
        writer.flush()
        progress.finish()


def listed_pages(warehouse: Warehouse) -> list[IndexPage]:
    """The pages that the stored A–Z index names. Raises SourceError where there is no index."""
    rows = warehouse.rows(f"SELECT {_STORED_COLUMNS}, body FROM {OOH_INDEX.full_name}")
    page = StoredPage(**dict(zip(_field_names(), rows[0], strict=True))) if rows else StoredPage(url=INDEX_URL)
    return index_pages(parse_index(required_body(page, what="the A–Z index")))


def _field_names() -> list[str]:
    return [*_STORED_COLUMNS.split(", "), "body"]


def stored_pages(warehouse: Warehouse, table: str) -> dict[str, StoredPage]:
    """The rows of a raw table by address, without bodies."""
    names = _field_names()[:-1]
    rows = warehouse.rows(f"SELECT {_STORED_COLUMNS} FROM {table}")
    return {row[0]: StoredPage(**dict(zip(names, row, strict=True))) for row in rows}


def is_to_be_asked(site: Site, stored: StoredPage | None, refetch_after_hours: float) -> bool:
    """Whether a page is due: a folder's always is."""
    return site.folder is not None or is_due(stored, now=utc_now(), refetch_after_hours=refetch_after_hours)


def write_attempts(
    warehouse: Warehouse, table: Table, rows: Sequence[StoredPage], places: Sequence[Mapping[str, object]]
) -> None:
    """Rows with a new body are replaced; of the others only what is known of the last attempt changes."""
    records = [{**place, **asdict(row)} for place, row in zip(places, rows, strict=True)]
    frame = pd.DataFrame.from_records(records)
    attempts = frame[["url", *_OF_THE_ATTEMPT]]
    with warehouse.transaction() as connection:
        known = {url for (url,) in connection.execute(f"SELECT url FROM {table.full_name}").fetchall()}
        is_new = frame["body"].notna() | ~frame["url"].isin(known)
        connection.register("new_rows", frame.loc[is_new, ["url"]])
        connection.execute(f"DELETE FROM {table.full_name} WHERE url IN (SELECT url FROM new_rows)")
        connection.unregister("new_rows")
        insert_rows(connection, table, frame[is_new])
        connection.register("attempts", attempts[~is_new])
        changes = ", ".join(f"{name} = attempts.{name}" for name in _OF_THE_ATTEMPT)
        connection.execute(
            f"UPDATE {table.full_name} AS kept SET {changes} FROM attempts WHERE kept.url = attempts.url"
        )
        connection.unregister("attempts")


def _follow_moves(warehouse: Warehouse, pages: dict[str, IndexPage]) -> None:
    """A page that the index now names under another address keeps its row, and with it its last good body."""
    with warehouse.transaction() as connection:
        connection.register("listed", pd.DataFrame([asdict(page) for page in pages.values()]))
        connection.execute(
            f"UPDATE {OOH_PAGES.full_name} AS kept SET url = listed.url, category = listed.category, status = NULL,"
            " reason = 'moved, and not yet had from its new address', checked_at = NULL, etag = NULL,"
            " last_modified = NULL FROM listed WHERE kept.slug = listed.slug AND kept.url != listed.url"
        )
        connection.unregister("listed")


def mark_listed(warehouse: Warehouse, table: Table, urls: Iterable[str]) -> None:
    """Bring `is_listed` of a table of pages up to date: true for exactly the given addresses."""
    with warehouse.transaction() as connection:
        connection.register("listed", pd.DataFrame({"url": list(urls)}, dtype="str"))
        connection.execute(
            f"UPDATE {table.full_name} SET is_listed = NOT is_listed"
            " WHERE is_listed != (url IN (SELECT url FROM listed))"
        )
        connection.unregister("listed")


def missing_pages(rows: Sequence[StoredPage]) -> tuple[MissingPage, ...]:
    """Those whose last attempt failed."""
    return tuple(
        MissingPage(row.url, row.status, row.reason, row.content_sha256 is not None)
        for row in rows
        if row.reason is not None
    )
