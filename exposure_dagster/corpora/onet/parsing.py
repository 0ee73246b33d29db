"""Parsing O*NET, the employment projections and the links between the systems into the parsed tables.

Each function replaces its tables in one transaction, after all that it needs was read: what cannot be
read is an error, and the last good tables stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pandas as pd

from exposure_dagster.core.errors import SourceError
from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.onet.crosswalk import PageCodes, soc_crosswalk
from exposure_dagster.corpora.onet.database import OnetDatabase, read_onet_database
from exposure_dagster.corpora.onet.documents import onet_documents, task_table, title_table
from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation, parse_projections
from exposure_dagster.corpora.onet.features import feature_table
from exposure_dagster.corpora.onet.fetching import listed_occupations, stored_body
from exposure_dagster.corpora.onet.listing import ListedOccupation
from exposure_dagster.corpora.onet.occupations import OnetOccupation, newer_edition, onet_occupations
from exposure_dagster.corpora.onet.page import OnetPage, parse_onet_page
from exposure_dagster.corpora.onet.tables import (
    EMPLOYMENT_PROJECTIONS,
    ONET_DATABASE,
    ONET_FEATURES,
    ONET_OCCUPATIONS,
    ONET_PAGES,
    ONET_TASKS,
    ONET_TITLES,
    ONET_UNREAD,
    RAW_PROJECTIONS,
    SOC_CROSSWALK,
)
from exposure_dagster.parsing.damage import DAMAGE
from exposure_dagster.parsing.records import WHOLE_PAGE, UnreadField
from exposure_dagster.store.warehouse import Warehouse, replace_rows

_FEW_PAGES = 10
"""Of so few, all may be damaged."""


@dataclass(frozen=True)
class TableReport:
    """`digest` changes if and only if the table's content did."""

    rows: int
    digest: str


@dataclass(frozen=True)
class OnetReport:
    """The tables that were filled, by name, and what a reader should know of the sources behind them.

    `newer_edition` are the years of projections that summary pages cite and the file at hand has not;
    `release` is that of the database, `not_read` and `absent` what of it is not read, as `OnetDatabase` has them,
    `unread` the fields of pages that could not be read.
    """

    tables: dict[str, TableReport]
    release: str | None
    newer_edition: tuple[int, int] | None
    unread: tuple[UnreadField, ...]
    note: str | None = None
    has_database: bool = False
    not_read: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Pages:
    good: Sequence[OnetPage]
    unread: Sequence[UnreadField]


def parse_employment_projections(warehouse: Warehouse) -> TableReport:
    """Fill parsed.employment_projections. Without a file the table stays as it is."""
    stored = stored_body(warehouse, RAW_PROJECTIONS)
    if stored is not None:
        rows = pd.DataFrame([asdict(row) for row in parse_projections(stored.body, file=stored.name)])
        warehouse.replace(EMPLOYMENT_PROJECTIONS, rows)
    return _current_report(warehouse, EMPLOYMENT_PROJECTIONS)


def parse_onet(warehouse: Warehouse, *, progress: Progress = NO_PROGRESS) -> OnetReport:
    """Fill parsed.onet_occupations, onet_tasks, onet_titles, onet_features and onet_unread.

    Without a list they stay as they are.
    """
    filled = (ONET_OCCUPATIONS, ONET_TASKS, ONET_TITLES, ONET_FEATURES, ONET_UNREAD)
    listed = listed_occupations(warehouse)
    if listed is None:
        tables = {table.name: _current_report(warehouse, table) for table in filled}
        return OnetReport(tables, None, None, (), "there is no list of O*NET occupations yet")
    stored = stored_body(warehouse, ONET_DATABASE)
    database = None if stored is None else read_onet_database(stored.body, name=stored.name)
    projections = stored_projections(warehouse)
    pages = _parsed_pages(warehouse, listed, progress)
    occupations = onet_occupations(listed, pages=pages.good, database=database, projections=projections)
    frames = _frames(occupations, database, pages)

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        for table, frame in zip(filled, frames, strict=True):
            replace_rows(connection, table, frame)

    warehouse.transact(write)
    return OnetReport(
        tables={
            table.name: TableReport(len(frame), frame_digest(frame))
            for table, frame in zip(filled, frames, strict=True)
        },
        release=None if stored is None else stored.release,
        newer_edition=newer_edition(pages.good, projections),
        unread=tuple(pages.unread),
        has_database=database is not None,
        not_read=() if database is None else database.not_read,
        absent=() if database is None else database.absent,
    )


def join_codes(warehouse: Warehouse) -> TableReport:
    """Fill parsed.soc_crosswalk from the handbook's pages, the list and the projections."""
    listed = listed_occupations(warehouse)
    if listed is not None:
        pages = warehouse.rows("SELECT slug, onet_codes, soc_codes FROM parsed.ooh_occupations ORDER BY slug")
        codes = [PageCodes(slug, onet_codes or (), soc_codes or ()) for slug, onet_codes, soc_codes in pages]
        rows = soc_crosswalk(codes, listed, stored_projections(warehouse))
        warehouse.replace(SOC_CROSSWALK, pd.DataFrame([asdict(row) for row in rows]))
    return _current_report(warehouse, SOC_CROSSWALK)


def stored_projections(warehouse: Warehouse) -> list[ProjectionOccupation]:
    """The rows of parsed.employment_projections, by code."""
    names = EMPLOYMENT_PROJECTIONS.column_names
    rows = warehouse.rows(f"SELECT {', '.join(names)} FROM {EMPLOYMENT_PROJECTIONS.full_name} ORDER BY soc_code")
    records = (dict(zip(names, row, strict=True)) for row in rows)
    return [ProjectionOccupation(**{**record, "aliases": tuple(record["aliases"])}) for record in records]


def _parsed_pages(warehouse: Warehouse, listed: Sequence[ListedOccupation], progress: Progress) -> _Pages:
    rows = warehouse.rows(
        f"SELECT onet_code, url, body FROM {ONET_PAGES.full_name} WHERE is_listed AND body IS NOT NULL ORDER BY 1"
    )
    has_data = {occupation.onet_code: occupation.is_scoreable for occupation in listed}
    good: list[OnetPage] = []
    unread: list[UnreadField] = []
    if rows:
        progress.start("parsed", len(rows))
    for code, url, body in rows:
        try:
            parsed = parse_onet_page(body, url=url, has_data=has_data.get(code, False))
        except SourceError as error:
            unread.append(UnreadField(code, WHOLE_PAGE, error.what))
        else:
            good.append(parsed.page)
            unread += parsed.unread
        progress.advance()
    if rows:
        progress.finish()
    return _Pages(good, _without_habits(unread, len(rows)))


def _without_habits(unread: Sequence[UnreadField], pages: int) -> Sequence[UnreadField]:
    """What looks like damage and is found on most pages is the way in which the site is written, and tells nothing."""
    damaged = {one.slug for one in unread if one.field == DAMAGE}
    if len(damaged) <= max(pages / 2, _FEW_PAGES):
        return unread
    return [one for one in unread if one.field != DAMAGE]


def _frames(
    occupations: Sequence[OnetOccupation], database: OnetDatabase | None, pages: _Pages
) -> tuple[pd.DataFrame, ...]:
    table = pd.DataFrame([asdict(occupation) for occupation in occupations])
    texts = {d.doc_id: d.text for d in onet_documents(occupations, database=database, pages=pages.good)}
    can_be_asked = table["description"].notna() | table["tasks_count"].notna()
    table["text"] = table["onet_code"].map(texts).where(can_be_asked)
    tasks = task_table(occupations, database) if database is not None else pd.DataFrame({"doc_id": []})
    unread = pd.DataFrame(
        [{"onet_code": one.slug, "field": one.field, "found": one.found} for one in dict.fromkeys(pages.unread)]
    )
    return table, tasks, title_table(occupations, database), feature_table(occupations, database), unread


def _current_report(warehouse: Warehouse, table: Table) -> TableReport:
    frame = warehouse.read(f"SELECT * FROM {table.full_name} ORDER BY {', '.join(table.key)}")
    return TableReport(len(frame), frame_digest(frame))
