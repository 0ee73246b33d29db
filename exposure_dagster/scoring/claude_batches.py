"""Message Batches of the API: sending one, asking after it, its results, cancelling it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import anthropic
import httpx2
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from exposure_dagster.errors import ScoringError
from exposure_dagster.scoring.claude import as_params, attempt_of_batch_result, open_client, shown_status
from exposure_dagster.scoring.exchange import Access, Attempt, MessageRequest

T = TypeVar("T")

ATTEMPTS = 8
_FOUND_AGAIN = 100
_CLOCKS_DIFFER_SECONDS = 120
_LONGEST_SENDING_SECONDS = 1800
_LOST_ON_THE_WAY = (anthropic.APIConnectionError, httpx2.HTTPError, httpx2.StreamError, json.JSONDecodeError)


class BatchRejectedError(ScoringError):
    """The API will not take a batch, or not tell about it: nothing was begun."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is: requests by what became of them so far. One that the API does not know has ended."""

    has_ended: bool
    processing: int = 0
    done: int = 0
    is_known: bool = True


class ClaudeBatches:
    """The batch side of a client. Made by `connect_batches`."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client

    async def send(self, requests: Sequence[tuple[str, MessageRequest]], *, known: set[str], now: datetime) -> str:
        """Send a batch; returns its id.

        Where the connection broke on the way, the API is asked whether it took the batch before it is sent
        again: `known` are the batches of earlier, `now` (UTC) is when this one was begun. Raises ScoringError
        where the API will not take it.
        """
        body: Any = [{"custom_id": custom_id, "params": as_params(request)} for custom_id, request in requests]

        async def send_or_find(is_repeat: bool) -> str:
            found = await self._find(len(requests), known, now) if is_repeat else None
            return found or (await self._client.messages.batches.create(requests=body)).id

        return await _patiently(send_or_find)

    async def find(self, requests: int, *, known: set[str], now: datetime) -> str | None:
        """The id of a batch of so many requests that was begun at `now` (UTC) and is not `known`; None if none was."""
        return await _patiently(lambda _: self._find(requests, known, now))

    async def state(self, batch_id: str) -> BatchState:
        """How far a batch is."""

        async def ask(_: bool) -> BatchState:
            try:
                batch = await self._client.messages.batches.retrieve(batch_id)
            except anthropic.NotFoundError:
                return BatchState(has_ended=True, is_known=False)
            counts = batch.request_counts
            done = counts.succeeded + counts.errored + counts.canceled + counts.expired
            return BatchState(batch.processing_status == "ended", counts.processing, done)

        return await _patiently(ask)

    async def read_results(self, batch_id: str, enter: Callable[[str, Attempt], Awaitable[None]]) -> None:
        """Call `enter` with what became of each request of a batch that has ended: custom id and attempt.

        The order is any; where the connection breaks, results that were read come again.
        """

        async def read(_: bool) -> None:
            async for result in await self._client.messages.batches.results(batch_id):
                await enter(result.custom_id, attempt_of_batch_result(result.result, batch_id))

        await _patiently(read)

    async def cancel(self, batch_id: str) -> None:
        """Ask the API to stop a batch; what it has done is paid for and can still be collected."""
        await _patiently(lambda _: self._client.messages.batches.cancel(batch_id))

    async def _find(self, requests: int, known: set[str], now: datetime) -> str | None:
        page = await self._client.messages.batches.list(limit=_FOUND_AGAIN)
        for batch in page.data:
            counts = batch.request_counts
            size = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
            age = (batch.created_at.replace(tzinfo=None) - now).total_seconds()
            is_of_then = -_CLOCKS_DIFFER_SECONDS < age < _LONGEST_SENDING_SECONDS
            if batch.id not in known and size == requests and is_of_then:
                return batch.id
        return None


@asynccontextmanager
async def connect_batches(access: Access) -> AsyncIterator[ClaudeBatches]:
    """A client for batches, closed at the end of the block."""
    async with open_client(access, connections=2) as client:
        yield ClaudeBatches(client)


async def _patiently(ask: Callable[[bool], Awaitable[T]]) -> T:
    """What `ask` returns, which is called again (then with True) while that may help. Raises ScoringError."""
    try:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=30),
            reraise=True,
        ):
            with attempt:
                return await ask(attempt.retry_state.attempt_number > 1)
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
