"""Reading users' own documents into raw.own_documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pandas as pd

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.own.files import OwnFile, RowProblem, read_own_file
from exposure_dagster.corpora.own.mapping import OwnSource
from exposure_dagster.corpora.own.names import OwnCorpus
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS
from exposure_dagster.store.warehouse import Warehouse, replace_rows

NO_SOURCE = "Own documents"
"""What documents are credited to whose mapping names no source."""


@dataclass(frozen=True)
class OwnCorpusReport:
    """How a corpus stands: documents that are in force, and what is wrong with its file."""

    corpus: str
    file: str
    documents: int
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True)
class OwnDocumentsReport:
    """How all own corpora stand. `digest` changes if and only if a document or one of its figures did."""

    corpora: tuple[OwnCorpusReport, ...]
    digest: str


def refresh_own_documents(warehouse: Warehouse, corpora: Sequence[OwnCorpus]) -> OwnDocumentsReport:
    """Fill raw.own_documents from the files that are set.

    Documents of a corpus that is no longer set go. A file that cannot be used leaves the rows that stood.
    """
    read = {corpus: read_own_file(corpus.path) for corpus in corpora}
    table = OWN_DOCUMENTS.full_name

    def write(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], list[tuple[Any, ...]]]:
        names = [corpus.name for corpus in corpora]
        connection.execute(f"DELETE FROM {table} WHERE NOT list_contains(?::VARCHAR[], corpus)", [names])
        read_before = {
            (corpus, file, sha256): read_at
            for corpus, file, sha256, read_at in connection.execute(
                f"SELECT DISTINCT corpus, file, file_sha256, read_at FROM {table}"
            ).fetchall()
        }
        for corpus, content in read.items():
            if not content.problems:
                read_at = read_before.get((corpus.name, str(corpus.path), content.sha256), utc_now())
                rows = _rows(corpus, content).assign(read_at=read_at)
                replace_rows(connection, OWN_DOCUMENTS, rows, where={"corpus": corpus.name})
        standing = dict(connection.execute(f"SELECT corpus, count(*) FROM {table} GROUP BY 1").fetchall())
        content_rows = connection.execute(
            f"SELECT * EXCLUDE (file, file_sha256, read_at) FROM {table} ORDER BY corpus, doc_id"
        ).fetchall()
        return standing, content_rows

    standing, content_rows = warehouse.transact(write)
    return OwnDocumentsReport(
        tuple(
            OwnCorpusReport(corpus.name, str(corpus.path), standing.get(corpus.name, 0), content.problems)
            for corpus, content in read.items()
        ),
        content_hash(content_rows),
    )


def _rows(corpus: OwnCorpus, content: OwnFile) -> pd.DataFrame:
    frame = pd.DataFrame([asdict(document) for document in content.documents])
    whole = dict.fromkeys(("jobs", "education_order"), "Int64")
    frame = frame.astype({**whole, "pay_is_top_coded": "boolean"})
    credited = content.source or OwnSource(title=f"{NO_SOURCE} ({corpus.name})")
    return frame.assign(
        corpus=corpus.name,
        source=credited.title,
        source_url=credited.url,
        source_licence=credited.licence,
        file=str(corpus.path),
        file_sha256=content.sha256,
    )
