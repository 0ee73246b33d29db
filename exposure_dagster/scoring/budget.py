"""What a run may still spend. A request is sent only if it fits, at its worst, into what is left of both budgets.

What is set aside, by this run and by others, stands in the ledger (see `reservations`); here it is waited for.
Amounts are nano-dollars, but for what people read.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import in_usd, nano_usd
from exposure_dagster.scoring.batch_store import SentBatch
from exposure_dagster.scoring.ledger import LedgerRow
from exposure_dagster.scoring.limiter import Limiter
from exposure_dagster.scoring.recording import Recording
from exposure_dagster.scoring.reservations import Account, Verdict
from exposure_dagster.scoring.watchdog import Watchdog
from exposure_dagster.store.locks import Lock

_OTHERS_WAIT_SECONDS = (0.05, 0.5)

_log = logging.getLogger(__name__)


class BudgetStopError(ScoringError):
    """A request was not sent because it could have passed a budget."""


class Purse:
    """The money and the places of one run.

    A run that has nothing under way and finds no room waits for other runs only while what they have under way
    may leave it some; else it is over.
    """

    def __init__(self, recording: Recording, limiter: Limiter, watchdog: Watchdog, lock: Lock) -> None:
        self._recording = recording
        self.limiter = limiter
        self._watchdog = watchdog
        self._lock = lock
        self._under_way = 0
        self._settled = asyncio.Event()
        self._turn = asyncio.Lock()
        self._said: str | None = None
        self.is_open = True

    @property
    def account(self) -> Account:
        """How the run stands by what is on disk."""
        return self._recording.reservations.account

    async def join(self) -> None:
        """Take part in the sharing of places."""
        self.limiter.ceiling = await self._recording.do(self._recording.reservations.join)

    async def reserve(self, worst: int) -> bool:
        """Set a place and `worst` aside for a request, after waiting for others where they hold what is needed.

        False after `stop`. Raises BudgetStopError where the request could pass a limit.
        """
        if self.is_open and (await self._weigh(worst)).is_granted:
            return True
        async with self._turn:  # one waits for room, the others behind it
            while self.is_open:
                self._settled.clear()
                verdict = await self._weigh(worst)
                if verdict.is_granted:
                    return True
                if self._under_way:
                    await self._settled.wait()
                    continue
                self._raise_if_over(verdict, worst)
                self._say(verdict)
                with self._watchdog.at_work():
                    await asyncio.sleep(random.uniform(*_OTHERS_WAIT_SECONDS))
        return False

    async def reserve_batch(self, batch: SentBatch) -> bool:
        """Remember a batch that is about to be sent, where the budgets hold all that it can cost.

        False after `stop`. Raises BudgetStopError where it could pass a limit.
        """
        reservations = self._recording.reservations
        while self.is_open:
            self._check_lock()
            with self._watchdog.at_work():
                verdict = await self._recording.do(lambda: reservations.reserve_batch(batch))
            if verdict.is_granted:
                return True
            self._raise_if_over(verdict, batch.worst_nano_usd)
            self._say(verdict)
            with self._watchdog.at_work():
                await asyncio.sleep(random.uniform(*_OTHERS_WAIT_SECONDS))
        return False

    async def settle(self, rows: Sequence[LedgerRow], worst: int, *, is_charge_known: bool) -> None:
        """A request that was reserved for has ended: `rows` are on disk when this returns."""
        self._has_lock()
        try:
            with self._watchdog.at_work():
                await self._recording.settle(rows, worst, is_charge_known=is_charge_known)
        finally:
            self._under_way -= 1
            self._settled.set()
        self._check_lock()

    async def enter(self, rows: Sequence[LedgerRow], *, assumed: int = 0) -> None:
        """Results of a batch: `rows` are on disk when this returns. `assumed` may have been charged beside."""
        self._has_lock()
        with self._watchdog.at_work():
            await self._recording.enter(rows, assumed=assumed)
        self._check_lock()

    def assume(self, nano: int) -> None:
        """Count against the run's budget what a batch can cost of which nothing is known. The day's counts it too."""
        self._recording.reservations.assume(nano)

    def stop(self) -> None:
        """Nothing more is sent: whoever waits, or will, is told so."""
        self.is_open = False
        self._settled.set()

    async def _weigh(self, worst: int) -> Verdict:
        self._check_lock()
        reservations = self._recording.reservations
        with self._watchdog.at_work():
            verdict = await self._recording.do(lambda: reservations.reserve(worst))
        self._under_way += verdict.is_granted
        self.limiter.ceiling = verdict.places
        return verdict

    def _has_lock(self) -> bool:
        """Whether the run still has its lock; if not, what stands under its name may be another's and is left alone."""
        if self._lock.is_lost():
            self._recording.reservations.is_disowned = True
        return not self._recording.reservations.is_disowned

    def _check_lock(self) -> None:
        if not self._has_lock():
            what, remedy = self._lock.loss
            raise ScoringError(f"{what}, so that another run could ask the same", where=self._lock.shown, remedy=remedy)

    def _raise_if_over(self, verdict: Verdict, worst: int) -> None:
        budget = self._recording.reservations.budget
        more = f"and one more could cost up to ${in_usd(worst):,.4f}"
        if verdict.is_over_run:
            raise BudgetStopError(
                f"the run's budget of {_shown_usd(budget.run_usd)} leaves no room for another request: "
                f"${in_usd(self.account.spent):,.4f} is spent{_shown_assumed(self.account.assumed)}, {more}",
                remedy="Raise EXPOSURE_MAX_COST_USD and run again: only what is missing is asked.",
            )
        left = nano_usd(budget.day_usd) - verdict.day_nano_usd - verdict.batches_nano_usd
        if verdict.is_over_day and worst > left:  # whatever other runs leave of what they hold
            held = in_usd(verdict.batches_nano_usd)
            batches = f", up to ${held:,.4f} is held for batches that are not collected yet" if held else ""
            raise BudgetStopError(
                f"the budget of {_shown_usd(budget.day_usd)} for 24 hours leaves no room for another request: "
                f"${in_usd(verdict.day_nano_usd):,.4f} is spent{batches}, {more}",
                remedy="Raise EXPOSURE_MAX_COST_USD_PER_DAY, or run again later: only what is missing is asked.",
            )

    def _say(self, verdict: Verdict) -> None:
        """Tell once for what the run waits."""
        others = ", ".join(sorted(set(verdict.others)))
        what = "what they hold of the day's budget" if verdict.is_over_day else "a place among the requests under way"
        said = f"waiting for other runs ({others}) to leave {what}"
        if said != self._said:
            self._said = said
            _log.warning("%s: %s", self._recording.reservations.prompt, said)


def _shown_usd(usd: float) -> str:
    """An amount that a user set: as it was set, also where it is less than a cent."""
    return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:,.6g}"


def _shown_assumed(assumed: int) -> str:
    return f", about ${in_usd(assumed):,.4f} went for answers that were lost on the way" if assumed else ""
