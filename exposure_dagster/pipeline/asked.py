"""What a prompt is asked about: the documents of its corpus, with the sections that it includes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.tables import TEXTS

if TYPE_CHECKING:
    import duckdb


def asked_documents(corpus: str, include: Sequence[str] = ()) -> str:
    """The query of what is asked about: doc_id, title, text, text_sha256.

    Without an include these are the rows of parsed.documents. With one each text ends with the sections, those that a
    document has.
    """
    documents = f"SELECT doc_id, title, text, text_sha256 FROM parsed.documents WHERE corpus = {_quoted(corpus)}"
    parts = [section for section in corpus_of(corpus).sections if section.name in include]
    if not parts:
        return documents
    text = " || ".join(["d.text", *(f"coalesce({section.name}.part, '')" for section in parts)])
    joins = " ".join(
        f"LEFT JOIN (SELECT doc_id, {_quoted(_heading(section.title))} || array_to_string(items, '; ') AS part"
        f" FROM ({section.query})) {section.name} USING (doc_id)"
        for section in parts
    )
    return (
        "SELECT doc_id, title, text, sha256(text) AS text_sha256"
        f" FROM (SELECT d.doc_id, d.title, {text} AS text FROM ({documents}) d {joins})"
    )


def keep_texts(connection: duckdb.DuckDBPyConnection, corpus: str, include: Sequence[str]) -> None:
    """Within the caller's transaction: keep the texts that a prompt with an include is asked about in parsed.texts.

    Those without one are kept when the documents are collected.
    """
    if include:
        table = TEXTS.full_name
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT text_sha256, any_value(text) AS text"
            f" FROM ({asked_documents(corpus, include)}) WHERE text_sha256 NOT IN (SELECT text_sha256 FROM {table})"
            " GROUP BY 1 ORDER BY 1"
        )


def _heading(title: str) -> str:
    return f"\n\n## {title}\n\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
