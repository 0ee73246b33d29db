"""Group commits: rows are written together, away from whoever hands them in.

A row that was handed in is on its way; it counts once `on_committed` was called with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from exposure_dagster.errors import ExposureError

GROUP_ROWS = 50
"""At most so many rows are handed in and not yet on disk."""

DUE_ROWS = 34
"""A commit begins with so many rows: what is left of the room lets work go on while it lasts."""

GROUP_SECONDS = 0.2
"""The longest that a row waits for others before a commit begins."""

Row = TypeVar("Row")


class GroupWriter(Generic[Row]):
    """Commits rows in groups, one group at a time, in the order they came.

    `commit` writes a group or raises an ExposureError. `on_committed` hears of every group that was
    written, `on_error` of the first that was not: from then on nothing waits for room any more, and
    `close` tries once again.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Row]], Awaitable[None]],
        *,
        on_committed: Callable[[Sequence[Row]], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._commit = commit
        self._on_committed = on_committed
        self._on_error = on_error
        self._rows: list[Row] = []
        self._committing = 0
        self._blocked = 0
        self._is_closing = False
        self._changed = asyncio.Condition()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def add(self, rows: Sequence[Row]) -> None:
        """Hand rows in. Waits while there is no room: the caller's request then counts as under way."""
        async with self._changed:
            self._blocked += 1
            self._changed.notify_all()
            try:
                await self._changed.wait_for(lambda: self._task.done() or self._has_room_for(len(rows)))
            finally:  # rows of a caller that is cancelled are written too: they are paid for
                self._blocked -= 1
                self._rows.extend(rows)
                self._changed.notify_all()

    async def flush(self) -> None:
        """Wait until all that was handed in is on disk, or cannot be written."""
        async with self._changed:
            self._blocked += 1
            self._changed.notify_all()
            try:
                await self._changed.wait_for(lambda: self._task.done() or not (self._rows or self._committing))
            finally:
                self._blocked -= 1

    async def close(self) -> None:
        """Commit what is left. Raises what the commit raises."""
        async with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        await self._task
        if self._rows:
            await self._commit(self._rows)
            self._on_committed(self._rows)

    def _has_room_for(self, count: int) -> bool:
        waiting = len(self._rows) + self._committing
        return waiting == 0 or waiting + count <= GROUP_ROWS

    def _is_due(self) -> bool:
        return self._is_closing or self._blocked > 0 or len(self._rows) >= DUE_ROWS

    async def _run(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._rows or self._is_closing)
                if not self._rows:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(GROUP_SECONDS):
                        await self._changed.wait_for(self._is_due)
                group, self._rows = self._rows, []
                self._committing = len(group)
            try:
                await self._commit(group)
            except BaseException as error:
                self._rows = group + self._rows
                self._on_error(error)
                if isinstance(error, ExposureError):
                    return
                raise
            finally:
                async with self._changed:
                    self._committing = 0
                    self._changed.notify_all()
            self._on_committed(group)
