"""What a prompt is to be asked about, and who answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.pipeline.asked import asked_documents, keep_texts
from exposure_dagster.pipeline.prompts import generations, stored_prompt
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse, replace_rows
from exposure_dagster.tables import (
    INPUTS,
)

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class ScorerChoice:
    """The scorer in force, and whether the user named it or it followed from there being no key."""

    name: ScorerName
    is_explicit: bool


@dataclass(frozen=True)
class InputsReport:
    """What a prompt is to be asked about. `input_hash` changes if and only if an answer could."""

    documents: int
    prompt_hash: str
    input_hash: str


def collect_inputs(warehouse: Warehouse, name: str, choice: ScorerChoice) -> InputsReport:
    """Fill scored.inputs for one prompt with every document of its corpus, and keep the texts that it alone has."""
    with warehouse.snapshot() as now:
        prompt = stored_prompt(now, name)
        asked_about = asked_documents(prompt.corpus, prompt.asked.include)
        documents = now.read(f"SELECT doc_id, text_sha256 FROM ({asked_about}) ORDER BY doc_id")
        is_baseline = scorer_for(now, name, choice) is ScorerName.BASELINE
        wanted = input_hash(
            prompt.prompt_hash,
            documents_digest(documents.itertuples(index=False, name=None)),
            baseline_hash=prompt.baseline.baseline_hash if is_baseline else None,
            titles_digest=titles_digest(now, prompt.corpus) if is_baseline else "",
            generation=generations(now).get(name, 0),
        )
    documents["prompt"] = name
    documents["prompt_hash"] = prompt.prompt_hash
    documents["input_hash"] = wanted
    with warehouse.transaction() as connection:
        keep_texts(connection, prompt.corpus, prompt.asked.include)
        replace_rows(connection, INPUTS, documents, where={"prompt": name})
    return InputsReport(len(documents), prompt.prompt_hash, wanted)


def input_hash(
    prompt_hash: str,
    documents: str,
    *,
    baseline_hash: str | None,
    titles_digest: str = "",
    generation: int = 0,
) -> str:
    """Digest of a prompt version and its corpus (`documents_digest`).

    Where the baseline answers, `baseline_hash` says what it works from, its own version counts too, and so do
    the other titles by which it finds the prompt's examples (`titles_digest`).
    `generation` counts how often the prompt's rows were purged: one that comes back is not what stood before.
    """
    version: list[object] = [prompt_hash, documents]
    if generation:
        version.append(f"generation {generation}")
    if baseline_hash is not None:
        from exposure_dagster.scoring.baseline import BASELINE_VERSION

        version += ["baseline", BASELINE_VERSION, baseline_hash, titles_digest]
    return content_hash(version)


def documents_digest(documents: Iterable[tuple[str, str]]) -> str:
    """Digest of what a corpus holds, as (doc_id, text_sha256) pairs in whatever order."""
    return content_hash(sorted(documents))


def scorer_for(warehouse: Warehouse, name: str, choice: ScorerChoice) -> ScorerName:
    """Who answers a prompt: the scorer in force, except that a baseline that nobody asked for never takes
    the place of a model's standing answers."""
    if choice.name is ScorerName.BASELINE and not choice.is_explicit and has_model_scores(warehouse, name):
        return ScorerName.CLAUDE
    return choice.name


def has_model_scores(warehouse: Warehouse, name: str) -> bool:
    """Whether a model's answers stand for the prompt."""
    return bool(warehouse.rows("SELECT 1 FROM scored.scores WHERE prompt = ? AND scorer != 'baseline' LIMIT 1", [name]))


def other_titles(warehouse: Warehouse, corpus: str) -> list[tuple[str, str]]:
    """Other titles that a corpus's documents go by, each with its document."""
    query = corpus_of(corpus).other_titles
    return [] if query is None else warehouse.rows(query)


def titles_digest(warehouse: Warehouse, corpus: str) -> str:
    """Changes if and only if the other titles of a corpus's documents do."""
    return content_hash(other_titles(warehouse, corpus))
