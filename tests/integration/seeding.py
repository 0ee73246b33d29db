"""A warehouse with any number of documents, prompts and standing answers, without asking anyone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.corpora.ooh import NAME as OOH_CORPUS
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.ranking_inputs import (
    RANKED_TABLES,
    RankedAs,
    RankingInputs,
    answers_digests,
    facts_digests,
    put_made_from,
)
from exposure_dagster.pipeline.standing import record_standings, standings
from exposure_dagster.prompts.files import PromptFolder, load_folder
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.settings import BUNDLED_PROMPTS
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DOCUMENT_FACTS, DOCUMENTS, TEXTS

_BUNDLED = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")


def write_prompt(folder: Path, name: str, words: str = "") -> None:
    """A prompt file of that name, which asks something that no other name asks."""
    (folder / f"{name}.md").write_text(f"{_BUNDLED}\nAs {name} sees it. {words}\n", encoding="utf-8")


def prompt_folder(path: Path) -> PromptFolder:
    """The prompts of a folder, checked as the settings' defaults have it."""
    return load_folder(path, known_corpora=KNOWN_CORPORA, known_models=sorted(load_prices(None)))


def seed_documents(warehouse: Warehouse, count: int) -> None:
    """So many made-up documents in corpus ooh."""
    texts = [f"Duties of occupation {number}. " * 40 for number in range(count)]
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    ids = [f"occupation-{number:03}" for number in range(count)]
    frame = pd.DataFrame(
        {
            "corpus": OOH_CORPUS,
            "doc_id": ids,
            "title": [f"Occupation {number}" for number in range(count)],
            "text": texts,
            "text_sha256": hashes,
        }
    )
    warehouse.replace(DOCUMENTS, frame)
    warehouse.replace(DOCUMENT_FACTS, frame[["corpus", "doc_id", "title"]])
    warehouse.append(TEXTS, frame[["text_sha256", "text"]])


def seed_scores(warehouse: Warehouse, folder: PromptFolder, choice: ScorerChoice) -> None:
    """Standing answers of a model for every prompt and document, and their rankings."""
    record_standings(warehouse, folder, standings(warehouse, folder, choice))
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO scored.scores BY NAME SELECT *, 5.0 AS score, 'made up' AS rationale, 'ok' AS status,"
            " 'claude' AS scorer, 'a model' AS model, 1 AS samples, TIMESTAMP '2026-01-01' AS scored_at"
            " FROM scored.inputs"
        )
        connection.execute(
            "INSERT INTO ranked.rankings BY NAME SELECT prompt, doc_id, score, status, ranking_hash"
            " FROM scored.scores JOIN ranked.definitions USING (prompt)"
        )
        facts, answers = facts_digests(connection), answers_digests(connection)
        for prompt in folder.prompts:
            inputs = RankingInputs(prompt.ranking.ranking_hash, facts.get(prompt.file.corpus), answers.get(prompt.name))
            ranked_as = RankedAs(prompt.file.corpus, prompt.ranking)
            for table in RANKED_TABLES:
                put_made_from(connection, table, prompt.name, inputs.ranking_input_hash, ranked_as)
