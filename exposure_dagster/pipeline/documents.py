"""What can be asked about, and what is known of it, collected from every corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.corpus import FACTS, Corpus
from exposure_dagster.corpora.registry import CORPORA, corpora_of
from exposure_dagster.corpora.terms import EDUCATION_ORDER
from exposure_dagster.store.warehouse import Warehouse, insert_rows
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
    """Fill parsed.documents with every corpus, and keep every text in parsed.texts."""
    import pandas as pd

    with warehouse.connect(read_only=True) as connection:
        frames = [
            connection.execute(corpus.documents).df().assign(corpus=corpus.name) for corpus in _corpora(connection)
        ]
    everything = pd.concat(frames, ignore_index=True)
    has_text = everything["text"].fillna("").str.strip() != ""
    documents = everything[has_text].copy()
    documents["text_sha256"] = documents["text"].map(text_sha256)

    def write(connection: duckdb.DuckDBPyConnection) -> tuple[int, list[object]]:
        connection.execute(f"DELETE FROM {DOCUMENTS.full_name}")
        insert_rows(connection, DOCUMENTS, documents)
        known = {digest for (digest,) in connection.execute(f"SELECT text_sha256 FROM {TEXTS.full_name}").fetchall()}
        texts = documents.drop_duplicates("text_sha256")
        new = texts[~texts["text_sha256"].isin(known)]
        insert_rows(connection, TEXTS, new[["text_sha256", "text"]])
        return len(new), _sections_digest(connection)

    new_texts, sections = warehouse.transact(write)
    texts_digest = corpus_digest(documents[["corpus", "doc_id", "text_sha256"]].itertuples(index=False, name=None))
    return DocumentsReport(
        documents=len(documents),
        new_texts=new_texts,
        without_text=tuple(everything.loc[~has_text, "doc_id"]),
        digest=content_hash([texts_digest, sections]) if sections else texts_digest,
    )


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
    """Fill parsed.document_facts with what every corpus knows of its documents."""
    import pandas as pd

    table, kinds = DOCUMENT_FACTS.full_name, {column.name: column.type for column in DOCUMENT_FACTS.columns}

    def write(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        levels = pd.DataFrame({"education": EDUCATION_ORDER, "place": range(1, len(EDUCATION_ORDER) + 1)})
        connection.register("levels", levels)
        connection.execute(f"DELETE FROM {table}")
        for corpus in _corpora(connection):
            known = {name for name, *_ in connection.execute(f"DESCRIBE {corpus.facts}").fetchall()}
            facts = ", ".join(
                name if name in known else f"NULL::{kinds[name]} AS {name}" for name in (*FACTS, "education_order")
            )
            connection.execute(
                f"INSERT INTO {table} BY NAME SELECT ? AS corpus, f.* REPLACE (coalesce(f.education_order, l.place) AS"
                f" education_order) FROM (SELECT {facts} FROM ({corpus.facts})) f LEFT JOIN levels l USING (education)"
                " ORDER BY doc_id",
                [corpus.name],
            )
        connection.unregister("levels")
        return connection.execute(
            f"SELECT corpus, count(*), {CONTENT} FROM {table} f GROUP BY ALL ORDER BY 1"
        ).fetchall()

    rows = warehouse.transact(write)
    return FactsReport(sum(count for _, count, _ in rows), content_hash([list(row) for row in rows]))


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


def corpus_digest(rows: Iterable[tuple[str, ...]]) -> str:
    """Digest of (…, doc_id, text_sha256) rows, whatever their order."""
    return content_hash(sorted(rows))
