"""Money and places that are set aside for requests under way, by all runs of a ledger together.

Each request is reserved for, whole or not at all, in one transaction that sees what all others hold: a run that
waits holds nothing but its requests under way, so that no two can wait for each other. What a run held when its
process ended counts as spent for a day, since its requests may have been answered and charged.

While a transaction lasts nobody else writes: what others hold is read once in it, where it is wanted, and what this
run holds and adds is written once, at its end, for however many requests there are.

    spent in 24 hours + held for requests under way + what uncollected batches can cost  ≤  the day's budget
    requests of all runs under way                                                       ≤  EXPOSURE_CONCURRENCY
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from exposure_dagster.core.money import Budget, nano_usd
from exposure_dagster.scoring.batch_store import SentBatch, add_batch
from exposure_dagster.scoring.ledger import DAY, Ledger, LedgerRow, SpentInADay, add_rows, as_text
from exposure_dagster.scoring.ledger_store import Connection

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
class _Turn:
    """One transaction: what it found, and what it is to write."""

    connection: Connection
    now: datetime
    prompt_hash: str
    spent_in_a_day: SpentInADay
    rows: list[LedgerRow] = field(default_factory=list)
    assumed: list[tuple[str, str, int, str]] = field(default_factory=list)
    added: int = 0
    is_changed: bool = False

    @cached_property
    def others(self) -> list[_Held]:
        """What other runs hold."""
        return _reservations(self.connection, "prompt_hash <> ?", self.prompt_hash)

    @cached_property
    def in_batches(self) -> int:
        """What batches can cost that are not collected."""
        return _held_in_batches(self.connection, self.now)

    @cached_property
    def _spent_before(self) -> int:
        return self.spent_in_a_day.read(self.connection, self.now)

    @property
    def day(self) -> int:
        """What 24 hours cost, with what this transaction adds."""
        return self._spent_before + self.added


@dataclass
class Reservations:
    """The reservations of a ledger, as one run sees them. All but `assume` is done within `transaction`.

    `account` says how the run stands by what was written.
    """

    ledger: Ledger
    prompt: str
    prompt_hash: str
    budget: Budget
    concurrency: int
    account: Account = Account()
    is_disowned: bool = False
    """Whether the run's lock is lost, so that what stands under its name may be another's by now."""

    def __post_init__(self) -> None:
        self._spent_in_a_day = SpentInADay()
        self._looked_at = 0.0
        self._of_now: _Turn | None = None

    @contextmanager
    def transaction(self, connection: Connection, *, is_repeated: bool = False) -> Iterator[None]:
        """All that is done in the block is on disk when it ends, or none of it and `account` is as it was.

        With `is_repeated` it was tried before, and nobody heard what became of it: no attempt is entered twice.
        """
        before = self.account
        try:
            with self.ledger.store.transaction(connection):
                now = self.ledger.now(connection)
                self._of_now = _Turn(connection, now, self.prompt_hash, self._spent_in_a_day)
                yield
                self._write(self._of_now, may_be_there=is_repeated)
        except BaseException:
            self.account = before
            raise
        finally:
            self._of_now = None

    @property
    def _turn(self) -> _Turn:
        assert self._of_now is not None, "it is done within a transaction"
        return self._of_now

    def join(self) -> int:
        """Count among the runs that share the places; returns how many this one gets."""
        self._bury_the_dead()
        self._turn.is_changed = True
        return self._places(len(self._turn.others))

    def take_over(self) -> None:
        """Count as spent what stands under this run's name: its lock is ours now, so that it is of an earlier one."""
        self._bury(_reservations(self._turn.connection, "prompt_hash = ?", self.prompt_hash))

    def reserve(self, worst: int) -> Verdict:
        """Set aside a place, and as much as the request can cost at most, where both are to be had."""
        verdict = self._weigh(worst)
        is_due = time.monotonic() - self._looked_at > _LOOK_SECONDS
        if verdict.others and (is_due or not verdict.is_granted) and self._bury_the_dead():
            verdict = self._weigh(worst)
        if verdict.is_granted:
            self._change(reserved=worst, requests=1)
        return verdict

    def settle(self, rows: Sequence[LedgerRow], worst: int, *, is_charge_known: bool) -> None:
        """Enter what came of a request that was reserved for, and let go of what was set aside.

        Where what was charged is not known, as much is assumed as the dearest request of this run cost, the worst
        where none is known.
        """
        self.enter(rows)
        assumed = 0 if is_charge_known else min(worst, self.account.dearest or worst)
        if assumed:
            self._assume(self.prompt, self.prompt_hash, assumed, "an answer was lost on the way")
        self._change(assumed=assumed, reserved=-worst, requests=-1)

    def enter(self, rows: Sequence[LedgerRow], *, assumed: int = 0) -> None:
        """Enter attempts for which the run holds no place; `assumed` is what may have been charged beside."""
        if assumed:
            self._assume(self.prompt, self.prompt_hash, assumed, "a batch held no result for it")
            self.assume(assumed)
        cost = sum(row.cost_nano_usd or 0 for row in rows)
        self._turn.rows += rows
        self._turn.added += cost
        self.account = replace(self.account, spent=self.account.spent + cost, dearest=max(self.account.dearest, cost))

    def reserve_batch(self, batch: SentBatch) -> Verdict:
        """Remember a batch that is about to be sent, where the budgets hold all that it can cost. It takes no place."""
        verdict = self._weigh(batch.worst_nano_usd, is_batch=True)
        if not verdict.is_granted and self._bury_the_dead():
            verdict = self._weigh(batch.worst_nano_usd, is_batch=True)
        if verdict.is_granted:
            add_batch(self._turn.connection, batch, self._turn.now)
            self._turn.in_batches += batch.worst_nano_usd
        return verdict

    def assume(self, nano: int) -> None:
        """Count what an unresolved batch can cost against the run's budget; the day's counts it as it stands."""
        self.account = replace(self.account, assumed=self.account.assumed + nano)

    def leave(self) -> None:
        """Let go of the run's place among the others; requests given up while under way count as spent."""
        if self.is_disowned:
            return  # the next run of this prompt counts as spent what stands here
        if self.account.reserved:
            self._assume(self.prompt, self.prompt_hash, self.account.reserved, "given up while under way")
        self._turn.is_changed = False
        self._turn.connection.execute("DELETE FROM reservations WHERE prompt_hash = ?", [self.prompt_hash])

    def _weigh(self, worst: int, *, is_batch: bool = False) -> Verdict:
        account, turn = self.account, self._turn
        others_hold = sum(other.nano_usd for other in turn.others)
        under_way = account.requests + sum(other.requests for other in turn.others)
        run = account.spent + account.assumed
        is_over_run = run + account.reserved + worst > nano_usd(self.budget.run_usd)
        is_over_day = turn.day + turn.in_batches + account.reserved + others_hold + worst > nano_usd(
            self.budget.day_usd
        )
        places = self._places(len(turn.others))
        has_place = is_batch or (account.requests < places and under_way < self.concurrency)
        return Verdict(
            is_granted=has_place and not is_over_run and not is_over_day,
            places=places,
            is_over_run=is_over_run,
            is_over_day=is_over_day,
            run_nano_usd=run,
            day_nano_usd=turn.day,
            batches_nano_usd=turn.in_batches,
            others=[other.prompt for other in turn.others],
            others_nano_usd=others_hold,
        )

    def _places(self, others: int) -> int:
        return max(1, self.concurrency // (others + 1))

    def _bury_the_dead(self) -> bool:
        """Take out what runs hold whose process is gone; says whether there was any."""
        self._looked_at = time.monotonic()
        turn = self._turn
        dead = [one for one in turn.others if not self.ledger.is_asked_now(one.prompt_hash, turn.connection)]
        self._bury(dead)
        turn.others = [one for one in turn.others if one not in dead]
        return bool(dead)

    def _bury(self, dead: Sequence[_Held]) -> None:
        for one in dead:
            if one.nano_usd:
                self._assume(one.prompt, one.prompt_hash, one.nano_usd, "its process ended while it was under way")
            self._turn.connection.execute("DELETE FROM reservations WHERE prompt_hash = ?", [one.prompt_hash])

    def _assume(self, prompt: str, prompt_hash: str, nano: int, reason: str) -> None:
        self._turn.assumed.append((prompt, prompt_hash, nano, reason))
        self._turn.added += nano

    def _change(self, *, reserved: int, requests: int, assumed: int = 0) -> None:
        account = self.account
        self.account = replace(
            account,
            assumed=account.assumed + assumed,
            reserved=account.reserved + reserved,
            requests=account.requests + requests,
        )
        self._turn.is_changed = True

    def _write(self, turn: _Turn, *, may_be_there: bool) -> None:
        connection = turn.connection
        add_rows(connection, turn.rows, ahead=self.ledger.store.ahead(connection), may_be_there=may_be_there)
        for assumed in turn.assumed:
            connection.execute(
                "INSERT INTO assumed_costs (prompt, prompt_hash, cost_nano_usd, reason, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [*assumed, as_text(turn.now)],
            )
        if turn.is_changed and not self.is_disowned:
            connection.execute(
                "INSERT INTO reservations (prompt_hash, prompt, reserved_nano_usd, requests) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (prompt_hash) DO UPDATE SET reserved_nano_usd = excluded.reserved_nano_usd,"
                " requests = excluded.requests",
                [self.prompt_hash, self.prompt, self.account.reserved, self.account.requests],
            )


def _reservations(connection: Connection, where: str, prompt_hash: str) -> list[_Held]:
    rows = connection.execute(
        f"SELECT prompt_hash, prompt, reserved_nano_usd, requests FROM reservations WHERE {where}", [prompt_hash]
    ).fetchall()
    return [_Held(*row) for row in rows]


def _held_in_batches(connection: Connection, now: datetime) -> int:
    """What batches can cost that were sent within a day and are not collected; an older one has ended long since."""
    ((nano,),) = connection.execute(
        "SELECT coalesce(sum(worst_nano_usd), 0) FROM batches WHERE NOT is_collected AND created_at > ?",
        [as_text(now - DAY)],
    ).fetchall()
    return int(nano)
