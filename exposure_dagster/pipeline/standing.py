"""Which prompts are fresh, stale, missing, incomplete or broken; why; and what it would take.

Compares the prompt files and the documents with the standing answers and the ledger, for all prompts at
once: a question costs a few queries, however many prompts there are.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from exposure_dagster.pipeline.asked import asked_documents
from exposure_dagster.pipeline.documents import jobs_of
from exposure_dagster.pipeline.inputs import (
    ScorerChoice,
    count_and_digest,
    documents_digest,
    input_hash,
    put_inputs,
    samples_hash,
    titles_digest,
    variant_hashes,
)
from exposure_dagster.pipeline.prompts import generations, put_prompt
from exposure_dagster.pipeline.ranking_inputs import (
    RANKED_TABLES,
    RankingInputs,
    answers_digests,
    facts_digests,
    indices_digests,
    made_from,
)
from exposure_dagster.prompts.files import BrokenPrompt, PromptFolder
from exposure_dagster.prompts.model import AskedPrompt, Prompt
from exposure_dagster.scoring.job import DocumentRef, HeldTexts, ScoringJob, samples_wanted
from exposure_dagster.scoring.ledger import Ledger, RequestKeys, newest_of
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd


class State(StrEnum):
    """How a prompt stands. Incomplete: answered as it is now, except for documents that failed."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class PromptStanding:
    """How a prompt stands, and why.

    `wanted` is the input_hash that its answers should have (None where the file is broken), `requests`
    what a run would send, `open_questions` the documents behind them, once a sample, by model (and variant). With
    `sampling` more may follow from what is answered: never more than `most_questions` in all, by model. The flags
    say what of the file is not yet recorded in scored.prompts, scored.inputs and ranked.definitions; whether one of the
    ranked tables that stand was made from anything else than `wanted_ranking`, the digest of now; whether asking
    everything again (`--again`) was begun and not ended; and whether only a model may answer, and there is no key.

    A definition that does not fit the standing answers (other attributes, another scale, another corpus) waits for
    new ones: until then it is neither recorded nor ranked by.
    """

    prompt: str
    state: State
    reasons: tuple[str, ...]
    is_enabled: bool
    is_prompt_unrecorded: bool
    is_input_unrecorded: bool
    is_ranking_stale: bool
    is_ranked_otherwise: bool
    is_asked_again_in_part: bool = False
    is_waiting_for_key: bool = False
    wanted: str | None
    wanted_ranking: str | None
    documents: int
    requests: int
    open_questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    most_questions: Mapping[str, int] = field(default_factory=dict)

    @property
    def needs_scoring(self) -> bool:
        """Whether a run would change the answers; documents that failed are asked again by hand or on schedule."""
        return self.state in (State.STALE, State.MISSING) and not self.is_waiting_for_key

    @property
    def is_due(self) -> bool:
        """Whether it is scored on schedule or by hand: documents that failed are asked again then."""
        is_open = self.state in (State.STALE, State.MISSING, State.INCOMPLETE)
        return self.is_enabled and self.documents > 0 and is_open and not self.is_waiting_for_key

    @property
    def is_settled(self) -> bool:
        """Whether a run would ask nothing, rank nothing and record nothing."""
        is_recorded = not (self.is_prompt_unrecorded or self.is_input_unrecorded or self.is_ranking_stale)
        return self.state is State.FRESH and is_recorded and not self.is_ranked_otherwise


_About = tuple[str, tuple[str, ...]]
"""A corpus, and the sections of it that a prompt includes: together they say which texts it is asked about."""


def _about(prompt: Prompt) -> _About:
    return prompt.file.corpus, prompt.asked.include


_NEVER: tuple[str, ...] = ("never scored",)


class _Answer(NamedTuple):
    """A row of scored.scores."""

    doc_id: str
    text_sha256: str
    prompt_hash: str | None
    input_hash: str | None
    status: str
    scorer: str
    samples: int | None


class _Standing(NamedTuple):
    """What the rows of scored.scores of one prompt come to, without a look at each."""

    rows: int
    failed: int
    input_hash: str | None  # of all rows; None where they differ
    has_model_scores: bool
    most_answered: str  # the prompt version that most of the answers are of; nothing where none of them says


class _Documents:
    """Documents and answers in the warehouse: counts and digests, and single rows for those who cannot do without.

    A prompt that is fresh is known by the former, however many documents it is about.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection | None) -> None:
        self._connection = connection

    @cached_property
    def standing(self) -> Mapping[str, _Standing]:
        """By prompt."""
        if self._connection is None:
            return {}
        rows = self._connection.execute(
            """
            WITH versions AS (
                SELECT prompt, prompt_hash FROM (
                    SELECT prompt, prompt_hash, count(*) AS answers FROM scored.scores
                    WHERE prompt_hash IS NOT NULL GROUP BY ALL
                ) QUALIFY 1 = row_number() OVER (PARTITION BY prompt ORDER BY answers DESC, prompt_hash)
            )
            SELECT s.prompt, count(*), count(*) FILTER (status = 'failed'),
                   CASE WHEN count(input_hash) = count(*) AND min(input_hash) = max(input_hash)
                        THEN min(input_hash) END,
                   bool_or(scorer IS DISTINCT FROM 'baseline'), coalesce(any_value(v.prompt_hash), '')
            FROM scored.scores s LEFT JOIN versions v USING (prompt) GROUP BY s.prompt
            """
        ).fetchall()
        return {prompt: _Standing(*found) for prompt, *found in rows}

    def answers(self, prompt: str) -> list[_Answer]:
        """The prompt's rows of scored.scores."""
        if self._connection is None:
            return []
        rows = self._connection.execute(
            "SELECT doc_id, text_sha256, prompt_hash, input_hash, status, scorer, samples FROM scored.scores"
            " WHERE prompt = ?",
            [prompt],
        ).fetchall()
        return [_Answer(*row) for row in rows]

    def of(self, about: _About) -> tuple[int, str]:
        """How many documents there are, and the digest of them (`documents_digest`)."""
        if about not in self._sizes:
            if self._connection is None:
                self._sizes[about] = (0, documents_digest(()))
            else:
                self._sizes[about] = count_and_digest(self._connection, asked_documents(*about))
        return self._sizes[about]

    def texts(self, about: _About) -> Mapping[str, str]:
        """The digest of each document's text."""
        if about not in self._texts:
            query = f"SELECT doc_id, text_sha256 FROM ({asked_documents(*about)})"
            rows = () if self._connection is None else self._connection.execute(query).fetchall()
            self._texts[about] = dict(rows)
        return self._texts[about]

    @cached_property
    def _sizes(self) -> dict[_About, tuple[int, str]]:
        return {}

    @cached_property
    def _texts(self) -> dict[_About, dict[str, str]]:
        return {}


@dataclass(frozen=True)
class _Known:
    """What the warehouse holds, read at one moment."""

    documents: _Documents
    recorded: Mapping[str, list[object]]
    input_hashes: Mapping[str, str]
    ranking_hashes: Mapping[str, str]
    made_from: Mapping[str, Mapping[str, str]]
    answers: Mapping[str, str]
    facts: Mapping[str, str]
    indices: Mapping[str, str]
    definitions: Mapping[str, Mapping[str, object]]
    failed_variants: Mapping[str, int]
    ledger: Ledger | None
    jobs: Mapping[str, Mapping[str, float | None]]
    versions: frozenset[str]
    keys: Mapping[str, RequestKeys]  # by the family that is asked
    epochs: Mapping[str, int]
    unfinished: frozenset[str]
    generations: Mapping[str, int]
    titles_digests: Mapping[str, str]

    @cached_property
    def settled(self) -> frozenset[str]:
        """Request keys that have an answer."""
        return frozenset() if self.ledger is None else self.ledger.settled_keys(set(self.versions))


def standings(warehouse: Warehouse, folder: PromptFolder, choice: ScorerChoice) -> list[PromptStanding]:
    """How every prompt file stands, by name."""
    if not warehouse.exists:
        return _standings(_NOTHING, folder, choice)
    ledger = open_ledger(warehouse)  # which may write into the warehouse, as a snapshot must not
    with warehouse.snapshot() as now, now.connect(read_only=True) as connection:
        return _standings(_read(now, connection, ledger, folder, choice), folder, choice)


def _standings(known: _Known, folder: PromptFolder, choice: ScorerChoice) -> list[PromptStanding]:
    result = [_compare(prompt, known, choice) for prompt in folder.prompts]
    result += [_broken(broken, known) for broken in folder.broken]
    return sorted(result, key=lambda standing: standing.prompt)


def record_standings(warehouse: Warehouse, folder: PromptFolder, seen: Sequence[PromptStanding]) -> None:
    """Record what of these prompts is not recorded yet, all in one transaction, however many they are."""
    from exposure_dagster.pipeline.ranked import put_definition

    prompts = {prompt.name: prompt for prompt in folder.prompts}
    new = [one for one in seen if one.is_prompt_unrecorded or one.is_input_unrecorded or one.is_ranking_stale]
    if not new:
        return

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        for standing in new:
            prompt = prompts[standing.prompt]
            if standing.is_prompt_unrecorded:
                put_prompt(connection, prompt)
            if standing.is_ranking_stale:
                put_definition(connection, prompt)
            if standing.is_input_unrecorded:
                assert standing.wanted is not None
                put_inputs(connection, prompt.name, prompt.asked.prompt_hash, standing.wanted, _about(prompt))

    warehouse.transact(write)


_NOTHING = _Known(
    _Documents(None), {}, {}, {}, {}, {}, {}, {}, {}, {}, None, {}, frozenset(), {}, {}, frozenset(), {}, {}
)
"""Of a warehouse that is not there yet."""


def _read(
    warehouse: Warehouse,
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    folder: PromptFolder,
    choice: ScorerChoice,
) -> _Known:
    all_asked = [one for prompt in folder.prompts for one in prompt.asked.questions.values()]
    versions = {one.prompt_hash for one in all_asked}
    families = {choice.endpoints.of(one.model).family for one in all_asked}
    earlier = ledger.earlier_hashes(all_asked)
    return _Known(
        documents=_Documents(connection),
        recorded={
            name: facts
            for name, *facts in connection.execute(
                "SELECT prompt, prompt_hash, baseline_hash, is_enabled, title, corpus FROM scored.prompts"
            ).fetchall()
        },
        input_hashes=dict(
            connection.execute("SELECT prompt, any_value(input_hash) FROM scored.inputs GROUP BY 1").fetchall()
        ),
        made_from=made_from(connection),
        answers=answers_digests(connection),
        facts=facts_digests(connection),
        indices=indices_digests(connection),
        ranking_hashes=dict(connection.execute("SELECT prompt, ranking_hash FROM ranked.definitions").fetchall()),
        definitions={
            digest: json.loads(definition)
            for digest, definition in connection.execute(
                "SELECT prompt_hash, any_value(definition) FROM scored.prompt_versions GROUP BY 1"
            ).fetchall()
        },
        failed_variants=dict(
            connection.execute(
                "SELECT prompt, count(*) FROM scored.variants WHERE status = 'failed' GROUP BY 1"
            ).fetchall()
        ),
        ledger=ledger,
        jobs={
            corpus: jobs_of(warehouse, corpus)
            for corpus in {prompt.file.corpus for prompt in folder.prompts if prompt.asked.sampling is not None}
        },
        versions=frozenset({*versions, *(one for before in earlier.values() for one in before)}),
        keys={family: ledger.keys(all_asked, family) for family in families},
        epochs=_epochs(ledger.newest_epochs(), earlier),
        unfinished=ledger.unfinished_epochs(),
        generations=generations(warehouse),
        titles_digests={
            corpus: titles_digest(warehouse, corpus)
            for corpus in {prompt.file.corpus for prompt in folder.prompts if _may_be_baseline(prompt, choice)}
        },
    )


def _epochs(newest: Mapping[str, int], earlier: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The newest epochs, with what was asked under the earlier hashes of a version counted to it."""
    return {**newest, **{now: newest_of((now, *before), newest) for now, before in earlier.items()}}


def _may_be_baseline(prompt: Prompt, choice: ScorerChoice) -> bool:
    return choice.of(prompt.asked).name is ScorerName.BASELINE


def _compare(prompt: Prompt, known: _Known, choice: ScorerChoice) -> PromptStanding:
    documents, digest = known.documents.of(_about(prompt))
    choice = choice.of(prompt.asked)
    standing = known.documents.standing.get(prompt.name)
    has_model_scores = standing is not None and standing.has_model_scores
    is_waiting_for_key = choice.name is ScorerName.BASELINE and not choice.is_explicit and has_model_scores
    is_baseline = choice.name is ScorerName.BASELINE and (choice.is_explicit or not has_model_scores)
    wanted = input_hash(
        prompt.asked.prompt_hash,
        digest,
        baseline_hash=prompt.baseline.baseline_hash if is_baseline else None,
        titles_digest=known.titles_digests.get(prompt.file.corpus, "") if is_baseline else "",
        generation=known.generations.get(prompt.name, 0),
        family=choice.family(prompt.asked),
        samples=samples_hash(prompt.asked),
        variants=variant_hashes(prompt.asked),
    )
    if standing is None:
        state, reasons = State.MISSING, _NEVER if documents else (f"corpus {prompt.file.corpus} has no documents yet",)
    else:
        state, reasons = _compared(prompt, documents, standing, wanted, known)
        if is_waiting_for_key and state is not State.FRESH:
            reasons = (*reasons, "a model's answers stand, and there is no key")
    is_begun_again = not is_baseline and any(
        one.prompt_hash in known.unfinished for one in prompt.asked.questions.values()
    )
    open_questions: dict[str, tuple[str, ...]] = {}
    if not is_baseline and (state is not State.FRESH or is_begun_again):
        open_questions = {
            label: asked_about
            for label, one in prompt.asked.questions.items()
            if (asked_about := _open_questions(one, known.documents.texts(_about(prompt)), known, choice, prompt))
        }
    most_questions = {
        label: _most_questions(one, known.documents.texts(_about(prompt)), known, choice)
        for label, one in prompt.asked.questions.items()
        if one.sampling is not None and label in open_questions
    }
    is_asked_again_in_part = is_begun_again and bool(open_questions)
    if state is State.FRESH and is_asked_again_in_part:
        state, reasons = (
            State.INCOMPLETE,
            (f"asked again in part, {sum(map(len, open_questions.values()))} answers to go",),
        )
    facts = known.facts.get(prompt.file.corpus)
    wanted_ranking = RankingInputs(
        prompt.ranking.ranking_hash,
        facts,
        known.answers.get(prompt.name),
        indices_digest=known.indices.get(prompt.file.corpus),
    ).ranking_input_hash
    tables = known.made_from.get(prompt.name, {})
    is_ranked_now = facts is None or all(tables.get(table.full_name) == wanted_ranking for table in RANKED_TABLES)
    fits = standing is None or _fits(prompt, documents, standing, wanted, known)
    return PromptStanding(
        prompt=prompt.name,
        state=state,
        reasons=reasons,
        is_enabled=prompt.file.enabled,
        is_prompt_unrecorded=known.recorded.get(prompt.name) != _facts(prompt),
        is_input_unrecorded=bool(documents) and known.input_hashes.get(prompt.name) != wanted,
        is_ranking_stale=fits and known.ranking_hashes.get(prompt.name) != prompt.ranking.ranking_hash,
        is_ranked_otherwise=standing is not None and fits and not is_ranked_now,
        is_asked_again_in_part=is_asked_again_in_part,
        is_waiting_for_key=is_waiting_for_key,
        wanted=wanted,
        wanted_ranking=wanted_ranking,
        documents=documents,
        requests=sum(_requests(of_model, prompt.asked.documents_per_request) for of_model in open_questions.values()),
        open_questions=open_questions,
        most_questions=most_questions,
    )


def standing_table(all_standings: Sequence[PromptStanding]) -> pd.DataFrame:
    """Standings as people read them."""
    import pandas as pd

    return pd.DataFrame(
        {
            "prompt": [one.prompt for one in all_standings],
            "state": [one.state.value for one in all_standings],
            "why": [", ".join(one.reasons) for one in all_standings],
            "documents": [one.documents for one in all_standings],
            "requests": [one.requests for one in all_standings],
        }
    )


def _facts(prompt: Prompt) -> list[object]:
    file = prompt.file
    return [prompt.asked.prompt_hash, prompt.baseline.baseline_hash, file.enabled, file.title, file.corpus]


def _fits(prompt: Prompt, documents: int, standing: _Standing, wanted: str, known: _Known) -> bool:
    """Whether the standing answers can be ranked by the file's definition: same attributes, same scale, same corpus."""
    answered = known.definitions.get(standing.most_answered, {}).get("attributes")
    now = prompt.asked.model_dump(mode="json")["attributes"]
    is_about_these = not documents or standing.input_hash == wanted
    if not is_about_these:
        texts = known.documents.texts(_about(prompt))
        is_about_these = any(answer.doc_id in texts for answer in known.documents.answers(prompt.name))
    return is_about_these and (answered is None or _scales(answered) == _scales(now))


def _scales(attributes: Any) -> list[tuple[Any, ...]]:
    return [(attribute["key"], tuple(attribute["allowed"])) for attribute in attributes]


def _broken(broken: BrokenPrompt, known: _Known) -> PromptStanding:
    standing = known.documents.standing.get(broken.name)
    first = str(broken.problems[0])
    more = f" (and {len(broken.problems) - 1} more)" if len(broken.problems) > 1 else ""
    return PromptStanding(
        prompt=broken.name,
        state=State.BROKEN,
        reasons=(first + more,),
        is_enabled=True,
        is_prompt_unrecorded=False,
        is_input_unrecorded=False,
        is_ranking_stale=False,
        is_ranked_otherwise=False,
        wanted=None,
        wanted_ranking=None,
        documents=0 if standing is None else standing.rows,
        requests=0,
    )


def _compared(
    prompt: Prompt, documents: int, standing: _Standing, wanted: str, known: _Known
) -> tuple[State, tuple[str, ...]]:
    failed = standing.failed
    if standing.rows == documents and standing.input_hash == wanted:
        of_variants = known.failed_variants.get(prompt.name, 0) if prompt.asked.variants else 0
        lacking = [f"{failed} failed"] if failed else []
        lacking += [f"{of_variants} failed in variants"] if of_variants else []
        return (State.INCOMPLETE, tuple(lacking)) if lacking else (State.FRESH, ())
    texts, scores = known.documents.texts(_about(prompt)), known.documents.answers(prompt.name)
    reasons = []
    versions = {answer.prompt_hash for answer in scores} - {None}
    if versions != {prompt.asked.prompt_hash}:
        now = prompt.asked.model_dump(mode="json")
        before = known.definitions.get(standing.most_answered, {})
        changed = {name for name in {**before, **now} if before.get(name) != now.get(name)}
        if changed & {"model", "models"}:
            names = ", ".join(_names(before))
            reasons.append(f"model {names} → {prompt.asked.model_names}")
        if changed - {"model", "models"}:
            reasons.append("prompt text" if changed & {"system", "answer_schema"} else ", ".join(sorted(changed)))
    else:
        before = known.definitions.get(standing.most_answered, {})
        now = prompt.asked.model_dump(mode="json")
        reasons += [part for part in ("sampling", "variants") if before.get(part) != now.get(part)]
    answered = {answer.doc_id: answer.text_sha256 for answer in scores}
    reasons += _other_samples(prompt, [answer.samples for answer in scores if answer.status == "ok" and answer.samples])
    counts = Counter(
        "new" if doc_id not in answered else "changed"
        for doc_id, digest in texts.items()
        if answered.get(doc_id) != digest
    )
    counts["gone"] = len(answered.keys() - texts.keys())
    reasons += [f"{counts[kind]} {kind}" for kind in ("changed", "new", "gone") if counts[kind]]
    estimated = sum(answer.scorer == ScorerName.BASELINE for answer in scores)
    if estimated < len(scores) and estimated:
        reasons.append(f"{estimated} estimated from the others' answers")
    if failed:
        reasons.append(f"{failed} failed")
    return State.STALE, tuple(reasons or ["scorer, who is asked, sampling, variants, or what the baseline works from"])


def _other_samples(prompt: Prompt, samples: Sequence[int]) -> list[str]:
    """That the answers behind the scores are not as many as the file asks for."""
    models = len(prompt.asked.by_model)
    fewest, most = prompt.asked.samples * models, prompt.asked.most_samples * models
    if not samples or fewest <= max(samples) <= most:
        return []
    wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return [f"samples {max(samples)} → {wanted}"]


def _names(definition: Mapping[str, Any]) -> list[str]:
    """The models that a stored definition names."""
    return [str(name) for name in definition.get("models") or [definition.get("model")]]


def _open_questions(
    asked: AskedPrompt, texts: Mapping[str, str], known: _Known, choice: ScorerChoice, prompt: Prompt
) -> tuple[str, ...]:
    """The documents that one model is still to be asked about, once a sample."""
    wanted = _samples_wanted(asked, texts, known, choice, known.jobs.get(prompt.file.corpus, {}))
    if asked.prompt_hash not in known.epochs:  # never asked: no key needs to be looked up
        return tuple(doc_id for sample in range(asked.most_samples) for doc_id in texts if sample < wanted[doc_id])
    key_of = _key_of(asked, known, choice)
    return tuple(
        doc_id
        for sample in range(1, asked.most_samples + 1)
        for doc_id, digest in texts.items()
        if sample <= wanted[doc_id] and key_of(doc_id, digest, sample) not in known.settled
    )


def _most_questions(asked: AskedPrompt, texts: Mapping[str, str], known: _Known, choice: ScorerChoice) -> int:
    """How many answers there can be still, if every document wanted as many as it may have."""
    everything = len(texts) * asked.most_samples
    if asked.prompt_hash not in known.epochs:
        return everything
    key_of = _key_of(asked, known, choice)
    return everything - sum(
        key_of(doc_id, digest, sample) in known.settled
        for doc_id, digest in texts.items()
        for sample in range(1, asked.most_samples + 1)
    )


def _samples_wanted(
    asked: AskedPrompt,
    texts: Mapping[str, str],
    known: _Known,
    choice: ScorerChoice,
    jobs: Mapping[str, float | None],
) -> Mapping[str, int]:
    """By document, how many answers of one model it should have by now."""
    if asked.sampling is None or known.ledger is None:
        return dict.fromkeys(texts, asked.samples)
    family = choice.endpoints.of(asked.model).family
    job = ScoringJob(
        run_id="",
        prompt="",
        asked=asked,
        documents=[DocumentRef(doc_id, doc_id, digest) for doc_id, digest in texts.items()],
        texts=HeldTexts({}),
        epoch=known.epochs.get(asked.prompt_hash, 0),
        keys=known.keys[family],
        weights={doc_id: count for doc_id, count in jobs.items() if count is not None},
    )
    return samples_wanted(job, known.ledger.outcomes(job.hashes, job.epoch))


def _key_of(asked: AskedPrompt, known: _Known, choice: ScorerChoice) -> Callable[[str, str, int], str]:
    """The request key of a document, by its id, the digest of its text, and the sample."""
    prompt_hash = asked.prompt_hash
    epoch, keys = known.epochs[prompt_hash], known.keys[choice.endpoints.of(asked.model).family]
    return lambda doc_id, digest, sample: keys.of(prompt_hash, doc_id, digest, sample, epoch)


def _requests(open_questions: tuple[str, ...], documents_per_request: int) -> int:
    return math.ceil(len(open_questions) / documents_per_request)
