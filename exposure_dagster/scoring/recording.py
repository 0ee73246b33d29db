"""A run's writes to the ledger: what waits while one transaction is under way goes together into the next.

Each is on disk when the call returns. They are made away from the event loop, one transaction at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.scoring.ledger import LedgerRow
from exposure_dagster.scoring.ledger_store import Connection
from exposure_dagster.scoring.reservations import Reservations
from exposure_dagster.store.locks import Lock

T = TypeVar("T")
_BACK_WITHIN_SECONDS = 60.0
Step = Callable[[], Any]


class Recording:
    """The way from one run to its ledger. Used as an async context, within which the run counts among the others.

    A transaction that comes to nothing is an error to everyone who waits for it; what they have paid for is kept and
    tried once more when the run ends, through a connection of its own: it may be the connection that broke. `lock` is
    the run's.
    """

    def __init__(
        self, reservations: Reservations, lock: Lock, *, on_written: Callable[[Sequence[LedgerRow]], None]
    ) -> None:
        """`on_written` hears of attempts once they are on disk."""
        self.reservations = reservations
        self._lock = lock
        self._on_written = on_written
        self._stack = ExitStack()
        self._connection: Connection | None = None
        self._waiting: list[tuple[Step, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._owed: dict[Step, Sequence[LedgerRow]] = {}
        self._is_hurt = False

    async def __aenter__(self) -> Recording:
        await asyncio.to_thread(self._connect)
        await asyncio.to_thread(self._write, [self.reservations.take_over])
        return self

    async def __aexit__(self, *raised: object) -> None:
        try:
            if self._writing is not None:
                await asyncio.wait([self._writing])
            self.reservations.is_disowned = self._lock.is_lost()
            if self._is_hurt:
                await asyncio.to_thread(self._connect_again)
            errors = [error for step in list(self._owed) if (error := await self._try_again(step)) is not None]
            if errors:
                raise errors[0]  # and what is set aside stays: the next run counts it as spent
            await asyncio.to_thread(self._write, [self.reservations.leave])
        finally:
            self._stack.close()

    def _connect(self) -> None:
        self._stack.close()
        self._connection = self._stack.enter_context(self.reservations.ledger.store.connect())

    def _connect_again(self) -> None:
        """What is owed was paid for, and a server that is started again is back in a while."""
        back = Retrying(
            retry=retry_if_exception_type(ScoringError),
            wait=wait_random_exponential(multiplier=0.1, max=2.0),
            stop=stop_after_delay(_BACK_WITHIN_SECONDS if self._owed else 0),
            reraise=True,
        )
        back(self._connect)

    async def do(self, step: Callable[[], T]) -> T:
        """What `step` returns, once what it wrote is on disk. Raises ScoringError where it cannot be written."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_what_waits())
        return await future

    async def settle(self, rows: Sequence[LedgerRow], worst: int, *, is_charge_known: bool) -> None:
        """Enter what came of a request that was reserved for. Where that fails it is tried again as the run ends."""
        await self._keep(lambda: self.reservations.settle(rows, worst, is_charge_known=is_charge_known), rows)

    async def enter(self, rows: Sequence[LedgerRow], *, assumed: int = 0) -> None:
        """Enter attempts for which nothing is reserved. Where that fails it is tried again as the run ends."""
        await self._keep(lambda: self.reservations.enter(rows, assumed=assumed), rows)

    async def _keep(self, step: Step, rows: Sequence[LedgerRow]) -> None:
        self._owed[step] = rows  # until it is written, whatever becomes of who waits for it
        await self.do(step)

    async def _try_again(self, step: Step) -> Exception | None:
        """Write one step for itself, so that none that cannot be written keeps others out."""
        try:
            await asyncio.to_thread(self._write, [step], is_repeated=True)
        except Exception as error:  # noqa: BLE001  raised when all were tried
            return error
        self._on_written(self._owed.pop(step))
        return None

    async def _write_what_waits(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                results = await asyncio.to_thread(self._write, [step for step, _ in group])
            except BaseException as error:
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    raise
            else:
                for step, _ in group:
                    if (rows := self._owed.pop(step, None)) is not None:
                        self._on_written(rows)
                for (_, waiting), result in zip(group, results, strict=True):
                    if not waiting.done():  # its caller may have been cancelled; what it wrote stays
                        waiting.set_result(result)

    def _write(self, steps: Sequence[Step], *, is_repeated: bool = False) -> list[Any]:
        assert self._connection is not None
        try:
            with self.reservations.transaction(self._connection, is_repeated=is_repeated):
                return [step() for step in steps]
        except BaseException:
            self._is_hurt = True
            raise
