"""Prompts as they are recorded: their files now, and every version that was ever seen."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import PromptError
from exposure_dagster.prompts.model import AskedPrompt, BaselineDefinition, Prompt
from exposure_dagster.store.warehouse import Warehouse, insert_rows, put_fact, replace_rows
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DEFINITIONS,
    DISAGREEMENTS,
    GATE,
    INPUTS,
    MADE_FROM,
    PROMPT_VERSIONS,
    PROMPTS,
    RANKING_INPUTS,
    RANKINGS,
    RELIABILITY,
    RESILIENCE,
    SCORES,
    SUMMARIES,
    TASK_ROLLUPS,
    UNCERTAINTY,
    VARIANTS,
)

_STANDING_TABLES = (
    *(PROMPTS, INPUTS, SCORES, VARIANTS, DEFINITIONS, RANKING_INPUTS, MADE_FROM),
    *(RANKINGS, UNCERTAINTY, RELIABILITY, SUMMARIES, CHANGES, RESILIENCE, TASK_ROLLUPS, AGREEMENT, DISAGREEMENTS),
    GATE,
)


STAYS = (
    "{name}: there is no file of it here, and its scores stay, since {owner} owns the prompt files. Where that is "
    "meant to be here, set EXPOSURE_PROMPTS_OWNER to that name"
)
"""What is said of a prompt that another machine may have a file of."""

_GENERATION = "generation of prompt "


@dataclass(frozen=True)
class StoredPrompt:
    """A prompt as scored.prompts and scored.prompt_versions hold it: what scoring works from."""

    name: str
    prompt_hash: str
    corpus: str
    asked: AskedPrompt
    baseline: BaselineDefinition


def record_prompt(warehouse: Warehouse, prompt: Prompt) -> None:
    """Fill scored.prompts for one prompt, and keep its version in scored.prompt_versions for ever."""
    warehouse.transact(lambda connection: put_prompt(connection, prompt))


def put_prompt(connection: duckdb.DuckDBPyConnection, prompt: Prompt) -> None:
    """The same, within the caller's transaction."""
    import pandas as pd

    prompt_hash = prompt.asked.prompt_hash
    row = {
        "prompt": prompt.name,
        "prompt_hash": prompt_hash,
        "corpus": prompt.file.corpus,
        "title": prompt.file.title,
        "model": prompt.asked.model_names,
        "baseline_hash": prompt.baseline.baseline_hash,
        "baseline_definition": prompt.baseline.model_dump_json(),
        "source": prompt.source,
        "is_enabled": prompt.file.enabled,
    }
    replace_rows(connection, PROMPTS, pd.DataFrame([row]), where={"prompt": prompt.name})
    keep_prompt_version(connection, prompt)


def keep_prompt_version(connection: duckdb.DuckDBPyConnection, prompt: Prompt) -> None:
    """Within the caller's transaction: keep the version in scored.prompt_versions, unless it is there; of a prompt that
    several models are asked, what each of them is asked too, and what its variants ask."""
    import pandas as pd

    every = {one.prompt_hash: one for one in prompt.asked.questions.values()} | {prompt.asked.prompt_hash: prompt.asked}
    for asked in every.values():
        version = {
            "prompt_hash": asked.prompt_hash,
            "prompt": prompt.name,
            "definition": asked.model_dump_json(),
            "first_seen_at": utc_now(),
        }
        known = connection.execute(
            f"SELECT definition FROM {PROMPT_VERSIONS.full_name} WHERE prompt_hash = ? AND prompt = ?",
            [asked.prompt_hash, prompt.name],
        ).fetchone()
        if known is None:
            insert_rows(connection, PROMPT_VERSIONS, pd.DataFrame([version]))
        elif AskedPrompt.model_validate_json(known[0]) != asked:  # another number of samples: the same question
            connection.execute(
                f"UPDATE {PROMPT_VERSIONS.full_name} SET definition = ? WHERE prompt_hash = ? AND prompt = ?",
                [version["definition"], asked.prompt_hash, prompt.name],
            )


def stored_prompt(warehouse: Warehouse, name: str) -> StoredPrompt:
    """The snapshot of a prompt. Raises PromptError where it was never recorded."""
    rows = warehouse.rows(
        "SELECT prompt, p.prompt_hash, corpus, v.definition, baseline_definition FROM scored.prompts p"
        " JOIN scored.prompt_versions v USING (prompt_hash, prompt) WHERE prompt = ?",
        [name],
    )
    if not rows:
        raise PromptError("it is not recorded yet", where=f"prompt {name}", remedy="Materialize scored/prompts for it.")
    prompt, prompt_hash, corpus, asked, baseline = rows[0]
    return StoredPrompt(
        prompt,
        prompt_hash,
        corpus,
        AskedPrompt.model_validate_json(asked),
        BaselineDefinition.model_validate_json(baseline),
    )


def is_enabled(warehouse: Warehouse, name: str) -> bool:
    """Whether the prompt is asked without being named, as recorded."""
    return warehouse.rows("SELECT is_enabled FROM scored.prompts WHERE prompt = ?", [name]) != [(False,)]


def generations(warehouse: Warehouse) -> dict[str, int]:
    """How often each prompt's rows were purged, for those that ever were."""
    # No parameter: with one DuckDB loads pandas, which takes longer than all else that `exposure status` does.
    rows = warehouse.rows(f"SELECT name, value FROM meta.facts WHERE starts_with(name, '{_GENERATION}')")
    return {name.removeprefix(_GENERATION): int(value) for name, value in rows}


def forget_prompt(warehouse: Warehouse, name: str) -> None:
    """Purge a prompt whose file is gone. Its ledger, its versions and its history stay."""

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        for table in _STANDING_TABLES:
            connection.execute(f"DELETE FROM {table.full_name} WHERE prompt = ?", [name])
        fact = _GENERATION + name
        row = connection.execute("SELECT value FROM meta.facts WHERE name = ?", [fact]).fetchone()
        put_fact(connection, fact, str(int(row[0]) + 1 if row else 1))

    warehouse.transact(write)


def owner_of_prompts(warehouse: Warehouse, claim: str) -> str:
    """Who owns the prompt files, and alone purges what has none: others may have files that are not here.

    `claim` is the name under which they are owned from here. Where several machines share the tables it is the owner
    who came first; else it is.
    """
    if warehouse.shared is None:
        return claim
    from exposure_dagster.store.database import owner_of

    return owner_of(warehouse.shared, "prompt files", claim)


def recorded_prompts(warehouse: Warehouse) -> set[str]:
    """Names of the prompts of which the warehouse holds rows that stand."""
    if not warehouse.exists:
        return set()
    rows = warehouse.rows(
        "SELECT prompt FROM scored.prompts UNION SELECT prompt FROM scored.scores"
        " UNION SELECT prompt FROM ranked.rankings"
    )
    return {name for (name,) in rows}
