"""Whatever waits in a run waits for something that is at work: where nothing is, the run ends with an error.

At work is a request under way, a write, a pause that will end, another run that holds what is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exposure_dagster.core.errors import ScoringError

IDLE_SECONDS = 60.0
"""How long nothing at all may be at work."""


class Watchdog:
    """Counts what is at work in one run."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._at_work = 0
        self._idle_since: float | None = asyncio.get_running_loop().time()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """For the length of the block something is at work that will end by itself."""
        self._at_work += 1
        self._idle_since = None
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle_since = asyncio.get_running_loop().time()

    async def watch(self, stop: Callable[[BaseException], None]) -> None:
        """Call `stop` once nothing has been at work for too long, and return then. Else it goes on until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._idle_seconds / 10)
            if self._idle_since is not None and loop.time() - self._idle_since >= self._idle_seconds:
                stop(
                    ScoringError(
                        f"nothing was under way and nothing was asked for {self._idle_seconds:.0f} seconds",
                        remedy="This is a mistake of the program: please report it. Run again: only what is missing is "
                        "asked.",
                    )
                )
                return
