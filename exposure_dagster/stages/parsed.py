"""Parsing the raw tables into the parsed ones. A page whose body has not changed is not parsed again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import duckdb
import pandas as pd

from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS, OOH_CORPUS
from exposure_dagster.errors import SourceError
from exposure_dagster.parsing.onet_documents import task_documents
from exposure_dagster.parsing.ooh_index import parse_index, unread_entries
from exposure_dagster.parsing.ooh_page import PARSER_VERSION, parse_page
from exposure_dagster.parsing.records import ParsedPage, UnreadField
from exposure_dagster.progress import NO_PROGRESS, Progress
from exposure_dagster.prompts.model import content_hash
from exposure_dagster.tables import (
    DOCUMENTS,
    OOH_INDEX,
    OOH_OCCUPATIONS,
    OOH_PAGES,
    OOH_PROJECTIONS,
    OOH_TITLES,
    OOH_UNREAD,
    TEXTS,
    Table,
)
from exposure_dagster.warehouse import Warehouse, insert_rows

WHOLE_PAGE = "page"
"""The field of parsed.ooh_unread that says that a page could not be read at all."""


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


@dataclass(frozen=True)
class DocumentsReport:
    """`digest` is that of all text hashes; `without_text` are documents that cannot be asked about."""

    documents: int
    new_texts: int
    without_text: tuple[str, ...]
    digest: str


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


def collect_documents(warehouse: Warehouse) -> DocumentsReport:
    """Fill parsed.documents with every corpus, and keep every text in parsed.texts."""
    with warehouse.snapshot() as now:
        everything = pd.concat([_handbook(now), *_onet(now), _own(now)], ignore_index=True)
    has_text = everything["text"].fillna("").str.strip() != ""
    documents = everything[has_text].copy()
    documents["text_sha256"] = documents["text"].map(text_sha256)
    with warehouse.transaction() as connection:
        connection.execute(f"DELETE FROM {DOCUMENTS.full_name}")
        insert_rows(connection, DOCUMENTS, documents)
        known = {digest for (digest,) in connection.execute(f"SELECT text_sha256 FROM {TEXTS.full_name}").fetchall()}
        texts = documents.drop_duplicates("text_sha256")
        new = texts[~texts["text_sha256"].isin(known)]
        insert_rows(connection, TEXTS, new[["text_sha256", "text"]])
    return DocumentsReport(
        documents=len(documents),
        new_texts=len(new),
        without_text=tuple(everything.loc[~has_text, "doc_id"]),
        digest=corpus_digest(documents[["corpus", "doc_id", "text_sha256"]].itertuples(index=False, name=None)),
    )


def _handbook(warehouse: Warehouse) -> pd.DataFrame:
    documents = warehouse.read("SELECT slug AS doc_id, title, text FROM parsed.ooh_occupations ORDER BY slug")
    return documents.assign(corpus=OOH_CORPUS)


def _onet(warehouse: Warehouse) -> tuple[pd.DataFrame, pd.DataFrame]:
    occupations = warehouse.read(
        "SELECT onet_code AS doc_id, title, text FROM parsed.onet_occupations WHERE is_scoreable ORDER BY onet_code"
    )
    tasks = warehouse.read("SELECT doc_id, title, task FROM parsed.onet_tasks ORDER BY doc_id")
    of_tasks = pd.DataFrame([asdict(document) for document in task_documents(tasks)], columns=list(occupations.columns))
    return occupations.assign(corpus=ONET_CORPUS), of_tasks.assign(corpus=ONET_TASKS_CORPUS)


def _own(warehouse: Warehouse) -> pd.DataFrame:
    """Users' own documents, each under its title, as handbook pages are: another title is another text."""
    documents = warehouse.read("SELECT corpus, doc_id, title, text FROM raw.own_documents ORDER BY corpus, doc_id")
    return documents.assign(text="# " + documents["title"] + "\n\n" + documents["text"])


def text_sha256(text: str) -> str:
    """SHA-256 (hex) of a document's text, as the model would read it."""
    return hashlib.sha256(text.encode()).hexdigest()


def corpus_digest(rows: Iterable[tuple[str, ...]]) -> str:
    """Digest of (…, doc_id, text_sha256) rows, whatever their order."""
    return content_hash(sorted(rows))


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
    with warehouse.transaction() as connection:
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


def _table_digest(connection: duckdb.DuckDBPyConnection, table: Table, *, without: Sequence[str] = ()) -> str:
    """Of what the rows say; `without` names columns that may change while that stays."""
    columns = ", ".join(name for name in table.column_names if name not in without)
    query = f"SELECT {columns} FROM {table.full_name} ORDER BY {', '.join(table.key)}"
    return content_hash([[str(value) for value in row] for row in connection.execute(query).fetchall()])
