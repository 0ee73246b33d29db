"""What is published beside each prompt's rankings and summaries, read from the warehouse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pandas as pd

from exposure_dagster.core.characters import harmless, harmless_in_sql
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.corpus import Corpus
from exposure_dagster.corpora.registry import CORPORA, MATCHED_WITH, ROLE_INDEX, Attribution, corpus_of
from exposure_dagster.pipeline.ranking_inputs import ranked_as
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.publishing.content import PublishedTable, WholeTable
from exposure_dagster.publishing.tables import (
    NOT_OF_RESILIENCE,
    OF_OCCUPATION,
    PROVENANCE,
    PUBLISHED_PROMPTS,
    PUBLISHED_VERSIONS,
    ROLE_OCCUPATIONS,
    SECTIONS,
    SHOWN_ITEMS,
)
from exposure_dagster.store.spool import Spool
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DISAGREEMENTS,
    DOCUMENT_FACTS,
    OCCUPATIONS,
    RELIABILITY,
    RESILIENCE,
    TASK_ROLLUPS,
    UNCERTAINTY,
)

_INDICES_OF_MATCHES = f"""
    SELECT DISTINCT onet_code, index, value FROM parsed.matches JOIN parsed.index_values v ON v.doc_id = onet_code
    WHERE is_accepted AND v.corpus = '{MATCHED_WITH.name}' AND value IS NOT NULL
"""

INDEX_VALUES_SHOWN = f"""
    SELECT index, corpus, doc_id, value FROM parsed.index_values
    WHERE value IS NOT NULL AND index IN (SELECT reference FROM {AGREEMENT.full_name})
"""
"""What indices that scores are held against say of documents."""

_TABLES = (
    *("ranked.rankings", "ranked.summaries", "ranked.changes", "ranked.resilience", "ranked.task_rollups"),
    *("ranked.uncertainty", "ranked.reliability"),
    *("ranked.agreement", "ranked.disagreements", "(SELECT DISTINCT index, licence, citation FROM raw.indices)"),
    *("ranked.occupations", "parsed.soc_crosswalk", "parsed.document_facts", "parsed.matches"),
    f"({_INDICES_OF_MATCHES})",
    f"({INDEX_VALUES_SHOWN})",
    "(SELECT prompt, is_enabled FROM scored.prompts WHERE prompt IN (SELECT prompt FROM ranked.rankings))",
    "(SELECT prompt, count(*), sum(cost_usd) FROM scored.responses WHERE is_accepted GROUP BY ALL)",
)


SHOWN_GAPS = 100
"""Disagreements that are published of a prompt with an index; the table has them all."""

_WIDEST_GAPS = f"""
    FROM {DISAGREEMENTS.full_name}
    QUALIFY row_number() OVER (PARTITION BY prompt, reference, subset ORDER BY abs(gap) DESC, doc_id) <= {SHOWN_GAPS}
    ORDER BY prompt, reference, subset, abs(gap) DESC, doc_id
"""


def index_credits(connection: duckdb.DuckDBPyConnection) -> tuple[Attribution, ...]:
    """Whose the indices are that published scores are held against, or that stand beside own roles."""
    rows = connection.execute(
        f"""
        SELECT coalesce(any_value(citation), 'Index ' || string_agg(DISTINCT index, ', ' ORDER BY index)), licence,
               string_agg(DISTINCT index, ', ' ORDER BY index)
        FROM raw.indices
        WHERE index IN (SELECT reference FROM {AGREEMENT.full_name} UNION SELECT index FROM ({_INDICES_OF_MATCHES}))
        GROUP BY licence, coalesce(citation, index) ORDER BY 3
        """
    ).fetchall()
    return tuple(
        (harmless(title.removesuffix(".")), None, harmless(f"{f'{licence}. ' if licence else ''}Indices: {names}."))
        for title, licence, names in rows
    )


def published_from(corpora: Iterable[Corpus]) -> list[str]:
    """All that a publication about these corpora is read from, with the columns that reach it, as parts of queries."""
    queries = [
        query
        for corpus in corpora
        for query in (
            corpus.provenance,
            *(export.query for export in corpus.exports),
            *(section.query for section in corpus.sections),
            *filter(None, [corpus.other_titles]),
            *corpus.published_from,
        )
    ]
    return [*_TABLES, *(f"({query})" for query in dict.fromkeys(queries))]


@dataclass(frozen=True)
class Held:
    """What of very long tables is held: by corpus that is too long to be shown whole, the documents that are shown, and
    the prompts that have too many rows."""

    shown: Mapping[str, Sequence[str]] = field(default_factory=dict)
    long: Collection[str] = ()


def held_of(connection: duckdb.DuckDBPyConnection, most_shown: int, most_held: int) -> Held:
    """The documents that have the most jobs, of each corpus of which not all are shown, or not all answers held."""
    counts = connection.execute(
        f"SELECT corpus FROM {DOCUMENT_FACTS.full_name} GROUP BY corpus HAVING count(*) > ?", [most_shown]
    ).fetchall()
    rankings = connection.execute(
        "SELECT prompt FROM ranked.rankings GROUP BY prompt HAVING count(*) > ?", [most_held]
    ).fetchall()
    how = ranked_as(connection)
    long = {prompt: how[prompt].corpus for (prompt,) in rankings}
    first = "ORDER BY jobs DESC NULLS LAST, doc_id LIMIT ?"
    shown = {
        corpus: connection.execute(
            f"SELECT doc_id FROM {DOCUMENT_FACTS.full_name} WHERE corpus = ? {first}", [corpus, most_shown]
        ).fetchall()
        for corpus in sorted({*(corpus for (corpus,) in counts), *long.values()})
    }
    for prompt, corpus in long.items():  # of documents that are there no more: their file is not set, say
        shown[corpus] = (
            shown[corpus]
            or connection.execute(
                f"SELECT doc_id FROM ranked.rankings WHERE prompt = ? {first}", [prompt, most_shown]
            ).fetchall()
        )
    return Held({corpus: [doc_id for (doc_id,) in rows] for corpus, rows in shown.items()}, long)


def whole_table(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object], table: Table
) -> WholeTable:
    """All that a query finds, on disk: columns of the types that the table has, and no text that acts on a terminal."""
    named = connection.execute(f"SELECT * FROM ({query}) LIMIT 0", parameters).description or []
    kinds = {column.name: column.type for column in table.columns}
    columns = ", ".join(f"{_harmless(name, kinds[name])}::{kinds[name]} AS {name}" for name, *_ in named)
    spool = Spool()
    spool.take(connection, f"SELECT {columns} FROM ({query})", parameters)
    with duckdb.connect() as own:
        ((rows, digest),) = own.execute(f"SELECT count(*), bit_xor(hash(t::VARCHAR)) FROM {spool.source} t").fetchall()
    return WholeTable(spool, rows, content_hash([table.name, [name for name, *_ in named], rows, str(digest)]))


def rows_about(whole: WholeTable, column: str, documents: Sequence[str], order: str) -> pd.DataFrame:
    """The rows of a long table that are about these documents, in their order."""
    with duckdb.connect() as own:
        return own.execute(
            f"FROM {whole.spool.source} WHERE {column} IN (SELECT unnest(?)) ORDER BY {order}", [list(documents)]
        ).df()


def _harmless(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return harmless_in_sql(f"{name}::VARCHAR")
    if kind == "VARCHAR[]":
        return f"list_transform({name}::VARCHAR[], lambda one: {harmless_in_sql('one')})"
    return name


def published_tables(connection: duckdb.DuckDBPyConnection, held: Held) -> tuple[PublishedTable, ...]:
    """The tables, each with its own columns and in its order; those without a row are left out."""
    return tuple(table for table in _tables(connection, held) if len(table.rows) or table.whole is not None)


def _tables(connection: duckdb.DuckDBPyConnection, held: Held) -> Iterator[PublishedTable]:
    prompts = _prompts(connection)
    corpora = dict(zip(prompts["prompt"], prompts["corpus"], strict=True))

    for prompt, corpus in corpora.items():
        about = _About(prompt, held.shown.get(corpus, ()), is_long=prompt in held.long)
        query, parameters = _provenance(prompt, corpus)
        yield about.table(connection, PROVENANCE, PROVENANCE.name, query, parameters, order="doc_id")
        if corpus not in CORPORA:
            query, parameters = _role_occupations(prompt, corpus)
            yield about.table(
                *(connection, ROLE_OCCUPATIONS, ROLE_OCCUPATIONS.name, query, parameters), order="rank, title, doc_id"
            )
    shown = ", ".join(name for name in RESILIENCE.column_names if name not in NOT_OF_RESILIENCE)
    for table, stem, columns, order, key in (
        (RESILIENCE, "ai_resilience", shown, "rank, title, onet_code", "onet_code"),
        (TASK_ROLLUPS, "task_rollups", "* EXCLUDE (prompt)", "rank, title, onet_code", None),
        (UNCERTAINTY, "uncertainty", "*", "doc_id", "doc_id"),
        (RELIABILITY, "reliability", "*", "attribute, facet, statistic", None),
    ):
        for (prompt,) in connection.execute(f"SELECT DISTINCT prompt FROM {table.full_name} ORDER BY 1").fetchall():
            query = f"SELECT {columns} FROM {table.full_name} WHERE prompt = $prompt ORDER BY {order}"
            is_long = prompt in held.long and key is not None  # others have few rows, however many documents there are
            about = _About(prompt, held.shown.get(corpora.get(prompt, ""), ()), is_long=is_long)
            yield about.table(connection, table, stem, query, {"prompt": prompt}, order=order, key=key or "")

    def all_of(table: Table, stem: str, query: str) -> PublishedTable:
        return PublishedTable(table, stem, _whole(connection.execute(query).df(), table))

    yield all_of(OCCUPATIONS, "occupations", f"SELECT * FROM {OCCUPATIONS.full_name} ORDER BY slug, prompt")
    for corpus_known in CORPORA.values():
        for export in corpus_known.exports:
            yield all_of(export.table, export.stem, export.query)
    yield _changes(connection, held)
    yield all_of(AGREEMENT, "agreement", f"SELECT * FROM {AGREEMENT.full_name} ORDER BY prompt, reference, subset")
    yield all_of(DISAGREEMENTS, "disagreements", _WIDEST_GAPS)
    yield PublishedTable(SECTIONS, SECTIONS.name, _sections(connection))
    yield PublishedTable(PUBLISHED_PROMPTS, PUBLISHED_PROMPTS.name, prompts)
    yield PublishedTable(PUBLISHED_VERSIONS, PUBLISHED_VERSIONS.name, _versions(connection))


@dataclass(frozen=True)
class _About:
    """A prompt, and what of its tables is held where they are long: rows about these documents."""

    prompt: str
    shown: Sequence[str]
    is_long: bool

    def table(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: Table,
        stem: str,
        query: str,
        parameters: Mapping[str, object],
        *,
        order: str,
        key: str = "doc_id",
    ) -> PublishedTable:
        """What a query finds, as a table of the prompt. `key` is the column of its documents."""
        if not self.is_long:
            return PublishedTable(table, stem, _whole(connection.execute(query, parameters).df(), table), self.prompt)
        whole = whole_table(connection, query, parameters, table)
        rows = _whole(rows_about(whole, key, self.shown, order), table)
        return PublishedTable(table, stem, rows, self.prompt, whole if whole.rows else None)


def _changes(connection: duckdb.DuckDBPyConnection, held: Held) -> PublishedTable:
    order = "prompt, abs(shift) DESC, doc_id"
    query = f"SELECT * FROM {CHANGES.full_name} ORDER BY {order}"
    ((is_long,),) = connection.execute(
        f"SELECT EXISTS (FROM {CHANGES.full_name} WHERE list_contains(?, prompt))", [sorted(held.long)]
    ).fetchall()
    if not is_long:
        return PublishedTable(CHANGES, "changes", _whole(connection.execute(query).df(), CHANGES))
    whole = whole_table(connection, query, {}, CHANGES)
    documents = [doc_id for ids in held.shown.values() for doc_id in ids]
    return PublishedTable(
        CHANGES, "changes", _whole(rows_about(whole, "doc_id", documents, order), CHANGES), whole=whole
    )


def _sections(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    frames = [
        connection.execute(
            f"SELECT ? AS corpus, doc_id, ? AS section, ? AS title, items[:{SHOWN_ITEMS}] AS items"
            f" FROM ({section.query}) ORDER BY doc_id",
            [corpus.name, section.name, section.title],
        ).df()
        for corpus in CORPORA.values()
        for section in corpus.sections
    ]
    return pd.concat(frames, ignore_index=True)


def _prompts(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    ranked = {prompt for (prompt,) in connection.execute("SELECT DISTINCT prompt FROM ranked.rankings").fetchall()}
    records = []
    for prompt, how in sorted(ranked_as(connection).items()):
        definition = how.definition
        if prompt not in ranked:
            continue
        records.append(
            {
                "prompt": prompt,
                "title": definition.title,
                "description": definition.description,
                "corpus": how.corpus,
                "scale_low": definition.scale_low,
                "scale_high": definition.scale_high,
                "ranking_hash": definition.ranking_hash,
                "definition": definition.model_dump_json(),
            }
        )
    return pd.DataFrame(records, columns=list(PUBLISHED_PROMPTS.column_names))


def _versions(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Versions that nobody has answered are left out: an edit alone changes nothing that is published."""
    rows = connection.execute(
        """
        SELECT prompt, prompt_hash, min(first_seen_at), bool_or(standing.prompt IS NOT NULL),
               any_value(definition)::VARCHAR
        FROM scored.prompt_versions
        LEFT JOIN (SELECT DISTINCT prompt, prompt_hash FROM ranked.rankings) standing USING (prompt, prompt_hash)
        LEFT JOIN (SELECT DISTINCT prompt, prompt_hash FROM scored.score_versions) past USING (prompt, prompt_hash)
        WHERE prompt IN (SELECT prompt FROM ranked.rankings)
          AND (standing.prompt IS NOT NULL OR past.prompt IS NOT NULL)
        GROUP BY 1, 2 ORDER BY 1, 3, 2
        """
    ).fetchall()
    records = []
    for prompt, prompt_hash, first_seen_at, is_standing, text in rows:
        asked = AskedPrompt.model_validate_json(text)
        records.append(
            {
                "prompt": prompt,
                "prompt_hash": prompt_hash,
                "first_seen_at": first_seen_at,
                "is_standing": is_standing,
                "model": asked.model,
                "effort": asked.effort,
                "samples": asked.samples,
                "documents_per_request": asked.documents_per_request,
                "question": asked.system,
            }
        )
    return pd.DataFrame(records, columns=list(PUBLISHED_VERSIONS.column_names))


def _provenance(prompt: str, corpus: str) -> tuple[str, dict[str, object]]:
    """Where each score of a prompt comes from, as a query."""
    return (
        f"""
        WITH accepted AS (
            SELECT doc_id, prompt_hash, text_sha256, list(DISTINCT request_id ORDER BY request_id)
                     FILTER (request_id IS NOT NULL) AS request_ids,
                   sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens,
                   sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
                   sum(cache_write_tokens)::BIGINT AS cache_write_tokens, sum(cost_usd) AS cost_usd
            FROM (
                FROM scored.responses WHERE prompt = $prompt AND is_accepted
                QUALIFY epoch IS NOT DISTINCT FROM max(epoch) OVER (PARTITION BY prompt_hash, doc_id, text_sha256)
            )
            GROUP BY ALL
        ), pages AS ({corpus_of(corpus).provenance})
        SELECT s.prompt, s.doc_id, s.text_sha256, s.samples, s.score_sd, s.note, s.error,
               CASE WHEN pages.url LIKE 'http%' THEN pages.url END AS page_url,
               pages.content_sha256 AS page_sha256, pages.fetched_at AS page_fetched_at,
               coalesce(request_ids, []) AS request_ids, input_tokens, output_tokens, cache_read_tokens,
               cache_write_tokens, cost_usd
        FROM scored.scores s
        LEFT JOIN accepted ON s.scorer <> 'baseline' AND accepted.doc_id = s.doc_id
             AND accepted.prompt_hash = s.prompt_hash AND accepted.text_sha256 = s.text_sha256
        LEFT JOIN pages ON pages.doc_id = s.doc_id
        WHERE s.prompt = $prompt AND s.doc_id IN (SELECT doc_id FROM ranked.rankings WHERE prompt = $prompt)
        ORDER BY s.doc_id
        """,
        {"prompt": prompt},
    )


def _role_occupations(prompt: str, corpus: str) -> tuple[str, dict[str, object]]:
    """Own documents of a prompt beside their occupations, as a query: facts are of accepted ones alone."""
    names = [
        name.removeprefix(OF_OCCUPATION) for name in ROLE_OCCUPATIONS.column_names if name.startswith(OF_OCCUPATION)
    ]
    facts = [name for name in names if name in DOCUMENT_FACTS.column_names]
    return (
        f"""
        WITH neighbours AS (
            SELECT onet_code, list(name ORDER BY place) AS neighbours FROM ({ROLE_INDEX.neighbours}) GROUP BY onet_code
        )
        SELECT r.prompt, r.doc_id, r.title, r.rank, r.score, m.onet_code, m.occupation, m.share, m.how, m.is_accepted,
               {", ".join(f"f.{name} AS {OF_OCCUPATION}{name}" for name in facts)},
               i.indices AS {OF_OCCUPATION}indices, coalesce(neighbours, []) AS neighbours
        FROM ranked.rankings r
        JOIN parsed.matches m ON m.corpus = $corpus AND m.doc_id = r.doc_id AND m.rank = 1
        LEFT JOIN (
            SELECT * REPLACE (CASE WHEN jobs IS NOT NULL THEN jobs_basis END AS jobs_basis)
            FROM parsed.document_facts WHERE corpus = $matched_with
        ) f ON f.doc_id = m.onet_code AND m.is_accepted
        LEFT JOIN (
            SELECT onet_code, to_json(map(list(index ORDER BY index), list(value ORDER BY index))) AS indices
            FROM ({_INDICES_OF_MATCHES}) GROUP BY onet_code
        ) i ON i.onet_code = m.onet_code AND m.is_accepted
        LEFT JOIN neighbours n ON n.onet_code = m.onet_code AND m.is_accepted
        WHERE r.prompt = $prompt ORDER BY r.rank, r.title, r.doc_id
        """,
        {"prompt": prompt, "corpus": corpus, "matched_with": MATCHED_WITH.name},
    )


def _whole(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Whole numbers stay whole where some are missing."""
    whole = {column.name for column in table.columns if column.type in ("BIGINT", "INTEGER")}
    return rows.astype({name: "Int64" for name in rows.columns if name in whole})
