"""Parsing the handbook into its parsed tables. A page whose body has not changed is not parsed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pandas as pd

from exposure_dagster.core.errors import SourceError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.ooh.index import parse_index, unread_entries
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.corpora.ooh.tables import (
    OOH_INDEX,
    OOH_OCCUPATIONS,
    OOH_PAGES,
    OOH_PROJECTIONS,
    OOH_TITLES,
    OOH_UNREAD,
)
from exposure_dagster.corpora.ooh.version import PARSER_VERSION
from exposure_dagster.parsing.records import WHOLE_PAGE, ParsedPage, UnreadField
from exposure_dagster.store.warehouse import Warehouse, insert_rows


@dataclass(frozen=True)
class TitlesReport:
    """`digest` changes if and only if a title did."""

    titles: int
    aliases: int
    unread: tuple[UnreadField, ...]
    digest: str


@dataclass(frozen=True)
class ParseReport:
    """What a parse did. The digests change if and only if the tables' content did."""

    pages: int
    parsed: int
    unread: tuple[UnreadField, ...]
    occupations_digest: str
    projections_digest: str
    unread_digest: str


def parse_ooh_titles(warehouse: Warehouse) -> TitlesReport:
    """Fill parsed.ooh_titles from the stored A–Z index."""
    body = _index_body(warehouse)
    entries = parse_index(body)
    frame = pd.DataFrame(
        {
            "title": [entry.title for entry in entries],
            "slug": [entry.slug for entry in entries],
            "is_alias": [entry.is_alias for entry in entries],
        }
    ).drop_duplicates(["title", "slug"])
    warehouse.replace(OOH_TITLES, frame)
    digest = content_hash(sorted(frame.itertuples(index=False, name=None)))
    return TitlesReport(len(frame), int(frame["is_alias"].sum()), tuple(unread_entries(body)), digest)


def parse_ooh_pages(warehouse: Warehouse, *, progress: Progress = NO_PROGRESS) -> ParseReport:
    """Fill parsed.ooh_occupations, ooh_projections and ooh_unread from the stored pages.

    Only pages whose body, address or parser changed are parsed; rows of pages that are no longer listed go. A
    page that cannot be read, or no longer in full, keeps the rows of its last good body and stands in ooh_unread.
    """
    with warehouse.connect(read_only=True) as connection:
        listed = connection.execute(_LISTED_PAGES).fetchall()
        parsed = set(connection.execute(_PARSED_PAGES, [PARSER_VERSION]).fetchall())
        read_in_full = dict(connection.execute(_READ_IN_FULL).fetchall())
        due = [row[0] for row in listed if row not in parsed]
        bodies = _bodies(connection, due)
    wanted = {slug: content_sha256 for slug, _, content_sha256 in listed}
    progress.start("parsed", len(due))
    pages: list[ParsedPage] = []
    unreadable: list[UnreadField] = []
    for slug, url, body in bodies:
        try:
            page = parse_page(body, url=url)
            if page.unread and read_in_full.get(slug, wanted[slug]) != wanted[slug]:
                unreadable += page.unread
            else:
                pages.append(page)
        except SourceError as error:
            unreadable.append(UnreadField(slug, WHOLE_PAGE, error.what))
        progress.advance()
    progress.finish()
    _write_pages(warehouse, wanted, pages, unreadable)
    with warehouse.connect(read_only=True) as connection:
        return ParseReport(
            pages=len(wanted),
            parsed=len(pages) + len(unreadable),
            unread=tuple(UnreadField(*row) for row in connection.execute(_UNREAD).fetchall()),
            occupations_digest=_table_digest(connection, OOH_OCCUPATIONS, without=("content_sha256", "parser_version")),
            projections_digest=_table_digest(connection, OOH_PROJECTIONS),
            unread_digest=_table_digest(connection, OOH_UNREAD),
        )


_READ_IN_FULL = (
    f"SELECT slug, content_sha256 FROM {OOH_OCCUPATIONS.full_name} o WHERE NOT EXISTS"
    f" (SELECT 1 FROM {OOH_UNREAD.full_name} u WHERE u.slug = o.slug AND u.content_sha256 = o.content_sha256)"
)


_LISTED_PAGES = f"SELECT slug, url, content_sha256 FROM {OOH_PAGES.full_name} WHERE is_listed AND body IS NOT NULL"


_PARSED_PAGES = (
    f"SELECT slug, url, content_sha256 FROM {OOH_OCCUPATIONS.full_name} o WHERE parser_version = ? AND NOT EXISTS"
    f" (SELECT 1 FROM {OOH_UNREAD.full_name} u WHERE u.slug = o.slug AND u.content_sha256 != o.content_sha256)"
)
"""Pages whose rows stand. Those of a page that could not be read since are an earlier body's."""


_UNREAD = f"SELECT slug, field, found FROM {OOH_UNREAD.full_name} ORDER BY slug, field, found"


def _index_body(warehouse: Warehouse) -> bytes:
    rows = warehouse.rows(f"SELECT body FROM {OOH_INDEX.full_name} WHERE body IS NOT NULL")
    if not rows:
        raise SourceError("there is no A–Z index yet", where="raw.ooh_index", remedy="Materialize raw/ooh_index first.")
    body: bytes = rows[0][0]
    return body


def _bodies(connection: duckdb.DuckDBPyConnection, slugs: Sequence[str]) -> list[tuple[str, str, bytes]]:
    return connection.execute(
        f"SELECT slug, url, body FROM {OOH_PAGES.full_name} WHERE slug IN (SELECT unnest(?::VARCHAR[])) ORDER BY slug",
        [slugs],
    ).fetchall()


def _write_pages(
    warehouse: Warehouse, wanted: dict[str, str], pages: Sequence[ParsedPage], unreadable: Sequence[UnreadField]
) -> None:
    occupations = pd.DataFrame([asdict(page.occupation) for page in pages])
    if len(occupations):
        occupations["content_sha256"] = occupations["slug"].map(wanted)
        occupations["parser_version"] = PARSER_VERSION
    projections = pd.DataFrame([asdict(row) for page in pages for row in page.projections])
    fields = dict.fromkeys([field for page in pages for field in page.unread] + list(unreadable))
    unread = pd.DataFrame([{**asdict(field), "content_sha256": wanted[field.slug]} for field in fields])
    parsed = [page.occupation.slug for page in pages]

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.register("listed", pd.DataFrame({"slug": list(wanted)}, dtype="str"))
        connection.register("parsed_now", pd.DataFrame({"slug": parsed}, dtype="str"))
        connection.register("looked_at", pd.DataFrame({"slug": [*parsed, *(f.slug for f in unreadable)]}, dtype="str"))
        for table, seen in (
            (OOH_OCCUPATIONS, "parsed_now"),
            (OOH_PROJECTIONS, "parsed_now"),
            (OOH_UNREAD, "looked_at"),
        ):
            connection.execute(
                f"DELETE FROM {table.full_name} WHERE slug IN (SELECT slug FROM {seen})"
                " OR slug NOT IN (SELECT slug FROM listed)"
            )
        for name in ("listed", "parsed_now", "looked_at"):
            connection.unregister(name)
        insert_rows(connection, OOH_OCCUPATIONS, occupations)
        insert_rows(connection, OOH_PROJECTIONS, projections)
        insert_rows(connection, OOH_UNREAD, unread)

    warehouse.transact(write)


def _table_digest(connection: duckdb.DuckDBPyConnection, table: Table, *, without: Sequence[str] = ()) -> str:
    """Of what the rows say; `without` names columns that may change while that stays."""
    columns = ", ".join(name for name in table.column_names if name not in without)
    query = f"SELECT {columns} FROM {table.full_name} ORDER BY {', '.join(table.key)}"
    return content_hash([[str(value) for value in row] for row in connection.execute(query).fetchall()])
