"""Asking in batches, at half the price: send, remember, wait, collect, and send again what did not work out.

A batch is on disk before it is sent, and its id before it is asked after; a run that was stopped goes on
with the batches that are under way, and asks for nothing that they hold.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from exposure_dagster.errors import ExposureError, ScoringError
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.asking import CutDocument
from exposure_dagster.scoring.batch_store import BatchRequest, BatchStore, SentBatch
from exposure_dagster.scoring.budget import Purse
from exposure_dagster.scoring.claude import as_params
from exposure_dagster.scoring.claude_batches import BatchRejectedError, ClaudeBatches
from exposure_dagster.scoring.context import RunContext
from exposure_dagster.scoring.exchange import Attempt, Fate, MessageRequest
from exposure_dagster.scoring.job import Question
from exposure_dagster.scoring.judging import judge
from exposure_dagster.scoring.ledger import LedgerRow, Status
from exposure_dagster.scoring.rows import ledger_rows
from exposure_dagster.scoring.writing import GroupWriter
from exposure_dagster.sources.fetching import utc_now

MAX_REQUESTS = 100_000
MAX_BYTES = 240_000_000
"""The API takes 256 MB; the rest is for what surrounds the requests."""

PORTION = 500
"""Results whose documents are held in memory at once."""

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0

UNSENT = "sending-"
"""Begins the id of a batch that is remembered and of which the API's own id is not known yet."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pending:
    """A request to be sent in a batch."""

    questions: Sequence[Question]
    cuts: Sequence[CutDocument]
    request: MessageRequest
    worst_usd: float
    size_bytes: int


@dataclass
class BatchEngine:
    """One run's asking by batches. `cancels_batches` says what becomes of a batch when the run is cancelled."""

    run: RunContext
    client: ClaudeBatches
    store: BatchStore
    writer: GroupWriter[LedgerRow]
    purse: Purse
    cancels_batches: bool
    stopped_by: BaseException | None = None
    _max_tokens: dict[str, int] = field(default_factory=dict)
    _settled: set[str] = field(default_factory=set)
    _alone: set[str] = field(default_factory=set)
    _tries: Counter[str] = field(default_factory=Counter)

    async def ask_all(self, questions: Sequence[Question]) -> None:
        """Ask until every question is answered, refused, or out of attempts, or until a budget ends it."""
        by_key = {question.key: question for question in questions}
        try:
            for batch in await asyncio.to_thread(self.store.uncollected):
                await self._pick_up(batch, by_key)
            await self._ask_what_is_open(questions, by_key)
        except ExposureError as error:
            self.stop(error)

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
    def _is_stopped(self) -> bool:
        return self.stopped_by is not None

    def _open(self, questions: Sequence[Question]) -> list[Question]:
        if self._is_stopped:
            return []
        bound = self.run.limits.patience.attempts
        return [q for q in questions if q.key not in self._settled and self._tries[q.key] < bound]

    async def _send_and_collect(self, chunk: list[_Pending], by_key: dict[str, Question]) -> None:
        if self._is_stopped:
            return
        worst = sum(pending.worst_usd for pending in chunk)
        try:
            if not await self.purse.reserve(worst):
                return
        except ScoringError as error:
            if len(chunk) == 1:
                self.stop(error)
                return
            for half in (chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]):
                await self._send_and_collect(half, by_key)
            return
        token = uuid.uuid4().hex[:12]
        requests = [BatchRequest(f"{token}-{number}", one.questions) for number, one in enumerate(chunk)]
        batch = SentBatch(UNSENT + token, utc_now(), requests, worst)
        await asyncio.to_thread(self.store.save, batch)
        sending = asyncio.ensure_future(self._send(batch, [one.request for one in chunk]))
        try:
            sent = await asyncio.shield(sending)
        except asyncio.CancelledError:  # the API may have taken it: its id is not to be lost
            await self._leave((await sending).batch_id)
            raise
        except ScoringError as error:
            self.purse.settle(worst, 0.0)
            self.stop(error)
            return
        cost = await self._collect(sent, by_key)
        self.purse.settle(worst, cost)

    async def _send(self, batch: SentBatch, requests: Sequence[MessageRequest]) -> SentBatch:
        """Send a batch that is remembered, and remember what the API calls it."""
        known = await asyncio.to_thread(self.store.known_ids)
        named = [(one.custom_id, request) for one, request in zip(batch.requests, requests, strict=True)]
        try:
            batch_id = await self.client.send(named, known=known, now=batch.created_at)
        except BatchRejectedError:
            await asyncio.to_thread(self.store.forget, batch.batch_id)
            raise
        await asyncio.to_thread(self.store.rename, batch.batch_id, batch_id)
        return replace(batch, batch_id=batch_id)

    async def _pick_up(self, batch: SentBatch, by_key: dict[str, Question]) -> None:
        """Go on with a batch of an earlier run; one that ended while it sent is looked for at the API."""
        if batch.batch_id.startswith(UNSENT):
            known = await asyncio.to_thread(self.store.known_ids)
            found = await self.client.find(len(batch.requests), known=known, now=batch.created_at)
            if found is None:
                await asyncio.to_thread(self.store.forget, batch.batch_id)
                return
            await asyncio.to_thread(self.store.rename, batch.batch_id, found)
            batch = replace(batch, batch_id=found)
        _log.warning("batch %s of an earlier run is under way; picking it up", batch.batch_id)
        await self.purse.reserve_under_way(batch.worst_usd)
        cost = await self._collect(batch, by_key)
        self.purse.settle(batch.worst_usd, cost)

    async def _collect(self, batch: SentBatch, by_key: dict[str, Question]) -> float:
        """Wait for a batch and enter what came of it; returns what it cost in USD."""
        try:
            is_known = await self._wait_for(batch.batch_id)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(batch.batch_id))
            raise
        entered = await asyncio.to_thread(self.store.entered, batch.batch_id)
        left = {one.custom_id: one for one in batch.requests if not entered.keys() >= {q.key for q in one.questions}}
        cost = sum(entered.values())
        portion: list[tuple[BatchRequest, Attempt]] = []

        async def enter(custom_id: str, attempt: Attempt) -> None:
            if request := left.pop(custom_id, None):
                portion.append((request, attempt))
            if len(portion) == PORTION:
                await enter_portion()

        async def enter_portion() -> None:
            nonlocal cost
            cost += await self._enter(portion, batch.batch_id, by_key)
            portion.clear()

        if is_known:
            await self.client.read_results(batch.batch_id, enter)
        else:
            _log.warning("the API knows no batch %s any more; what it asked is asked again", batch.batch_id)
        for custom_id in list(left):
            lost = Attempt(Fate.BROKEN, 0.0, None, error=f"batch {batch.batch_id} holds no result for the request")
            await enter(custom_id, lost)
        await enter_portion()
        await self.writer.flush()
        await asyncio.to_thread(self.store.mark_collected, batch.batch_id)
        return cost

    async def _wait_for(self, batch_id: str) -> bool:
        """Wait until a batch has ended. False where the API does not know it."""
        wait, done = FIRST_WAIT_SECONDS, 0
        while not (state := await self.client.state(batch_id)).has_ended:
            self.run.progress.advance(0, in_batch=state.processing)
            wait = FIRST_WAIT_SECONDS if state.done > done else min(wait * 1.5, LONGEST_WAIT_SECONDS)
            done = state.done
            await asyncio.sleep(wait)
        return state.is_known

    async def _leave(self, batch_id: str) -> None:
        if self.cancels_batches:
            await self.client.cancel(batch_id)
            _log.warning("batch %s is cancelled; the next run collects what it had done", batch_id)
        else:
            _log.warning("batch %s goes on at the API; the next run picks it up", batch_id)

    async def _enter(
        self, results: Sequence[tuple[BatchRequest, Attempt]], batch_id: str, by_key: dict[str, Question]
    ) -> float:
        """Enter results into the ledger; returns their cost in USD."""
        asked = [[by_key.get(question.key, question) for question in request.questions] for request, _ in results]
        cuts = iter(await self._cuts([question for questions in asked for question in questions]))
        cost = 0.0
        for (_, attempt), questions in zip(results, asked, strict=True):
            cost += await self._enter_one(questions, list(itertools.islice(cuts, len(questions))), attempt, batch_id)
        return cost

    async def _enter_one(
        self, questions: Sequence[Question], cuts: Sequence[CutDocument], attempt: Attempt, batch_id: str
    ) -> float:
        judgement = judge(self.run.job.asked, [cut.document for cut in cuts], attempt)
        self.run.tally.sent(attempt, is_retry=any(question.attempts for question in questions))
        rows = ledger_rows(self.run, questions, cuts, attempt, judgement.verdicts, batch_id=batch_id)
        await self.writer.add(rows)
        is_hopeless = attempt.fate in (Fate.REJECTED, Fate.DENIED) and len(questions) == 1
        for question, verdict in zip(questions, judgement.verdicts, strict=True):
            self._tries[question.key] += 1
            if verdict.status in (Status.OK, Status.REFUSED) or is_hopeless:
                self._settled.add(question.key)
            else:
                self._alone.add(question.key)
                if judgement.is_cut_short:
                    before = self._max_tokens.get(question.key, self.run.asking.max_tokens(1))
                    self._max_tokens[question.key] = self.run.asking.more_tokens(before, 1)
        return sum(row.cost_usd or 0.0 for row in rows)

    def _chunks(self, questions: Sequence[Question]) -> Iterator[list[_Pending]]:
        """Requests in batches of at most what the API takes."""
        chunk: list[_Pending] = []
        size = 0
        for pending in self._pending(questions):
            if chunk and (len(chunk) == MAX_REQUESTS or size + pending.size_bytes > MAX_BYTES):
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
                by_kind[question.key in self._alone].append((question, cut))
            groups = [[cut] for _, cut in by_kind[True]]
            together = list(asking.groups([cut for _, cut in by_kind[False]]))
            in_order = iter([question for kind in (True, False) for question, _ in by_kind[kind]])
            for group in [*groups, *together]:
                of_group = list(itertools.islice(in_order, len(group)))
                room, repeat = asking.max_tokens(len(group)), 0
                if len(of_group) == 1:
                    room = max(room, self._max_tokens.get(of_group[0].key, 0))
                    repeat = self._tries[of_group[0].key]
                request = asking.request([cut.document for cut in group], room, repeat=repeat)
                size = len(json.dumps(as_params(request)).encode())
                yield _Pending(of_group, group, request, asking.worst_cost(request), size)

    async def _cuts(self, questions: Sequence[Question]) -> list[CutDocument]:
        return await asyncio.to_thread(self._cut_now, questions)

    def _cut_now(self, questions: Sequence[Question]) -> list[CutDocument]:
        refs = [question.document for question in questions]
        texts = self.run.job.texts.texts(refs)
        return [self.run.asking.cut(Document(ref.doc_id, ref.title, texts[ref.text_sha256])) for ref in refs]
