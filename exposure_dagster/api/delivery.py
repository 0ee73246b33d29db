"""What every answer carries (the tag by which a reader asks whether it changed, headers that keep it harmless), for
whom it is, and how a file is sent."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_address
from typing import BinaryIO
from urllib.parse import urlsplit

from anyio import AsyncFile, wrap_file
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure_dagster import __version__
from exposure_dagster.api.problems import problem

ANY_ADDRESS = "0.0.0.0"

DIGEST_HEADER = "Publication-Digest"

POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Content-security policy of what is no page."""


class Hosts:
    """Answers only under the names that are allowed.

    A page elsewhere can have its own name lead to this machine and then read what is served here (DNS rebinding);
    the request says under which name it came.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = {name.lower() for name in allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_allowed(name := _host_of(scope)):
            await self._app(scope, receive, send)
            return
        if name:
            status, what = 421, f"This server does not answer to the name {name:.100}."
        else:
            status, what = 400, "The request does not say by a usable Host header which server it is for."
        detail = f"{what} Set EXPOSURE_ALLOWED_HOSTS to the names under which it is to be reached."
        await problem(Request(scope), status, detail)(scope, receive, send)

    def _is_allowed(self, name: str) -> bool:
        return (
            name in self._allowed
            or "*" in self._allowed
            or any(f"*.{name[at + 1 :]}" in self._allowed for at, sign in enumerate(name) if sign == ".")
            or (ANY_ADDRESS in self._allowed and _is_address(name))
        )


def names_of(bound: str, others: Collection[str] = ()) -> set[str]:
    """The names that a server answers to which listens at `bound`: loopback, that, and others.

    One that listens at every address answers to each by its number: no page elsewhere can lead a number here.
    """
    here = ANY_ADDRESS if bound in ("", "::", "[::]") else bound
    return {"localhost", "127.0.0.1", "::1", here.strip("[]"), *(name.strip("[]") for name in others)}


def _host_of(scope: Scope) -> str:
    """The name in the Host header, without a port and in lower case; empty where it is none."""
    try:
        parts = urlsplit(f"//{Headers(scope=scope).get('host', '')}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    is_bare = parts.netloc and not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return (parts.hostname or "") if is_bare else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


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
