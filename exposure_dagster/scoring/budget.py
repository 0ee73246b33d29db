"""What a run may still spend. A request is sent only if it fits, at its worst, into what is left.

Two limits hold: the run's own, and the day's, of which the run holds a share (see `shares`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exposure_dagster.errors import ScoringError
from exposure_dagster.scoring.shares import Demand, Grant

_OTHERS_WAIT_SECONDS = (0.05, 0.5)


@dataclass(frozen=True)
class Budget:
    """Limits in USD: of one run, and of all runs of 24 hours together."""

    run_usd: float
    day_usd: float


class BudgetStopError(ScoringError):
    """A request was not sent because it could have passed a budget."""


class Purse:
    """The money of one run. Amounts are USD.

    What is out is what may still come into the ledger: reserved for requests under way, answered and not
    yet written, and assumed for answers that never reached us. It never exceeds the run's grant.
    """

    def __init__(self, budget: Budget, *, requests_at_once: int, renew: Callable[[bool], Awaitable[None]]) -> None:
        """`renew` trades the run's grant for a new one by way of `demand` and `granted`."""
        self.spent = 0.0
        self.assumed = 0.0
        self._budget = budget
        self._requests_at_once = requests_at_once
        self._renew = renew
        self._reserved = 0.0
        self._unwritten = 0.0
        self._dearest = 0.0
        self._largest_worst = 0.0
        self._grant = Grant(usd=0, places=0, fair_places=0, other_runs=0, spent_today_usd=0)
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()
        self.is_open = True

    async def reserve(self, worst: float) -> bool:
        """Set `worst` aside for a request, after waiting for others where they hold what is needed.

        False after `stop`. Raises BudgetStopError where the request could pass a limit.
        """
        async with self._turn:
            self._largest_worst = max(self._largest_worst, worst)
            while self.is_open:
                self._settled.clear()
                if not self._fits_run(worst):
                    await self._wait_for_requests_under_way(self._run_is_over(worst))
                elif self._fits_day(worst) or await self._fits_renewed(worst):
                    self._reserved += worst
                    return True
        return False

    async def reserve_under_way(self, worst: float) -> None:
        """Set `worst` aside for what was sent by an earlier run and may still come to cost so much."""
        self._reserved += worst
        await self._renew(False)

    def settle(self, worst: float, cost: float | None) -> None:
        """A request that was reserved for has ended; `cost` is None where what was charged is not known.

        Then as much is assumed as the dearest request of this run cost, the worst where none is known.
        """
        self._reserved -= worst
        if cost is None:
            self.assumed += min(worst, self._dearest or worst)
        else:
            self.spent += cost
            self._unwritten += cost
            self._dearest = max(self._dearest, cost)
        self._settled.set()

    def stop(self) -> None:
        """Nothing more is sent: whoever waits, or will, is told so."""
        self.is_open = False
        self._settled.set()

    def demand(self, *, written: float, gives_back: bool, least_places: int) -> Demand:
        """What the run needs once `written` is in the ledger. `gives_back`: nothing is under way, and no
        more is wanted than one request needs, so that other runs get on."""
        out = self._out - written
        headroom = self._largest_worst * (1 if gives_back else self._requests_at_once)
        least = out if gives_back else max(out, self._grant.usd - written)
        return Demand(least_usd=max(0.0, least), wanted_usd=out + headroom, least_places=least_places)

    def granted(self, grant: Grant, *, written: float) -> None:
        """The run's new grant, now that `written` is in the ledger."""
        self._grant = grant
        self._unwritten -= written

    @property
    def _out(self) -> float:
        return self._reserved + self._unwritten + self.assumed

    def _fits_run(self, worst: float) -> bool:
        return self.spent + self.assumed + self._reserved + worst <= self._budget.run_usd

    def _fits_day(self, worst: float) -> bool:
        return self._out + worst <= self._grant.usd

    async def _fits_renewed(self, worst: float) -> bool:
        await self._renew(False)
        if not self._fits_day(worst) and self._reserved == 0:
            await self._renew(True)
        if self._fits_day(worst):
            return True
        left = self._budget.day_usd - self._grant.spent_today_usd - self._out
        if self._reserved == 0 and self._grant.other_runs and worst <= left:
            await asyncio.sleep(random.uniform(*_OTHERS_WAIT_SECONDS))
        else:
            await self._wait_for_requests_under_way(self._day_is_over(worst))
        return False

    async def _wait_for_requests_under_way(self, over: BudgetStopError) -> None:
        if self._reserved == 0:
            raise over
        await self._settled.wait()

    def _run_is_over(self, worst: float) -> BudgetStopError:
        return BudgetStopError(
            f"the run's budget of ${self._budget.run_usd:,.2f} leaves no room for another request: "
            f"${self.spent:,.4f} is spent{self._shown_assumed()}, and one more could cost up to ${worst:,.4f}",
            remedy="Raise EXPOSURE_MAX_COST_USD and run again: only what is missing is asked.",
        )

    def _day_is_over(self, worst: float) -> BudgetStopError:
        return BudgetStopError(
            f"the budget of ${self._budget.day_usd:,.2f} for 24 hours leaves no room for another request: "
            f"${self._grant.spent_today_usd:,.4f} is spent{self._shown_assumed()}, "
            f"and one more could cost up to ${worst:,.4f}",
            remedy="Raise EXPOSURE_MAX_COST_USD_PER_DAY, or run again later: only what is missing is asked.",
        )

    def _shown_assumed(self) -> str:
        return f", about ${self.assumed:,.4f} went for answers that were lost on the way" if self.assumed else ""
