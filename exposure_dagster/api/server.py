"""The server: HTTP/1.1 within bounds, so that no reader, slow or greedy, keeps the others out.

uvicorn waits for ever for a request that comes a byte a second and for a reader that takes nothing, and takes any
number of connections. Its protocol is given clocks and a count here.
"""

from __future__ import annotations

import asyncio
import functools
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from exposure_dagster.api.problems import MEDIA_TYPE, Problem


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """How long a connection may do nothing of use, in seconds, and how many there may be."""

    request_s: float = 10
    """From the opening of a connection, or the first byte of a later request, to the end of that request."""

    stall_s: float = 30
    """Without taking any of an answer that waits."""

    keep_alive_s: float = 75
    """Between requests. Longer than clients keep an idle connection (httpx 5 s, proxies 60 s): a server that closes
    first meets requests that are under way."""

    keep_alive_in_a_crowd_s: float = 5
    """The same while more than half of the connections are taken."""

    connections: int = 400
    """Those beyond get 503. A process may often have 1024 files open, and each answer reads one."""

    connections_refused: int = 100
    """So many beyond get that answer; others are closed at once."""


def server_of(app: ASGIApp, limits: ServerLimits | None = None) -> uvicorn.Server:
    """A server that tells of warnings alone."""
    protocol = functools.partial(_Bounded, limits=limits or ServerLimits())
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast(Any, protocol),
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )


class _Bounded(H11Protocol):
    """A connection, closed where it is too slow. The head of a request has 64 KiB at most, which is h11's own limit."""

    def __init__(self, *arguments: Any, limits: ServerLimits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._clocks: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        beyond = len(self.connections) - self._limits.connections
        if beyond > 0:
            self.app = cast(Any, _unavailable)
        if beyond > self._limits.connections_refused:
            transport.abort()
        else:
            self._start("request", self._limits.request_s)

    def connection_lost(self, exc: Exception | None) -> None:
        for name in list(self._clocks):
            self._stop(name)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._start("request", self._limits.request_s)
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop("request")

    def on_response_complete(self) -> None:
        is_crowded = len(self.connections) > self._limits.connections / 2
        self.timeout_keep_alive = cast(
            int, self._limits.keep_alive_in_a_crowd_s if is_crowded else self._limits.keep_alive_s
        )
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start("answer", self._limits.stall_s)

    def resume_writing(self) -> None:
        self._stop("answer")
        super().resume_writing()

    def _start(self, name: str, seconds: float) -> None:
        """Begin to count, unless that was begun."""
        if name not in self._clocks:
            self._clocks[name] = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self, name: str) -> None:
        clock = self._clocks.pop(name, None)
        if clock is not None:
            clock.cancel()


async def _unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = "More connections are open than this server takes. Try again in a few seconds."
    content = Problem(title=status.phrase, status=status, detail=detail, instance=scope["path"], errors=[])
    body = json.dumps(content.model_dump()).encode()
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "retry-after": "5",
        "connection": "close",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": raw})
    await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})
