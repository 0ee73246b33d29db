"""Pages from the web, asked for politely: who we are, one request a second a host, no more than needed.

Nothing here knows which pages there are. The contact address goes into the User-Agent and is neither
logged nor put into a reason.
"""

from __future__ import annotations

import logging
import socket
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
import tenacity

from exposure_dagster import __version__
from exposure_dagster.core.proxies import usable_proxies
from exposure_dagster.sources.bodies import MAX_BYTES
from exposure_dagster.sources.fetching import (
    NO_HEADERS,
    SYSTEM_CLOCK,
    BodyHeaders,
    Clock,
    Fetched,
    Fetcher,
    PageRequest,
    judged,
)

_log = logging.getLogger(__name__)

_MAX_REDIRECTS = 5
_PART_BYTES = 1_000_000
_REFUSED = (
    "refused with 403: bls.gov blocks clients that do not say who they are or ask too often; "
    "check EXPOSURE_CONTACT and try later, or point EXPOSURE_SITES at a folder of saved pages"
)


@dataclass(frozen=True, kw_only=True)
class LiveLimits:
    """How far we go with a site. Times are seconds; one attempt may follow a few redirects."""

    seconds_between_requests: float = 1.02
    """Between the starts of two requests to a host, retries included. A little over a second, so that
    no two reach the host within one because the first was slower on its way."""
    attempts: int = 4
    """Attempts at one page."""
    silence_seconds: float = 30.0
    """Wait for a connection, or for the next part of an answer."""
    page_seconds: float = 60.0
    """Wait for the whole of a page, its head included."""
    answer_seconds: float = 300.0
    """Wait for the whole of a list or an archive."""
    longest_backoff_seconds: float = 60.0
    longest_retry_after_seconds: float = 120.0
    """A host that asks for a longer pause is not asked again by this fetcher."""
    failures_in_a_row: int = 5
    """After so many pages that were refused or not to be had, a host is not asked again by this fetcher."""
    body_bytes: int = 200_000_000


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What one attempt brought. `problem` is None where a whole body arrived, or a 304."""

    status: int | None = None
    problem: str | None = None
    is_transient: bool = False
    retry_after: float | None = None
    redirected_to: httpx.URL | None = None
    body: bytes = b""
    headers: BodyHeaders = NO_HEADERS


class _Deadline:
    """Cuts the connection to a host when an answer is not there in full in time.

    Waiting for the next part does not bound an answer that comes a byte at a time, nor is there a place in
    between to look at the clock while the head of an answer comes, or a compressed body without a word in it.
    """

    def __init__(self, seconds: float, connections: dict[str, socket.socket], host: str) -> None:
        self.seconds = seconds
        self.has_passed = False
        self._connections = connections
        self._host = host
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @property
    def problem(self) -> str:
        return f"the answer took longer than {self.seconds:g} s"

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpx what it does: which connection it has opened, or made secure, above all."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._connections[self._host] = info["return_value"].get_extra_info("socket")
            if self.has_passed:
                self._cut()

    def _cut(self) -> None:
        self.has_passed = True
        connection = self._connections.get(self._host)
        if connection is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # an SSLSocket's own would not wake its reader


class LiveFetcher(Fetcher):
    """Asks web servers, host by host no faster than `limits` allow.

    Timeouts, broken connections, cut-off bodies, 408, 429 and 5xx are tried again, with growing jittered
    pauses or after the pause the server asks for. Redirects are followed on the same host to a page of
    the same name only: one that leads elsewhere (a home page, an error page) is not the page asked for. Bodies come as
    they are or as gzip, and are unpacked no further than the limit.
    `contact` is an address that `sites.checked_contact` has let through. `transport` takes the place of
    the network: tests direct the real addresses to a server on loopback with it.
    """

    def __init__(
        self,
        *,
        contact: str,
        limits: LiveLimits | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._limits = limits or LiveLimits()
        self._clock = clock
        with usable_proxies(httpx.InvalidURL):
            self._client = httpx.Client(
                headers={"User-Agent": f"exposure-dagster/{__version__} ({contact})", "Accept-Encoding": "gzip"},
                timeout=self._limits.silence_seconds,
                transport=transport,
            )
        # An earlier fetcher may have asked a moment ago, so the first request too waits its turn.
        self._opened_at = clock.monotonic()
        self._asked_at: dict[str, float] = {}
        self._connections: dict[str, socket.socket] = {}
        self._failures: dict[str, int] = {}
        self._given_up: dict[str, str] = {}
        self._pause = tenacity.wait_exponential_jitter(initial=1, max=self._limits.longest_backoff_seconds, jitter=1)

    def fetch(self, request: PageRequest) -> Fetched:
        try:
            url = httpx.URL(request.url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            return Fetched(url=request.url, status=None, reason="not a web address", checked_at=None)
        if (given_up := self._given_up.get(url.host)) is not None:
            return Fetched(url=request.url, status=None, reason=given_up, checked_at=None)
        answer = self._ask_repeatedly(url, request)
        self._count_failures(url.host, answer)
        return self._outcome(request, answer)

    def close(self) -> None:
        self._client.close()

    def _outcome(self, request: PageRequest, answer: _Answer) -> Fetched:
        now = self._clock.now()
        if answer.problem is not None:
            return Fetched(url=request.url, status=answer.status, reason=answer.problem, checked_at=now)
        if answer.status == 304 and request.known is not None:
            return Fetched(
                url=request.url,
                status=304,
                reason=None,
                checked_at=now,
                content_sha256=request.known.content_sha256,
                etag=answer.headers.etag,
                last_modified=answer.headers.last_modified,
                is_unchanged=True,
            )
        return judged(request, answer.body, answer.headers, checked_at=now)

    def _count_failures(self, host: str, answer: _Answer) -> None:
        if answer.retry_after is not None and not self._is_bearable(answer.retry_after):
            self._give_up(host, f"it asks for a pause of {answer.retry_after:,.0f} s")
        if not (answer.is_transient or answer.status == 403):
            self._failures[host] = 0
            return
        self._failures[host] = self._failures.get(host, 0) + 1
        if self._failures[host] >= self._limits.failures_in_a_row:
            self._give_up(host, f"{self._failures[host]} pages in a row failed, the last so: {answer.problem}")

    def _give_up(self, host: str, why: str) -> None:
        self._given_up[host] = f"not asked, to spare {host}: {why}"
        _log.warning("%s is not asked again: %s", host, why)

    def _is_bearable(self, retry_after: float) -> bool:
        return retry_after <= self._limits.longest_retry_after_seconds

    def _ask_repeatedly(self, url: httpx.URL, request: PageRequest) -> _Answer:
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._limits.attempts),
            retry=tenacity.retry_if_result(self._is_worth_another_attempt),
            wait=self._pause_before_retry,
            sleep=self._clock.sleep,
            before_sleep=lambda state: _log.warning(
                "%s: %s; next attempt in %.0f s", url, _result(state).problem, state.upcoming_sleep
            ),
            retry_error_callback=lambda state: _after_attempts(_result(state), state.attempt_number),
        )
        return retrying(self._ask, url, request)

    def _is_worth_another_attempt(self, answer: _Answer) -> bool:
        return answer.is_transient and self._is_bearable(answer.retry_after or 0)

    def _pause_before_retry(self, state: tenacity.RetryCallState) -> float:
        return max(self._pause(state), _result(state).retry_after or 0)

    def _ask(self, url: httpx.URL, request: PageRequest) -> _Answer:
        here = url
        for _ in range(_MAX_REDIRECTS):
            answer = self._ask_once(here, request)
            if answer.redirected_to is None:
                return answer
            problem = _redirect_problem(here, answer.redirected_to)
            if problem is not None:
                return replace(answer, problem=problem)
            here = answer.redirected_to
        return replace(answer, problem=f"redirected more than {_MAX_REDIRECTS} times")

    def _ask_once(self, url: httpx.URL, request: PageRequest) -> _Answer:
        self._wait_for_turn(url.host)
        limits = self._limits
        seconds = limits.page_seconds if request.expects == "html" else limits.answer_seconds
        with _Deadline(seconds, self._connections, url.host) as deadline:
            try:
                tracing = {"trace": deadline.trace}
                with self._client.stream("GET", url, headers=_conditions(request), extensions=tracing) as response:
                    answer = self._read(response, request, deadline)
            except httpx.TimeoutException:
                answer = _Answer(problem=f"no answer within {limits.silence_seconds:g} s", is_transient=True)
            except httpx.TransportError as error:
                answer = _Answer(problem=f"no connection, or it broke: {error}", is_transient=True)
        if deadline.has_passed and answer.problem is not None:
            return replace(answer, problem=deadline.problem, is_transient=True)
        return answer

    def _wait_for_turn(self, host: str) -> None:
        last = self._asked_at.get(host, self._opened_at)
        early = last + self._limits.seconds_between_requests - self._clock.monotonic()
        if early > 0:
            self._clock.sleep(early)
        self._asked_at[host] = self._clock.monotonic()

    def _read(self, response: httpx.Response, request: PageRequest, deadline: _Deadline) -> _Answer:
        status = response.status_code
        if status == 200 or (status == 304 and request.known is not None):
            body = bytearray()
            most = min(self._limits.body_bytes, MAX_BYTES[request.expects])
            problem, is_transient = self._read_body(response, body, most, deadline)
            return _Answer(
                status=status,
                problem=problem,
                is_transient=is_transient,
                body=bytes(body),
                headers=BodyHeaders(
                    content_type=response.headers.get("Content-Type"),
                    etag=_validator(response, "ETag"),
                    last_modified=_validator(response, "Last-Modified"),
                ),
            )
        if response.next_request is not None:
            return _Answer(status=status, redirected_to=response.next_request.url)
        return _Answer(
            status=status,
            problem=_status_problem(response),
            is_transient=status in (408, 429) or status >= 500,
            retry_after=self._retry_after(response),
        )

    def _read_body(
        self, response: httpx.Response, body: bytearray, most: int, deadline: _Deadline
    ) -> tuple[str | None, bool]:
        """Read into `body`; returns what went wrong (None if nothing) and whether it may pass."""
        try:
            for part in _unpacked_parts(response):
                body += part
                if len(body) > most:
                    return f"the body is longer than {most:,} bytes", False
                if deadline.has_passed:
                    return deadline.problem, True
        except _EncodingError as error:
            return str(error), False
        except httpx.TimeoutException:
            return f"the body stopped coming for {self._limits.silence_seconds:g} s", True
        except httpx.TransportError:
            whole = response.headers.get("Content-Length", "an unknown number of")
            return f"the body was cut off after {response.num_bytes_downloaded} of {whole} bytes", True
        return None, False

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds the server asks us to wait: RFC 9110 allows a number or a date."""
        value = response.headers.get("Retry-After", "").strip()
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        return max(0.0, (moment.replace(tzinfo=None) - self._clock.now()).total_seconds())


class _EncodingError(Exception):
    """A body cannot be unpacked; its text is a clause that says why."""


def _unpacked_parts(response: httpx.Response) -> Iterator[bytes]:
    """The body in parts of bounded size: a packed one may stand for a thousand times its length, or, packed twice,
    for a million times."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        yield from response.iter_raw()
        return
    if encoding not in ("gzip", "x-gzip"):
        raise _EncodingError(
            f"the body is packed as {encoding:.40}, which was not asked for and is not read: see whether a proxy does "
            "so, or point EXPOSURE_SITES at a folder of saved pages"
        )
    gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        for packed in response.iter_raw():
            rest = packed
            while rest and not gzip.eof:
                yield gzip.decompress(rest, _PART_BYTES)
                rest = gzip.unconsumed_tail
        yield gzip.flush()
    except zlib.error:
        raise _EncodingError("the body cannot be decompressed") from None
    if not gzip.eof and response.num_bytes_downloaded:
        raise _EncodingError("the body cannot be decompressed: it ends too early")


def _result(state: tenacity.RetryCallState) -> _Answer:
    assert state.outcome is not None
    answer = state.outcome.result()
    assert isinstance(answer, _Answer)
    return answer


def _after_attempts(answer: _Answer, attempts: int) -> _Answer:
    return replace(answer, problem=f"{answer.problem} (attempts: {attempts})")


def _conditions(request: PageRequest) -> dict[str, str]:
    if request.known is None:
        return {}
    conditions = {"If-None-Match": request.known.etag, "If-Modified-Since": request.known.last_modified}
    return {name: value for name, value in conditions.items() if value is not None}


def _validator(response: httpx.Response, header: str) -> str | None:
    """The header, unless it is empty or could not be sent back."""
    value = response.headers.get(header)
    return value if value and value.isascii() and value.isprintable() else None


def _status_problem(response: httpx.Response) -> str:
    match response.status_code:
        case 403:
            return _REFUSED
        case 404 | 410:
            return f"no such page ({response.status_code})"
        case status:
            return f"answered {status} {response.reason_phrase}".rstrip()


def _redirect_problem(asked: httpx.URL, found: httpx.URL) -> str | None:
    """Why a redirect is not followed; None where it stays on the server, keeps or gains encryption, and keeps the
    page's name."""
    gains_encryption = (asked.scheme, asked.port, found.scheme, found.port) == ("http", None, "https", None)
    if asked.host != found.host or (asked.port != found.port and not gains_encryption):
        return f"{_server(asked)} redirects to another server, {_server(found)}, which is not followed"
    if asked.scheme == "https" and found.scheme != "https":
        return f"{_server(asked)} redirects to {found.scheme} without encryption, which is not followed"
    if _page_name(asked) != _page_name(found):
        return f"redirected to another page, {found!s:.200}"
    return None


def _server(url: httpx.URL) -> str:
    return url.host if url.port is None else f"{url.host}:{url.port}"


def _page_name(url: httpx.URL) -> str:
    return url.path.rstrip("/").rpartition("/")[2].lower()
