"""What every answer carries (the tag by which a reader asks whether it changed, headers that keep it harmless), and
the server that sends it."""

from __future__ import annotations

import hashlib

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure_dagster import __version__

DIGEST_HEADER = "Publication-Digest"

POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Content-security policy of what is no page."""

KEEP_ALIVE_S = 75
"""Longer than clients keep an idle connection (httpx 5 s, proxies 60 s): a server that closes first meets requests
that are under way."""


def server_of(app: ASGIApp) -> uvicorn.Server:
    """A server that tells of warnings alone."""
    return uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=KEEP_ALIVE_S)
    )


class HeadRequests:
    """HEAD is answered as GET is, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_head)


class Tags:
    """An ETag for what is read from a publication, and 304 where the reader has it already.

    A publication never changes, so digest, address and version of the server say all: no body is looked at. A
    compressed answer has a tag of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        is_known = False

        async def send_tagged(message: Message) -> None:
            nonlocal is_known
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Content-Security-Policy", POLICY)
                digest = headers.get(DIGEST_HEADER)
                if message["status"] == 200 and digest is not None and "Cache-Control" not in headers:
                    tag = _tag(digest, scope, is_compressed="gzip" in asked.get("Accept-Encoding", ""))
                    headers["ETag"] = tag
                    is_known = _names(asked.get("If-None-Match"), tag)
                    if is_known:
                        message = {**message, "status": 304}
                        del headers["Content-Length"], headers["Content-Type"]
                        headers["Vary"] = "Accept-Encoding"
                headers.setdefault("Cache-Control", "no-cache")
                message = {**message, "headers": headers.raw}
            elif is_known:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, send_tagged)


def _tag(digest: str, scope: Scope, *, is_compressed: bool) -> str:
    address = scope.get("raw_path", scope["path"].encode()) + b"?" + scope["query_string"]
    name = hashlib.sha256(f"{__version__} {digest} {scope.get('root_path', '')} ".encode() + address).hexdigest()[:32]
    return f'"{name}-gzip"' if is_compressed else f'"{name}"'


def _names(known: str | None, tag: str) -> bool:
    """Whether If-None-Match names the tag."""
    return known is not None and any(one.strip().removeprefix("W/") in (tag, "*") for one in known.split(","))
