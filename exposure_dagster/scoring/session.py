"""One run's asking, put together: client, engine, budgets, and the way to the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

from exposure_dagster.scoring.budget import Purse
from exposure_dagster.scoring.context import RunContext
from exposure_dagster.scoring.engine import Engine
from exposure_dagster.scoring.interrupts import GRACE_SECONDS, stopping_on_signal
from exposure_dagster.scoring.job import Question
from exposure_dagster.scoring.ledger import LedgerRow
from exposure_dagster.scoring.limiter import Limiter
from exposure_dagster.scoring.recording import Recording
from exposure_dagster.scoring.reservations import Reservations
from exposure_dagster.scoring.watchdog import Watchdog


class Asker(Protocol):
    """What asks: request by request, or in batches."""

    stopped_by: BaseException | None

    def stop(self, error: BaseException) -> None:
        """Send nothing more; what is under way is kept."""

    async def ask_all(self, questions: Sequence[Question]) -> None:
        """Ask until every question is answered, refused or out of attempts, or until `stop`. May be called again."""


More = Callable[[], Sequence[Question]]
"""What is open once all that was known of is asked; nothing ends the run. Called away from the event loop."""


async def ask_questions(run: RunContext, questions: Sequence[Question], more: More) -> None:
    """Ask all questions, and what `more` brings then, round by round; all of it counts as one run, its budget too.

    Every attempt is in the ledger when this returns or raises. Raises an ExposureError where the asking ended early, a
    RunInterruptedError where a signal ended it.
    """

    def count(rows: Sequence[LedgerRow]) -> None:
        settled = run.tally.written(rows)
        run.progress.advance(settled, spent_usd=run.tally.cost_usd, retries=run.tally.retries)

    reservations = Reservations(
        run.ledger, run.job.prompt, run.job.prompt_hash, run.limits.budget, run.limits.concurrency
    )
    watchdog = Watchdog(idle_seconds=run.limits.patience.idle_seconds)
    async with Recording(reservations, run.lock, on_written=count) as recording:
        purse = Purse(recording, Limiter(0), watchdog, run.lock)
        ask = _ask_in_batches if run.is_batched else _ask_singly
        await ask(run, _Rounds(questions, more, watchdog), purse, watchdog)


@dataclass(frozen=True)
class _Rounds:
    first: Sequence[Question]
    more: More
    watchdog: Watchdog

    async def ask(self, engine: Asker) -> None:
        questions = self.first
        while True:
            await engine.ask_all(questions)
            if engine.stopped_by is not None:
                return
            with self.watchdog.at_work():
                questions = await asyncio.to_thread(self.more)
            if not questions:
                return


async def _ask_singly(run: RunContext, rounds: _Rounds, purse: Purse, watchdog: Watchdog) -> None:
    service = run.endpoint.provider.service
    async with service.connect(run.endpoint, connections=run.limits.concurrency) as client:
        engine = Engine(run, client, purse, purse.limiter, watchdog)
        with stopping_on_signal(engine.stop, grace_seconds=GRACE_SECONDS):
            await purse.join()
            await _watched(engine, rounds, watchdog)


async def _ask_in_batches(run: RunContext, rounds: _Rounds, purse: Purse, watchdog: Watchdog) -> None:
    from exposure_dagster.scoring.batch_store import BatchStore
    from exposure_dagster.scoring.batches import BatchEngine

    store = BatchStore(run.ledger, run.job.hashes, run.job.epoch)
    async with run.endpoint.provider.service.connect_batches(run.endpoint) as client:
        engine = BatchEngine(run, client, store, purse, watchdog, run.cancels_batches)
        with stopping_on_signal(engine.stop, grace_seconds=0.0):  # a batch goes on without us
            await _watched(engine, rounds, watchdog)


async def _watched(engine: Asker, rounds: _Rounds, watchdog: Watchdog) -> None:
    """Ask, as long as something is at work. Raises what the asking was stopped by."""
    asking = _task(rounds.ask(engine))
    watching = _task(watchdog.watch(engine.stop))
    try:
        await asyncio.wait([asking, watching], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            asking.cancel()
        await asyncio.wait([asking])
    finally:
        for task in (watching, asking):
            task.cancel()
        await asyncio.gather(watching, asking, return_exceptions=True)
    if engine.stopped_by is not None:
        raise engine.stopped_by
    asking.result()


def _task(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)
