"""What is kept of each fetched body: a row a page, the last good body, and what is known of the last attempt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import duckdb
import pandas as pd

from exposure_dagster.core.checks import CheckOutcome, first_of
from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.progress import Progress, counted
from exposure_dagster.core.tables import Table
from exposure_dagster.sources.fetching import Fetched, Fetcher, PageRequest
from exposure_dagster.sources.sites import Site
from exposure_dagster.sources.stored import StoredPage, is_due, updated
from exposure_dagster.store.locks import holding, named_lock
from exposure_dagster.store.warehouse import Warehouse, insert_rows

BODIES_A_WRITE = 50
SECONDS_A_WRITE = 5.0
"""A stopped fetch loses what came in since the last write: at most so many new bodies, or so long."""

_OF_THE_ATTEMPT = ("status", "reason", "checked_at", "etag", "last_modified")

_STORED_COLUMNS = (*("url", "status", "reason", "fetched_at", "checked_at", "content_sha256", "etag", "last_modified"),)


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
    """The turn to ask a live site: one run at a time of a home, or of all machines that share a database, so that the
    pause between requests holds for all.

    Waits for the run that has it; a run that dies gives it back. Files need no turn.
    """
    if site.folder is not None:
        yield
        return
    with holding(named_lock("pages.lock", warehouse.path.parent, warehouse.shared), on_wait=on_wait):
        yield


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


def fetch_into(
    writer: PageWriter,
    fetcher: Fetcher,
    requests: Sequence[PageRequest],
    progress: Progress,
    problem_of: Callable[[bytes, str], str | None],
) -> None:
    """Fetch in order; what came in survives a stop.

    `problem_of` says of a new body and its address why it is not the page that was asked for (a site under
    maintenance answers 200 too), and None where it is. One that is not takes no other's place.
    """
    progress.start("fetched", len(requests))
    try:
        for fetched in fetcher.fetch_many(requests):
            problem = None if fetched.body is None else problem_of(fetched.body, fetched.url)
            writer.add(fetched if problem is None else fetched.refused(problem))
            progress.advance(failed=writer.failures)
    finally:
        writer.flush()
        progress.finish()


def stored_pages(warehouse: Warehouse, table: str, *, with_bodies: bool = False) -> dict[str, StoredPage]:
    """The rows of a raw table by address."""
    names = [*_STORED_COLUMNS, *(["body"] if with_bodies else [])]
    rows = warehouse.rows(f"SELECT {', '.join(names)} FROM {table}")
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

    def write(connection: duckdb.DuckDBPyConnection) -> None:
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

    warehouse.transact(write)


def mark_listed(warehouse: Warehouse, table: Table, urls: Iterable[str]) -> None:
    """Bring `is_listed` of a table of pages up to date: true for exactly the given addresses."""

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.register("listed", pd.DataFrame({"url": list(urls)}, dtype="str"))
        connection.execute(
            f"UPDATE {table.full_name} SET is_listed = NOT is_listed"
            " WHERE is_listed != (url IN (SELECT url FROM listed))"
        )
        connection.unregister("listed")

    warehouse.transact(write)


def missing_pages(rows: Sequence[StoredPage]) -> tuple[MissingPage, ...]:
    """Those whose last attempt failed."""
    return tuple(
        MissingPage(row.url, row.status, row.reason, row.content_sha256 is not None)
        for row in rows
        if row.reason is not None
    )


def every_listed_page_is_there(listed: int, missing: tuple[MissingPage, ...]) -> CheckOutcome:
    """Every page that was to be fetched could be; each that could not is named with status and reason."""
    if not missing:
        return CheckOutcome("every_listed_page_is_there", True, f"{counted(listed, 'page')}, none missing")
    found = pd.DataFrame(
        [
            {
                "page": page.url,
                "status": page.status or "no answer",
                "reason": page.reason,
                "in its place": "the last good body" if page.has_earlier_body else "nothing",
            }
            for page in missing
        ]
    )
    named = first_of(f"{page.url}: {page.reason}" for page in missing)
    kept = sum(page.has_earlier_body for page in missing)
    return CheckOutcome(
        "every_listed_page_is_there",
        False,
        f"{len(missing):,} of {listed:,} could not be had ({named}); the last good body of {kept:,} of them stands",
        found,
        is_error=False,
    )
