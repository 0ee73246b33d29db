"""Asking in batches, at half the price: send, remember, wait, collect, and send again what did not work out.

A batch is on disk before it is sent, and its id before it is asked after; a run that was stopped goes on
with the batches that are under way, and asks for nothing that they hold.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ExposureError, ScoringError
from exposure_dagster.core.money import in_usd
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.exchange import Attempt, Fate, MessageRequest
from exposure_dagster.providers.provider import (
    BatchClient,
    BatchRejectedError,
    BatchState,
    BatchTerms,
    BatchUncertainError,
)
from exposure_dagster.scoring.alike import AlikeFailures
from exposure_dagster.scoring.asking import CutDocument
from exposure_dagster.scoring.batch_store import BatchRequest, BatchStore, SentBatch
from exposure_dagster.scoring.budget import BudgetStopError, Purse
from exposure_dagster.scoring.context import RunContext
from exposure_dagster.scoring.course import Course
from exposure_dagster.scoring.job import Question
from exposure_dagster.scoring.judging import Verdict, judge
from exposure_dagster.scoring.ledger import DAY, LedgerRow, Status
from exposure_dagster.scoring.rows import ledger_rows
from exposure_dagster.scoring.watchdog import Watchdog

PORTION = 500
"""Results whose documents are held in memory at once."""

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0

LOST_BATCHES = 3
"""So many batches that the API took no notice of end a run."""

_log = logging.getLogger(__name__)


class _AnotherBatchError(Exception):
    """The results of a batch carry ids that are not ours."""


@dataclass(slots=True)
class _Pending:
    """A request to be sent in a batch."""

    questions: Sequence[Question]
    cuts: Sequence[CutDocument]
    request: MessageRequest
    worst_nano_usd: int
    size_bytes: int


@dataclass
class BatchEngine:
    """One run's asking by batches. `cancels_batches` says what becomes of a batch when the run is cancelled."""

    run: RunContext
    client: BatchClient
    store: BatchStore
    purse: Purse
    watchdog: Watchdog
    cancels_batches: bool
    stopped_by: BaseException | None = None
    _settled: set[str] = field(default_factory=set)
    _courses: dict[str, Course] = field(default_factory=dict)  # of questions that were asked in vain, and go alone now
    _not_ours: set[str] = field(default_factory=set)
    _lost: int = 0
    _alike: AlikeFailures = field(init=False)

    def __post_init__(self) -> None:
        self._alike = AlikeFailures(self.run.endpoint.provider.address_variable)

    async def ask_all(self, questions: Sequence[Question]) -> None:
        """Ask until every question is answered, refused, or out of attempts, or until a budget ends it."""
        by_key = {question.key: question for question in questions}
        with self.watchdog.at_work():  # each wait here is for the API or for a pause that ends
            try:
                for batch in await asyncio.to_thread(self.store.uncollected):
                    if self._is_asked_here(batch):
                        await self._pick_up(batch, by_key)
                await self._ask_what_is_open(questions, by_key)
            except ExposureError as error:
                self.stop(error)

    def _is_asked_here(self, batch: SentBatch) -> bool:
        """Whether a batch was sent to who is asked now; another server knows nothing of it."""
        question = next((question for request in batch.requests for question in request.questions), None)
        return question is None or question.key == self.run.job.key_of(question.document, question.sample)

    async def _ask_what_is_open(self, questions: Sequence[Question], by_key: dict[str, Question]) -> None:
        while open_questions := self._open(questions):
            for chunk in self._chunks(open_questions):
                await self._send_and_collect(chunk, by_key)

    def stop(self, error: BaseException) -> None:
        """Send nothing more; what was sent is remembered."""
        if self.stopped_by is None:
            self.stopped_by = error
        self.purse.stop()

    @property
    def _terms(self) -> BatchTerms:
        terms = self.run.endpoint.provider.batches
        assert terms is not None
        return terms

    @property
    def _is_stopped(self) -> bool:
        return self.stopped_by is not None

    def _open(self, questions: Sequence[Question]) -> list[Question]:
        if self._is_stopped:
            return []
        bound = self.run.limits.patience.attempts
        return [
            question
            for question in questions
            if question.key not in self._settled
            and (course := self._course(question)).tries < bound
            and not course.is_hopeless
        ]

    def _course(self, question: Question) -> Course:
        return self._courses.get(question.key) or Course(self.run.asking.max_tokens(1))

    async def _send_and_collect(self, chunk: list[_Pending], by_key: dict[str, Question]) -> None:
        if self._is_stopped:
            return
        token = uuid.uuid4().hex[:12]
        batch = SentBatch(
            token=token,
            batch_id=None,
            prompt=self.run.job.prompt,
            prompt_hash=self.run.job.prompt_hash,
            epoch=self.run.job.epoch,
            created_at=utc_now(),
            requests=[BatchRequest(f"{token}-{number}", one.questions) for number, one in enumerate(chunk)],
            worst_nano_usd=sum(pending.worst_nano_usd for pending in chunk),
            endpoint=self.run.endpoint.family,
        )
        try:
            if not await self.purse.reserve_batch(batch):
                return
        except BudgetStopError as error:
            if len(chunk) == 1:
                self.stop(error)
                return
            for half in (chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]):
                await self._send_and_collect(half, by_key)
            return
        sending = asyncio.ensure_future(self._send(batch, [one.request for one in chunk]))
        try:
            sent = await asyncio.shield(sending)
        except asyncio.CancelledError:  # the API may have taken it: its id is not to be lost
            await self._leave((await sending).batch_id)
            raise
        except BatchUncertainError as uncertain:
            _log.warning("%s; looking for it in the list of batches", uncertain.what)
            sent = batch
        await self._collect_or_lose(sent, by_key)

    async def _send(self, batch: SentBatch, requests: Sequence[MessageRequest]) -> SentBatch:
        """Send a batch that is remembered, and remember what the API calls it."""
        named = [(one.custom_id, request) for one, request in zip(batch.requests, requests, strict=True)]
        try:
            batch_id = await self.client.create(batch.token, named)
        except BatchRejectedError:
            await asyncio.to_thread(self.store.forget, batch.token)
            raise
        await asyncio.to_thread(self.store.name, batch.token, batch_id)
        return replace(batch, batch_id=batch_id)

    async def _pick_up(self, batch: SentBatch, by_key: dict[str, Question]) -> None:
        """Go on with a batch of an earlier run; one of which no id is known is looked for at the API."""
        if not self._is_stopped:
            _log.warning("batch %s of an earlier run is not collected; picking it up", batch.shown)
            await self._collect_or_lose(batch, by_key)

    async def _collect_or_lose(self, batch: SentBatch, by_key: dict[str, Question]) -> None:
        """Enter what came of a batch. Where the API shows none with its token, it may never have come to be: then it
        stays in the ledger, counted at its worst for a day, and its questions are open again."""
        found: SentBatch | None = batch
        while found is not None:
            if found.batch_id is None:
                found = await self._find(batch)
            if found is not None and await self._collect(found, by_key):
                return
            if found is not None:  # its results carry other ids than ours
                found = replace(found, batch_id=None)
        if self._is_stopped:
            return
        if utc_now() - batch.created_at > DAY:
            await asyncio.to_thread(self.store.give_up, batch.token, "the API showed no batch with this token")
            return
        self.purse.assume(batch.worst_nano_usd)
        self._lost += 1
        _log.warning(
            "the API shows no batch %s; it counts at its worst, $%.4f, for a day",
            batch.shown,
            in_usd(batch.worst_nano_usd),
        )
        if self._lost == LOST_BATCHES:
            self.stop(
                ScoringError(
                    f"{LOST_BATCHES} batches were sent of which the API shows none",
                    where="batches",
                    remedy=f"Look at the network, {self.run.endpoint.provider.address_variable} and the provider's "
                    "console, and run again: batches that did arrive are found by their token.",
                )
            )

    async def _find(self, batch: SentBatch) -> SentBatch | None:
        """The batch with the id that the API gave it, once it has ended; None where the API has none with its token.

        Batches of the same size and time are looked into one by one: only the ids of their requests tell them apart.
        """
        longest = self.run.limits.patience.batch_list_seconds
        age = (utc_now() - batch.created_at).total_seconds()
        until = asyncio.get_running_loop().time() + min(max(0.0, longest - age), longest)
        wait = FIRST_WAIT_SECONDS
        while not self._is_stopped:
            known = await asyncio.to_thread(self.store.known_ids) | self._not_ours
            candidates = await self.client.candidates(
                batch.token, len(batch.requests), known=known, begun_at=batch.created_at
            )
            ended = [candidate.batch_id for candidate in candidates if candidate.has_ended]
            is_over = asyncio.get_running_loop().time() >= until
            looked_into = 0
            for batch_id in ended:
                custom_id = await self.client.a_custom_id(batch_id)
                if _is_of(batch, custom_id):
                    await asyncio.to_thread(self.store.name, batch.token, batch_id)
                    return replace(batch, batch_id=batch_id)
                if custom_id is not None or is_over:  # results that the API does not show yet may still be ours
                    self._not_ours.add(batch_id)
                    looked_into += 1
            if not candidates and is_over:
                return None
            if not looked_into:
                await asyncio.sleep(min(wait, longest))
                wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)
        return None

    async def _collect(self, batch: SentBatch, by_key: dict[str, Question]) -> bool:
        """Wait for a batch and enter what came of it. False where its results carry other ids than ours."""
        assert batch.batch_id is not None
        try:
            if not await self._wait_for(batch):
                return True
        except BatchRejectedError as refusal:
            await asyncio.to_thread(self.store.give_up, batch.token, refusal.what)
            raise
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(batch.batch_id))
            raise
        entered = await asyncio.to_thread(self.store.entered, batch.batch_id)
        left = {one.custom_id: one for one in batch.requests if not entered.keys() >= {q.key for q in one.questions}}
        portion: list[tuple[BatchRequest, Attempt]] = []

        async def enter(custom_id: str, attempt: Attempt) -> None:
            if not _is_of(batch, custom_id):
                raise _AnotherBatchError
            if request := left.pop(custom_id, None):
                portion.append((request, attempt))
            if len(portion) == PORTION:
                await enter_portion()

        async def enter_portion(*, assumed: int = 0) -> None:
            await self._enter(portion, batch.batch_id, by_key, assumed=assumed)
            portion.clear()

        try:
            await self._until_it_is_known(batch, lambda: self.client.read_results(batch.shown, enter))
        except _AnotherBatchError:
            _log.warning("batch %s holds other requests than ours; looking for the one that was sent", batch.batch_id)
            self._not_ours.add(batch.batch_id)
            await asyncio.to_thread(self.store.release, batch.token)
            return False
        await enter_portion()
        assumed = batch.worst_nano_usd * len(left) // len(batch.requests)
        for request in left.values():
            error = f"batch {batch.batch_id} holds no result for the request"
            portion.append((request, Attempt(Fate.BROKEN, 0.0, None, error=error)))
        await enter_portion(assumed=assumed)
        await asyncio.to_thread(self.store.mark_collected, batch.token)
        return True

    async def _wait_for(self, batch: SentBatch) -> bool:
        """Wait until a batch has ended. False where nothing will come of it any more."""
        wait, done = FIRST_WAIT_SECONDS, 0
        while True:
            state = await self._state(batch)
            if state is None:
                note = "the API no longer knew it, when its results were no longer kept"
                _log.warning("batch %s: %s; what it asked is asked again", batch.shown, note)
                await asyncio.to_thread(self.store.give_up, batch.token, note)
                return False
            if state.has_ended:
                return True
            self.run.progress.advance(0, in_batch=state.processing)
            wait = FIRST_WAIT_SECONDS if state.done > done else min(wait * 1.5, LONGEST_WAIT_SECONDS)
            done = state.done
            await asyncio.sleep(wait)

    async def _state(self, batch: SentBatch) -> BatchState | None:
        """How far a batch is; None where the API does not know one whose results it keeps no longer."""
        found: list[BatchState] = []

        async def ask() -> bool:
            state = await self.client.state(batch.shown)
            if state is not None:
                found.append(state)
            return state is not None

        if utc_now() - batch.created_at > self._terms.results_kept:
            await ask()
        else:
            await self._until_it_is_known(batch, ask)
        return found[0] if found else None

    async def _until_it_is_known(self, batch: SentBatch, ask: Callable[[], Awaitable[bool]]) -> None:
        """Ask about a batch again while the API says that it does not know it: it was paid for, and may show up.

        Raises ScoringError where it does not; then it stays in the ledger, and nothing that it asked is sent again.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.run.limits.patience.batch_look_seconds
        wait = FIRST_WAIT_SECONDS
        while not await ask():
            if loop.time() >= until:
                raise ScoringError(
                    f"the API does not know batch {batch.shown}, which it took at {batch.created_at:%Y-%m-%d %H:%M} "
                    f"UTC with {len(batch.requests):,} requests",
                    where="batches",
                    remedy="A batch is known only to the workspace whose key sent it: look at "
                    f"{self.run.endpoint.provider.key_variable} and {self.run.endpoint.provider.address_variable}, and "
                    "run again. It counts at its worst for a day, and what it asked is not sent in a batch again "
                    f"before {self._terms.results_kept.days} days have passed.",
                )
            _log.warning("the API does not know batch %s; asking again", batch.shown)
            await asyncio.sleep(min(wait, max(0.0, until - loop.time())))
            wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)

    async def _leave(self, batch_id: str | None) -> None:
        if batch_id is None:
            return
        if self.cancels_batches:
            await self.client.cancel(batch_id)
            _log.warning("batch %s is cancelled; the next run collects what it had done", batch_id)
        else:
            _log.warning("batch %s goes on at the API; the next run picks it up", batch_id)

    async def _enter(
        self,
        results: Sequence[tuple[BatchRequest, Attempt]],
        batch_id: str | None,
        by_key: dict[str, Question],
        *,
        assumed: int,
    ) -> None:
        """Enter results into the ledger, all in one transaction."""
        if not results:
            return
        asked = [[by_key.get(question.key, question) for question in request.questions] for request, _ in results]
        cuts = iter(await self._cuts([question for questions in asked for question in questions]))
        rows: list[LedgerRow] = []
        for (_, attempt), questions in zip(results, asked, strict=True):
            rows += self._judged(questions, list(itertools.islice(cuts, len(questions))), attempt, batch_id)
        await self.purse.enter(rows, assumed=assumed)

    def _judged(
        self, questions: Sequence[Question], cuts: Sequence[CutDocument], attempt: Attempt, batch_id: str | None
    ) -> list[LedgerRow]:
        judgement = judge(self.run.job.asked, [cut.document for cut in cuts], attempt)
        self.run.tally.sent(attempt, is_retry=any(question.attempts for question in questions))
        rows = ledger_rows(self.run, questions, cuts, attempt, judgement.verdicts, batch_id=batch_id)
        for question, verdict in zip(questions, judgement.verdicts, strict=True):
            if len(questions) == 1 or verdict.answer is not None:  # those that fail together may be answered alone
                self._note_likeness(question, verdict)
        is_hopeless = attempt.fate in (Fate.REJECTED, Fate.DENIED) and len(questions) == 1
        for question, verdict in zip(questions, judgement.verdicts, strict=True):
            if verdict.status in (Status.OK, Status.REFUSED) or is_hopeless:
                self._settled.add(question.key)
            else:
                course = self._courses[question.key] = self._course(question)
                course.learn(judgement, self.run.asking)
        return rows

    def _note_likeness(self, question: Question, verdict: Verdict) -> None:
        error = self._alike.enough(question.document.doc_id, verdict)
        if error is not None:
            self.stop(error)

    def _chunks(self, questions: Sequence[Question]) -> Iterator[list[_Pending]]:
        """Requests in batches of at most what the API takes."""
        chunk: list[_Pending] = []
        size, terms = 0, self._terms
        for pending in self._pending(questions):
            if chunk and (len(chunk) == terms.max_requests or size + pending.size_bytes > terms.max_bytes):
                yield chunk
                chunk, size = [], 0
            chunk.append(pending)
            size += pending.size_bytes
        if chunk:
            yield chunk

    def _pending(self, questions: Sequence[Question]) -> Iterator[_Pending]:
        """Requests for the questions; those that failed before go alone, and no request holds a document twice."""
        asking = self.run.asking
        for _, of_sample in itertools.groupby(questions, key=lambda question: question.sample):
            portion = list(of_sample)
            cuts = self._cut_now(portion)
            by_kind: dict[bool, list[tuple[Question, CutDocument]]] = {True: [], False: []}
            for question, cut in zip(portion, cuts, strict=True):
                by_kind[question.key in self._courses].append((question, cut))
            groups = [[cut] for _, cut in by_kind[True]]
            together = list(asking.groups([cut for _, cut in by_kind[False]]))
            in_order = iter([question for kind in (True, False) for question, _ in by_kind[kind]])
            for group in [*groups, *together]:
                of_group = list(itertools.islice(in_order, len(group)))
                room, repeat = asking.max_tokens(len(group)), 0
                if len(of_group) == 1:
                    course = self._course(of_group[0])
                    room, repeat = course.max_tokens, course.bad_answers
                request = asking.request(
                    [cut.document for cut in group], room, repeat=repeat, sample=of_group[0].sample
                )
                size = self.run.endpoint.provider.service.size_bytes(request)
                yield _Pending(of_group, group, request, asking.worst_cost(request), size)

    async def _cuts(self, questions: Sequence[Question]) -> list[CutDocument]:
        return await asyncio.to_thread(self._cut_now, questions)

    def _cut_now(self, questions: Sequence[Question]) -> list[CutDocument]:
        refs = [question.document for question in questions]
        texts = self.run.job.texts.texts(refs)
        return [self.run.asking.cut(Document(ref.doc_id, ref.title, texts[ref.text_sha256])) for ref in refs]


def _is_of(batch: SentBatch, custom_id: str | None) -> bool:
    return custom_id is not None and custom_id.startswith(f"{batch.token}-")
