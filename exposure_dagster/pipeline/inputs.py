"""What a prompt is to be asked about, and who answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import duckdb

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.pipeline.asked import asked_documents, keep_texts
from exposure_dagster.pipeline.prompts import StoredPrompt, generations, stored_prompt
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.providers.registry import OWN_ADDRESSES, Endpoints
from exposure_dagster.scoring.ledger import UNNAMED_FAMILY
from exposure_dagster.settings import ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import INPUTS

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class ScorerChoice:
    """The scorer in force, whether the user named it or it followed from which models can be asked, and where they are
    asked."""

    name: ScorerName
    is_explicit: bool
    endpoints: Endpoints = OWN_ADDRESSES

    def of(self, asked: AskedPrompt) -> ScorerChoice:
        """The choice for a prompt: models that cannot all be asked are not, unless the user says so."""
        if self.name is ScorerName.BASELINE or self.is_explicit:
            return self
        is_usable = all(self.endpoints.of(one.model).is_usable for one in asked.questions.values())
        return self if is_usable else replace(self, name=ScorerName.BASELINE)

    def family(self, asked: AskedPrompt) -> str:
        """That of who is asked; of several models those of all."""
        return " ".join(self.endpoints.of(one.model).family for one in asked.by_model)


def choice_of(settings: Settings) -> ScorerChoice:
    """The choice that the settings make."""
    return ScorerChoice(settings.scorer_in_force, settings.scorer is not None, settings.endpoints)


@dataclass(frozen=True)
class InputsReport:
    """What a prompt is to be asked about. `input_hash` changes if and only if an answer could."""

    documents: int
    prompt_hash: str
    input_hash: str


def collect_inputs(warehouse: Warehouse, name: str, choice: ScorerChoice) -> InputsReport:
    """Fill scored.inputs for one prompt with every document of its corpus, and keep the texts that it alone has."""
    with warehouse.snapshot() as now, now.connect(read_only=True) as reading:
        prompt = stored_prompt(now, name)
        asked_about = asked_documents(prompt.corpus, prompt.asked.include)
        documents, digest = count_and_digest(reading, asked_about)
        is_baseline = scorer_for(now, prompt, choice) is ScorerName.BASELINE
        wanted = input_hash(
            prompt.prompt_hash,
            digest,
            baseline_hash=prompt.baseline.baseline_hash if is_baseline else None,
            titles_digest=titles_digest(now, prompt.corpus) if is_baseline else "",
            generation=generations(now).get(name, 0),
            family=choice.family(prompt.asked),
            samples=samples_hash(prompt.asked),
            variants=variant_hashes(prompt.asked),
        )
    about = (prompt.corpus, prompt.asked.include)
    warehouse.transact(lambda connection: put_inputs(connection, name, prompt.prompt_hash, wanted, about))
    return InputsReport(documents, prompt.prompt_hash, wanted)


def put_inputs(
    connection: duckdb.DuckDBPyConnection, name: str, prompt_hash: str, wanted: str, about: tuple[str, Sequence[str]]
) -> None:
    """Within the caller's transaction: fill scored.inputs of one prompt, and keep the texts that it alone has."""
    connection.execute(f"DELETE FROM {INPUTS.full_name} WHERE prompt = ?", [name])
    keep_texts(connection, *about)
    connection.execute(
        f"INSERT INTO {INPUTS.full_name} BY NAME SELECT ? AS prompt, ? AS prompt_hash, doc_id, text_sha256,"
        f" ? AS input_hash FROM ({asked_documents(*about)}) ORDER BY doc_id",
        [name, prompt_hash, wanted],
    )


def input_hash(
    prompt_hash: str,
    documents: str,
    *,
    baseline_hash: str | None,
    titles_digest: str = "",
    generation: int = 0,
    family: str = UNNAMED_FAMILY,
    samples: str = "",
    variants: Sequence[str] = (),
) -> str:
    """Digest of a prompt version and its corpus (`documents_digest`).

    Where the baseline answers, `baseline_hash` says what it works from, its own version counts too, and so do
    what it is told of the corpus (`titles_digest`).
    `family` is that of who is asked (see `Endpoint`): another server gives other answers.
    `samples` says how many answers a document's score is the mean of (`samples_hash`); the baseline gives one.
    `variants` are the hashes of what is asked besides, in other ways.
    `generation` counts how often the prompt's rows were purged: one that comes back is not what stood before.
    """
    version: list[object] = [prompt_hash, documents]
    if generation:
        version.append(f"generation {generation}")
    if baseline_hash is None and set(family.split()) != {UNNAMED_FAMILY}:
        version.append(f"asked: {family}")
    if baseline_hash is None and samples:
        version.append(f"samples: {samples}")
    if baseline_hash is None and variants:
        version.append(f"variants: {' '.join(variants)}")
    if baseline_hash is not None:
        from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION

        version += ["baseline", BASELINE_VERSION, baseline_hash, titles_digest]
    return content_hash(version)


def samples_hash(asked: AskedPrompt) -> str:
    """How many answers a document's score is the mean of; empty where it is one."""
    if asked.sampling is not None:
        return content_hash(asked.sampling.model_dump(mode="json"))
    return str(asked.samples) if asked.samples > 1 else ""


def variant_hashes(asked: AskedPrompt) -> list[str]:
    """The hashes of a prompt's variants, in their order."""
    return [variant.asked.prompt_hash for variant in asked.variants]


def documents_digest(documents: Iterable[tuple[str, str]]) -> str:
    """Digest of what a corpus holds, as (doc_id, text_sha256) pairs in whatever order."""
    return content_hash(sorted(documents))


def count_and_digest(connection: duckdb.DuckDBPyConnection, documents: str) -> tuple[int, str]:
    """How many documents a query finds, and their `documents_digest`: the text that it hashes is put together where the
    documents are, and none comes into Python."""
    quoted_id = r"""'"' || replace(replace(doc_id, '\', '\\'), '"', '\"') || '"'"""
    pair = f"""'[' || {quoted_id} || ',"' || text_sha256 || '"]'"""
    ((count, is_plain, digest),) = connection.execute(
        rf"""
        SELECT count(*), coalesce(bool_and(NOT regexp_matches(doc_id, '[\x00-\x1f]')), true),
               sha256('[' || coalesce(string_agg({pair}, ',' ORDER BY doc_id, text_sha256), '') || ']')
        FROM ({documents})
        """
    ).fetchall()
    if not is_plain:  # JSON has names of its own for control characters
        digest = documents_digest(connection.execute(f"SELECT doc_id, text_sha256 FROM ({documents})").fetchall())
    return count, digest


def scorer_for(warehouse: Warehouse, prompt: StoredPrompt, choice: ScorerChoice) -> ScorerName:
    """Who answers a prompt: the scorer in force, except that a baseline that nobody asked for never takes
    the place of a model's standing answers."""
    here = choice.of(prompt.asked)
    if here.name is ScorerName.BASELINE and not here.is_explicit and has_model_scores(warehouse, prompt.name):
        return ScorerName.MODEL
    return here.name


def has_model_scores(warehouse: Warehouse, name: str) -> bool:
    """Whether a model's answers stand for the prompt."""
    return bool(warehouse.rows("SELECT 1 FROM scored.scores WHERE prompt = ? AND scorer != 'baseline' LIMIT 1", [name]))


def other_titles(warehouse: Warehouse, corpus: str) -> list[tuple[str, str]]:
    """Other titles that a corpus's documents go by, each with its document."""
    query = corpus_of(corpus).other_titles
    return [] if query is None else warehouse.rows(query)


def titles_digest(warehouse: Warehouse, corpus: str) -> str:
    """Changes if and only if what the baseline is told of a corpus does: the other titles of its documents, by which
    it finds a prompt's examples, and which sections are about the work."""
    return content_hash([*other_titles(warehouse, corpus), corpus_of(corpus).about_work])


def work_sections(corpus: str, include: Sequence[str]) -> tuple[str, ...]:
    """Beginnings of the headings under which texts speak of the work, and of those of the sections that a prompt
    includes; none where the corpus does not say."""
    about = corpus_of(corpus)
    included = tuple(section.title for section in about.sections if section.name in include)
    return (*about.about_work, *included) if about.about_work else ()
