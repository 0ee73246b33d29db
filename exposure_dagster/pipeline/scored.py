"""Prompts, what they are to be asked about, and their standing answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import duckdb

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import PromptError, ScoringError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.prompts.model import AskedPrompt, BaselineDefinition, Prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.context import Limits
from exposure_dagster.scoring.estimate import OpenDocuments, estimate
from exposure_dagster.scoring.exchange import Access
from exposure_dagster.scoring.job import (
    DocumentRef,
    DocumentsInPortions,
    ScoringJob,
    WarehouseTexts,
    open_questions,
    scores_frame,
)
from exposure_dagster.scoring.mirror import copy_to_warehouse, open_ledger
from exposure_dagster.scoring.notes import Cuts, cuts
from exposure_dagster.scoring.prices import PriceTable
from exposure_dagster.scoring.run_records import RunRow, record_run
from exposure_dagster.scoring.tally import RunFigures
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse, insert_rows, put_fact, replace_rows
from exposure_dagster.tables import (
    CHANGES,
    DEFINITIONS,
    INPUTS,
    MADE_FROM,
    PROMPT_VERSIONS,
    PROMPTS,
    RANKING_INPUTS,
    RANKINGS,
    RESILIENCE,
    SCORES,
    SUMMARIES,
    TASK_ROLLUPS,
)

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.scoring.run import Batching

_STANDING_TABLES = (
    *(PROMPTS, INPUTS, SCORES, DEFINITIONS, RANKING_INPUTS, MADE_FROM),
    *(RANKINGS, SUMMARIES, CHANGES, RESILIENCE, TASK_ROLLUPS),
)

_GENERATION = "generation of prompt "


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
    with warehouse.transaction() as connection:
        put_prompt(connection, prompt)


def put_prompt(connection: duckdb.DuckDBPyConnection, prompt: Prompt) -> None:
    """The same, within the caller's transaction."""
    import pandas as pd

    prompt_hash = prompt.asked.prompt_hash
    row = {
        "prompt": prompt.name,
        "prompt_hash": prompt_hash,
        "corpus": prompt.file.corpus,
        "title": prompt.file.title,
        "model": prompt.file.model,
        "baseline_hash": prompt.baseline.baseline_hash,
        "baseline_definition": prompt.baseline.model_dump_json(),
        "source": prompt.source,
        "is_enabled": prompt.file.enabled,
    }
    replace_rows(connection, PROMPTS, pd.DataFrame([row]), where={"prompt": prompt.name})
    keep_prompt_version(connection, prompt)


def keep_prompt_version(connection: duckdb.DuckDBPyConnection, prompt: Prompt) -> None:
    """Within the caller's transaction: keep the version in scored.prompt_versions, unless it is there."""
    import pandas as pd

    prompt_hash = prompt.asked.prompt_hash
    version = {
        "prompt_hash": prompt_hash,
        "prompt": prompt.name,
        "definition": prompt.asked.model_dump_json(),
        "first_seen_at": utc_now(),
    }
    known = connection.execute(
        f"SELECT 1 FROM {PROMPT_VERSIONS.full_name} WHERE prompt_hash = ? AND prompt = ?",
        [prompt_hash, prompt.name],
    ).fetchone()
    if known is None:
        insert_rows(connection, PROMPT_VERSIONS, pd.DataFrame([version]))


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


def collect_inputs(warehouse: Warehouse, name: str, choice: ScorerChoice) -> InputsReport:
    """Fill scored.inputs for one prompt with every document of its corpus."""
    with warehouse.snapshot() as now:
        prompt = stored_prompt(now, name)
        documents = now.read(
            "SELECT doc_id, text_sha256 FROM parsed.documents WHERE corpus = ? ORDER BY doc_id", [prompt.corpus]
        )
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
    warehouse.replace(INPUTS, documents, where={"prompt": name})
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


def generations(warehouse: Warehouse) -> dict[str, int]:
    """How often each prompt's rows were purged, for those that ever were."""
    # No parameter: with one DuckDB loads pandas, which takes longer than all else that `exposure status` does.
    rows = warehouse.rows(f"SELECT name, value FROM meta.facts WHERE starts_with(name, '{_GENERATION}')")
    return {name.removeprefix(_GENERATION): int(value) for name, value in rows}


def forget_prompt(warehouse: Warehouse, name: str) -> None:
    """Purge a prompt whose file is gone. Its ledger, its versions and its history stay."""
    with warehouse.transaction() as connection:
        for table in _STANDING_TABLES:
            connection.execute(f"DELETE FROM {table.full_name} WHERE prompt = ?", [name])
        fact = _GENERATION + name
        row = connection.execute("SELECT value FROM meta.facts WHERE name = ?", [fact]).fetchone()
        put_fact(connection, fact, str(int(row[0]) + 1 if row else 1))


def recorded_prompts(warehouse: Warehouse) -> set[str]:
    """Names of the prompts of which the warehouse holds rows that stand."""
    if not warehouse.exists:
        return set()
    rows = warehouse.rows(
        "SELECT prompt FROM scored.prompts UNION SELECT prompt FROM scored.scores"
        " UNION SELECT prompt FROM ranked.rankings"
    )
    return {name for (name,) in rows}


def scorer_for(warehouse: Warehouse, name: str, choice: ScorerChoice) -> ScorerName:
    """Who answers a prompt: the scorer in force, except that a baseline that nobody asked for never takes
    the place of a model's standing answers."""
    if choice.name is ScorerName.BASELINE and not choice.is_explicit and has_model_scores(warehouse, name):
        return ScorerName.CLAUDE
    return choice.name


@dataclass(frozen=True)
class ModelMeans:
    """What asking a model takes: how it is reached (None without a key), what it costs, and the limits.

    `is_asked_again`: every question is asked anew, whatever the ledger holds.
    """

    access: Access | None
    prices: PriceTable
    limits: Limits
    batching: Batching | None = None
    is_asked_again: bool = False


@dataclass(frozen=True)
class Answers:
    """The numbers that stand for one attribute, a document each (NaN without an answer), and the ends of its scale."""

    attribute: str
    values: pd.Series
    low: float
    high: float


@dataclass(frozen=True)
class ScoreReport:
    """How a prompt's partition stands after a run. `figures` are what the scorer measured, by name."""

    scorer: str
    documents: int
    is_complete: bool
    answers: tuple[Answers, ...]
    figures: Mapping[str, int | float | str]
    note: str | None = None


def score_prompt(
    warehouse: Warehouse,
    name: str,
    *,
    choice: ScorerChoice,
    means: ModelMeans,
    run_id: str,
    progress: Progress = NO_PROGRESS,
) -> ScoreReport:
    """Bring scored.scores of one prompt up to date with scored.inputs."""
    from exposure_dagster.publishing.content import BASELINE_NOTE

    _refuse_to_ask_nothing(warehouse, name)
    note = None
    figures: dict[str, int | float | str] = {}
    match scorer_for(warehouse, name, choice):
        case ScorerName.BASELINE:
            figures["documents scored now"] = score_with_baseline(warehouse, name, run_id=run_id)
            note = BASELINE_NOTE
        case _ if choice.name is ScorerName.BASELINE:
            note = (
                f"{name}: a model's answers stand and there is no key to ask it again; they are left as they are. "
                "Set ANTHROPIC_API_KEY, or EXPOSURE_SCORER=baseline to replace them."
            )
        case _:
            done, estimated_usd = score_with_model(warehouse, name, means=means, run_id=run_id, progress=progress)
            cut = cut_documents(warehouse, name)
            figures = _shown(done, estimated_usd)
            figures |= {"documents cut": cut.documents, "characters left out": cut.left_out}
            note = _what_failed(name, done)
    return _standing(warehouse, name, figures, note)


def score_with_model(
    warehouse: Warehouse, name: str, *, means: ModelMeans, run_id: str, progress: Progress = NO_PROGRESS
) -> tuple[RunFigures, float]:
    """Ask the model what is not answered yet, and put every document's standing into scored.scores.

    Returns what the run did, and what it had been estimated to cost, in USD. Raises ScoringError where
    asking had to end early; then what stood goes on standing, and what was answered is in the ledger.
    """
    from exposure_dagster.pipeline.history import keep_version
    from exposure_dagster.scoring.run import score_with_model as ask_model

    with warehouse.snapshot() as now:
        prompt = stored_prompt(now, name)
        inputs = now.read(
            "SELECT i.doc_id, i.text_sha256, i.input_hash, i.prompt_hash, coalesce(d.title, i.doc_id) AS title"
            " FROM scored.inputs i LEFT JOIN parsed.documents d ON d.corpus = ? AND d.doc_id = i.doc_id"
            " WHERE i.prompt = ? ORDER BY i.doc_id",
            [prompt.corpus, name],
        )
        asked = _asked_of(now, inputs["prompt_hash"].iloc[0]) if len(inputs) else prompt.asked
    job = ScoringJob(
        run_id=run_id,
        prompt=name,
        asked=asked,
        documents=[
            DocumentRef(*row) for row in inputs[["doc_id", "title", "text_sha256"]].itertuples(index=False, name=None)
        ],
        texts=WarehouseTexts(warehouse),
        epoch=open_ledger(warehouse).epoch_to_ask(asked.prompt_hash, is_asked_again=means.is_asked_again),
    )
    estimated_usd = _estimated_usd(warehouse, job, means.prices)
    result = ask_model(
        job,
        access=means.access,
        warehouse=warehouse,
        prices=means.prices,
        limits=means.limits,
        batching=means.batching,
        progress=progress,
    )
    frame = scores_frame(job, result.standings).merge(inputs[["doc_id", "input_hash"]], on="doc_id")
    with warehouse.transaction() as connection:
        _refuse_to_lose_all(connection, name, frame)
        replace_rows(connection, SCORES, frame, where={"prompt": name})
        keep_version(connection, name)
    return result.figures, estimated_usd


def _refuse_to_ask_nothing(warehouse: Warehouse, name: str) -> None:
    """Answers that stand are not emptied because the documents are not there. Raises ScoringError."""
    ((documents, standing),) = warehouse.rows(
        "SELECT (SELECT count(*) FROM scored.inputs WHERE prompt = $prompt),"
        " (SELECT count(*) FROM scored.scores WHERE prompt = $prompt AND status = 'ok')",
        {"prompt": name},
    )
    if standing and not documents:
        raise ScoringError(
            f"its corpus has no documents; the {standing:,} answers that stand are left as they are",
            where=f"prompt {name}",
            remedy="Fetch and parse the sources first: `exposure run`.",
        )


def _refuse_to_lose_all(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    """Answers that stand are not replaced by nothing but failures. Raises ScoringError."""
    failed = frame[frame["status"] == "failed"]
    if not len(frame) or len(failed) < len(frame):
        return
    ((standing,),) = connection.execute(
        "SELECT count(*) FROM scored.scores WHERE prompt = ? AND status = 'ok'", [name]
    ).fetchall()
    if standing:
        raise ScoringError(
            f"not one of {len(frame):,} documents was answered ({failed['error'].iloc[0]}); "
            f"the {standing:,} earlier answers stand as they were",
            where=f"prompt {name}",
            remedy="Mend what the error names, and run again: only what is missing is asked.",
        )


def _estimated_usd(warehouse: Warehouse, job: ScoringJob, prices: PriceTable) -> float:
    """What the job's open questions should cost, by the number of characters."""
    records = open_ledger(warehouse).records(job.prompt_hash, job.epoch)
    documents = DocumentsInPortions([question.document for question in open_questions(job, records)], job.texts)
    return estimate(OpenDocuments(job.prompt, job.asked, documents, None), prices).cost_usd


def _asked_of(warehouse: Warehouse, prompt_hash: str) -> AskedPrompt:
    """The snapshot that the inputs were collected for: the file may have been edited since."""
    rows = warehouse.rows("SELECT definition FROM scored.prompt_versions WHERE prompt_hash = ? LIMIT 1", [prompt_hash])
    return AskedPrompt.model_validate_json(rows[0][0])


def _shown(figures: RunFigures, estimated_usd: float) -> dict[str, int | float | str]:
    shown = {name.replace("_", " "): value for name, value in asdict(figures).items() if value is not None}
    del shown["documents"], shown["noted"]
    return {**shown, **figures.noted, "estimated cost usd": round(estimated_usd, 6)}


def _what_failed(name: str, figures: RunFigures) -> str | None:
    if not figures.failed:
        return None
    why = f"; the commonest error: {figures.commonest_error}" if figures.commonest_error else ""
    return f"{name}: {figures.failed:,} of {figures.documents:,} documents have no answer{why}"


def cut_documents(warehouse: Warehouse, name: str) -> Cuts:
    """How much of a prompt's documents its standing answers are not about, since it was too long for the model."""
    return cuts(note for (note,) in warehouse.rows("SELECT note FROM scored.scores WHERE prompt = ?", [name]))


def _standing(
    warehouse: Warehouse, name: str, figures: Mapping[str, int | float | str], note: str | None
) -> ScoreReport:
    import pandas as pd

    with warehouse.snapshot() as now:
        rows = now.read("SELECT score, attributes, status, scorer FROM scored.scores WHERE prompt = ?", [name])
        attributes = stored_prompt(now, name).asked.attributes
    numbers = [json.loads(text) if isinstance(text, str) else {} for text in rows["attributes"]]
    return ScoreReport(
        scorer=" and ".join(sorted(rows["scorer"].dropna().unique())),
        documents=len(rows),
        is_complete=bool((rows["status"] == "ok").all()),
        answers=tuple(
            Answers(
                one.key,
                rows["score"]
                if len(attributes) == 1
                else pd.Series([answer.get(one.key) for answer in numbers], dtype=float),
                min(one.allowed),
                max(one.allowed),
            )
            for one in attributes
        ),
        figures=figures,
        note=note,
    )


def has_model_scores(warehouse: Warehouse, name: str) -> bool:
    """Whether a model's answers stand for the prompt."""
    return bool(warehouse.rows("SELECT 1 FROM scored.scores WHERE prompt = ? AND scorer != 'baseline' LIMIT 1", [name]))


def score_with_baseline(warehouse: Warehouse, name: str, *, run_id: str) -> int:
    """Recompute scored.scores for one prompt with the baseline, unless it stands already.

    Returns the number of documents that were scored; 0 where the standing scores are still true.
    """
    import pandas as pd

    from exposure_dagster.pipeline.history import keep_version
    from exposure_dagster.scoring.baseline import BASELINE_VERSION, Alias, score_documents

    started_at = utc_now()
    with warehouse.snapshot() as now:
        prompt = stored_prompt(now, name)
        inputs = now.read(
            "SELECT i.doc_id, i.text_sha256, i.input_hash, d.title, d.text FROM scored.inputs i"
            " JOIN parsed.documents d ON d.corpus = ? AND d.doc_id = i.doc_id WHERE i.prompt = ? ORDER BY i.doc_id",
            [prompt.corpus, name],
        )
        standing = now.rows(
            "SELECT doc_id, input_hash FROM scored.scores WHERE prompt = ? AND scorer = 'baseline' ORDER BY doc_id",
            [name],
        )
        titles = other_titles(now, prompt.corpus)
    if standing == list(inputs[["doc_id", "input_hash"]].itertuples(index=False, name=None)):
        return 0
    scores = score_documents(
        prompt.baseline,
        [Document(*row) for row in inputs[["doc_id", "title", "text"]].itertuples(index=False, name=None)],
        [Alias(title, doc_id) for title, doc_id in titles],
    )
    frame = inputs[["doc_id", "text_sha256", "input_hash"]].merge(
        pd.DataFrame(
            {
                "doc_id": [score.doc_id for score in scores],
                "score": [_single(score.attributes) for score in scores],
                "attributes": [
                    None if len(score.attributes) == 1 else json.dumps(score.attributes) for score in scores
                ],
                "rationale": [score.rationale for score in scores],
            }
        ),
        on="doc_id",
        validate="one_to_one",
    )
    finished_at = utc_now()
    frame = frame.assign(
        prompt=name,
        prompt_hash=prompt.prompt_hash,
        status="ok",
        scorer=ScorerName.BASELINE.value,
        model=f"baseline {BASELINE_VERSION}",
        samples=1,
        scored_at=finished_at,
    )
    with warehouse.transaction() as connection:
        replace_rows(connection, SCORES, frame, where={"prompt": name})
        keep_version(connection, name)
    run = RunRow(
        run_id=run_id,
        prompt=name,
        prompt_hash=prompt.prompt_hash,
        scorer=ScorerName.BASELINE.value,
        epoch=None,
        started_at=started_at,
        finished_at=finished_at,
        outcome="complete",
    )
    ledger = open_ledger(warehouse)
    record_run(ledger, run)
    copy_to_warehouse(ledger, warehouse)
    return len(frame)


def other_titles(warehouse: Warehouse, corpus: str) -> list[tuple[str, str]]:
    """Other titles that a corpus's documents go by, each with its document."""
    query = corpus_of(corpus).other_titles
    return [] if query is None else warehouse.rows(query)


def titles_digest(warehouse: Warehouse, corpus: str) -> str:
    """Changes if and only if the other titles of a corpus's documents do."""
    return content_hash(other_titles(warehouse, corpus))


def _single(attributes: dict[str, float]) -> float | None:
    return next(iter(attributes.values())) if len(attributes) == 1 else None
