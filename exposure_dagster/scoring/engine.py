"""Asking what is open: every question is asked until it is answered, refused, or out of attempts.

What one request holds is decided in `asking`, what became of it in `providers`, what that means in `judging`.
Here it is done, within the limits of `limiter` and `budget`; every attempt goes to the ledger. No database
connection is held while a request is under way.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from exposure_dagster.core.errors import ExposureError, ScoringError
from exposure_dagster.core.money import in_usd
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.exchange import Attempt, Fate
from exposure_dagster.providers.provider import Client, Provider
from exposure_dagster.scoring.alike import AlikeFailures
from exposure_dagster.scoring.asking import CutDocument
from exposure_dagster.scoring.budget import Purse
from exposure_dagster.scoring.context import RunContext
from exposure_dagster.scoring.course import Course
from exposure_dagster.scoring.job import Question
from exposure_dagster.scoring.judging import Judgement, Next, judge
from exposure_dagster.scoring.ledger import Status
from exposure_dagster.scoring.limiter import Limiter
from exposure_dagster.scoring.metering import weighed
from exposure_dagster.scoring.rows import ledger_rows
from exposure_dagster.scoring.watchdog import Watchdog

PORTION = 500
"""Documents whose texts are held in memory at once."""

_REDIRECTS = range(300, 400)
_TOO_MANY_REQUESTS = 429
_FORBIDDEN = 403
_UNAVAILABLE = 503
_FORBIDDEN_AT_FIRST = 3
_SILENCES_AT_FIRST = 2
_UNSETTLED = (Status.INVALID, Status.FAILED)
_FIRST_BACKOFF_SECONDS = 0.25
_AGAIN = (Next.SAME_AT_ONCE, Next.SAME_LATER)


@dataclass(slots=True)
class Ask:
    """A request in the making: its questions, each with its document, and what was learnt of it."""

    questions: Sequence[Question]
    cuts: Sequence[CutDocument]
    course: Course
    is_repeat: bool = False
    first_sent_at: float | None = None

    @property
    def documents(self) -> list[Document]:
        return [cut.document for cut in self.cuts]

    def alone(self, place: int, max_tokens: int) -> Ask:
        """The same question, in a request of its own."""
        return Ask([self.questions[place]], [self.cuts[place]], Course(max_tokens, self.course.tries), is_repeat=True)


@dataclass(frozen=True, slots=True)
class Step:
    """What to do after an attempt; null where none was made, because the run is ending."""

    judgement: Judgement
    attempt: Attempt


@dataclass
class Engine:
    """One run's asking, within one event loop."""

    run: RunContext
    model: Client
    purse: Purse
    limiter: Limiter
    watchdog: Watchdog
    stopped_by: BaseException | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _unanswered_in_a_row: int = 0
    _denied_in_a_row: int = 0
    _failed: int = 0
    _alike: AlikeFailures = field(init=False)

    def __post_init__(self) -> None:
        self._alike = AlikeFailures(self.run.endpoint.provider.address_variable)

    async def ask_all(self, questions: Sequence[Question]) -> None:
        """Ask until every question is answered or out of attempts, or until `stop`.

        The first request goes alone: it shows whether key and model will do, and it fills the provider's
        cache, which the others read. Twice as many are in hand as may be under way, so that a place is taken again
        while answers are written.
        """
        window = asyncio.Semaphore(2 * self.run.limits.concurrency)
        async with asyncio.TaskGroup() as tasks:
            try:
                async for ask in self._asks(questions):
                    await window.acquire()
                    if self._stopping.is_set():
                        break
                    task = tasks.create_task(self._answer_or_stop(ask))
                    task.add_done_callback(lambda _: window.release())
                    if not self._opened.is_set():
                        await self._first_of(task)
            except Exception as error:  # noqa: BLE001  whatever it is, requests under way are paid for, and waited for
                self.stop(error)

    async def _answer_or_stop(self, ask: Ask) -> None:
        try:
            await self._answer(ask)
        except Exception as error:  # noqa: BLE001  else it would take the others' answers with it
            self.stop(error)

    def stop(self, error: BaseException) -> None:
        """Send nothing more. What is under way is waited for, and kept."""
        if self.stopped_by is None:
            self.stopped_by = error
        self._stopping.set()
        self.limiter.stop()
        self.purse.stop()

    async def _asks(self, questions: Sequence[Question]) -> AsyncIterator[Ask]:
        """Requests for all questions; a request holds no document twice, so that samples do not mix."""
        for _, of_sample in itertools.groupby(questions, key=lambda question: question.sample):
            remaining = iter(of_sample)
            while portion := list(itertools.islice(remaining, PORTION)):
                refs = [question.document for question in portion]
                with self.watchdog.at_work():
                    texts = await asyncio.to_thread(self.run.job.texts.texts, refs)
                cuts = [self.run.asking.cut(Document(ref.doc_id, ref.title, texts[ref.text_sha256])) for ref in refs]
                unasked = iter(portion)
                for group in self.run.asking.groups(cuts):
                    of_group = list(itertools.islice(unasked, len(group)))
                    yield Ask(of_group, group, Course(self.run.asking.max_tokens(len(group))))

    async def _first_of(self, task: asyncio.Task[None]) -> None:
        """Wait until the API has answered at all, or will not."""
        signs = [asyncio.ensure_future(event.wait()) for event in (self._opened, self._stopping)]
        await asyncio.wait([task, *signs], return_when=asyncio.FIRST_COMPLETED)
        for sign in signs:
            sign.cancel()

    async def _answer(self, ask: Ask) -> None:
        step = await self._last_step(ask)
        if step is None:
            return
        if step.judgement.next is Next.ALONE or self._falls_apart(ask):
            async with asyncio.TaskGroup() as tasks:
                for place, verdict in enumerate(step.judgement.verdicts):
                    if verdict.answer is None:
                        tasks.create_task(self._answer_or_stop(ask.alone(place, self.run.asking.max_tokens(1))))
        elif not self._stopping.is_set():
            self._count_unsettled(step)

    async def _last_step(self, ask: Ask) -> Step | None:
        """Try until more of it would not help, or is too much."""
        for repeats in itertools.count():
            step = await self._attempt(ask)
            if step is None or step.judgement.next not in _AGAIN:
                break
            pause_seconds = self._pause_seconds(step, repeats)
            if self._is_enough(ask, step, pause_seconds):
                break
            await self._pause(pause_seconds)
        return step

    def _falls_apart(self, ask: Ask) -> bool:
        """Whether a request for several documents has failed so often that one of them may be the reason."""
        is_tried_enough = len(ask.questions) > 1 and ask.course.tries >= self.run.limits.patience.attempts_together
        return is_tried_enough and self._opened.is_set() and not self._stopping.is_set()

    async def _attempt(self, ask: Ask) -> Step | None:
        request = self.run.asking.request(
            ask.documents, ask.course.max_tokens, repeat=ask.course.bad_answers, sample=ask.questions[0].sample
        )
        worst = self.run.asking.worst_cost(request)
        await self.limiter.acquire()
        try:
            if not await self._may_spend(worst):
                return None
            sent_at = asyncio.get_running_loop().time()
            with self.watchdog.at_work():
                said = await self.model.ask(request, timeout_seconds=self._seconds_for(ask, sent_at))
        finally:
            self.limiter.release()
        attempt = weighed(said, request.worst_usage)
        self.run.tally.sent(attempt, is_retry=ask.is_repeat)
        self._take_note(attempt, sent_at)
        judgement = judge(self.run.job.asked, ask.documents, attempt)
        self._stop_if_alike(ask, judgement)
        ask.is_repeat = True
        ask.course.learn(
            judgement, self.run.asking, documents=len(ask.questions), is_try=not self._is_told_to_wait(attempt)
        )
        rows = ledger_rows(self.run, ask.questions, ask.cuts, attempt, judgement.verdicts)
        try:
            await self.purse.settle(rows, worst, is_charge_known=attempt.usage is not None)
        except ExposureError as error:
            self.stop(error)
        self.run.tally.assumed_usd = in_usd(self.purse.account.assumed)
        return Step(judgement, attempt)

    def _is_told_to_wait(self, attempt: Attempt) -> bool:
        """Whether the server is there and asks for patience: that counts as no try, time alone bounds it.

        A server of one's own says so while it loads its model.
        """
        is_waking = attempt.status == _UNAVAILABLE and not self._opened.is_set() and not self.run.endpoint.is_own
        return attempt.status == _TOO_MANY_REQUESTS or is_waking

    async def _may_spend(self, worst: int) -> bool:
        if self._stopping.is_set():
            return False
        try:
            return await self.purse.reserve(worst)
        except ExposureError as error:
            self.stop(error)
            return False

    def _take_note(self, attempt: Attempt, sent_at: float) -> None:
        """What an attempt tells about the API, whichever documents it was about."""
        match attempt.fate:
            case Fate.ANSWERED:
                self._denied_in_a_row = 0
                self._unanswered_in_a_row = 0
                self._opened.set()
                self.limiter.answered()
            case Fate.REJECTED:
                self._unanswered_in_a_row = 0
                self._opened.set()
            case Fate.DENIED:
                self._denied_in_a_row += 1
                if self._denied_in_a_row >= self._denials_allowed(attempt):
                    self.stop(_denial(self.run.endpoint.provider, self.run.job.asked.model, attempt))
            case Fate.BUSY:
                self.limiter.busy(
                    sent_at,
                    attempt.retry_after_seconds,
                    is_too_many=attempt.status == _TOO_MANY_REQUESTS,
                )

    def _stop_if_alike(self, ask: Ask, judgement: Judgement) -> None:
        """Several documents that fail together may still be answered one by one."""
        for document, verdict in zip(ask.documents, judgement.verdicts, strict=True):
            if len(ask.questions) > 1 and verdict.answer is None:
                continue
            if (error := self._alike.enough(document.doc_id, verdict)) is not None:
                self.stop(error)

    def _count_unsettled(self, step: Step) -> None:
        """A request has come to its end. Questions that it settled count once they are on disk; others count here."""
        unsettled = sum(verdict.status in _UNSETTLED for verdict in step.judgement.verdicts)
        if unsettled:
            self._failed += unsettled
            self.run.progress.advance(0, failed=self._failed)
        if step.judgement.next is not Next.SAME_LATER:
            return
        self._unanswered_in_a_row += 1
        if self._unanswered_in_a_row >= self._silences_allowed(step.attempt):
            self.stop(
                ScoringError(
                    f"the API gives no answer ({step.judgement.error})",
                    remedy=f"Look at the network, {self.run.endpoint.provider.address_variable} and the provider's "
                    "status page, and run again: only what is missing is asked.",
                )
            )

    def _denials_allowed(self, attempt: Attempt) -> int:
        """How many denials in a row end the run. A 403 may be about one document; before the first answer it
        takes a few of them to tell, and more where the ledger shows that the key did for this prompt before."""
        if self._opened.is_set() or (attempt.status == _FORBIDDEN and self.run.was_answered_before):
            return self._too_many_in_a_row
        return _FORBIDDEN_AT_FIRST if attempt.status == _FORBIDDEN else 1

    def _silences_allowed(self, attempt: Attempt) -> int:
        """How many requests in a row may come to their end without an answer before the run does. At first it
        is one; two where the API is there and only fails, which may be about one document."""
        if self._opened.is_set():
            return self._too_many_in_a_row
        return 1 if attempt.status in (None, _TOO_MANY_REQUESTS) else _SILENCES_AT_FIRST

    @property
    def _too_many_in_a_row(self) -> int:
        """So many failures without an answer in between are no accident of single documents."""
        return max(10, 2 * self.run.limits.concurrency)

    @property
    def _seconds_allowed(self) -> float:
        patience = self.run.limits.patience
        return patience.request_seconds if self._opened.is_set() else patience.opening_seconds

    def _seconds_for(self, ask: Ask, now: float) -> float:
        """How long the next attempt may take."""
        if ask.first_sent_at is None:
            ask.first_sent_at = now
        left = self._seconds_allowed - (now - ask.first_sent_at)
        return max(1.0, min(left, self.run.limits.patience.of_attempt(ask.course.max_tokens)))

    def _is_enough(self, ask: Ask, step: Step, pause_seconds: float) -> bool:
        patience = self.run.limits.patience
        if (
            ask.first_sent_at is None
            or self._stopping.is_set()
            or ask.course.tries >= patience.attempts
            or ask.course.is_hopeless
        ):
            return True
        if self._falls_apart(ask):
            return True
        if step.attempt.fate is Fate.UNREACHABLE and not self._opened.is_set():
            return ask.course.tries >= patience.opening_connections
        elapsed = asyncio.get_running_loop().time() - ask.first_sent_at
        return elapsed + pause_seconds >= self._seconds_allowed

    def _pause_seconds(self, step: Step, repeats: int) -> float:
        """As long as the API asks for; else any time up to a bound that doubles: requests spread out."""
        patience = self.run.limits.patience
        if step.judgement.next is Next.SAME_AT_ONCE:
            return 0.0
        if step.attempt.retry_after_seconds:
            return min(step.attempt.retry_after_seconds, patience.wait_seconds) * random.uniform(1.0, 1.1)
        return random.uniform(0.0, min(_FIRST_BACKOFF_SECONDS * 2.0 ** min(repeats, 20), patience.backoff_seconds))

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError), self.watchdog.at_work():
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _denial(provider: Provider, model: str, attempt: Attempt) -> ScoringError:
    match attempt.status:
        case 404:
            return ScoringError(
                f"the API does not know the model or the address ({attempt.error})",
                where=f"model {model}",
                remedy=f"Correct `model` in the prompt file, or {provider.address_variable}.",
            )
        case status if status is not None and status in _REDIRECTS:
            return ScoringError(
                f"the API is not at this address ({attempt.error})",
                where=provider.address_variable,
                remedy="Set it to where requests are meant to go; documents are sent nowhere else.",
            )
        case 402:
            remedy = f"Look at the billing of the account that {provider.key_variable} belongs to."
        case _:
            remedy = f"Look at {provider.key_variable}: the key is wrong, was withdrawn, or may not use the model."
    return ScoringError(f"the API refuses the key ({attempt.error})", where=provider.key_variable, remedy=remedy)
