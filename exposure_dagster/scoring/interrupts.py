"""Signals that ask a process to end, while it asks a model: what is paid for is written before they take effect."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exposure_dagster.core.errors import ScoringError

GRACE_SECONDS = 15.0
"""How long requests under way are waited for; a second signal ends the wait."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunInterruptedError(ScoringError):
    """Somebody asked the process to end."""

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(f"the run was interrupted ({by.name})", remedy="Run again: only what is missing is asked.")
        self.by = by

    def take_course(self) -> None:
        """Let the signal do what it would have done at once, had there been nothing to write first."""
        signal.raise_signal(self.by)


@contextmanager
def stopping_on_signal(stop: Callable[[BaseException], None], *, grace_seconds: float) -> Iterator[None]:
    """For the length of the block, which one task runs, a signal calls `stop` with a RunInterruptedError.

    After `grace_seconds`, or at a second signal, the task is cancelled; then the block raises that error.
    Outside the main thread, where no signal arrives, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    interruptions: list[RunInterruptedError] = []
    timers: list[asyncio.TimerHandle] = []

    def take(by: signal.Signals) -> None:
        if interruptions:
            task.cancel()
            return
        interruptions.append(RunInterruptedError(by))
        stop(interruptions[0])
        timers.append(loop.call_later(grace_seconds, task.cancel))

    handlers = {by: signal.getsignal(by) for by in _SIGNALS}
    for by in _SIGNALS:
        loop.add_signal_handler(by, take, by)
    try:
        yield
    except asyncio.CancelledError:
        if interruptions:
            raise interruptions[0] from None
        raise
    finally:
        for timer in timers:
            timer.cancel()
        for by, handler in handlers.items():
            loop.remove_signal_handler(by)
            signal.signal(by, handler)
