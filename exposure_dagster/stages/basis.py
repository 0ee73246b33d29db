"""What the ranked tables of a prompt were made from, so that they are made again when any of it changes.

Each table keeps its own basis, written in the transaction that writes its rows: a chain of steps that was cut short
leaves tables of an older basis, or of none, and is known by that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from exposure_dagster.code_version import code_version
from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS, OOH_CORPUS
from exposure_dagster.errors import PromptError
from exposure_dagster.prompts.model import RankingDefinition, content_hash
from exposure_dagster.tables import CHANGES, RANKINGS, RESILIENCE, SUMMARIES, TASK_ROLLUPS, Table, registry_digest
from exposure_dagster.warehouse import Warehouse, put_fact

if TYPE_CHECKING:
    import pandas as pd

RANKED_TABLES = (RANKINGS, SUMMARIES, CHANGES, RESILIENCE, TASK_ROLLUPS)
"""Tables with rows of their own for each prompt, made from its answers."""

_BASIS = "basis of "
_RANKED_AS = "ranked as: prompt "

_ANSWERS = """
    SELECT prompt, concat(count(*), ' ', bit_xor(hash(s::VARCHAR)))
    FROM (SELECT * EXCLUDE (input_hash) FROM scored.scores) s GROUP BY prompt
"""


@dataclass(frozen=True)
class RankedAs:
    """By which definition, and about which corpus, the rankings that stand were made."""

    corpus: str
    definition: RankingDefinition


def answers_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By prompt, a digest of its standing answers."""
    return dict(connection.execute(_ANSWERS).fetchall())


@dataclass(frozen=True)
class RankingInputs:
    """All that a prompt's ranked tables are made from, as digests: definition, figures, answers, and our own code."""

    ranking_hash: str
    facts_digest: str | None
    scores_digest: str | None
    formula_version: str

    @property
    def ranking_input_hash(self) -> str:
        return content_hash([self.formula_version, self.ranking_hash, self.facts_digest, self.scores_digest])


def basis(ranking_hash: str, figures: str | None, answers: str | None) -> str:
    """Digest of all that a prompt's ranked tables are made from."""
    return RankingInputs(ranking_hash, figures, answers, _code()).ranking_input_hash


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
            facts_digest=figures_digests(connection).get(row[1]),
            scores_digest=answers_digests(connection).get(prompt),
            formula_version=_code(),
        )


def basis_now(warehouse: Warehouse, prompt: str) -> str:
    """The digest of it all."""
    return ranking_inputs_now(warehouse, prompt).ranking_input_hash


def basis_of_rankings(warehouse: Warehouse, prompt: str) -> str | None:
    """What the rankings that stand were made from: the basis of all that is made from them."""
    rows = warehouse.rows("SELECT value FROM meta.facts WHERE name = ?", [_fact(RANKINGS, prompt)])
    return rows[0][0] if rows else None


def put_basis(connection: duckdb.DuckDBPyConnection, table: Table, prompt: str, value: str | None) -> None:
    """Within the transaction that writes the prompt's rows of a table: keep what they were made from."""
    put_fact(connection, _fact(table, prompt), value)


def bases(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """By prompt and table, what was made from what."""
    result: dict[str, dict[str, str]] = {}
    # No parameter: with one DuckDB loads pandas, which takes longer than all else that `exposure status` does.
    for name, value in connection.execute(
        f"SELECT name, value FROM meta.facts WHERE starts_with(name, '{_BASIS}')"
    ).fetchall():
        table, prompt = name.removeprefix(_BASIS).split(": ", 1)
        result.setdefault(prompt, {})[table] = value
    return result


def put_ranked_as(connection: duckdb.DuckDBPyConnection, prompt: str, ranked_as: RankedAs) -> None:
    """Within the transaction that writes the prompt's rankings: keep how they were made."""
    value = json.dumps({"corpus": ranked_as.corpus, "definition": ranked_as.definition.model_dump(mode="json")})
    put_fact(connection, _RANKED_AS + prompt, value)


def ranked_as(connection: duckdb.DuckDBPyConnection) -> Mapping[str, RankedAs]:
    """By prompt, how the rankings that stand were made; where an earlier version of ours made them, as it is now."""
    found = {
        prompt: RankedAs(corpus or OOH_CORPUS, RankingDefinition.model_validate_json(definition))
        for prompt, corpus, definition in connection.execute(
            "SELECT prompt, corpus, definition::VARCHAR FROM ranked.definitions LEFT JOIN scored.prompts USING (prompt)"
        ).fetchall()
    }
    for name, value in connection.execute(
        "SELECT name, value FROM meta.facts WHERE starts_with(name, ?)", [_RANKED_AS]
    ).fetchall():
        parts = json.loads(value)
        definition = RankingDefinition.model_validate(parts["definition"])
        found[name.removeprefix(_RANKED_AS)] = RankedAs(parts["corpus"], definition)
    return found


def forget_bases(connection: duckdb.DuckDBPyConnection, prompt: str) -> None:
    """Within the transaction that purges a prompt's rows."""
    for table in RANKED_TABLES:
        put_basis(connection, table, prompt, None)
    put_fact(connection, _RANKED_AS + prompt, None)


def _fact(table: Table, prompt: str) -> str:
    return f"{_BASIS}{table.full_name}: {prompt}"


def _code() -> str:
    ours = code_version("ranking", "stages/history.py", "stages/ranked.py", "stages/resilience.py")
    return content_hash([ours, registry_digest()])


def figures_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By corpus, a digest of the figures that its rankings are made of besides the answers: jobs, pay, outlook …"""
    digests = {
        corpus: content_hash([connection.execute(_DIGEST.format(query)).fetchall() for query in queries])
        for corpus, queries in _FIGURES_OF.items()
    }
    if connection.execute("SELECT 1 FROM raw.own_documents LIMIT 1").fetchone():
        own = connection.execute("SELECT corpus, doc_id, title, jobs, median_pay_annual FROM raw.own_documents").df()
        digests |= {str(corpus): frame_digest(rows.sort_values("doc_id")) for corpus, rows in own.groupby("corpus")}
    return digests


_DIGEST = "SELECT count(*), bit_xor(hash(t::VARCHAR)) FROM ({}) t"

_FIGURES_OF = {
    OOH_CORPUS: (
        "SELECT slug, title, category, jobs, median_pay_annual, pay_basis, pay_is_top_coded, outlook_pct, outlook_desc,"
        " entry_education, soc_code, soc_codes, url FROM parsed.ooh_occupations",
    ),
    ONET_CORPUS: (
        "SELECT * EXCLUDE (text, origins) FROM parsed.onet_occupations",
        "SELECT onet_code, jobs_share FROM parsed.soc_crosswalk",
    ),
    ONET_TASKS_CORPUS: (
        "SELECT * FROM parsed.onet_tasks",
        "SELECT onet_code, title, soc_code, url FROM parsed.onet_occupations",
    ),
}


def frame_digest(frame: pd.DataFrame) -> str:
    """Digest of a frame's content, in its order."""
    return content_hash(frame.to_csv(index=False))
