"""A web site on loopback, a transport that directs every address to it, and a time that is moved by hand."""

from __future__ import annotations

import io
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

from exposure_dagster.sources.fetching import Clock

PAGE = b"<!doctype html>\n<html><head><title>Bakers</title></head><body>Bread.</body></html>\n"
HTML = {"Content-Type": "text/html; charset=UTF-8"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of the server. `sent` is how much of the body is sent; the header promises all of it.

    With `trickles` its head or its body has no end: it comes a byte at a time, for as long as anyone listens.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: HTML)
    body: bytes = PAGE
    sent: int | None = None
    hangs: bool = False
    trickles: Literal["no", "head", "body"] = "no"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as the server saw it."""

    path: str
    headers: dict[str, str]


class LoopbackSite(ThreadingHTTPServer):
    """A web site on 127.0.0.1. Each path has its replies in order; the last one stands for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Seen] = []
        self.released = threading.Event()
        self._replies: dict[str, list[Reply]] = defaultdict(lambda: [Reply(status=404, body=b"no")])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def has(self, path: str, *replies: Reply) -> str:
        """Put replies under a path; returns its address."""
        self._replies[path] = list(replies)
        return self.url(path)

    def next_reply(self, path: str) -> Reply:
        replies = self._replies[path]
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def paths(self) -> list[str]:
        return [request.path for request in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    server: LoopbackSite

    def do_GET(self) -> None:
        self.server.seen.append(Seen(path=self.path, headers=dict(self.headers)))
        reply = self.server.next_reply(self.path)
        if reply.hangs:
            self.server.released.wait(10)
            self.close_connection = True
            return
        if reply.trickles != "no":
            self._trickle(reply)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        body = b"" if reply.status == 304 else reply.body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: reply.sent])
        self.close_connection = reply.sent is not None

    def _trickle(self, reply: Reply) -> None:
        self.close_connection = True
        fields = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        head = f"HTTP/1.1 {reply.status} OK\r\n{fields}"
        if reply.trickles == "head":
            start, part = f"{head}X-Padding: ".encode(), b"x"
        else:
            start, part = f"{head}Content-Length: 1000000\r\n\r\n".encode() + reply.body[:-1], reply.body[-1:]
        with suppress(OSError):  # nobody listens any more
            self.wfile.write(start)
            while not self.server.released.wait(0.02):
                self.wfile.write(part)
                self.wfile.flush()
        self.wfile = io.BytesIO()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running_site(kind: type[LoopbackSite] = LoopbackSite) -> Iterator[LoopbackSite]:
    """The site, answering in a thread of its own until the block ends."""
    site = kind()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        site.shutdown()
        site.server_close()
        thread.join()


class ToLoopback(httpx.BaseTransport):
    """Sends requests for any host to the server on loopback, over real HTTP."""

    def __init__(self, site: LoopbackSite) -> None:
        self._site = site
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._site.server_port)
        sent = httpx.Request(request.method, url, headers=request.headers, extensions=request.extensions)
        return self._network.handle_request(sent)

    def close(self) -> None:
        self._network.close()


class HandMovedTime:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.began = datetime.fromisoformat("2026-03-02T09:00:00")
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.seconds,
            sleep=self.sleep,
            now=lambda: self.began + timedelta(seconds=self.seconds),
        )
