"""How long work tells that it goes on: the protocol, and the ways of telling that need no terminal.

Domain code is handed a `Progress` and advances it. Bars on a terminal belong to the command line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """One piece of work at a time: `start`, any number of `advance`, `finish`."""

    def start(self, label: str, total: int | None) -> None:
        """Begin. `label` reads well before a count ("fetched"); `total` is None where it is unknown."""

    def advance(self, count: int = 1, **figures: float | int | str) -> None:
        """`count` more are done. `figures` are shown beside the count; the latest value of each stands."""

    def finish(self) -> None:
        """The work has ended, all of it or not."""


class _NoProgress:
    def start(self, label: str, total: int | None) -> None:
        pass

    def advance(self, count: int = 1, **figures: float | int | str) -> None:
        pass

    def finish(self) -> None:
        pass


NO_PROGRESS: Progress = _NoProgress()
"""Tells nobody."""


class LoggedProgress:
    """Writes a line such as `fetched 120 of 342, 222 left, about 3m42s` at most every `every_seconds`.

    `log` takes a finished line (a logger's `info`); the last line is written by `finish`, always.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        every_seconds: float = 5.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._every_seconds = every_seconds
        self._monotonic = monotonic
        self.start("done", None)

    def start(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._figures: dict[str, float | int | str] = {}
        self._started_at = self._logged_at = self._monotonic()

    def advance(self, count: int = 1, **figures: float | int | str) -> None:
        self._done += count
        self._figures.update(figures)
        now = self._monotonic()
        if now - self._logged_at >= self._every_seconds:
            self._logged_at = now
            self._log(", ".join([self._count(), *self._outlook(now), *self._shown_figures()]))

    def finish(self) -> None:
        elapsed = readable_duration(self._monotonic() - self._started_at)
        self._log(", ".join([f"{self._count()} in {elapsed}", *self._shown_figures()]))

    def _count(self) -> str:
        total = "" if self._total is None else f" of {self._total:,}"
        return f"{self._label} {self._done:,}{total}"

    def _outlook(self, now: float) -> list[str]:
        if self._total is None or not 0 < self._done < self._total:
            return []
        left = self._total - self._done
        seconds = (now - self._started_at) / self._done * left
        return [f"{left:,} left", f"about {readable_duration(seconds)}"]

    def _shown_figures(self) -> list[str]:
        return [f"{name.replace('_', ' ')} {shown_figure(value)}" for name, value in self._figures.items()]


def shown_figure(value: float | int | str) -> str:
    """A figure as a reader wants it: an amount below 0.1 with four decimals, others with two."""
    if isinstance(value, float):
        return f"{value:,.4f}" if 0 < abs(value) < 0.1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else value


def counted(count: int, noun: str) -> str:
    """`1 page`, `1,200 pages`: for nouns that take an s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def readable_duration(seconds: float) -> str:
    """`42s`, `3m42s` or `2h05m`, rounded to the second (to the minute from an hour on)."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02d}m"
