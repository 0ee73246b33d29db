"""Claude, by Anthropic's own SDK: single requests and Message Batches, at Anthropic or at a server that speaks as it
does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import anthropic
from anthropic.types import OutputConfigParam, ToolParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages import MessageBatch, MessageBatchResult
from pydantic import BaseModel, ValidationError

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.providers import sdk
from exposure_dagster.providers.exchange import Attempt, Fate, MessageRequest
from exposure_dagster.providers.prices import Usage
from exposure_dagster.providers.provider import BatchState, Candidate, Endpoint

_Sdk = anthropic.AsyncAnthropic | anthropic.AsyncAnthropicBedrock | anthropic.AsyncAnthropicVertex

_TOOL = "answer"
_ON_A_PAGE = 100
_CLOCKS_DIFFER_SECONDS = 120
_LONGEST_SENDING_SECONDS = 1800


class _ContentBlock(BaseModel):
    type: str
    text: str | None = None
    input: Any = None


class _CacheCreation(BaseModel):
    ephemeral_1h_input_tokens: int = 0


class _Usage(BaseModel):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None


class _Message(BaseModel):
    content: list[_ContentBlock]
    model: str | None = None
    stop_reason: str | None = None
    usage: Any = None


class _Client:
    def __init__(self, endpoint: Endpoint, client: _Sdk) -> None:
        self._endpoint = endpoint
        self._client = client

    async def ask(self, request: MessageRequest, *, timeout_seconds: float) -> Attempt:
        create = self._client.messages.with_raw_response.create
        return await sdk.attempt(
            anthropic,
            lambda timeout: create(**self._params(request), timeout=timeout),
            _read,
            timeout_seconds=timeout_seconds,
        )

    def _params(self, request: MessageRequest) -> dict[str, Any]:
        """A request in the way that its model keeps to a form: Claude by `output_config`, through a gateway as well;
        another model by a tool."""
        if self._endpoint.provider.name != "anthropic":  # neither Bedrock nor Vertex knows `output_config`
            return {name: value for name, value in _params_of_a_tool(request).items() if name != "output_config"}
        is_claude = self._endpoint.is_own or request.model.startswith("claude")
        return {**(as_params(request) if is_claude else _params_of_a_tool(request))}

    async def count_tokens(self, request: MessageRequest) -> int | None:
        try:
            async with asyncio.timeout(sdk.CONNECT_SECONDS * 2):
                count = await self._client.messages.count_tokens(
                    model=request.model,
                    system=request.instruction,
                    messages=[{"role": "user", "content": request.user}],
                )
        except (anthropic.AnthropicError, ValueError, TimeoutError):
            return None
        return count.input_tokens if isinstance(count.input_tokens, int) else None


@asynccontextmanager
async def connect(endpoint: Endpoint, *, connections: int) -> AsyncIterator[_Client]:
    opened = _open if endpoint.provider.name == "anthropic" else _open_elsewhere
    async with opened(endpoint, connections) as client:
        yield _Client(endpoint, client)


@asynccontextmanager
async def connect_batches(endpoint: Endpoint) -> AsyncIterator[_Batches]:
    async with _open(endpoint, 2) as client:
        yield _Batches(endpoint, client)


def size_bytes(request: MessageRequest) -> int:
    return len(json.dumps(as_params(request)).encode())


@asynccontextmanager
async def _open(endpoint: Endpoint, connections: int) -> AsyncIterator[anthropic.AsyncAnthropic]:
    sdk.keep_requests_out_of_the_log("anthropic._base_client")
    async with anthropic.AsyncAnthropic(
        api_key=endpoint.key(),
        base_url=endpoint.address,
        max_retries=0,
        http_client=sdk.http_client(connections),
    ) as client:
        yield client


@asynccontextmanager
async def _open_elsewhere(endpoint: Endpoint, connections: int) -> AsyncIterator[_Sdk]:
    """The same where Amazon or Google serves Claude. The address of a region is the SDK's to know."""
    sdk.keep_requests_out_of_the_log("anthropic._base_client")
    http, address = sdk.http_client(connections), endpoint.other_address
    client: _Sdk
    try:
        if endpoint.provider.name == "bedrock":
            client = anthropic.AsyncAnthropicBedrock(
                api_key=endpoint.key(), base_url=address, max_retries=0, http_client=http
            )
        else:
            import_module("google.auth")
            client = anthropic.AsyncAnthropicVertex(
                project_id=endpoint.key(), base_url=address, max_retries=0, http_client=http
            )
    except (ValueError, ModuleNotFoundError) as error:  # no region is set, or the extra is not installed
        raise ScoringError(
            sdk.shortened(str(error)),
            where=f"provider {endpoint.provider.name}",
            remedy="See docs/models.md for what it needs.",
        ) from error
    async with client:
        yield client


def as_params(request: MessageRequest) -> MessageCreateParamsNonStreaming:
    """A request as the SDK takes it, alone or in a batch."""
    return {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "system": [{"type": "text", "text": request.instruction, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": request.user}],
        "output_config": _output_config(request),
    }


def _params_of_a_tool(request: MessageRequest) -> MessageCreateParamsNonStreaming:
    """The same for another model on a server that speaks as Anthropic does. Many pass over `output_config`; some, as
    vLLM, keep to the schema of a tool that has to be called, and the others are told the form in words."""
    tool: ToolParam = {
        "name": _TOOL,
        "description": "Takes the answer.",
        "input_schema": dict(request.narrow_schema or request.answer_schema),
    }
    return {**as_params(request), "tools": [tool], "tool_choice": {"type": "tool", "name": _TOOL}}


def _output_config(request: MessageRequest) -> OutputConfigParam:
    config: OutputConfigParam = {"format": {"type": "json_schema", "schema": dict(request.answer_schema)}}
    if request.effort is not None:
        config["effort"] = request.effort
    return config


def _read(body: Any) -> Attempt | None:
    try:
        message = _Message.model_validate(body)
    except ValidationError:
        return None
    return Attempt(
        Fate.ANSWERED,
        0.0,
        _read_usage(message.usage),
        stop_reason=message.stop_reason,
        text=_text_of(message),
        model=None if message.model is None else sdk.shortened(message.model),
    )


def _text_of(message: _Message) -> str:
    """What the model handed to the tool, where it was sent one; else what it wrote, without what it thought."""
    handed = [block.input for block in message.content if block.type == "tool_use"]
    if handed:
        return json.dumps(handed[0])
    return "".join(block.text or "" for block in message.content if block.type == "text")


def _read_usage(said: Any) -> Usage | None:
    """What a server says that it counted, true or not; None where that cannot be read."""
    try:
        usage = _Usage.model_validate(said)
    except ValidationError:
        return None
    written = usage.cache_creation_input_tokens or 0
    for_an_hour = min(written, usage.cache_creation.ephemeral_1h_input_tokens if usage.cache_creation else 0)
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_input_tokens or 0,
        cache_write_5m_tokens=written - for_an_hour,
        cache_write_1h_tokens=for_an_hour,
    )


class _Batches:
    def __init__(self, endpoint: Endpoint, client: anthropic.AsyncAnthropic) -> None:
        self._endpoint = endpoint
        self._client = client

    async def create(self, token: str, requests: Sequence[tuple[str, MessageRequest]]) -> str:
        body: Any = [{"custom_id": custom_id, "params": as_params(request)} for custom_id, request in requests]

        async def send() -> str:
            with sdk.certain_or_not(anthropic):
                async with asyncio.timeout(sdk.CALL_SECONDS):
                    return harmless((await self._client.messages.batches.create(requests=body)).id)

        return await self._patiently(send, seconds=2 * sdk.CALL_SECONDS)  # ends above: to send again could pay again

    async def candidates(
        self, token: str, requests: int, *, known: Collection[str], begun_at: datetime
    ) -> list[Candidate]:
        async def look() -> list[Candidate]:
            found = []
            async for batch in self._client.messages.batches.list(limit=_ON_A_PAGE):
                age = (batch.created_at.astimezone(UTC).replace(tzinfo=None) - begun_at).total_seconds()
                if age < -_CLOCKS_DIFFER_SECONDS:
                    break  # the newest come first
                if batch.id not in known and age < _LONGEST_SENDING_SECONDS and _size(batch) == requests:
                    found.append(Candidate(harmless(batch.id), batch.processing_status == "ended"))
            return found

        return await self._patiently(look)

    async def state(self, batch_id: str) -> BatchState | None:
        async def ask() -> BatchState | None:
            try:
                batch = await self._client.messages.batches.retrieve(batch_id)
            except anthropic.NotFoundError:
                return None
            counts = batch.request_counts
            done = counts.succeeded + counts.errored + counts.canceled + counts.expired
            return BatchState(batch.processing_status == "ended", counts.processing, done)

        return await self._patiently(ask)

    async def read_results(self, batch_id: str, enter: Callable[[str, Attempt], Awaitable[None]]) -> bool:
        async def read() -> bool:
            try:
                async for result in await self._client.messages.batches.results(batch_id):
                    await enter(result.custom_id, _attempt_of_result(result.result, batch_id))
            except anthropic.NotFoundError:
                return False
            return True

        return await self._patiently(read, seconds=sdk.RESULTS_SECONDS)

    async def a_custom_id(self, batch_id: str) -> str | None:
        async def read() -> str | None:
            try:
                async for result in await self._client.messages.batches.results(batch_id):
                    return result.custom_id
            except anthropic.NotFoundError:
                pass
            return None

        return await self._patiently(read)

    async def cancel(self, batch_id: str) -> None:
        await self._patiently(lambda: self._client.messages.batches.cancel(batch_id))

    async def _patiently(self, ask: Callable[[], Awaitable[sdk.T]], *, seconds: float = sdk.CALL_SECONDS) -> sdk.T:
        return await sdk.patiently(anthropic, self._endpoint, ask, seconds=seconds)


def _size(batch: MessageBatch) -> int:
    counts = batch.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired


def _attempt_of_result(result: MessageBatchResult, batch_id: str) -> Attempt:
    """What became of a request in a batch. There is no latency of its own, and no request id but the message's."""
    match result.type:
        case "succeeded":
            found = _read(result.model_dump(warnings=False).get("message"))
            if found is None:
                error = sdk.shortened(f"a result of batch {batch_id} is not a message")
                return Attempt(Fate.BROKEN, 0.0, None, error=error)
            return replace(found, request_id=sdk.request_id(result.message.id))
        case "errored":
            kind = result.error.error.type
            fate = Fate.REJECTED if kind == "invalid_request_error" else Fate.BROKEN
            error = sdk.shortened(f"{kind}: {result.error.error.message}")
            return Attempt(fate, 0.0, Usage(), request_id=sdk.request_id(result.error.request_id), error=error)
        case _:
            return Attempt(Fate.BROKEN, 0.0, Usage(), error=sdk.shortened(f"{result.type} in batch {batch_id}"))
