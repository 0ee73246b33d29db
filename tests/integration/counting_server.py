"""A server on loopback that stands in for the Anthropic API: it answers by the schema it is sent, and counts.

Who asked what can be told by the instruction (`system`) of a request, and by the documents in it.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

TOKENS_COUNTED = 1234
"""What the server says that any request has, when it is asked to count; that is free, and not counted here."""

_DOCUMENT = re.compile(r'<(document_[0-9a-f]+) id="([^"]*)">\n([^\n]*)\n')


@dataclass(frozen=True)
class Asked:
    """One request: the hash of its instruction, the documents in it, and the HTTP status it was answered with."""

    system: str
    documents: tuple[str, ...]
    status: int


def system_key(system: str) -> str:
    """How an instruction is told from others. The form of the answer, which such a server is told, is none of it."""
    return hashlib.sha256(system.partition("\n\n# Form of the answer")[0].encode()).hexdigest()[:12]


@dataclass
class CountingServer:
    """What was asked, and how the server behaves. `deny` makes it refuse the key; `hold` lets requests wait."""

    port: int = 0
    tokens_counted: object = TOKENS_COUNTED
    asked: list[Asked] = field(default_factory=list)
    is_denying: bool = False
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.released.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hold(self) -> None:
        """From now on requests wait for `release`; `arrived` is set when the first does."""
        self.arrived.clear()
        self.released.clear()

    def release(self) -> None:
        self.released.set()

    def forget(self) -> None:
        """Count from nothing again."""
        self.asked.clear()

    def counts(self) -> Counter[str]:
        """Answered requests by instruction."""
        return Counter(one.system for one in self.asked if one.status == 200)

    async def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The reply to one request, as HTTP status and body."""
        self.arrived.set()
        while not self.released.is_set():
            await asyncio.sleep(0.01)
        system = "".join(block["text"] for block in request["system"])
        documents = [
            (html.unescape(doc_id), title) for _, doc_id, title in _DOCUMENT.findall(request["messages"][0]["content"])
        ]
        status = 401 if self.is_denying else 200
        self.asked.append(Asked(system_key(system), tuple(doc_id for doc_id, _ in documents), status))
        if status != 200:
            error = {"type": "authentication_error", "message": "the key is not accepted"}
            return status, {"type": "error", "error": error}
        text = json.dumps(_filled(request["output_config"]["format"]["schema"], system, documents))
        return 200, {
            "id": f"msg_{len(self.asked)}",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 60},
        }


def _filled(schema: dict[str, Any], system: str, documents: list[tuple[str, str]]) -> Any:
    properties = schema["properties"]
    if "answers" in properties:
        return {"answers": [_answer(properties["answers"]["items"], system, *one) for one in documents]}
    (document,) = documents
    return _answer(schema, system, *document)


def _answer(schema: dict[str, Any], system: str, doc_id: str, title: str) -> dict[str, Any]:
    seed = int(hashlib.sha256(f"{system}{doc_id}".encode()).hexdigest(), 16)
    answer: dict[str, Any] = {"id": doc_id, "title": title, "rationale": f"What the page says about {title}."}
    for name, part in schema["properties"].items():
        if name not in answer:
            answer[name] = part["enum"][seed % len(part["enum"])]
    return answer


async def _converse(server: CountingServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
            request = json.loads(await reader.readexactly(length))
            if b"/count_tokens " in head.splitlines()[0]:
                status, reply = 200, {"input_tokens": server.tokens_counted}
            else:
                status, reply = await server.answer(request)
            body = json.dumps(reply).encode()
            headers = f"HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(headers.encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@contextmanager
def counting_server() -> Iterator[CountingServer]:
    """The server, answering in a thread of its own until the block ends."""
    server = CountingServer()
    loop = asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(lambda r, w: _converse(server, r, w), "127.0.0.1", 0)

    listener = loop.run_until_complete(listen())
    server.port = listener.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release()
        asyncio.run_coroutine_threadsafe(_close(listener), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _close(listener: asyncio.Server) -> None:
    listener.close()
    conversations = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in conversations:
        task.cancel()
    await asyncio.gather(*conversations, return_exceptions=True)
