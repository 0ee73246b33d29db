"""Message Batches of the API: sending one, asking after it, its results, cancelling it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anthropic
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from exposure_dagster.errors import ScoringError
from exposure_dagster.scoring.claude import as_params, attempt_of_batch_result, open_client
from exposure_dagster.scoring.exchange import Access, Attempt, MessageRequest

ATTEMPTS = 8
_FOUND_AGAIN = 20
_CLOCKS_DIFFER_SECONDS = 120


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is: requests by what became of them so far."""

    has_ended: bool
    processing: int
    done: int


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
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=30),
            reraise=True,
        ):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    found = await self._find(len(requests), known, now)
                    if found is not None:
                        return found
                try:
                    return (await self._client.messages.batches.create(requests=body)).id
                except anthropic.APIStatusError as error:
                    if _may_pass(error):
                        raise
                    raise _denial(error) from error
        raise AssertionError("unreachable: the retry either returns or raises")

    async def state(self, batch_id: str) -> BatchState:
        """How far a batch is."""
        async for attempt in _patiently():
            with attempt:
                batch = await self._client.messages.batches.retrieve(batch_id)
                counts = batch.request_counts
                done = counts.succeeded + counts.errored + counts.canceled + counts.expired
                return BatchState(batch.processing_status == "ended", counts.processing, done)
        raise AssertionError("unreachable: the retry either returns or raises")

    async def results(self, batch_id: str) -> AsyncIterator[tuple[str, Attempt]]:
        """What became of each request of a batch that has ended, by custom id, in any order."""
        async for result in await self._client.messages.batches.results(batch_id):
            yield result.custom_id, attempt_of_batch_result(result.result, batch_id)

    async def cancel(self, batch_id: str) -> None:
        """Ask the API to stop a batch; what it has done is paid for and can still be collected."""
        await self._client.messages.batches.cancel(batch_id)

    async def _find(self, requests: int, known: set[str], now: datetime) -> str | None:
        page = await self._client.messages.batches.list(limit=_FOUND_AGAIN)
        for batch in page.data:
            counts = batch.request_counts
            size = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
            age = (batch.created_at.replace(tzinfo=None) - now).total_seconds()
            if batch.id not in known and size == requests and age > -_CLOCKS_DIFFER_SECONDS:
                return batch.id
        return None


@asynccontextmanager
async def connect_batches(access: Access) -> AsyncIterator[ClaudeBatches]:
    """A client for batches, closed at the end of the block."""
    async with open_client(access, connections=2) as client:
        yield ClaudeBatches(client)


def _patiently() -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=30),
        reraise=True,
    )


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, anthropic.APIStatusError):
        return error.status_code in (408, 409, 429, 529) or error.status_code >= 500
    return isinstance(error, anthropic.APIConnectionError)


def _denial(error: anthropic.APIStatusError) -> ScoringError:
    where = "ANTHROPIC_API_KEY" if error.status_code in (401, 402, 403) else "Message Batches"
    return ScoringError(
        f"the API does not take the batch (HTTP {error.status_code}: {error.message[:300]})",
        where=where,
        remedy="Look at the key, the account, and the model in the prompt file.",
    )
