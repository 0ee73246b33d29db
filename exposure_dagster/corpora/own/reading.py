"""Reading users' own documents into raw.own_documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import duckdb
import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.memory import give_back
from exposure_dagster.corpora.own.files import OwnDocument, OwnFile, RowProblem, read_own_file, sha256_of_file
from exposure_dagster.corpora.own.mapping import OwnSource, mapping_file
from exposure_dagster.corpora.own.names import OwnCorpus
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS
from exposure_dagster.store.spool import ROWS_AT_ONCE
from exposure_dagster.store.warehouse import Warehouse, insert_rows, put_fact

READING_VERSION = "1"
"""Raised by whoever changes what is read of the same file."""

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

    Documents of a corpus that is no longer set go. A file that cannot be used leaves the rows that stood; one that the
    rows that stand were read from, as it is, is not read again.
    """
    names = [corpus.name for corpus in corpora]
    digests = {corpus: made_by for corpus in corpora if (made_by := _file_digest(corpus)) is not None}

    def remove(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, _State], dict[OwnCorpus, bool]]:
        connection.execute(f"DELETE FROM {_TABLE} WHERE NOT list_contains(?::VARCHAR[], corpus)", [names])
        noted = dict(connection.execute("SELECT name, value FROM meta.facts").fetchall())
        state = {corpus.name: _state(connection, corpus.name) for corpus in corpora}
        return state, {
            corpus: noted.get(_fact(corpus)) == content_hash([made_by, state[corpus.name]])
            for corpus, made_by in digests.items()
        }

    state, stands = warehouse.transact(remove)
    read = {corpus: read_own_file(corpus.path) for corpus in corpora if not stands.get(corpus)}

    def write(connection: duckdb.DuckDBPyConnection) -> dict[str, _State]:
        written = {}
        read_before = {
            (corpus, file, sha256): read_at
            for corpus, file, sha256, read_at in connection.execute(
                f"SELECT DISTINCT corpus, file, file_sha256, read_at FROM {_TABLE}"
            ).fetchall()
        }
        for corpus, content in read.items():
            if not content.problems:
                read_at = read_before.get((corpus.name, str(corpus.path), content.sha256), utc_now())
                connection.execute(f"DELETE FROM {_TABLE} WHERE corpus = ?", [corpus.name])
                for start in range(0, len(content.documents), ROWS_AT_ONCE):
                    portion = content.documents[start : start + ROWS_AT_ONCE]
                    insert_rows(connection, OWN_DOCUMENTS, _rows(corpus, content, portion).assign(read_at=read_at))
                written[corpus.name] = _state(connection, corpus.name)
                made_from = content_hash([_digest_of(corpus, content.sha256), written[corpus.name]])
                put_fact(connection, _fact(corpus), made_from)
        return written

    state |= warehouse.transact(write)
    problems = {corpus: content.problems for corpus, content in read.items()}
    if read:
        read.clear()
        give_back()
    return OwnDocumentsReport(
        tuple(
            OwnCorpusReport(
                corpus.name,
                str(corpus.path),
                state[corpus.name].rows,
                problems.get(corpus, ()),
            )
            for corpus in corpora
        ),
        content_hash(sorted(state.items())),
    )


_TABLE = OWN_DOCUMENTS.full_name


def _fact(corpus: OwnCorpus) -> str:
    """Under which name meta.facts says what the rows of a corpus were made from."""
    return f"own_documents of {corpus.name}"


def _file_digest(corpus: OwnCorpus) -> str | None:
    """Of all that the rows of a corpus hang on outside the warehouse; None where its file cannot be read."""
    try:
        return _digest_of(corpus, sha256_of_file(corpus.path))
    except OSError:
        return None


def _digest_of(corpus: OwnCorpus, sha256: str) -> str:
    mapping = mapping_file(corpus.path)
    said = mapping.read_bytes().hex() if mapping.is_file() else ""
    return content_hash([__version__, READING_VERSION, OWN_DOCUMENTS.ddl(), str(corpus.path), sha256, said])


class _State(NamedTuple):
    """The rows that stand of a corpus: whoever changes one by hand has its file read again."""

    rows: int
    digest: str


def _state(connection: duckdb.DuckDBPyConnection, corpus: str) -> _State:
    rows = f"SELECT * EXCLUDE (file, file_sha256, read_at) FROM {_TABLE} WHERE corpus = ?"
    ((count, digest),) = connection.execute(f"SELECT count(*), bit_xor(hash(d)) FROM ({rows}) d", [corpus]).fetchall()
    return _State(count, str(digest))


def _rows(corpus: OwnCorpus, content: OwnFile, documents: Sequence[OwnDocument]) -> pd.DataFrame:
    names = [field.name for field in fields(OwnDocument)]
    frame = pd.DataFrame({name: [getattr(document, name) for document in documents] for name in names})
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
