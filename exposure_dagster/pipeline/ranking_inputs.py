"""What a prompt's ranked tables are made from, as one digest: they are made again when it changes, and only then.

Each ranked table says in meta.made_from what it was made from, in the transaction that writes its rows: a chain of
steps that was cut short leaves tables of an earlier digest, or of none, and is known by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import duckdb

from exposure_dagster.core.errors import PromptError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.registry import CORPORA, JOINED_ON
from exposure_dagster.indices.expected import expected_version
from exposure_dagster.indices.tables import INDEX_VALUES, INDICES
from exposure_dagster.pipeline.documents import CONTENT, fill_missing_facts
from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.ranking import FORMULA_VERSION
from exposure_dagster.store.warehouse import Warehouse, replace_rows
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DISAGREEMENTS,
    GATE,
    MADE_FROM,
    RANKING_INPUTS,
    RANKINGS,
    RELIABILITY,
    RESILIENCE,
    SUMMARIES,
    TASK_ROLLUPS,
    UNCERTAINTY,
)

RANKED_TABLES = (
    RANKINGS,
    UNCERTAINTY,
    RELIABILITY,
    SUMMARIES,
    CHANGES,
    RESILIENCE,
    TASK_ROLLUPS,
    AGREEMENT,
    DISAGREEMENTS,
    GATE,
)
"""Tables with rows of their own for each prompt, made from its answers."""

_ANSWERS = """
    SELECT prompt, concat(count(*), ' ', bit_xor(hash(s::VARCHAR)))
    FROM (SELECT * EXCLUDE (input_hash) FROM scored.scores) s GROUP BY prompt
"""
_FACTS = f"SELECT corpus, concat(count(*), ' ', {CONTENT}) FROM parsed.document_facts f GROUP BY corpus"


@dataclass(frozen=True)
class RankingInputs:
    """All that a prompt's ranked tables are made from, as digests: definition, facts, answers, our formulas, and the
    indices that they are held against, where there are any."""

    ranking_hash: str
    facts_digest: str | None
    scores_digest: str | None
    formula_version: str = field(default_factory=lambda: FORMULA_VERSION)
    indices_digest: str | None = None

    @property
    def ranking_input_hash(self) -> str:
        parts = [self.formula_version, self.ranking_hash, self.facts_digest, self.scores_digest]
        return content_hash(parts if self.indices_digest is None else [*parts, self.indices_digest])


@dataclass(frozen=True)
class RankedAs:
    """By which definition, and about which corpus, the rankings that stand were made."""

    corpus: str
    definition: RankingDefinition


def answers_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By prompt, a digest of its standing answers."""
    return dict(connection.execute(_ANSWERS).fetchall())


def facts_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By corpus, a digest of the facts of its documents: jobs, pay, outlook …"""
    return dict(connection.execute(_FACTS).fetchall())


def indices_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By corpus, a digest of what indices say of its documents, and of those that they are parts of."""
    found = dict(
        connection.execute(
            f"""
            WITH scales AS (SELECT DISTINCT index, scale_low, scale_high FROM {INDICES.full_name})
            SELECT corpus, concat(count(*), ' ', bit_xor(hash(v::VARCHAR)))
            FROM (SELECT * FROM {INDEX_VALUES.full_name} LEFT JOIN scales USING (index)) v GROUP BY corpus
            """
        ).fetchall()
    )
    parts = {corpus.name: corpus.parts_of for corpus in CORPORA.values() if corpus.parts_of}
    of_corpora = {corpus: [digest] for corpus, digest in found.items()}
    for corpus, parent in parts.items():
        if parent in found:
            of_corpora[corpus] = [*of_corpora.get(corpus, []), f"{parent} {found[parent]}"]
    return {corpus: content_hash([expected_version(), digests]) for corpus, digests in of_corpora.items()}


def collect_ranking_inputs(warehouse: Warehouse, prompt: str) -> str:
    """Fill ranked.inputs for one prompt; returns its ranking_input_hash."""
    import pandas as pd

    fill_missing_facts(warehouse)
    inputs = ranking_inputs_now(warehouse, prompt)
    row = {"prompt": prompt, "ranking_input_hash": inputs.ranking_input_hash, **asdict(inputs)}
    warehouse.replace(RANKING_INPUTS, pd.DataFrame([row]), where={"prompt": prompt})
    return inputs.ranking_input_hash


def ranking_inputs_now(warehouse: Warehouse, prompt: str) -> RankingInputs:
    """What the prompt's ranked tables would be made from now. Raises PromptError where nothing says how."""
    with warehouse.connect(read_only=True) as connection:
        row = connection.execute(
            "SELECT ranking_hash, corpus FROM ranked.definitions LEFT JOIN scored.prompts USING (prompt)"
            " WHERE prompt = ?",
            [prompt],
        ).fetchone()
        if row is None:
            raise PromptError(
                "nothing says how its answers are ranked",
                where=f"prompt {prompt}",
                remedy="Materialize ranked/definitions for it first.",
            )
        return RankingInputs(
            ranking_hash=row[0],
            facts_digest=facts_digests(connection).get(row[1]),
            scores_digest=answers_digests(connection).get(prompt),
            indices_digest=indices_digests(connection).get(row[1]),
        )


def digest_now(warehouse: Warehouse, prompt: str) -> str:
    """The digest of all of it."""
    return ranking_inputs_now(warehouse, prompt).ranking_input_hash


def digest_of_rankings(warehouse: Warehouse, prompt: str) -> str | None:
    """What the rankings that stand were made from, and so all that is made from them."""
    rows = warehouse.rows(
        f"SELECT ranking_input_hash FROM {MADE_FROM.full_name} WHERE prompt = ? AND table_name = ?",
        [prompt, RANKINGS.full_name],
    )
    return rows[0][0] if rows else None


def put_made_from(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    prompt: str,
    ranking_input_hash: str | None,
    ranked_as: RankedAs | None = None,
) -> None:
    """Within the transaction that writes the prompt's rows of a table: keep what they were made from, and how."""
    import pandas as pd

    row = {
        "prompt": prompt,
        "table_name": table.full_name,
        "ranking_input_hash": ranking_input_hash,
        "corpus": None if ranked_as is None else ranked_as.corpus,
        "definition": None if ranked_as is None else ranked_as.definition.model_dump_json(),
    }
    where = {"prompt": prompt, "table_name": table.full_name}
    replace_rows(connection, MADE_FROM, pd.DataFrame([row]), where=where)


def made_from(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """By prompt and table, what was made from what."""
    result: dict[str, dict[str, str]] = {}
    for prompt, table, digest in connection.execute(
        f"SELECT prompt, table_name, ranking_input_hash FROM {MADE_FROM.full_name}"
    ).fetchall():
        result.setdefault(prompt, {})[table] = digest
    return result


def ranked_as(connection: duckdb.DuckDBPyConnection) -> Mapping[str, RankedAs]:
    """By prompt, how the rankings that stand were made; where an earlier version of ours made them, as it is now."""
    return {
        prompt: RankedAs(corpus or JOINED_ON.name, RankingDefinition.model_validate_json(definition))
        for prompt, corpus, definition in connection.execute(
            f"""
            SELECT d.prompt, coalesce(m.corpus, p.corpus), coalesce(m.definition, d.definition)::VARCHAR
            FROM ranked.definitions d LEFT JOIN scored.prompts p USING (prompt)
            LEFT JOIN {MADE_FROM.full_name} m ON m.prompt = d.prompt AND m.table_name = ?
            """,
            [RANKINGS.full_name],
        ).fetchall()
    }
