"""What every answer carries (the tag by which a reader asks whether it changed, headers that keep it harmless), and
the server that sends it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import BinaryIO

import uvicorn
from anyio import AsyncFile, wrap_file
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable
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
                if message["status"] in (200, 206) and digest is not None and "Cache-Control" not in headers:
                    is_compressed = message["status"] == 200 and "gzip" in asked.get("Accept-Encoding", "")
                    tag = tag_of(digest, scope, is_compressed=is_compressed)
                    headers["ETag"] = tag
                    is_known = _names(asked.get("If-None-Match"), tag)
                    if is_known:
                        message = {**message, "status": 304}
                        for name in ("Content-Length", "Content-Type", "Content-Range"):
                            if name in headers:
                                del headers[name]
                        headers["Vary"] = "Accept-Encoding"
                headers.setdefault("Cache-Control", "no-cache")
                message = {**message, "headers": headers.raw}
            elif is_known:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, send_tagged)


class OpenedFile(FileResponse):
    """A file that is open already, whole or in the ranges that are asked for, and closed when it was sent.

    It goes on being sent although it is removed or replaced meanwhile. `headers` hold its ETag as it is uncompressed:
    a range is never compressed. A Range that is none is passed over, as RFC 9110 has it.
    """

    def __init__(self, file: BinaryIO, *, changed_at: datetime, media_type: str, headers: Mapping[str, str]) -> None:
        seconds = int(changed_at.timestamp())
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        facts = os.stat_result((stat.S_IFREG, 0, 0, 1, 0, 0, size, seconds, seconds, seconds))
        super().__init__("", headers=headers, media_type=media_type, stat_result=facts)
        self._file = file

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[AsyncFile[bytes]]:
        with self._file:
            yield wrap_file(self._file)

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
        except RangeNotSatisfiable:
            raise HTTPException(
                416, f"The file has {file_size:,} bytes.", headers={"Content-Range": f"bytes */{file_size}"}
            ) from None


def tag_of(digest: str, scope: Scope, *, is_compressed: bool = False) -> str:
    """The ETag of what a publication answers to a request."""
    address = scope.get("raw_path", scope["path"].encode()) + b"?" + scope["query_string"]
    name = hashlib.sha256(f"{__version__} {digest} {scope.get('root_path', '')} ".encode() + address).hexdigest()[:32]
    return f'"{name}-gzip"' if is_compressed else f'"{name}"'


def _names(known: str | None, tag: str) -> bool:
    """Whether If-None-Match names the tag."""
    return known is not None and any(one.strip().removeprefix("W/") in (tag, "*") for one in known.split(","))
