"""What can be asked about, and what is known of it, collected from every corpus."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import duckdb

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.corpus import FACTS, Corpus
from exposure_dagster.corpora.registry import CORPORA, corpora_of
from exposure_dagster.corpora.terms import EDUCATION_ORDER
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DOCUMENT_FACTS, DOCUMENTS, TEXTS


@dataclass(frozen=True)
class DocumentsReport:
    """`digest` is that of all text hashes, and of the sections that prompts may include; `without_text` are documents
    that cannot be asked about."""

    documents: int
    new_texts: int
    without_text: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class FactsReport:
    """`digest` changes if and only if a fact of a document did."""

    rows: int
    digest: str


def collect_documents(warehouse: Warehouse) -> DocumentsReport:
    """Fill parsed.documents with every corpus, and keep every text in parsed.texts.

    Where the documents are those that stand, nothing is written.
    """
    table, texts = DOCUMENTS.full_name, TEXTS.full_name

    def write(connection: duckdb.DuckDBPyConnection) -> DocumentsReport:
        everything = " UNION ALL ".join(
            f"SELECT '{corpus.name}' AS corpus, doc_id, title, text FROM ({corpus.documents})"
            for corpus in _corpora(connection)
        )
        without_text = connection.execute(f"SELECT doc_id FROM ({everything}) WHERE {_IS_BLANK}").fetchall()
        found = (
            f"SELECT corpus, doc_id, title, text, sha256(text) AS text_sha256 FROM ({everything}) WHERE NOT {_IS_BLANK}"
        )
        new_texts = 0
        if _content(connection, found) != _content(connection, f"FROM {table}"):
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} BY NAME {found} ORDER BY corpus, doc_id")
        if not _are_kept(connection):
            ((new_texts,),) = connection.execute(
                f"INSERT INTO {texts} BY NAME SELECT text_sha256, any_value(text) AS text FROM {table}"
                f" WHERE text_sha256 NOT IN (SELECT text_sha256 FROM {texts}) GROUP BY 1"
            ).fetchall()
        rows = connection.execute(
            f"SELECT corpus, count(*), bit_xor(hash((doc_id, text_sha256))) FROM {table} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        sections = _sections_digest(connection)
        state: list[object] = [[corpus, count, str(digest)] for corpus, count, digest in rows]
        return DocumentsReport(
            documents=sum(count for _, count, _ in rows),
            new_texts=new_texts,
            without_text=tuple(doc_id for (doc_id,) in without_text),
            digest=content_hash([state, sections] if sections else state),
        )

    return warehouse.transact(write)


_IS_BLANK = r"regexp_full_match(coalesce(text, ''), '[\s\x{b}\x{1c}-\x{1f}\x{85}\p{Z}]*')"
"""What Python's `str.strip` leaves nothing of."""


def _content(connection: duckdb.DuckDBPyConnection, documents: str) -> object:
    return connection.execute(
        f"SELECT count(*), bit_xor(hash((corpus, doc_id, title, text_sha256))) FROM ({documents})"
    ).fetchone()


def _are_kept(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether every text of a document is in parsed.texts."""
    ((is_missing,),) = connection.execute(
        f"SELECT EXISTS (FROM {DOCUMENTS.full_name} ANTI JOIN {TEXTS.full_name} USING (text_sha256))"
    ).fetchall()
    return not is_missing


def _sections_digest(connection: duckdb.DuckDBPyConnection) -> list[object]:
    """Changes if and only if a section of a document does; empty where no document has one."""
    found: list[object] = []
    for corpus in _corpora(connection):
        for section in corpus.sections:
            ((count, digest),) = connection.execute(
                f"SELECT count(*), bit_xor(hash(s::VARCHAR)) FROM ({section.query}) s"
            ).fetchall()
            found += [[corpus.name, section.name, section.title, count, digest]] if count else []
    return found


def collect_facts(warehouse: Warehouse) -> FactsReport:
    """Fill parsed.document_facts with what every corpus knows of its documents; nothing is written where it stands."""
    import pandas as pd

    table, kinds = DOCUMENT_FACTS.full_name, {column.name: column.type for column in DOCUMENT_FACTS.columns}

    def write(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        levels = pd.DataFrame({"education": EDUCATION_ORDER, "place": range(1, len(EDUCATION_ORDER) + 1)})
        connection.register("levels", levels)
        for corpus in _corpora(connection):
            known = {name for name, *_ in connection.execute(f"DESCRIBE {corpus.facts}").fetchall()}
            facts = ", ".join(
                f"{name if name in known else 'NULL'}::{kinds[name]} AS {name}" for name in (*FACTS, "education_order")
            )
            found = (
                f"SELECT '{corpus.name}' AS corpus, f.* REPLACE (coalesce(f.education_order, l.place)"
                f"::{kinds['education_order']} AS education_order)"
                f" FROM (SELECT {facts} FROM ({corpus.facts})) f LEFT JOIN levels l USING (education)"
            )
            standing = (
                f"SELECT corpus, {', '.join((*FACTS, 'education_order'))} FROM {table} WHERE corpus = '{corpus.name}'"
            )
            if _facts_state(connection, found) != _facts_state(connection, standing):
                connection.execute(f"DELETE FROM {table} WHERE corpus = ?", [corpus.name])
                connection.execute(f"INSERT INTO {table} BY NAME {found} ORDER BY doc_id")
        names = [corpus.name for corpus in _corpora(connection)]
        connection.execute(f"DELETE FROM {table} WHERE NOT list_contains(?::VARCHAR[], corpus)", [names])
        connection.unregister("levels")
        return connection.execute(
            f"SELECT corpus, count(*), {CONTENT} FROM {table} f GROUP BY ALL ORDER BY 1"
        ).fetchall()

    rows = warehouse.transact(write)
    return FactsReport(sum(count for _, count, _ in rows), content_hash([list(row) for row in rows]))


def _facts_state(connection: duckdb.DuckDBPyConnection, facts: str) -> object:
    return connection.execute(f"SELECT count(*), bit_xor(hash(f)) FROM ({facts}) f").fetchone()


def fill_missing_facts(warehouse: Warehouse) -> None:
    """Collect the facts of a warehouse of an earlier version, which has documents and no facts: nothing is ranked or
    published without them."""
    ((has_facts, has_documents),) = warehouse.rows(
        f"SELECT EXISTS (FROM {DOCUMENT_FACTS.full_name}), EXISTS (FROM {DOCUMENTS.full_name})"
    )
    if has_documents and not has_facts:
        collect_facts(warehouse)


CONTENT = "bit_xor(hash(f::VARCHAR))"
"""Of rows of parsed.document_facts under the name f, whatever their order."""


def jobs_of(warehouse: Warehouse, corpus: str) -> dict[str, float | None]:
    """By document of a corpus, the jobs that it stands for, where they are known."""
    rows = warehouse.rows(
        "SELECT d.doc_id, f.jobs FROM parsed.documents d"
        " LEFT JOIN parsed.document_facts f ON f.corpus = d.corpus AND f.doc_id = d.doc_id"
        " WHERE d.corpus = ? ORDER BY d.doc_id",
        [corpus],
    )
    return {doc_id: None if jobs is None else float(jobs) for doc_id, jobs in rows}


def _corpora(connection: duckdb.DuckDBPyConnection) -> list[Corpus]:
    """Every corpus that comes with the project, and those that the user's files fill."""
    own = connection.execute("SELECT DISTINCT corpus FROM raw.own_documents").fetchall()
    return corpora_of([*CORPORA, *(name for (name,) in own)])


def text_sha256(text: str) -> str:
    """SHA-256 (hex) of a document's text, as the model would read it."""
    return hashlib.sha256(text.encode()).hexdigest()
