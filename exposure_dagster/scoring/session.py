"""One run's asking, put together: client, engine, group commits, and the shares in common limits.

Each commit to the ledger is also the moment at which the run trades its share of the day's budget and of
the requests under way (see `shares`), so that neither needs a connection of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from functools import partial

from exposure_dagster.errors import ExposureError, ScoringError
from exposure_dagster.scoring.budget import Purse
from exposure_dagster.scoring.context import RunContext
from exposure_dagster.scoring.engine import Engine
from exposure_dagster.scoring.exchange import Access
from exposure_dagster.scoring.interrupts import GRACE_SECONDS, stopping_on_signal
from exposure_dagster.scoring.job import Question
from exposure_dagster.scoring.ledger import LedgerRow
from exposure_dagster.scoring.limiter import Limiter
from exposure_dagster.scoring.locks import is_held
from exposure_dagster.scoring.run_records import run_lock_path
from exposure_dagster.scoring.shares import SharedLimits
from exposure_dagster.scoring.writing import GroupWriter

_PLACE_WAIT_SECONDS = (0.05, 0.5)


async def ask_questions(run: RunContext, questions: Sequence[Question], access: Access) -> None:
    """Ask all questions; every attempt is in the ledger when this returns or raises.

    Raises an ExposureError where the asking ended early, a RunInterruptedError where a signal ended it.
    """
    if run.is_batched:
        await _ask_in_batches(run, questions, access)
        return
    from exposure_dagster.scoring.claude import connect

    async with connect(access, connections=run.limits.concurrency) as client:
        session = _Session(run)
        engine = Engine(run, client, session.writer, session.purse, session.limiter)
        session.stop = engine.stop
        try:
            with stopping_on_signal(engine.stop, grace_seconds=GRACE_SECONDS):
                await session.take_places()
                await engine.ask_all(questions)
        finally:
            await session.close()
    if engine.stopped_by is not None:
        raise engine.stopped_by


async def _ask_in_batches(run: RunContext, questions: Sequence[Question], access: Access) -> None:
    from exposure_dagster.scoring.batch_store import BatchStore
    from exposure_dagster.scoring.batches import BatchEngine
    from exposure_dagster.scoring.claude_batches import connect_batches

    store = BatchStore(run.ledger.warehouse, run.job.prompt, run.job.prompt_hash, run.job.epoch)
    async with connect_batches(access) as client:
        session = _Session(run)
        engine = BatchEngine(run, client, store, session.writer, session.purse, run.cancels_batches)
        session.stop = engine.stop
        try:
            with stopping_on_signal(engine.stop, grace_seconds=0.0):  # a batch goes on without us
                await session.take_places()
                await engine.ask_all(questions)
        finally:
            await session.close()
    if engine.stopped_by is not None:
        raise engine.stopped_by


class _Session:
    """Limits, purse and writer of one run. `stop` ends its engine's asking."""

    def __init__(self, run: RunContext) -> None:
        limits = run.limits
        self._run = run
        self._shares = SharedLimits(run.lock.path.parent, run.lock.path, limits.budget.day_usd, limits.concurrency)
        self._trading = asyncio.Lock()
        self._is_written = False
        self.stop: Callable[[BaseException], None] = _nothing_to_stop
        self.limiter = Limiter(0)
        self.purse = Purse(limits.budget, requests_at_once=limits.concurrency, renew=self._renew)
        self.writer = GroupWriter(self._trade, on_committed=self._count, on_error=self._stop)

    def _stop(self, error: BaseException) -> None:
        self.stop(error)

    async def take_places(self) -> None:
        """Wait until other runs leave room for at least one request."""
        await self._trade(())
        while self.limiter.ceiling == 0 and self.purse.is_open:
            await asyncio.sleep(random.uniform(*_PLACE_WAIT_SECONDS))
            await self._trade(())

    async def close(self) -> None:
        """Commit what is left, and let go of the run's shares."""
        try:
            await self.writer.close()
        finally:
            await asyncio.to_thread(self._shares.leave)

    async def _renew(self, gives_back: bool) -> None:
        await self._trade((), gives_back=gives_back)

    async def _trade(self, rows: Sequence[LedgerRow], *, gives_back: bool = False) -> None:
        """Commit rows, if any, and trade the run's shares for new ones. One at a time."""
        async with self._trading:
            written = sum(row.cost_usd or 0.0 for row in rows)
            demand = self.purse.demand(
                written=written,
                gives_back=gives_back,
                least_places=max(self.limiter.in_flight, self.limiter.ceiling),
            )
            self._is_written = False
            try:
                grant = await asyncio.to_thread(self._shares.update, demand, partial(self._spent_today, rows))
            except ExposureError as error:
                if not self._is_written:
                    raise
                self.stop(error)  # the rows are in the ledger: that the shares are not in their book only ends the run
                return
            self.purse.granted(grant, written=written)
            self.limiter.ceiling = min(grant.places, grant.fair_places)
        if self._run.lock.is_lost():
            self.stop(
                ScoringError(
                    "the run's lock was taken away, so that another run could ask the same",
                    where=str(self._run.lock.path),
                    remedy="Leave the files in that folder alone, and run again.",
                )
            )

    def _spent_today(self, rows: Sequence[LedgerRow]) -> float:
        """Commit rows, if any; returns the cost of the last 24 hours, with the batches that nobody waits for.

        A run that waits for its batch holds what it can cost in its own share.
        """
        ledger, own = self._run.ledger, self._run.job.prompt_hash
        spending = ledger.commit(rows) if rows else ledger.spent_today()
        self._is_written = bool(rows)
        left_alone = (
            worst
            for prompt_hash, worst in spending.in_batches.items()
            if prompt_hash != own and not is_held(run_lock_path(ledger.warehouse, prompt_hash))
        )
        return spending.usd + sum(left_alone)

    def _count(self, rows: Sequence[LedgerRow]) -> None:
        settled = self._run.tally.written(rows)
        self._run.progress.advance(settled, spent_usd=self._run.tally.cost_usd, retries=self._run.tally.retries)


def _nothing_to_stop(_: BaseException) -> None:
    """Before there is an engine nothing is asked."""
