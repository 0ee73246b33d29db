"""Asking in batches, at half the price: send, remember, wait, collect, and send again what did not work out.

A batch's id is on disk before it is asked after; a run that was stopped goes on with the batches that
are under way, and asks for nothing that they hold.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exposure_dagster.errors import ScoringError
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.asking import CutDocument
from exposure_dagster.scoring.batch_store import BatchRequest, BatchStore, SentBatch
from exposure_dagster.scoring.budget import Purse
from exposure_dagster.scoring.claude import as_params
from exposure_dagster.scoring.claude_batches import ClaudeBatches
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

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0

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

    async def ask_all(self, questions: Sequence[Question]) -> None:
        """Ask until every question is answered, refused, or out of attempts, or until a budget ends it."""
        by_key = {question.key: question for question in questions}
        for batch in await asyncio.to_thread(self.store.uncollected):
            _log.warning("batch %s of an earlier run is under way; picking it up", batch.batch_id)
            await self._collect(batch, by_key)
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
        return [q for q in questions if q.key not in self._settled and q.attempts < bound]

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
        known = await asyncio.to_thread(self.store.known_ids)
        now = utc_now()
        try:
            batch_id = await self.client.send(
                [(request.custom_id, one.request) for request, one in zip(requests, chunk, strict=True)],
                known=known,
                now=now,
            )
        except ScoringError as error:
            self.purse.settle(worst, 0.0)
            self.stop(error)
            return
        batch = SentBatch(batch_id, now, requests)
        await asyncio.to_thread(self.store.save, batch)
        cost = await self._collect(batch, by_key)
        self.purse.settle(worst, cost)

    async def _collect(self, batch: SentBatch, by_key: dict[str, Question]) -> float:
        """Wait for a batch and enter what came of it; returns what it cost in USD."""
        try:
            await self._wait_for(batch.batch_id)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(batch.batch_id))
            raise
        asked = {request.custom_id: request for request in batch.requests}
        cost = 0.0
        async for custom_id, attempt in self.client.results(batch.batch_id):
            if custom_id in asked:
                request = asked.pop(custom_id)
                cost += await self._enter(request, attempt, batch.batch_id, by_key)
        for request in asked.values():
            lost = Attempt(Fate.BROKEN, 0.0, None, error=f"batch {batch.batch_id} holds no result for the request")
            await self._enter(request, lost, batch.batch_id, by_key)
        await self.writer.flush()
        await asyncio.to_thread(self.store.mark_collected, batch.batch_id)
        return cost

    async def _wait_for(self, batch_id: str) -> None:
        wait, done = FIRST_WAIT_SECONDS, 0
        while not (state := await self.client.state(batch_id)).has_ended:
            self.run.progress.advance(0, in_batch=state.processing)
            wait = FIRST_WAIT_SECONDS if state.done > done else min(wait * 1.5, LONGEST_WAIT_SECONDS)
            done = state.done
            await asyncio.sleep(wait)

    async def _leave(self, batch_id: str) -> None:
        if self.cancels_batches:
            await self.client.cancel(batch_id)
            _log.warning("batch %s is cancelled; the next run collects what it had done", batch_id)
        else:
            _log.warning("batch %s goes on at the API; the next run picks it up", batch_id)

    async def _enter(
        self, request: BatchRequest, attempt: Attempt, batch_id: str, by_key: dict[str, Question]
    ) -> float:
        """Enter one result into the ledger; returns its cost in USD."""
        questions = [by_key.get(question.key, question) for question in request.questions]
        cuts = await self._cuts(questions)
        judgement = judge(self.run.job.asked, [cut.document for cut in cuts], attempt)
        self.run.tally.sent(attempt, is_retry=any(question.attempts for question in questions))
        rows = ledger_rows(self.run, questions, cuts, attempt, judgement.verdicts, batch_id=batch_id)
        await self.writer.add(rows)
        is_hopeless = attempt.fate in (Fate.REJECTED, Fate.DENIED) and len(questions) == 1
        for question, verdict in zip(questions, judgement.verdicts, strict=True):
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
                room = max(
                    self._max_tokens.get(of_group[0].key, 0) if len(of_group) == 1 else 0, asking.max_tokens(len(group))
                )
                request = asking.request([cut.document for cut in group], room)
                size = len(json.dumps(as_params(request)).encode())
                yield _Pending(of_group, group, request, asking.worst_cost(request), size)

    async def _cuts(self, questions: Sequence[Question]) -> list[CutDocument]:
        return await asyncio.to_thread(self._cut_now, questions)

    def _cut_now(self, questions: Sequence[Question]) -> list[CutDocument]:
        refs = [question.document for question in questions]
        texts = self.run.job.texts.texts(refs)
        return [self.run.asking.cut(Document(ref.doc_id, ref.title, texts[ref.text_sha256])) for ref in refs]
