"""Message Batches of the API: sending one, asking after it, its results, cancelling it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import anthropic
import httpx2
from anthropic.types.messages import MessageBatch
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.scoring.claude import (
    as_params,
    attempt_of_batch_result,
    open_client,
    shown_status,
    was_never_sent,
)
from exposure_dagster.scoring.exchange import Access, Attempt, MessageRequest

T = TypeVar("T")

ATTEMPTS = 8
_ON_A_PAGE = 100
_OVERLOADED = 529
_CLOCKS_DIFFER_SECONDS = 120
_LONGEST_SENDING_SECONDS = 1800
_CALL_SECONDS = 600.0
_RESULTS_SECONDS = 3600.0
"""How long one reply may take in all, however slowly it comes. Results are up to 100,000."""
_LOST_ON_THE_WAY = (
    anthropic.APIConnectionError,
    httpx2.HTTPError,
    httpx2.StreamError,
    json.JSONDecodeError,
    TimeoutError,
)


class BatchRejectedError(ScoringError):
    """The API will not take a batch, or not tell about it: nothing was begun."""


class BatchUncertainError(ScoringError):
    """Whether the API took a batch is not known."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is: requests by what became of them so far."""

    has_ended: bool
    processing: int
    done: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch at the API that may be the one that is looked for."""

    batch_id: str
    has_ended: bool


class ClaudeBatches:
    """The batch side of a client. Made by `connect_batches`."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client

    async def create(self, requests: Sequence[tuple[str, MessageRequest]]) -> str:
        """Send a batch, once for every time that the API says it did not take it; returns its id.

        Raises BatchRejectedError where the API will not take it, BatchUncertainError where it may have.
        """
        body: Any = [{"custom_id": custom_id, "params": as_params(request)} for custom_id, request in requests]

        async def send() -> str:
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    return harmless((await self._client.messages.batches.create(requests=body)).id)
            except _LOST_ON_THE_WAY as error:
                if was_never_sent(error):
                    raise
                raise BatchUncertainError(
                    f"the connection broke while a batch was sent ({type(error).__name__})", where="Message Batches"
                ) from error
            except anthropic.APIStatusError as error:
                if error.status_code in (408, 409) or (error.status_code >= 500 and error.status_code != _OVERLOADED):
                    raise BatchUncertainError(
                        f"the API failed while a batch was sent ({shown_status(error)})", where="Message Batches"
                    ) from error
                raise

        return await _patiently(send, seconds=2 * _CALL_SECONDS)  # ends above: to send again could pay again

    async def candidates(self, requests: int, *, known: Collection[str], begun_at: datetime) -> list[Candidate]:
        """Batches of so many requests that came to be about `begun_at` (UTC) and are not `known`."""

        async def look() -> list[Candidate]:
            found = []
            async for batch in self._client.messages.batches.list(limit=_ON_A_PAGE):
                age = (batch.created_at.astimezone(UTC).replace(tzinfo=None) - begun_at).total_seconds()
                if age < -_CLOCKS_DIFFER_SECONDS:
                    break  # the newest come first
                if batch.id not in known and age < _LONGEST_SENDING_SECONDS and _size(batch) == requests:
                    found.append(Candidate(harmless(batch.id), batch.processing_status == "ended"))
            return found

        return await _patiently(look)

    async def state(self, batch_id: str) -> BatchState | None:
        """How far a batch is; None where the API says that it does not know it."""

        async def ask() -> BatchState | None:
            try:
                batch = await self._client.messages.batches.retrieve(batch_id)
            except anthropic.NotFoundError:
                return None
            counts = batch.request_counts
            done = counts.succeeded + counts.errored + counts.canceled + counts.expired
            return BatchState(batch.processing_status == "ended", counts.processing, done)

        return await _patiently(ask)

    async def read_results(self, batch_id: str, enter: Callable[[str, Attempt], Awaitable[None]]) -> bool:
        """Call `enter` with what became of each request of a batch that has ended: custom id and attempt.

        The order is any; where the connection breaks, results that were read come again. False where the API says
        that it knows no such results.
        """

        async def read() -> bool:
            try:
                async for result in await self._client.messages.batches.results(batch_id):
                    await enter(result.custom_id, attempt_of_batch_result(result.result, batch_id))
            except anthropic.NotFoundError:
                return False
            return True

        return await _patiently(read, seconds=_RESULTS_SECONDS)

    async def a_custom_id(self, batch_id: str) -> str | None:
        """The custom id of one request of a batch that has ended; None where the API shows none."""

        async def read() -> str | None:
            try:
                async for result in await self._client.messages.batches.results(batch_id):
                    return result.custom_id
            except anthropic.NotFoundError:
                pass
            return None

        return await _patiently(read)

    async def cancel(self, batch_id: str) -> None:
        """Ask the API to stop a batch; what it has done is paid for and can still be collected."""
        await _patiently(lambda: self._client.messages.batches.cancel(batch_id))


def _size(batch: MessageBatch) -> int:
    counts = batch.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired


@asynccontextmanager
async def connect_batches(access: Access) -> AsyncIterator[ClaudeBatches]:
    """A client for batches, closed at the end of the block."""
    async with open_client(access, connections=2) as client:
        yield ClaudeBatches(client)


async def _patiently(ask: Callable[[], Awaitable[T]], *, seconds: float = _CALL_SECONDS) -> T:
    """What `ask` returns, which is called again while that may help. Raises ScoringError."""
    try:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=30),
            reraise=True,
        ):
            with attempt:
                async with asyncio.timeout(seconds):
                    return await ask()
    except anthropic.APIStatusError as error:
        raise _denial(error) from error
    except _LOST_ON_THE_WAY as error:
        raise ScoringError(
            f"the API gives no answer about a batch ({type(error).__name__}: {error})",
            where="Message Batches",
            remedy="Look at the network and ANTHROPIC_BASE_URL, and run again: batches that were sent are picked up.",
        ) from error
    raise AssertionError("unreachable: the retry either returns or raises")


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, anthropic.APIStatusError):
        return error.status_code in (408, 409, 429, 529) or error.status_code >= 500
    return isinstance(error, _LOST_ON_THE_WAY)


def _denial(error: anthropic.APIStatusError) -> ScoringError:
    if _may_pass(error):
        return ScoringError(
            f"the API fails again and again ({shown_status(error)})",
            where="Message Batches",
            remedy="Look at the provider's status page, and run again: batches that were sent are picked up.",
        )
    where = "ANTHROPIC_API_KEY" if error.status_code in (401, 402, 403) else "Message Batches"
    return BatchRejectedError(
        f"the API does not take the batch ({shown_status(error)})",
        where=where,
        remedy="Look at the key, the account, and the model in the prompt file.",
    )
