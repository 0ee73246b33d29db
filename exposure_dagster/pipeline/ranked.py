"""Ranking the standing answers of a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from exposure_dagster.core.errors import PromptError
from exposure_dagster.core.hashing import content_hash, frame_digest
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.terms import SEVERAL_GROUPS, SOC_MAJOR_GROUPS
from exposure_dagster.pipeline.ranking_inputs import RankedAs, digest_now, digest_of_rankings, put_made_from
from exposure_dagster.pipeline.samples import standing_answers
from exposure_dagster.prompts.model import Prompt, RankingDefinition
from exposure_dagster.ranking.pay import USD, currency_of
from exposure_dagster.ranking.rankings import FACT_COLUMNS, attribute_frame, estimate_errors, ranks
from exposure_dagster.ranking.reliability import reliability
from exposure_dagster.ranking.resilience import rank_resilience
from exposure_dagster.ranking.summaries import summarize
from exposure_dagster.ranking.uncertainty import uncertainty
from exposure_dagster.store.spool import quoted
from exposure_dagster.store.warehouse import Warehouse, replace_rows
from exposure_dagster.tables import DEFINITIONS, RANKINGS, RELIABILITY, SUMMARIES, UNCERTAINTY

_OF_ANSWER = ["status", "scorer", "model", "prompt_hash", "scored_at"]


SHOWN_BEST = 50
"""Rows of rankings that a report has: the highest ranked."""


@dataclass(frozen=True)
class RankReport:
    """The rows that were written (of rankings the highest), and the digest of all of them."""

    rows: pd.DataFrame
    digest: str


def record_definition(warehouse: Warehouse, prompt: Prompt) -> str:
    """Fill ranked.definitions for one prompt; returns its ranking_hash."""
    warehouse.transact(lambda connection: put_definition(connection, prompt))
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


def rank_prompt(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.rankings for one prompt from scored.scores, ranked.definitions and what the sources print."""
    with warehouse.snapshot() as now:
        made_from = digest_now(now, prompt)
        definition = stored_definition(now, prompt)
        corpus = corpus_of_prompt(now, prompt)
        ranked_by = None
        if definition.resilience is not None:
            whole = now.read("SELECT * EXCLUDE (prompt) FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [prompt])
            rows = resilience_rows(now, corpus, whole, definition)
            ranked_by = rows.set_index("onet_code")["final_ranking"]
        scores = now.read(
            "SELECT doc_id, status, score, attributes, score_sd FROM scored.scores WHERE prompt = ? ORDER BY doc_id",
            [prompt],
        )
        facts = facts_query(now, corpus)
        ((is_sampled,),) = now.rows("SELECT count(attributes_sd) > 0 FROM scored.scores WHERE prompt = ?", [prompt])
        if is_sampled:  # each sample makes a score of its own
            answers = standing_answers(now, prompt, definition)
            answers = answers[answers["wording"] == ""]
            scores["score_sd"] = scores["doc_id"].map(answers.groupby("doc_id")["ranked_score"].std())
    figures = scores[["doc_id", "score_sd"]].assign(**ranks(scores, definition, ranked_by=ranked_by))

    def write(connection: duckdb.DuckDBPyConnection) -> RankReport:
        _put_rankings(connection, prompt, figures, facts, definition.ranking_hash)
        put_made_from(connection, RANKINGS, prompt, made_from, RankedAs(corpus, definition))
        of_prompt = f"FROM {RANKINGS.full_name} WHERE prompt = ?"
        best = connection.execute(f"{of_prompt} ORDER BY rank NULLS LAST, title, doc_id LIMIT {SHOWN_BEST}", [prompt])
        rows = best.df()
        digest = connection.execute(f"SELECT count(*), bit_xor(hash(r::VARCHAR)) FROM ({of_prompt}) r", [prompt])
        return RankReport(rows, content_hash([str(one) for one in digest.fetchone() or ()]))

    return warehouse.transact(write)


def _put_rankings(
    connection: duckdb.DuckDBPyConnection, prompt: str, figures: pd.DataFrame, facts: str, ranking_hash: str
) -> None:
    """Join what ranking says of documents with the answers and what is known of them: no text comes into Python."""
    columns = ", ".join(
        f"{_COLUMNS.get(column.name) or f'{_place_of(column.name, figures)}.{column.name}'}::{column.type}"
        f" AS {column.name}"
        for column in RANKINGS.columns
    )
    connection.execute(f"DELETE FROM {RANKINGS.full_name} WHERE prompt = ?", [prompt])
    connection.register("figures", figures)
    try:
        connection.execute(
            f"""
            INSERT INTO {RANKINGS.full_name} BY NAME
            SELECT {columns} FROM (FROM scored.scores WHERE prompt = $prompt) s
            JOIN figures r ON r.doc_id = s.doc_id LEFT JOIN ({facts}) f ON f.doc_id = s.doc_id
            ORDER BY r.rank NULLS LAST, coalesce(f.title, s.doc_id), s.doc_id
            """,
            {"prompt": prompt, "ranking_hash": ranking_hash},
        )
    finally:
        connection.unregister("figures")


_COLUMNS = {
    "prompt": "s.prompt",
    "doc_id": "s.doc_id",
    "title": "coalesce(f.title, s.doc_id)",
    "wages": "f.jobs * f.median_pay_annual",
    "ranking_hash": "$ranking_hash",
}
"""Columns of ranked.rankings that are not taken as they are."""


def _place_of(column: str, figures: pd.DataFrame) -> str:
    """Which of the joined relations has the column: ranking itself, what is known of documents, or the answers."""
    return "r" if column in figures else "f" if column in FACT_COLUMNS else "s"


def corpus_of_prompt(warehouse: Warehouse, prompt: str) -> str:
    """The corpus that the prompt is about. Raises PromptError where the prompt is not recorded."""
    rows = warehouse.rows("SELECT corpus FROM scored.prompts WHERE prompt = ?", [prompt])
    if not rows:
        raise PromptError(
            "it is not recorded yet", where=f"prompt {prompt}", remedy="Materialize scored/prompts for it."
        )
    corpus: str = rows[0][0]
    return corpus


def resilience_rows(
    warehouse: Warehouse, corpus: str, scores: pd.DataFrame, definition: RankingDefinition
) -> pd.DataFrame:
    """Answers (rows of scored.scores of one prompt) ranked by its formula, as `rank_resilience` makes them."""
    assert definition.resilience is not None
    attributes = attribute_frame(scores, definition)
    answers = pd.concat([scores[["doc_id", "rationale", *_OF_ANSWER]], attributes], axis="columns")
    answers = answers.rename(columns={"doc_id": "onet_code", "rationale": "key_drivers"})
    answers["key_drivers"] = answers["key_drivers"].where(answers["status"] == "ok")
    occupations = warehouse.read(_SIGNALS, [corpus])
    return rank_resilience(answers, occupations, definition.resilience)


_SIGNALS = """
    SELECT doc_id AS onet_code, title, unnest(from_json(figures, '{
        "job_zone": "BIGINT", "median_wage_annual": "DOUBLE", "growth_category": "VARCHAR",
        "employment_change_pct": "DOUBLE", "openings": "BIGINT", "sample_titles": ["VARCHAR"],
        "projection_match": "VARCHAR"
    }')) FROM parsed.document_facts WHERE corpus = ? ORDER BY doc_id
"""
"""The labour market of each document, out of its figures."""


def summarize_prompt(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.summaries for one prompt from ranked.rankings."""
    with warehouse.snapshot() as now:
        made_from = digest_of_rankings(now, prompt)
        rankings = now.read(
            "SELECT doc_id, score, tier, quadrant, category, jobs, median_pay_annual, pay_currency, wages,"
            " outlook_desc, entry_education, soc_major_group FROM ranked.rankings WHERE prompt = ?"
            " ORDER BY rank, doc_id",
            [prompt],
        )
        definition = stored_definition(now, prompt)
        levels = education_levels(now, corpus_of_prompt(now, prompt))
        errors = now.read("SELECT doc_id, se FROM ranked.uncertainty WHERE prompt = ?", [prompt])
    summaries = summarize(prompt, rankings, definition, errors.set_index("doc_id")["se"], levels)
    replace_ranked(warehouse, SUMMARIES, summaries, prompt, made_from)
    return RankReport(summaries, frame_digest(summaries))


def tell_uncertainty(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.uncertainty for one prompt from its rankings and the answers behind them."""
    with warehouse.snapshot() as now:
        made_from = digest_of_rankings(now, prompt)
        rankings = now.read("SELECT doc_id, score FROM ranked.rankings WHERE prompt = ?", [prompt])
        definition = stored_definition(now, prompt)
        scores = now.read("SELECT * EXCLUDE (prompt) FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [prompt])
        answers = standing_answers(now, prompt, definition)
    errors = estimate_errors(scores, definition).set_axis(scores["doc_id"])
    rows = uncertainty(
        prompt,
        rankings,
        answers[["doc_id", "model", "wording", "variant", "ranked_score"]].rename(columns={"ranked_score": "score"}),
        definition,
        errors,
    )
    replace_ranked(warehouse, UNCERTAINTY, rows, prompt, made_from)
    return RankReport(rows, frame_digest(rows))


def tell_reliability(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.reliability for one prompt from the answers behind its standing scores.

    Without those that `sampling` asked for besides: documents that answers differ about have more of them, and would
    make all of them look less sure.
    """
    with warehouse.snapshot() as now:
        made_from = digest_of_rankings(now, prompt)
        definition = stored_definition(now, prompt)
        answers = standing_answers(now, prompt, definition)
    rows = reliability(prompt, answers[~answers["is_further"]], [attribute.key for attribute in definition.attributes])
    replace_ranked(warehouse, RELIABILITY, rows, prompt, made_from)
    return RankReport(rows, frame_digest(rows))


def replace_ranked(warehouse: Warehouse, table: Table, rows: pd.DataFrame, prompt: str, made_from: str | None) -> None:
    """Put a prompt's rows into a ranked table, with what they were made from."""

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        replace_rows(connection, table, rows, where={"prompt": prompt})
        put_made_from(connection, table, prompt, made_from)

    warehouse.transact(write)


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
    """What is known about the documents of a corpus: one row a document, columns `FACT_COLUMNS`.

    Raises PromptError as `facts_query` does.
    """
    return warehouse.read(facts_query(warehouse, corpus))


def facts_query(warehouse: Warehouse, corpus: str) -> str:
    """The query of what is known about the documents of a corpus.

    Rankings hold pay in one currency, that of most documents; pay in another stands in parsed.document_facts alone.

    Raises PromptError where nothing is: rankings without jobs and pay would take the place of better ones.
    """
    paid = warehouse.read(
        "SELECT pay_annual, pay_currency FROM parsed.document_facts WHERE corpus = ? AND pay_annual IS NOT NULL",
        [corpus],
    )
    ((documents,),) = warehouse.rows("SELECT count(*) FROM parsed.document_facts WHERE corpus = ?", [corpus])
    if not documents:
        raise PromptError(
            "nothing is known of its documents yet",
            where=f"parsed.document_facts, corpus {corpus}",
            remedy="Materialize parsed/document_facts first, or use `exposure run`.",
        )
    currency = quoted(currency_of(paid["pay_currency"], paid["pay_annual"]) or USD)
    groups = ", ".join(f"{quoted(prefix)}: {quoted(name)}" for prefix, name in SOC_MAJOR_GROUPS.items())
    shown = ", ".join(f"{_FACTS.get(name, name)} AS {name}" for name in FACT_COLUMNS)
    return f"""
        SELECT {shown}
        FROM (
            SELECT *, pay_annual IS NOT NULL AND coalesce(pay_currency, {quoted(USD)}) = {currency} AS is_shown,
                   {currency} AS currency, MAP {{{groups}}} AS groups,
                   CASE WHEN coalesce(soc_code, '') <> '' THEN [soc_code[:2]]
                        ELSE list_distinct(list_transform(soc_codes, lambda code: code[:2])) END AS prefixes
            FROM parsed.document_facts WHERE corpus = {quoted(corpus)}
        )
    """


_FACTS = {
    "median_pay_annual": "CASE WHEN is_shown THEN pay_annual END",
    "pay_currency": "CASE WHEN is_shown THEN currency END",
    "entry_education": "education",
    "soc_major_group": f"CASE WHEN len(prefixes) = 1 THEN groups[prefixes[1]]"
    f" WHEN len(prefixes) > 1 THEN {quoted(SEVERAL_GROUPS)} END",
}
"""Columns of `FACT_COLUMNS` that parsed.document_facts has by another name or in another form. A document whose codes
lie in several SOC major groups is in none of them (`soc_major_group`)."""


def education_levels(warehouse: Warehouse, corpus: str) -> list[str]:
    """The levels of education of a corpus's documents whose order is known, lowest first."""
    rows = warehouse.rows(
        "SELECT education FROM parsed.document_facts WHERE corpus = ? AND education_order IS NOT NULL"
        " GROUP BY 1 ORDER BY min(education_order), 1",
        [corpus],
    )
    return [level for (level,) in rows]
