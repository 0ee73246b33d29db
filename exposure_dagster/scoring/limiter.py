"""How many requests of a run may be under way: no more than its places, and fewer where the API says so."""

from __future__ import annotations

import asyncio
from collections import deque

MAX_PAUSE_SECONDS = 5.0
"""The longest that one answer "too many requests" holds up all other requests."""

CAREFUL_SECONDS = 30.0
"""How long it is remembered at how many requests the API said that they were too many."""

_SHRINK = 0.7
_GROWTH_A_ROUND = 2.0
_CAREFUL_GROWTH_A_ROUND = 0.1


class Limiter:
    """Hands out places in the order of asking.

    A busy answer shrinks the number of places, once a round trip, and holds up all requests for as long as
    the API asks, `MAX_PAUSE_SECONDS` at most; answers let it grow back by two a round, and near the number
    that was too many only very slowly.
    """

    def __init__(self, ceiling: int) -> None:
        self.in_flight = 0
        self._ceiling = ceiling
        self._limit = float(ceiling)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop = asyncio.get_running_loop()
        self._closed_until = 0.0
        self._shrunk_at = 0.0
        self._too_many = float("inf")
        self._careful_until = 0.0
        self._reopening: asyncio.TimerHandle | None = None
        self._is_open = True

    @property
    def ceiling(self) -> int:
        return self._ceiling

    @ceiling.setter
    def ceiling(self, places: int) -> None:
        grew = places > self._ceiling
        at_ceiling = self._limit >= self._ceiling
        self._ceiling = places
        if grew and at_ceiling:
            self._limit = float(places)
        self._limit = min(self._limit, float(max(places, 1)))
        self._admit()

    async def acquire(self) -> None:
        """Wait for a place; after `stop`, for none."""
        place = self._loop.create_future()
        self._waiting.append(place)
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        self._admit()

    def answered(self) -> None:
        """A request was answered: the number of places may grow."""
        is_near = self._limit + 1 > self._too_many and self._loop.time() < self._careful_until
        growth = _CAREFUL_GROWTH_A_ROUND if is_near else _GROWTH_A_ROUND
        self._limit = min(float(self._ceiling), self._limit + growth / max(self._limit, 1.0))

    def busy(self, sent_at: float, retry_after_seconds: float | None, *, is_too_many: bool) -> None:
        """A request sent at `sent_at` (loop time) was turned away, because of us if it `is_too_many`."""
        now = self._loop.time()
        if sent_at >= self._shrunk_at:
            if is_too_many:
                self._too_many = self._limit
                self._careful_until = now + CAREFUL_SECONDS
            self._limit = max(1.0, self._limit * _SHRINK)
            self._shrunk_at = now
        if retry_after_seconds:
            self._closed_until = max(self._closed_until, now + min(retry_after_seconds, MAX_PAUSE_SECONDS))

    def stop(self) -> None:
        """Let everybody who waits, or will, through at once: there is nothing more to send."""
        self._is_open = False
        self._admit()

    def _admit(self) -> None:
        if self._is_open and self._closed_until > self._loop.time():
            if self._reopening is None:
                self._reopening = self._loop.call_at(self._closed_until, self._reopen)
            return
        while self._waiting and (not self._is_open or self.in_flight < min(int(self._limit), self._ceiling)):
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    def _reopen(self) -> None:
        self._reopening = None
        self._admit()
