"""Fetching the handbook's A–Z index, and every page that it names, into the raw tables."""

from __future__ import annotations

from dataclasses import asdict

import duckdb
import pandas as pd

from exposure_dagster.core.errors import SourceError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.corpora.ooh.index import INDEX_URL, index_pages, parse_index
from exposure_dagster.corpora.ooh.page import problem_of_page
from exposure_dagster.corpora.ooh.tables import OOH_INDEX, OOH_PAGES
from exposure_dagster.parsing.damage import damage_of
from exposure_dagster.parsing.records import IndexPage
from exposure_dagster.sources.fetching import Fetched, Fetcher, PageRequest
from exposure_dagster.sources.kept import (
    FetchReport,
    PageWriter,
    fetch_into,
    is_to_be_asked,
    mark_listed,
    missing_pages,
    stored_pages,
    write_attempts,
)
from exposure_dagster.sources.sites import Site
from exposure_dagster.sources.stored import StoredPage, required_body, updated
from exposure_dagster.store.warehouse import Warehouse


def refresh_ooh_index(warehouse: Warehouse, site: Site, fetcher: Fetcher, *, refetch_after_hours: float) -> FetchReport:
    """Fetch the A–Z index into raw.ooh_index.

    A new one that cannot be used does not take the place of an earlier one, nor does one that is damaged, since the
    pages that such an index names no more are not gone. Raises SourceError where there is no earlier one.
    """
    warehouse.claim_for_site(site.kind)
    stored = stored_pages(warehouse, OOH_INDEX.full_name).get(INDEX_URL)
    if not is_to_be_asked(site, stored, refetch_after_hours):
        assert stored is not None
        return FetchReport(1, 0, 0, (), stored.content_sha256 or "")
    fetched = fetcher.fetch(PageRequest(url=INDEX_URL, known=stored.known if stored else None))
    if fetched.body is not None and stored is not None and stored.known is not None:
        fetched = _refused_if_of_no_use(fetched, fetched.body)
    row = updated(stored, fetched)
    if row.content_sha256 is None:
        required_body(row, what="the A–Z index")
    if fetched.body is not None:
        index_pages(parse_index(fetched.body))
    write_attempts(warehouse, OOH_INDEX, [row], [{}])
    return FetchReport(1, 1, int(fetched.body is not None), missing_pages([row]), row.content_sha256 or "")


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
    fetch_into(writer, fetcher, requests, progress, problem_of_page)
    mark_listed(warehouse, OOH_PAGES, pages)
    listed = [stored[url] for url in pages]
    digest = content_hash(sorted((row.url, row.content_sha256) for row in listed))
    return FetchReport(len(pages), len(requests), writer.new_bodies, missing_pages(listed), digest)


def listed_pages(warehouse: Warehouse) -> list[IndexPage]:
    """The pages that the stored A–Z index names. Raises SourceError where there is no index."""
    page = next(
        iter(stored_pages(warehouse, OOH_INDEX.full_name, with_bodies=True).values()), StoredPage(url=INDEX_URL)
    )
    return index_pages(parse_index(required_body(page, what="the A–Z index")))


def _refused_if_of_no_use(fetched: Fetched, body: bytes) -> Fetched:
    try:
        index_pages(parse_index(body))
    except SourceError as error:
        return fetched.refused(f"it cannot be used, and the earlier one stands: {error.what}")
    damage = damage_of(body)
    if not damage:
        return fetched
    return fetched.refused(f"it is damaged, and the earlier one stands: {'; '.join(damage)}")


def _follow_moves(warehouse: Warehouse, pages: dict[str, IndexPage]) -> None:
    """A page that the index now names under another address keeps its row, and with it its last good body."""

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.register("listed", pd.DataFrame([asdict(page) for page in pages.values()]))
        connection.execute(
            f"UPDATE {OOH_PAGES.full_name} AS kept SET url = listed.url, category = listed.category, status = NULL,"
            " reason = 'moved, and not yet had from its new address', checked_at = NULL, etag = NULL,"
            " last_modified = NULL FROM listed WHERE kept.slug = listed.slug AND kept.url != listed.url"
        )
        connection.unregister("listed")

    warehouse.transact(write)
