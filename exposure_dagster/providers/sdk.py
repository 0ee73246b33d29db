"""What the SDKs of Anthropic and OpenAI have in common: one generator makes both, over one HTTP client.

Their own retries are off: each attempt is seen here, once, and whether there is another is decided in `scoring`.
Neither the key nor what was asked is ever logged.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any, TypeVar

import httpx2
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.proxies import usable_proxies
from exposure_dagster.providers.exchange import Attempt, Fate
from exposure_dagster.providers.prices import Usage
from exposure_dagster.providers.provider import BatchRejectedError, BatchUncertainError, Endpoint

T = TypeVar("T")

CONNECT_SECONDS = 10.0
CALL_SECONDS = 600.0
"""How long one reply about a batch may take in all, however slowly it comes."""

RESULTS_SECONDS = 3600.0
"""The same of results, which are up to 100,000."""

ATTEMPTS = 8
WHERE_BATCHES = "batches"
_OVERLOADED = 529
_SHOWN_ERROR_LENGTH = 300
_REQUEST_ID_LENGTH = 100
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol)


def http_client(connections: int) -> httpx2.AsyncClient:
    """The client that an SDK is handed: it follows no redirect, since documents go to the address that is set.

    Raises SettingError where the environment names a proxy that cannot be used.
    """
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    with usable_proxies(httpx2.InvalidURL):
        return httpx2.AsyncClient(limits=limits, follow_redirects=False)


def keep_requests_out_of_the_log(logger: str) -> None:
    """An SDK's debug log shows whole requests; that one line is left out."""
    logging.getLogger(logger).addFilter(_without_requests)


def _without_requests(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Request options")


async def attempt(
    sdk: ModuleType,
    send: Callable[[httpx2.Timeout], Awaitable[Any]],
    read: Callable[[Any], Attempt | None],
    *,
    timeout_seconds: float,
) -> Attempt:
    """What became of one request: `send` returns an SDK's raw response, `read` makes an attempt of its JSON.

    Raises nothing of the API's.
    """
    started = time.monotonic()

    def ended(attempt: Attempt, **fields: Any) -> Attempt:
        return replace(attempt, latency_ms=(time.monotonic() - started) * 1000, **fields)

    try:
        async with asyncio.timeout(timeout_seconds):
            response = await send(httpx2.Timeout(None, connect=CONNECT_SECONDS))
            body = await response.http_response.aread()
    except TimeoutError:
        return ended(Attempt(Fate.BROKEN, 0.0, None, error=f"no answer in {timeout_seconds:.0f} seconds"))
    except sdk.APIStatusError as error:
        return ended(of_status(error))
    except (sdk.APIConnectionError, httpx2.HTTPError) as error:
        cause = error.__cause__ or error
        if was_never_sent(error):
            return ended(Attempt(Fate.UNREACHABLE, 0.0, Usage(), error=f"no connection ({_shown(cause)})"))
        return ended(Attempt(Fate.BROKEN, 0.0, None, error=f"the connection broke ({_shown(cause)})"))
    found = read(_json(body))
    if found is None:
        found = Attempt(Fate.BROKEN, 0.0, None, error="the reply is not a message in JSON")
    return ended(found, request_id=found.request_id or request_id(response.request_id))


def of_status(error: Any) -> Attempt:
    """What a status says that is not 2xx."""
    return Attempt(
        fate_of_status(error.status_code, code_of(error.body)),
        0.0,
        Usage(),
        request_id=request_id(error.request_id),
        error=shown_status(error),
        status=error.status_code,
        retry_after_seconds=retry_after_seconds(error.response.headers),
    )


def fate_of_status(status: int, code: str | None = None) -> Fate:
    """What a status means for the request, and for all others. `code` is the API's own word beside it."""
    if status == 429 and code == "insufficient_quota":  # OpenAI's word for an account without money
        return Fate.DENIED
    if status in (429, _OVERLOADED):
        return Fate.BUSY
    if status in (401, 402, 403, 404) or status < 400:  # a redirect: documents go to the address that is set
        return Fate.DENIED
    if status in (408, 409) or status >= 500:
        return Fate.BROKEN
    return Fate.REJECTED


def code_of(body: object) -> str | None:
    """The API's own word for what is wrong."""
    detail = body.get("error", body) if isinstance(body, dict) else None
    code = detail.get("code") or detail.get("type") if isinstance(detail, dict) else None
    return code if isinstance(code, str) else None


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


def was_never_sent(error: BaseException) -> bool:
    """Whether no connection came about, so that the request cannot have reached the API."""
    return isinstance(error.__cause__ or error, _NEVER_SENT)


def shown_status(error: Any) -> str:
    """What the API says is wrong, in short."""
    if error.response.next_request is not None:
        asked, found = error.request.url.netloc.decode(), error.response.next_request.url.netloc.decode()
        return f"HTTP {error.status_code}: {asked} redirects to {found}, which is not followed"[:_SHOWN_ERROR_LENGTH]
    body = error.body
    detail = body.get("error", body) if isinstance(body, dict) else None  # OpenAI's SDK hands on what is in `error`
    if isinstance(detail, dict):
        return shortened(f"HTTP {error.status_code} {detail.get('type')}: {detail.get('message')}")
    return f"HTTP {error.status_code}"


def request_id(said: str | None) -> str | None:
    return None if said is None else shortened(said)[:_REQUEST_ID_LENGTH]


def shortened(said: str) -> str:
    """What a server or a proxy says, as one line that can be shown anywhere."""
    return " ".join(harmless(said).split())[:_SHOWN_ERROR_LENGTH]


def _shown(error: BaseException) -> str:
    return shortened(f"{type(error).__name__}: {error}").rstrip(": ")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def lost_on_the_way(sdk: ModuleType) -> tuple[type[BaseException], ...]:
    """What is raised where a reply did not come, or not whole."""
    odd = (AttributeError, TypeError)  # of a reply that is no object of the API, as a page of a proxy
    return (sdk.APIConnectionError, httpx2.HTTPError, httpx2.StreamError, json.JSONDecodeError, TimeoutError, *odd)


@contextmanager
def certain_or_not(sdk: ModuleType) -> Iterator[None]:
    """Around the sending of a batch: raises BatchUncertainError where the API may have taken it, else what was raised.

    To send again what was taken would be to pay for it twice.
    """
    try:
        yield
    except lost_on_the_way(sdk) as error:
        if was_never_sent(error):
            raise
        raise BatchUncertainError(
            f"the connection broke while a batch was sent ({type(error).__name__})", where=WHERE_BATCHES
        ) from error
    except sdk.APIStatusError as error:
        if error.status_code in (408, 409) or (error.status_code >= 500 and error.status_code != _OVERLOADED):
            raise BatchUncertainError(
                f"the API failed while a batch was sent ({shown_status(error)})", where=WHERE_BATCHES
            ) from error
        raise


async def patiently(
    sdk: ModuleType, endpoint: Endpoint, ask: Callable[[], Awaitable[T]], *, seconds: float = CALL_SECONDS
) -> T:
    """What `ask` returns, which is called again while that may help. Raises ScoringError."""
    lost = lost_on_the_way(sdk)

    def may_pass(error: BaseException) -> bool:
        if isinstance(error, sdk.APIStatusError):
            return bool(_passes(error.status_code, code_of(error.body)))
        return isinstance(error, lost)

    try:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=30),
            reraise=True,
        ):
            with attempt:
                async with asyncio.timeout(seconds):
                    return await ask()
    except sdk.APIStatusError as error:
        if _passes(error.status_code, code_of(error.body)):
            raise ScoringError(
                f"the API fails again and again ({shown_status(error)})",
                where=WHERE_BATCHES,
                remedy="Look at the provider's status page, and run again: batches that were sent are picked up.",
            ) from error
        is_about_the_key = error.status_code in (401, 402, 403, 429)
        raise BatchRejectedError(
            f"the API does not take the batch ({shown_status(error)})",
            where=endpoint.provider.key_variable if is_about_the_key else WHERE_BATCHES,
            remedy="Look at the key, the account, and the model in the prompt file.",
        ) from error
    except lost as error:
        raise ScoringError(
            f"the API gives no answer about a batch ({type(error).__name__}: {error})",
            where=WHERE_BATCHES,
            remedy=f"Look at the network and {endpoint.provider.address_variable}, and run again: batches that were "
            "sent are picked up.",
        ) from error
    raise AssertionError("unreachable: the retry either returns or raises")


def _passes(status: int, code: str | None) -> bool:
    return fate_of_status(status, code) in (Fate.BUSY, Fate.BROKEN)
