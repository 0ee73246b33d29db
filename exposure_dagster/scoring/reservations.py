"""Money and places that are set aside for requests under way, by all runs of a home together.

Each request is reserved for, whole or not at all, in one transaction that sees what all others hold: a run that
waits holds nothing but its requests under way, so that no two can wait for each other. What a run held when its
process ended counts as spent for a day, since its requests may have been answered and charged.

    spent in 24 hours + held for requests under way + what uncollected batches can cost  ≤  the day's budget
    requests of all runs under way                                                       ≤  EXPOSURE_CONCURRENCY
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.money import Budget, nano_usd
from exposure_dagster.scoring.batch_store import SentBatch, add_batch
from exposure_dagster.scoring.ledger import DAY, Ledger, LedgerRow, SpentInADay, add_rows, as_text

_LOOK_SECONDS = 5.0
"""How often a run looks whether the others are still alive while nothing is refused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a request may be sent, and what it was weighed against, in nano-dollars.

    `places` is how many requests the run may have under way, as its part of what all may. `run_nano_usd` is what the
    run has spent or must assume to have; `day_nano_usd` the same of all runs of 24 hours, and `batches_nano_usd` what
    batches can still cost. `others` are the prompts of other runs, which hold `others_nano_usd` for requests under way.
    """

    is_granted: bool
    places: int
    is_over_run: bool = False
    is_over_day: bool = False
    run_nano_usd: int = 0
    day_nano_usd: int = 0
    batches_nano_usd: int = 0
    others: Sequence[str] = ()
    others_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """What one run has spent, must assume to have spent, and holds for requests under way, in nano-dollars."""

    spent: int = 0
    assumed: int = 0
    reserved: int = 0
    requests: int = 0
    dearest: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    """A row of `reservations`."""

    prompt_hash: str
    prompt: str
    nano_usd: int
    requests: int


@dataclass
class Reservations:
    """The reservations of a home, as one run sees them. Each method is called within a transaction.

    `account` says how the run stands by what was written; where a transaction came to nothing, it is set back
    by whoever began it.
    """

    ledger: Ledger
    prompt: str
    prompt_hash: str
    budget: Budget
    concurrency: int
    account: Account = Account()

    def __post_init__(self) -> None:
        self._spent_in_a_day = SpentInADay()
        self._looked_at = 0.0

    def join(self, connection: sqlite3.Connection) -> int:
        """Count among the runs that share the places; returns how many this one gets."""
        self._bury_the_dead(connection)
        self._write(connection)
        return self._places(len(self._others(connection)))

    def take_over(self, connection: sqlite3.Connection) -> None:
        """Count as spent what stands under this run's name: its lock is ours now, so that it is of an earlier one."""
        self._bury(connection, _reservations(connection, "prompt_hash = ?", self.prompt_hash))

    def reserve(self, connection: sqlite3.Connection, worst: int) -> Verdict:
        """Set aside a place, and as much as the request can cost at most, where both are to be had."""
        verdict = self._weigh(connection, worst)
        is_due = time.monotonic() - self._looked_at > _LOOK_SECONDS
        if verdict.others and (is_due or not verdict.is_granted) and self._bury_the_dead(connection):
            verdict = self._weigh(connection, worst)
        if verdict.is_granted:
            self._change(connection, reserved=worst, requests=1)
        return verdict

    def settle(
        self, connection: sqlite3.Connection, rows: Sequence[LedgerRow], worst: int, *, is_charge_known: bool
    ) -> None:
        """Enter what came of a request that was reserved for, and let go of what was set aside.

        Where what was charged is not known, as much is assumed as the dearest request of this run cost, the worst
        where none is known.
        """
        self.enter(connection, rows)
        assumed = 0 if is_charge_known else min(worst, self.account.dearest or worst)
        if assumed:
            self._assume(connection, self.prompt, self.prompt_hash, assumed, "an answer was lost on the way")
        self._change(connection, assumed=assumed, reserved=-worst, requests=-1)

    def enter(self, connection: sqlite3.Connection, rows: Sequence[LedgerRow], *, assumed: int = 0) -> None:
        """Enter attempts for which the run holds no place; `assumed` is what may have been charged beside."""
        add_rows(connection, rows)
        if assumed:
            self._assume(connection, self.prompt, self.prompt_hash, assumed, "a batch held no result for it")
            self.assume(assumed)
        cost = sum(row.cost_nano_usd or 0 for row in rows)
        self.account = replace(self.account, spent=self.account.spent + cost, dearest=max(self.account.dearest, cost))

    def reserve_batch(self, connection: sqlite3.Connection, batch: SentBatch) -> Verdict:
        """Remember a batch that is about to be sent, where the budgets hold all that it can cost. It takes no place."""
        verdict = self._weigh(connection, batch.worst_nano_usd, is_batch=True)
        if not verdict.is_granted and self._bury_the_dead(connection):
            verdict = self._weigh(connection, batch.worst_nano_usd, is_batch=True)
        if verdict.is_granted:
            add_batch(connection, batch)
        return verdict

    def assume(self, nano: int) -> None:
        """Count what an unresolved batch can cost against the run's budget; the day's counts it as it stands."""
        self.account = replace(self.account, assumed=self.account.assumed + nano)

    def leave(self, connection: sqlite3.Connection) -> None:
        """Let go of the run's place among the others; requests given up while under way count as spent."""
        if self.account.reserved:
            self._assume(connection, self.prompt, self.prompt_hash, self.account.reserved, "given up while under way")
        connection.execute("DELETE FROM reservations WHERE prompt_hash = ?", [self.prompt_hash])

    def _weigh(self, connection: sqlite3.Connection, worst: int, *, is_batch: bool = False) -> Verdict:
        account, others = self.account, self._others(connection)
        others_hold = sum(other.nano_usd for other in others)
        under_way = account.requests + sum(other.requests for other in others)
        day = self._spent_in_a_day.read(connection)
        batches = _held_in_batches(connection)
        run = account.spent + account.assumed
        is_over_run = run + account.reserved + worst > nano_usd(self.budget.run_usd)
        is_over_day = day + batches + account.reserved + others_hold + worst > nano_usd(self.budget.day_usd)
        places = self._places(len(others))
        has_place = is_batch or (account.requests < places and under_way < self.concurrency)
        return Verdict(
            is_granted=has_place and not is_over_run and not is_over_day,
            places=places,
            is_over_run=is_over_run,
            is_over_day=is_over_day,
            run_nano_usd=run,
            day_nano_usd=day,
            batches_nano_usd=batches,
            others=[other.prompt for other in others],
            others_nano_usd=others_hold,
        )

    def _places(self, others: int) -> int:
        return max(1, self.concurrency // (others + 1))

    def _others(self, connection: sqlite3.Connection) -> list[_Held]:
        return _reservations(connection, "prompt_hash <> ?", self.prompt_hash)

    def _bury_the_dead(self, connection: sqlite3.Connection) -> bool:
        """Take out what runs hold whose process is gone; says whether there was any."""
        self._looked_at = time.monotonic()
        dead = [other for other in self._others(connection) if not self.ledger.is_asked_now(other.prompt_hash)]
        self._bury(connection, dead)
        return bool(dead)

    def _bury(self, connection: sqlite3.Connection, dead: Sequence[_Held]) -> None:
        for one in dead:
            if one.nano_usd:
                reason = "its process ended while it was under way"
                self._assume(connection, one.prompt, one.prompt_hash, one.nano_usd, reason)
            connection.execute("DELETE FROM reservations WHERE prompt_hash = ?", [one.prompt_hash])

    def _assume(self, connection: sqlite3.Connection, prompt: str, prompt_hash: str, nano: int, reason: str) -> None:
        connection.execute(
            "INSERT INTO assumed_costs (prompt, prompt_hash, cost_nano_usd, created_at, reason) VALUES (?, ?, ?, ?, ?)",
            [prompt, prompt_hash, nano, as_text(utc_now()), reason],
        )

    def _change(self, connection: sqlite3.Connection, *, reserved: int, requests: int, assumed: int = 0) -> None:
        account = self.account
        self.account = replace(
            account,
            assumed=account.assumed + assumed,
            reserved=account.reserved + reserved,
            requests=account.requests + requests,
        )
        self._write(connection)

    def _write(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO reservations (prompt_hash, prompt, reserved_nano_usd, requests) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (prompt_hash) DO UPDATE SET reserved_nano_usd = excluded.reserved_nano_usd,"
            " requests = excluded.requests",
            [self.prompt_hash, self.prompt, self.account.reserved, self.account.requests],
        )


def _reservations(connection: sqlite3.Connection, where: str, prompt_hash: str) -> list[_Held]:
    rows = connection.execute(
        f"SELECT prompt_hash, prompt, reserved_nano_usd, requests FROM reservations WHERE {where}", [prompt_hash]
    ).fetchall()
    return [_Held(*row) for row in rows]


def _held_in_batches(connection: sqlite3.Connection) -> int:
    """What batches can cost that were sent within a day and are not collected; an older one has ended long since."""
    ((nano,),) = connection.execute(
        "SELECT coalesce(sum(worst_nano_usd), 0) FROM batches WHERE NOT is_collected AND created_at > ?",
        [as_text(utc_now() - DAY)],
    ).fetchall()
    return int(nano)
