"""Ranking the standing answers of a prompt."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import duckdb
import pandas as pd

from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS, OOH_CORPUS
from exposure_dagster.errors import PromptError
from exposure_dagster.prompts.model import Prompt, RankingDefinition
from exposure_dagster.ranking.rankings import FACT_COLUMNS, attribute_frame, rank_documents
from exposure_dagster.ranking.resilience import rank_resilience
from exposure_dagster.ranking.summaries import soc_major_group, summarize
from exposure_dagster.stages.basis import (
    RankedAs,
    basis_now,
    basis_of_rankings,
    frame_digest,
    put_basis,
    put_ranked_as,
    ranking_inputs_now,
)
from exposure_dagster.tables import DEFINITIONS, RANKING_INPUTS, RANKINGS, SUMMARIES, Table
from exposure_dagster.warehouse import Warehouse, replace_rows

_OF_ANSWER = ["status", "scorer", "model", "prompt_hash", "scored_at"]


@dataclass(frozen=True)
class RankReport:
    """The rows that were written, and the digest of them."""

    rows: pd.DataFrame
    digest: str


def record_definition(warehouse: Warehouse, prompt: Prompt) -> str:
    """Fill ranked.definitions for one prompt; returns its ranking_hash."""
    with warehouse.transaction() as connection:
        put_definition(connection, prompt)
    return prompt.ranking.ranking_hash


def put_definition(connection: duckdb.DuckDBPyConnection, prompt: Prompt) -> None:
    """The same, within the caller's transaction."""
    definition = prompt.ranking
    row = {
        "prompt": prompt.name,
        "ranking_hash": definition.ranking_hash,
        "definition": definition.model_dump_json(),
    }
    replace_rows(connection, DEFINITIONS, pd.DataFrame([row]), where={"prompt": prompt.name})


def collect_ranking_inputs(warehouse: Warehouse, prompt: str) -> str:
    """Fill ranked.inputs for one prompt; returns its ranking_input_hash."""
    inputs = ranking_inputs_now(warehouse, prompt)
    row = {"prompt": prompt, "ranking_input_hash": inputs.ranking_input_hash, **asdict(inputs)}
    warehouse.replace(RANKING_INPUTS, pd.DataFrame([row]), where={"prompt": prompt})
    return inputs.ranking_input_hash


def rank_prompt(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.rankings for one prompt from scored.scores, ranked.definitions and what the sources print."""
    with warehouse.snapshot() as now:
        made_from = basis_now(now, prompt)
        definition = stored_definition(now, prompt)
        scores = now.read("SELECT * EXCLUDE (prompt) FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [prompt])
        found = now.rows("SELECT corpus FROM scored.prompts WHERE prompt = ?", [prompt])
        corpus = found[0][0] if found else OOH_CORPUS
        facts = document_facts(now, corpus)
        ranked_by = _ranked_by(now, scores, definition)
    rankings = rank_documents(prompt, scores, facts, definition, ranked_by=ranked_by)
    with warehouse.transaction() as connection:
        replace_rows(connection, RANKINGS, rankings, where={"prompt": prompt})
        put_basis(connection, RANKINGS, prompt, made_from)
        put_ranked_as(connection, prompt, RankedAs(corpus, definition))
    return RankReport(rankings, frame_digest(rankings))


def _ranked_by(warehouse: Warehouse, scores: pd.DataFrame, definition: RankingDefinition) -> pd.Series | None:
    """By document, the number that a resilience formula ranks by; None where the score itself is."""
    if definition.resilience is None:
        return None
    return resilience_rows(warehouse, scores, definition).set_index("onet_code")["final_ranking"]


def resilience_rows(warehouse: Warehouse, scores: pd.DataFrame, definition: RankingDefinition) -> pd.DataFrame:
    """Answers (rows of scored.scores of one prompt) ranked by its formula, as `rank_resilience` makes them."""
    assert definition.resilience is not None
    attributes = attribute_frame(scores, definition)
    answers = pd.concat([scores[["doc_id", "rationale", *_OF_ANSWER]], attributes], axis="columns")
    answers = answers.rename(columns={"doc_id": "onet_code", "rationale": "key_drivers"})
    answers["key_drivers"] = answers["key_drivers"].where(answers["status"] == "ok")
    occupations = warehouse.read("SELECT * EXCLUDE (text, origins) FROM parsed.onet_occupations ORDER BY onet_code")
    return rank_resilience(answers, occupations, definition.resilience)


def summarize_prompt(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.summaries for one prompt from ranked.rankings."""
    with warehouse.snapshot() as now:
        made_from = basis_of_rankings(now, prompt)
        rankings = now.read("SELECT * FROM ranked.rankings WHERE prompt = ? ORDER BY rank, doc_id", [prompt])
        definition = stored_definition(now, prompt)
    summaries = summarize(prompt, rankings, definition)
    replace_ranked(warehouse, SUMMARIES, summaries, prompt, made_from)
    return RankReport(summaries, frame_digest(summaries))


def replace_ranked(warehouse: Warehouse, table: Table, rows: pd.DataFrame, prompt: str, made_from: str | None) -> None:
    """Put a prompt's rows into a ranked table, with what they were made from."""
    with warehouse.transaction() as connection:
        replace_rows(connection, table, rows, where={"prompt": prompt})
        put_basis(connection, table, prompt, made_from)


def stored_definition(warehouse: Warehouse, prompt: str) -> RankingDefinition:
    """How the prompt's answers are ranked, as recorded. Raises PromptError where nothing is recorded."""
    rows = warehouse.rows("SELECT definition FROM ranked.definitions WHERE prompt = ?", [prompt])
    if not rows:
        raise PromptError(
            "nothing says how its answers are ranked",
            where=f"prompt {prompt}",
            remedy="Materialize ranked/definitions for it first.",
        )
    return RankingDefinition.model_validate_json(rows[0][0])


def document_facts(warehouse: Warehouse, corpus: str) -> pd.DataFrame:
    """What is known about the documents of a corpus: one row a document, columns `FACT_COLUMNS`."""
    if corpus in _FACTS_OF:
        facts = warehouse.read(_FACTS_OF[corpus])
        facts["soc_major_group"] = [soc_major_group(code, []) for code in facts["soc_code"]]
        return facts.reindex(columns=list(FACT_COLUMNS))
    if corpus != OOH_CORPUS:
        facts = warehouse.read(_FACTS_OF_OWN_DOCUMENTS, [corpus])
        return facts.reindex(columns=list(FACT_COLUMNS))
    facts = warehouse.read("SELECT slug AS doc_id, * EXCLUDE (slug, text) FROM parsed.ooh_occupations")
    facts["soc_major_group"] = [
        soc_major_group(code if isinstance(code, str) else None, list(codes))
        for code, codes in zip(facts["soc_code"], facts["soc_codes"], strict=True)
    ]
    return facts[list(FACT_COLUMNS)]


_FACTS_OF_OWN_DOCUMENTS = """
    SELECT d.doc_id, d.title, o.jobs, o.median_pay_annual,
           CASE WHEN o.median_pay_annual IS NOT NULL THEN 'annual' END AS pay_basis
    FROM parsed.documents d LEFT JOIN raw.own_documents o USING (corpus, doc_id) WHERE corpus = ?
"""

_FACTS_OF = {
    ONET_CORPUS: """
        SELECT onet_code AS doc_id, o.title, 'Job zone ' || job_zone AS category, jobs.jobs,
               median_wage_annual AS median_pay_annual, wage_is_top_coded AS pay_is_top_coded,
               CASE WHEN median_wage_annual IS NOT NULL THEN 'annual'
                    WHEN median_wage_hourly IS NOT NULL THEN 'hourly_only' ELSE 'none' END AS pay_basis,
               employment_change_pct AS outlook_pct,
               CASE growth_category WHEN 'Average' THEN 'As fast as average' ELSE growth_category END AS outlook_desc,
               education_top AS entry_education, soc_code, url
        FROM parsed.onet_occupations o LEFT JOIN (
            SELECT onet_code, sum(jobs_share)::BIGINT AS jobs FROM parsed.soc_crosswalk GROUP BY 1
        ) jobs USING (onet_code)
    """,
    ONET_TASKS_CORPUS: """
        SELECT doc_id, task AS title, o.title AS category, o.soc_code, o.url
        FROM parsed.onet_tasks t JOIN parsed.onet_occupations o USING (onet_code)
    """,
}
"""Facts of O*NET's corpora. Jobs of an occupation are its share (parsed.soc_crosswalk); a task has none, or its
occupation's would be counted once a task."""
