"""One request to Claude, and what became of it.

The SDK's own retries are off: each attempt is seen here, once, and whether there is another is decided
in `engine`. Neither the key nor what was asked is ever logged.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import httpx2
from anthropic.types import OutputConfigParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages import MessageBatchResult
from pydantic import BaseModel, ValidationError

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.scoring.exchange import Access, Attempt, Fate, MessageRequest
from exposure_dagster.scoring.metering import believed
from exposure_dagster.scoring.prices import Usage

DEFAULT_BASE_URL = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
_SHOWN_ERROR_LENGTH = 300
_REQUEST_ID_LENGTH = 100
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)


class _ContentBlock(BaseModel):
    type: str
    text: str | None = None


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
    stop_reason: str | None = None
    usage: Any = None


class ClaudeClient:
    """Sends single requests. Made by `connect`."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self._client = client

    async def ask(self, request: MessageRequest, *, timeout_seconds: float) -> Attempt:
        """Send one request and wait for its whole answer, `timeout_seconds` at most. Raises nothing of the API's."""
        started = time.monotonic()

        def attempt(fate: Fate, **fields: Any) -> Attempt:
            return Attempt(fate, (time.monotonic() - started) * 1000, **fields)

        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._client.messages.with_raw_response.create(
                    **as_params(request), timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS)
                )
                body = await response.read()
        except TimeoutError:
            return attempt(Fate.BROKEN, usage=None, error=f"no answer in {timeout_seconds:.0f} seconds")
        except anthropic.APIStatusError as error:
            return attempt(
                _fate_of_status(error.status_code),
                usage=Usage(),
                request_id=_request_id(error.request_id),
                error=shown_status(error),
                status=error.status_code,
                retry_after_seconds=retry_after_seconds(error.response.headers),
            )
        except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            if was_never_sent(error):
                return attempt(Fate.UNREACHABLE, usage=Usage(), error=f"no connection ({_shown(cause)})")
            return attempt(Fate.BROKEN, usage=None, error=f"the connection broke ({_shown(cause)})")
        message, request_id = _read_message(body), _request_id(response.request_id)
        if message is None:
            return attempt(Fate.BROKEN, usage=None, request_id=request_id, error="the reply is not a message in JSON")
        usage, usage_note = believed(_read_usage(message.usage), request.worst_usage)
        return attempt(
            Fate.ANSWERED,
            usage=usage,
            usage_note=usage_note,
            request_id=request_id,
            stop_reason=message.stop_reason,
            text=_text_of(message),
        )


@asynccontextmanager
async def connect(access: Access, *, connections: int) -> AsyncIterator[ClaudeClient]:
    """A client for single requests. See `open_client`."""
    async with open_client(access, connections=connections) as client:
        yield ClaudeClient(client)


@asynccontextmanager
async def open_client(access: Access, *, connections: int) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The SDK's client with up to so many connections open, closed at the end of the block.

    Raises ScoringError where the key cannot be one.
    """
    key = access.api_key.get_secret_value().strip()
    if not key or not key.isascii() or not key.isprintable():
        raise ScoringError("it is empty or holds characters that no key has", where="ANTHROPIC_API_KEY")
    logging.getLogger("anthropic._base_client").addFilter(_without_requests)
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with anthropic.AsyncAnthropic(
        api_key=key,
        base_url=access.base_url or DEFAULT_BASE_URL,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(limits=limits, follow_redirects=False),
    ) as client:
        yield client


def as_params(request: MessageRequest) -> MessageCreateParamsNonStreaming:
    """A request as the SDK takes it, alone or in a batch."""
    return {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "system": [{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": request.user}],
        "output_config": _output_config(request),
    }


def attempt_of_batch_result(result: MessageBatchResult, batch_id: str) -> Attempt:
    """What became of a request in a batch. There is no latency of its own, and no request id but the batch's.

    Usage is what the API says; None where it says nothing that can be read.
    """
    match result.type:
        case "succeeded":
            try:
                message = _Message.model_validate(result.model_dump(warnings=False)["message"])
            except (ValidationError, KeyError):
                error = _shortened(f"a result of batch {batch_id} is not a message")
                return Attempt(Fate.BROKEN, 0.0, None, error=error)
            return Attempt(
                Fate.ANSWERED,
                0.0,
                _read_usage(message.usage),
                request_id=_request_id(result.message.id),
                stop_reason=message.stop_reason,
                text=_text_of(message),
            )
        case "errored":
            kind = result.error.error.type
            fate = Fate.REJECTED if kind == "invalid_request_error" else Fate.BROKEN
            error = _shortened(f"{kind}: {result.error.error.message}")
            return Attempt(fate, 0.0, Usage(), request_id=_request_id(result.error.request_id), error=error)
        case _:
            return Attempt(Fate.BROKEN, 0.0, Usage(), error=_shortened(f"{result.type} in batch {batch_id}"))


def _output_config(request: MessageRequest) -> OutputConfigParam:
    config: OutputConfigParam = {"format": {"type": "json_schema", "schema": dict(request.answer_schema)}}
    if request.effort is not None:
        config["effort"] = request.effort
    return config


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the API asks to wait: `retry-after` in seconds or as a date; None where it says nothing usable."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        if date is None:
            return None
        seconds = email.utils.mktime_tz(date) - time.time()
    return max(0.0, seconds) if seconds < float("inf") else None


def _without_requests(record: logging.LogRecord) -> bool:
    """The SDK's debug log shows whole requests; that one line is left out."""
    return not str(record.msg).startswith("Request options")


def was_never_sent(error: BaseException) -> bool:
    """Whether no connection came about, so that the request cannot have reached the API."""
    return isinstance(error.__cause__ or error, _NEVER_SENT)


def _fate_of_status(status: int) -> Fate:
    if status in (429, 529):
        return Fate.BUSY
    if status in (401, 402, 403, 404) or status < 400:  # a redirect: documents go to the address that is set
        return Fate.DENIED
    if status in (408, 409) or status >= 500:
        return Fate.BROKEN
    return Fate.REJECTED


def _read_message(body: bytes) -> _Message | None:
    try:
        return _Message.model_validate(json.loads(body))
    except (ValueError, ValidationError):
        return None


def _text_of(message: _Message) -> str:
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


def shown_status(error: anthropic.APIStatusError) -> str:
    """What the API says is wrong, in short."""
    if error.response.next_request is not None:
        asked, found = error.request.url.netloc.decode(), error.response.next_request.url.netloc.decode()
        return f"HTTP {error.status_code}: {asked} redirects to {found}, which is not followed"[:_SHOWN_ERROR_LENGTH]
    body = error.body
    detail = body.get("error") if isinstance(body, dict) else None
    if isinstance(detail, dict):
        return _shortened(f"HTTP {error.status_code} {detail.get('type')}: {detail.get('message')}")
    return f"HTTP {error.status_code}"


def _shown(error: BaseException) -> str:
    return _shortened(f"{type(error).__name__}: {error}").rstrip(": ")


def _request_id(said: str | None) -> str | None:
    return None if said is None else _shortened(said)[:_REQUEST_ID_LENGTH]


def _shortened(said: str) -> str:
    """What a server or a proxy says, as one line that can be shown anywhere."""
    return " ".join(harmless(said).split())[:_SHOWN_ERROR_LENGTH]
