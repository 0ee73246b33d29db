"""Fetching O*NET and the employment projections into the raw tables.

A new body is read through before it is stored: one that cannot be read is an error, and what was
stored stays. What can be done without (database, projections, summary pages) is reported as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

import duckdb
import pandas as pd

from exposure_dagster.core.checks import first_of
from exposure_dagster.core.errors import SettingError, SourceError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.onet.database import (
    ARCHIVE_FORMS,
    database_url,
    is_whole_release,
    lacking_tables,
    read_onet_database,
    table_files,
)
from exposure_dagster.corpora.onet.employment_projections import PROJECTIONS_URL, parse_projections
from exposure_dagster.corpora.onet.files import saved_archive
from exposure_dagster.corpora.onet.listing import LIST_URL, ListedOccupation, parse_onet_list
from exposure_dagster.corpora.onet.page import parse_onet_page
from exposure_dagster.corpora.onet.release_tables import NEEDED_TABLES
from exposure_dagster.corpora.onet.releases import (
    NEWEST_KNOWN,
    RELEASES_URL,
    by_age,
    is_newer,
    newest_release,
    release_of,
)
from exposure_dagster.corpora.onet.tables import ONET_DATABASE, ONET_LIST, ONET_PAGES, RAW_PROJECTIONS
from exposure_dagster.parsing.codes import summary_url
from exposure_dagster.parsing.damage import DAMAGE
from exposure_dagster.sources.bodies import Expected
from exposure_dagster.sources.fetching import Fetched, Fetcher, PageRequest
from exposure_dagster.sources.kept import (
    FetchReport,
    MissingPage,
    PageWriter,
    fetch_into,
    is_to_be_asked,
    mark_listed,
    missing_pages,
    stored_pages,
)
from exposure_dagster.sources.saved import read_saved, read_saved_folder
from exposure_dagster.sources.sites import Site, SiteKind
from exposure_dagster.sources.stored import StoredPage, required_body, updated
from exposure_dagster.store.warehouse import Warehouse, insert_rows

ONET_LICENCE = "CC BY 4.0, U.S. Department of Labor, Employment and Training Administration (O*NET)"
BLS_LICENCE = "public domain, U.S. Bureau of Labor Statistics"

PAGES_KEEP = 30
"""Summary pages follow the releases, four a year: they are asked for again after so many times as long as other
pages, or when the list or the release changed."""

NO_PROJECTIONS = (
    "BLS makes the file by a button: open {url}, choose the whole table, save it as CSV, and set EXPOSURE_PROJECTIONS "
    "to it. Until then growth and openings come from summary pages alone."
)


@dataclass(frozen=True, kw_only=True)
class _Download:
    """A source that is one body. `check` reads it through and returns its release or edition.

    `setting` names a saved file that takes its place.
    """

    table: Table
    url: str
    expects: Expected
    licence: str
    check: Callable[[bytes, str], str | None]
    setting: str | None = None


def refresh_onet_list(warehouse: Warehouse, site: Site, fetcher: Fetcher, *, refetch_after_hours: float) -> FetchReport:
    """Fetch the list of occupations into raw.onet_list.

    A folder of pages may do without it, and is then noted to. Raises SourceError where a live site gives
    none and there is no earlier one, or where a new one cannot be read.
    """
    download = _Download(
        table=ONET_LIST,
        url=LIST_URL,
        expects="csv",
        licence=ONET_LICENCE,
        check=lambda body, name: _nothing(parse_onet_list(body, file=name)),
    )
    if site.kind is SiteKind.FOLDER and not (site.folder_of(LIST_URL) or Path()).is_dir():
        warehouse.claim_for_site(site.kind)
        row = _stored(warehouse, ONET_LIST)
        note = "the folder of pages holds no list of O*NET occupations: corpora onet and onet_tasks stay as they are"
        return FetchReport(0, 0, 0, (), (row and row.content_sha256) or "", note)
    report = _refresh(warehouse, site, fetcher, download, refetch_after_hours=refetch_after_hours)
    row = _stored(warehouse, ONET_LIST)
    if row is not None and row.content_sha256 is None:
        required_body(row, what="the list of O*NET occupations")
    return report


def refresh_onet_database(
    warehouse: Warehouse,
    site: Site,
    fetcher: Fetcher,
    *,
    release: str | None = None,
    saved: Path | None,
    refetch_after_hours: float,
) -> FetchReport:
    """Fetch a release of the database into raw.onet_database, or take the saved zip archive or folder.

    By default that is the newest release that is known to be read; in a folder of pages the newest that lies there. Of
    a saved release a few tables will do, and what they lack is noted; a whole one, fetched or saved, has to hold
    all that is needed. Also looks which release is the newest, and reads one that no reader here knows yet through, to
    say whether it could be used. Raises SourceError where a body cannot be read, or lacks a table that the one it would
    replace has.
    """
    url = _url_there(site, release) or database_url(release or NEWEST_KNOWN)

    def check(body: bytes, name: str) -> str | None:
        is_whole = saved is None or is_whole_release(saved if saved.is_dir() else body, name=name)
        database = read_onet_database(body, name=name, required=NEEDED_TABLES if is_whole else ())
        _refuse_to_lose_tables(stored_body(warehouse, ONET_DATABASE), body, name)
        return database.release

    download = _Download(
        table=ONET_DATABASE,
        url=url if saved is None else str(saved),
        expects="zip",
        licence=ONET_LICENCE,
        check=check,
        setting="EXPOSURE_ONET_DATABASE",
    )
    warehouse.claim_for_site(site.kind)
    looks = is_to_be_asked(site, _stored(warehouse, ONET_DATABASE), refetch_after_hours)
    report = _refresh(warehouse, site, fetcher, download, saved=saved, refetch_after_hours=refetch_after_hours)
    if looks and (site.folder is None or (site.folder_of(RELEASES_URL) or Path()).is_dir()):
        _look_for_newer(warehouse, fetcher)
    stored = stored_body(warehouse, ONET_DATABASE)
    lacking = [] if stored is None else lacking_tables(stored.body, name=stored.name)
    if stored is None or not lacking:
        return report
    return replace(report, note=f"{stored.name}: it holds no {', no '.join(lacking)}; occupations go without")


def _url_there(site: Site, release: str | None) -> str | None:
    """The archive that lies in a folder of pages: of that release, by default of the newest that is known to be read.

    None where there is none, and for a live site.
    """
    folder = site.folder_of(database_url(NEWEST_KNOWN))
    names = [] if folder is None or not folder.is_dir() else [path.name for path in folder.iterdir()]
    releases = {one for name in names if (one := release_of(name)) is not None and release in (None, one)}
    known = [one for one in releases if not is_newer(one, NEWEST_KNOWN)]
    for one in by_age(known) or by_age(releases):
        for form in ARCHIVE_FORMS:
            if (url := database_url(one, form)).rpartition("/")[2] in names:
                return url
    return None


def _look_for_newer(warehouse: Warehouse, fetcher: Fetcher) -> None:
    """Note the newest release that its publisher names and, where no reader here knows it, whether it can be read.

    A release is read through once; after that only the note is read.
    """
    fetched = fetcher.fetch(PageRequest(url=RELEASES_URL))
    newest = newest_release(fetched.body) if fetched.body else None
    if newest is None:
        return
    table = ONET_DATABASE.full_name
    rows = warehouse.rows(f"SELECT release, newest_release, is_newest_readable FROM {table}")
    release, noted, is_readable = rows[0] if rows else (None, None, None)
    if noted == newest and is_readable is not None:
        return
    problem = None
    if is_newer(newest, NEWEST_KNOWN) and newest != release:
        is_readable, problem = _tried(fetcher, newest)

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(
            f"UPDATE {table} SET newest_release = ?, is_newest_readable = ?, newest_problem = ?",
            [newest, is_readable, problem],
        )

    warehouse.transact(write)


def _tried(fetcher: Fetcher, release: str) -> tuple[bool | None, str | None]:
    """Whether a release can be read (None where it could not be had), and what of it could not."""
    url = database_url(release)
    fetched = fetcher.fetch(PageRequest(url=url, expects="zip"))
    if fetched.body is None:
        return None, fetched.reason
    try:
        database = read_onet_database(fetched.body, name=url, required=NEEDED_TABLES)
    except SourceError as error:
        return False, f"{error.where}: {error.what}"
    return True, "; ".join((*database.not_read, *(f"there is no {one}" for one in database.absent))) or None


def refresh_projections(
    warehouse: Warehouse, site: Site, fetcher: Fetcher, *, saved: Path | None, refetch_after_hours: float
) -> FetchReport:
    """Fetch the employment projections into raw.employment_projections, or take the saved CSV file.

    Raises SourceError where the file cannot be read.
    """
    download = _Download(
        table=RAW_PROJECTIONS,
        url=PROJECTIONS_URL if saved is None else str(saved),
        expects="csv",
        licence=BLS_LICENCE,
        check=_edition,
        setting="EXPOSURE_PROJECTIONS",
    )
    report = _refresh(warehouse, site, fetcher, download, saved=saved, refetch_after_hours=refetch_after_hours)
    if saved is None and any(not page.has_earlier_body for page in report.missing):
        return replace(report, note=NO_PROJECTIONS.format(url=PROJECTIONS_URL))
    return report


def refresh_onet_pages(
    warehouse: Warehouse,
    site: Site,
    fetcher: Fetcher,
    *,
    is_wanted: bool,
    refetch_after_hours: float,
    progress: Progress = NO_PROGRESS,
) -> FetchReport:
    """Fetch the summary page of every scoreable occupation into raw.onet_pages, in groups that survive a stop.

    A page that was had is asked for again when the list or the release changed since, or after PAGES_KEEP
    times `refetch_after_hours`. With `is_wanted` false, or from a folder without such pages, none is asked for.
    """
    warehouse.claim_for_site(site.kind)
    listed = {summary_url(one.onet_code): one for one in listed_occupations(warehouse) or () if one.is_scoreable}
    stored = stored_pages(warehouse, ONET_PAGES.full_name)
    note = _why_not(site, listed, is_wanted=is_wanted)
    if note is not None:
        return FetchReport(0, 0, 0, (), _digest_of(stored.values()), note)
    changed_at = _changed_at(warehouse)
    due = [
        url
        for url in listed
        if is_to_be_asked(site, stored.get(url), PAGES_KEEP * refetch_after_hours)
        or _is_older(stored.get(url), changed_at)
    ]
    requests = [PageRequest(url=url, known=known.known if (known := stored.get(url)) else None) for url in due]
    places = {
        url: {"onet_code": one.onet_code, "is_listed": True, "licence": ONET_LICENCE} for url, one in listed.items()
    }
    writer = PageWriter(warehouse, ONET_PAGES, places, stored)
    fetch_into(writer, fetcher, requests, progress, lambda body, url: _problem_of_page(warehouse, body, url))
    mark_listed(warehouse, ONET_PAGES, listed)
    rows = [stored[url] for url in listed]
    return FetchReport(len(rows), len(requests), writer.new_bodies, missing_pages(rows), _digest_of(rows))


def listed_occupations(warehouse: Warehouse) -> list[ListedOccupation] | None:
    """The occupations of the stored list; None where there is no list yet."""
    body = stored_body(warehouse, ONET_LIST)
    return None if body is None else parse_onet_list(body.body, file=body.name)


@dataclass(frozen=True)
class StoredBody:
    """A stored body and where it came from, which is what errors call it."""

    name: str
    body: bytes
    release: str | None


def stored_body(warehouse: Warehouse, table: Table) -> StoredBody | None:
    """The good body of a table that holds one; None where there is none."""
    rows = warehouse.rows(f"SELECT url, body, release FROM {table.full_name} WHERE body IS NOT NULL")
    return StoredBody(*rows[0]) if rows else None


def _refresh(
    warehouse: Warehouse,
    site: Site,
    fetcher: Fetcher,
    download: _Download,
    *,
    saved: Path | None = None,
    refetch_after_hours: float,
) -> FetchReport:
    warehouse.claim_for_site(site.kind)
    if saved is not None and site.kind is SiteKind.SAMPLE:
        raise SettingError(
            f"{saved} is no file of the bundled sample, and sample and real figures never mix",
            where="EXPOSURE_SITES=sample",
            remedy="Unset EXPOSURE_ONET_DATABASE and EXPOSURE_PROJECTIONS, or set EXPOSURE_SITES to live or a folder.",
        )
    stored = _stored(warehouse, download.table)
    is_same = stored is not None and stored.url == download.url
    if saved is None and is_same and not is_to_be_asked(site, stored, refetch_after_hours):
        assert stored is not None
        return FetchReport(1, 0, 0, (), stored.content_sha256 or "")
    request = PageRequest(
        url=download.url, expects=download.expects, known=stored.known if stored is not None and is_same else None
    )
    fetched = fetcher.fetch(request) if saved is None else _saved(saved, request)
    if saved is not None and fetched.reason is not None:
        fetched = replace(fetched, reason=f"{fetched.reason}; look at {download.setting}")
    release = download.check(fetched.body, download.url) if fetched.body is not None else None
    row = _write(warehouse, download, stored, fetched, release)
    missing = () if fetched.is_good else (_missing(fetched, row),)
    return FetchReport(1, 1, int(fetched.body is not None), missing, row.content_sha256 or "")


def _refuse_to_lose_tables(earlier: StoredBody | None, body: bytes, name: str) -> None:
    if earlier is None:
        return
    lacked_before = set(lacking_tables(earlier.body, name=earlier.name))
    lost = [title for title in lacking_tables(body, name=name) if title not in lacked_before]
    if lost:
        raise SourceError(
            f"it lacks {', '.join(map(repr, lost))}, which the release in use ({earlier.name}) holds",
            where=name,
            remedy="The last good tables stay. Add the file, or set EXPOSURE_HOME to another folder to do without it.",
        )


def _saved(path: Path, request: PageRequest) -> Fetched:
    if path.is_dir() and (archive := saved_archive(path)) is not None:
        return read_saved(archive, request)
    if path.is_dir():
        if not (files := table_files(path)):
            read_onet_database(path)  # says what such a folder has to hold
        return read_saved_folder(path, files, request)
    return read_saved(path, request)


def _missing(fetched: Fetched, row: StoredPage) -> MissingPage:
    return MissingPage(fetched.url, fetched.status, fetched.reason or "", row.content_sha256 is not None)


def _stored(warehouse: Warehouse, table: Table) -> StoredPage | None:
    return next(iter(stored_pages(warehouse, table.full_name).values()), None)


def _write(
    warehouse: Warehouse, download: _Download, stored: StoredPage | None, fetched: Fetched, release: str | None
) -> StoredPage:
    """The table's one row: a new body replaces it, whatever address it came from; a failed attempt only marks it."""
    row = updated(stored, fetched)
    table = download.table.full_name

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        if fetched.body is not None or stored is None:
            connection.execute(f"DELETE FROM {table}")
            record = {**asdict(row), "release": release, "licence": download.licence}
            insert_rows(connection, download.table, pd.DataFrame.from_records([record]))
        else:
            connection.execute(
                f"UPDATE {table} SET status = ?, reason = ?, checked_at = ?, etag = ?, last_modified = ?",
                [row.status, row.reason, row.checked_at, row.etag, row.last_modified],
            )

    warehouse.transact(write)
    return row


def _edition(body: bytes, name: str) -> str:
    first = parse_projections(body, file=name)[0]
    return f"{first.base_year}–{first.projection_year}"


def _problem_of_page(warehouse: Warehouse, body: bytes, url: str) -> str | None:
    """Why a new summary page is not to take the earlier one's place; None where it is.

    What is known of an occupation is read from the stored page in every run, so one of which less can be read would
    take words out of the text that was asked about.
    """
    try:
        unread = _unread_in(body, url)
    except SourceError as error:
        return error.what
    if not unread:
        return None
    rows = warehouse.rows(f"SELECT body FROM {ONET_PAGES.full_name} WHERE url = ? AND body IS NOT NULL", [url])
    try:
        unread_before = [_unread_in(earlier, url) for (earlier,) in rows]
    except SourceError:
        return None
    lost = [f"{field}: {found}" for before in unread_before for field, found in unread.items() if field not in before]
    return f"less can be read of it than of the earlier one, which stands ({first_of(lost)})" if lost else None


def _unread_in(body: bytes, url: str) -> dict[str, str]:
    return {one.field: one.found for one in parse_onet_page(body, url=url).unread if one.field != DAMAGE}


def _nothing(_: object) -> None:
    return None


def _why_not(site: Site, listed: dict[str, ListedOccupation], *, is_wanted: bool) -> str | None:
    if not listed:
        return "there is no list of O*NET occupations, so no summary page is asked for"
    if site.folder is not None and not (site.folder_of(summary_url("29-1141.00")) or Path()).is_dir():
        return "the folder of pages holds no O*NET summary pages; database and projections stand in for them"
    if site.folder is None and not is_wanted:
        return "EXPOSURE_ONET_PAGES is false; database and projections stand in for the summary pages"
    return None


def _changed_at(warehouse: Warehouse) -> datetime | None:
    ((changed_at,),) = warehouse.rows(
        f"SELECT max(fetched_at) FROM (SELECT fetched_at FROM {ONET_LIST.full_name}"
        f" UNION ALL SELECT fetched_at FROM {ONET_DATABASE.full_name})"
    )
    return cast("datetime | None", changed_at)


def _is_older(stored: StoredPage | None, moment: datetime | None) -> bool:
    return moment is not None and stored is not None and stored.checked_at is not None and stored.checked_at < moment


def _digest_of(rows: Iterable[StoredPage]) -> str:
    return content_hash(sorted((row.url, row.content_sha256) for row in rows if row.content_sha256))
