"""OpenAI and what speaks as it does, by OpenAI's own SDK: Gemini, OpenRouter, llama.cpp, Ollama, vLLM, LM Studio …

Requests go to `/chat/completions`, which all of them serve; batches to OpenAI itself.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import openai
from openai.types import Batch
from pydantic import BaseModel, ValidationError

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.providers import sdk
from exposure_dagster.providers.exchange import Attempt, Fate, MessageRequest, StopReason
from exposure_dagster.providers.prices import Usage
from exposure_dagster.providers.provider import BatchRejectedError, BatchState, Candidate, Endpoint

_PATH: Final = "/v1/chat/completions"
_ON_A_PAGE = 100
_CLOCKS_DIFFER_SECONDS = 120
_ENDED = ("completed", "failed", "expired", "cancelled")
_STOP_REASONS = {"length": StopReason.CUT_SHORT, "content_filter": StopReason.REFUSAL}
_NOT_FOR_OTHERS: dict[str, Any] = {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
"""Headers that the SDK takes from the environment for whatever address is set."""

_TOKEN = "exposure_token"
"""Under this name a batch carries our token."""


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    model: str | None = None
    usage: Any = None


class _Error(BaseModel):
    message: str = ""
    code: int | str | None = None


class _Result(BaseModel):
    """A line of a batch's results. `error` is about a request that was never sent."""

    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


class _Response(BaseModel):
    status_code: int
    request_id: str | None = None
    body: Any = None


class _Client:
    def __init__(self, endpoint: Endpoint, client: openai.AsyncOpenAI) -> None:
        self._endpoint = endpoint
        self._client = client

    async def ask(self, request: MessageRequest, *, timeout_seconds: float) -> Attempt:
        create: Any = self._client.chat.completions.with_raw_response.create
        params = _as_params(request, self._endpoint)
        return await sdk.attempt(
            openai, lambda timeout: create(**params, timeout=timeout), _read, timeout_seconds=timeout_seconds
        )

    async def count_tokens(self, request: MessageRequest) -> int | None:
        return None


@asynccontextmanager
async def connect(endpoint: Endpoint, *, connections: int) -> AsyncIterator[_Client]:
    async with _open(endpoint, connections) as client:
        yield _Client(endpoint, client)


@asynccontextmanager
async def connect_batches(endpoint: Endpoint) -> AsyncIterator[_Batches]:
    async with _open(endpoint, 2) as client:
        yield _Batches(endpoint, client)


def size_bytes(request: MessageRequest) -> int:
    return len(json.dumps(_as_params(request, None)).encode()) + 200  # and what makes a line of it


@asynccontextmanager
async def _open(endpoint: Endpoint, connections: int) -> AsyncIterator[openai.AsyncOpenAI]:
    sdk.keep_requests_out_of_the_log("openai._base_client")
    async with openai.AsyncOpenAI(
        api_key=endpoint.key(),
        base_url=endpoint.address,
        max_retries=0,
        default_headers={} if is_openai(endpoint) else _NOT_FOR_OTHERS,
        http_client=sdk.http_client(connections),
    ) as client:
        yield client


def is_openai(endpoint: Endpoint) -> bool:
    """Whether OpenAI itself is asked."""
    return endpoint.is_own and endpoint.provider.name == "openai"


def _as_params(request: MessageRequest, endpoint: Endpoint | None) -> dict[str, Any]:
    """A request as the API takes it. Servers that are not OpenAI's know `max_tokens` by its earlier name alone."""
    is_local = endpoint is not None and endpoint.provider.name == "local"
    schema = request.narrow_schema if is_local else None
    is_early = endpoint is not None and not is_openai(endpoint)
    params: dict[str, Any] = {
        "model": request.model,
        "messages": [
            {"role": "system", "content": request.instruction},
            {"role": "user", "content": request.user},
        ],
        "max_tokens" if is_early else "max_completion_tokens": request.max_tokens,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": dict(schema or request.answer_schema)},
        },
    }
    if request.effort is not None:
        params["reasoning_effort"] = request.effort
    return params


def _read(body: Any) -> Attempt | None:
    if isinstance(body, dict) and not body.get("choices") and body.get("error"):
        return _failed(body["error"])
    try:
        completion = _Completion.model_validate(body)
        choice = completion.choices[0]
    except (ValidationError, IndexError):
        return None
    refusal = choice.message.refusal
    return Attempt(
        Fate.ANSWERED,
        0.0,
        _read_usage(completion.usage),
        stop_reason=StopReason.REFUSAL if refusal else _STOP_REASONS.get(choice.finish_reason or "", "end_turn"),
        text=choice.message.content or "",
        model=None if completion.model is None else sdk.shortened(completion.model),
    )


def _failed(said: object) -> Attempt | None:
    """An error under the status 200, as OpenRouter hands on those of the models behind it."""
    try:
        error = _Error.model_validate(said)
    except ValidationError:
        return None
    code = str(error.code)
    status = int(code) if re.fullmatch(r"[45]\d\d", code) else 500
    fate = sdk.fate_of_status(429 if code == "insufficient_quota" else status, code)
    return Attempt(fate, 0.0, Usage(), error=sdk.shortened(f"error {error.code}: {error.message}"), status=status)


def _read_usage(said: Any) -> Usage | None:
    """What a server says that it counted, true or not; None where that cannot be read."""
    try:
        usage = _Usage.model_validate(said)
    except ValidationError:
        return None
    cached = (usage.prompt_tokens_details.cached_tokens or 0) if usage.prompt_tokens_details else 0
    written = max(usage.completion_tokens, (usage.total_tokens or 0) - usage.prompt_tokens)  # thinking, where apart
    return Usage(input_tokens=usage.prompt_tokens - cached, output_tokens=written, cache_read_tokens=cached)


class _Batches:
    """A batch is a file of requests and, when it has ended, a file of answers and one of errors."""

    def __init__(self, endpoint: Endpoint, client: openai.AsyncOpenAI) -> None:
        self._endpoint = endpoint
        self._client = client

    async def create(self, token: str, requests: Sequence[tuple[str, MessageRequest]]) -> str:
        lines = "".join(
            json.dumps({"custom_id": custom_id, "method": "POST", "url": _PATH, "body": _as_params(request, None)})
            + "\n"
            for custom_id, request in requests
        )

        async def upload() -> str:
            file = await self._client.files.create(
                file=(f"{token}.jsonl", lines.encode(), "application/jsonl"), purpose="batch"
            )
            return file.id

        try:
            file_id = await self._patiently(upload)  # a file that is there twice costs nothing
        except ScoringError as error:
            raise BatchRejectedError(error.what, where=error.where, remedy=error.remedy) from error

        async def send() -> str:
            with sdk.certain_or_not(openai):
                async with asyncio.timeout(sdk.CALL_SECONDS):
                    batch = await self._client.batches.create(
                        input_file_id=file_id,
                        endpoint=_PATH,
                        completion_window="24h",
                        metadata={_TOKEN: token},
                    )
                    return harmless(batch.id)

        return await self._patiently(send, seconds=2 * sdk.CALL_SECONDS)  # ends above: to send again could pay again

    async def candidates(
        self, token: str, requests: int, *, known: Collection[str], begun_at: datetime
    ) -> list[Candidate]:
        async def look() -> list[Candidate]:
            async for batch in self._client.batches.list(limit=_ON_A_PAGE):
                created_at = datetime.fromtimestamp(batch.created_at, UTC).replace(tzinfo=None)
                if (created_at - begun_at).total_seconds() < -_CLOCKS_DIFFER_SECONDS:
                    break  # the newest come first
                if batch.id not in known and (batch.metadata or {}).get(_TOKEN) == token:
                    return [Candidate(harmless(batch.id), _has_ended(batch))]
            return []

        return await self._patiently(look)

    async def state(self, batch_id: str) -> BatchState | None:
        batch = await self._batch(batch_id)
        if batch is None:
            return None
        if batch.status == "failed":
            reasons = "; ".join(error.message or "" for error in (batch.errors.data or [] if batch.errors else []))
            raise BatchRejectedError(
                f"the API took the batch and then refused it ({sdk.shortened(reasons) or 'it does not say why'})",
                where=sdk.WHERE_BATCHES,
                remedy="Nothing of it was done or charged. Look at the prompt's model and the account's limits.",
            )
        counts = batch.request_counts
        done = counts.completed + counts.failed if counts else 0
        return BatchState(_has_ended(batch), (counts.total if counts else 0) - done, done)

    async def read_results(self, batch_id: str, enter: Callable[[str, Attempt], Awaitable[None]]) -> bool:
        batch = await self._batch(batch_id)
        if batch is None:
            return False
        if batch.output_file_id is None and batch.request_counts is not None and batch.request_counts.completed:
            return False  # the file of what was done is still to come
        for file_id in (batch.output_file_id, batch.error_file_id):
            lines = await self._lines(file_id)
            if lines is None:
                return False
            for line in lines:
                await enter(line.custom_id, _attempt_of_result(line, batch_id))
        return True

    async def a_custom_id(self, batch_id: str) -> str | None:
        batch = await self._batch(batch_id)
        for file_id in (batch.output_file_id, batch.error_file_id) if batch else ():
            for line in await self._lines(file_id) or ():
                return line.custom_id
        return None

    async def cancel(self, batch_id: str) -> None:
        await self._patiently(lambda: self._client.batches.cancel(batch_id))

    async def _batch(self, batch_id: str) -> Batch | None:
        async def ask() -> Batch | None:
            try:
                return await self._client.batches.retrieve(batch_id)
            except openai.NotFoundError:
                return None

        return await self._patiently(ask)

    async def _lines(self, file_id: str | None) -> Iterator[_Result] | None:
        """The lines of a file, none where there is no file; None where the API says that it knows no such file."""
        if file_id is None:
            return iter(())

        async def read() -> bytes | None:
            try:
                return (await self._client.files.content(file_id)).content
            except openai.NotFoundError:
                return None

        content = await self._patiently(read, seconds=sdk.RESULTS_SECONDS)
        return None if content is None else _results(content)

    async def _patiently(self, ask: Callable[[], Awaitable[sdk.T]], *, seconds: float = sdk.CALL_SECONDS) -> sdk.T:
        return await sdk.patiently(openai, self._endpoint, ask, seconds=seconds)


def _has_ended(batch: Batch) -> bool:
    return batch.status in _ENDED


def _results(content: bytes) -> Iterator[_Result]:
    """The results that can be read; what a file lacks is asked again."""
    for line in content.splitlines():
        try:
            yield _Result.model_validate(json.loads(line))
        except (ValueError, RecursionError):
            continue


def _attempt_of_result(result: _Result, batch_id: str) -> Attempt:
    """What became of a request in a batch. There is no latency of its own."""
    response = result.response
    if response is None:
        error = result.error or _Error(message="no response")
        return Attempt(
            Fate.BROKEN, 0.0, Usage(), error=sdk.shortened(f"batch {batch_id}: {error.code} {error.message}")
        )
    if response.status_code != 200:
        code = sdk.code_of(response.body)
        fate = sdk.fate_of_status(response.status_code, code)
        error_text = sdk.shortened(f"HTTP {response.status_code} {code} in batch {batch_id}")
        return Attempt(fate, 0.0, Usage(), error=error_text, status=response.status_code)
    found = _read(response.body)
    if found is None:
        return Attempt(Fate.BROKEN, 0.0, None, error=sdk.shortened(f"a result of batch {batch_id} is not a message"))
    return replace(found, request_id=sdk.request_id(response.request_id))
