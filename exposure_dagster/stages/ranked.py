"""Ranking the standing answers of a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from exposure_dagster.corpora import OOH_CORPUS
from exposure_dagster.errors import PromptError
from exposure_dagster.prompts.model import Prompt, RankingDefinition, content_hash
from exposure_dagster.ranking.rankings import FACT_COLUMNS, rank_documents
from exposure_dagster.ranking.summaries import soc_major_group, summarize
from exposure_dagster.tables import DEFINITIONS, RANKINGS, SUMMARIES
from exposure_dagster.warehouse import Warehouse


@dataclass(frozen=True)
class RankReport:
    """The rows that were written, and the digest of them."""

    rows: pd.DataFrame
    digest: str


def record_definition(warehouse: Warehouse, prompt: Prompt) -> str:
    """Fill ranked.definitions for one prompt; returns its ranking_hash."""
    definition = prompt.ranking
    row = {
        "prompt": prompt.name,
        "ranking_hash": definition.ranking_hash,
        "definition": definition.model_dump_json(),
    }
    warehouse.replace(DEFINITIONS, pd.DataFrame([row]), where={"prompt": prompt.name})
    return definition.ranking_hash


def rank_prompt(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.rankings for one prompt from scored.scores and ranked.definitions."""
    definition = stored_definition(warehouse, prompt)
    scores = warehouse.read("SELECT * EXCLUDE (prompt) FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [prompt])
    corpus = warehouse.rows("SELECT corpus FROM scored.prompts WHERE prompt = ?", [prompt])
    facts = document_facts(warehouse, corpus[0][0] if corpus else OOH_CORPUS)
    rankings = rank_documents(prompt, scores, facts, definition)
    warehouse.replace(RANKINGS, rankings, where={"prompt": prompt})
    return RankReport(rankings, frame_digest(rankings))


def summarize_prompt(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.summaries for one prompt from ranked.rankings."""
    rankings = warehouse.read("SELECT * FROM ranked.rankings WHERE prompt = ? ORDER BY rank, doc_id", [prompt])
    summaries = summarize(prompt, rankings, stored_definition(warehouse, prompt))
    warehouse.replace(SUMMARIES, summaries, where={"prompt": prompt})
    return RankReport(summaries, frame_digest(summaries))


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
    if corpus != OOH_CORPUS:
        facts = warehouse.read("SELECT doc_id, title FROM parsed.documents WHERE corpus = ?", [corpus])
        return facts.reindex(columns=list(FACT_COLUMNS))
    facts = warehouse.read("SELECT slug AS doc_id, * EXCLUDE (slug, text) FROM parsed.ooh_occupations")
    facts["soc_major_group"] = [
        soc_major_group(code if isinstance(code, str) else None, list(codes))
        for code, codes in zip(facts["soc_code"], facts["soc_codes"], strict=True)
    ]
    return facts[list(FACT_COLUMNS)]


def frame_digest(frame: pd.DataFrame) -> str:
    """Digest of a frame's content, in its order."""
    return content_hash(frame.to_csv(index=False))
