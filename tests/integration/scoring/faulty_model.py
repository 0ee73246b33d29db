"""A server on loopback that stands in for the APIs of Anthropic and OpenAI, and fails where it is told to.

It answers by the schema it is sent, the same about the same document every time. What goes wrong is
planned by document: `faults["doc-003"] = [status(529), reset]` spoils the first two requests that carry it.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

ANY = "any document"

_DOCUMENT = re.compile(r'<(document_[0-9a-f]+) id="([^"]*)">\n([^\n]*)\n')


@dataclass(frozen=True)
class Seen:
    """A request as it arrived, and what was done with it: `ok`, or the name of a fault."""

    documents: tuple[str, ...]
    body_hash: str
    max_tokens: int
    key: str
    outcome: str


@dataclass
class FaultyModel:
    """What was asked, and what is to go wrong. `latency_s` holds up every answer.

    With `is_uneven` documents differ in what they cost and how long they take. `planned` are the numbers that answers
    about a document have, one after the other and from the beginning again.
    """

    url: str = ""
    latency_s: float = 0.0
    is_uneven: bool = False
    last_answer_at: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    planned: dict[str, Iterator[float]] = field(default_factory=dict)
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    released: threading.Event = field(default_factory=threading.Event)

    def times_asked(self) -> Counter[str]:
        """Requests by document."""
        with self.lock:
            return Counter(doc for seen in self.seen for doc in seen.documents)

    def good_bodies_sent_again(self) -> list[str]:
        """Bodies that arrived again after they had been answered well."""
        good: set[str] = set()
        again = []
        for seen in self.seen:
            again += [seen.body_hash] if seen.body_hash in good else []
            good |= {seen.body_hash} if seen.outcome == "ok" else set()
        return again

    def fault_for(self, documents: tuple[str, ...]) -> Fault | None:
        for name in (*documents, ANY):
            if self.faults.get(name):
                return self.faults[name].pop(0)
        return None


class Exchange:
    """One request and the means to reply to it."""

    def __init__(self, handler: _Handler, request: dict[str, Any]) -> None:
        self.handler = handler
        self.request = request
        self.is_openai = handler.path.endswith("/chat/completions")
        self.documents = [
            (html.unescape(doc_id), title) for _, doc_id, title in _DOCUMENT.findall(request["messages"][-1]["content"])
        ]

    @property
    def unevenness(self) -> int:
        """From 0 to 89, by the documents, where the model is uneven."""
        if not self.handler.server.model.is_uneven:
            return 0
        return int(hashlib.sha256(repr(self.documents).encode()).hexdigest(), 16) % 90

    def good_answer(self) -> dict[str, Any]:
        """The content of a good answer, by the schema that was sent."""
        if self.is_openai:
            schema = self.request["response_format"]["json_schema"]["schema"]
        elif "output_config" in self.request:
            schema = self.request["output_config"]["format"]["schema"]
        else:
            schema = self.request["tools"][0]["input_schema"]
        if "answers" in schema["properties"]:
            item = schema["properties"]["answers"]["items"]
            return {"answers": [self._about(item, *document) for document in self.documents]}
        (document,) = self.documents
        return self._about(schema, *document)

    def _about(self, schema: dict[str, Any], doc_id: str, title: str) -> dict[str, Any]:
        model = self.handler.server.model
        answer = _about(schema, doc_id, title)
        with model.lock:
            number = next(model.planned[doc_id]) if doc_id in model.planned else None
        return answer if number is None else {name: answer[name] if name in _WORDS else number for name in answer}

    def say(self, text: str, stop_reason: str | None = "end_turn", **changes: Any) -> None:
        """Reply with a message that holds `text`; `changes` are to the message. A part that is None is left out."""
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self.request.get("model", "in the address"),
            "content": [{"type": "thinking", "thinking": "", "signature": "s"}, {"type": "text", "text": text}],
            "stop_reason": stop_reason,
            "usage": {
                "input_tokens": 100 * len(self.documents) + 7 + self.unevenness,
                "output_tokens": 31 * len(self.documents) + self.unevenness // 3,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 500,
            },
        }
        whole = {k: v for k, v in {**message, **changes}.items() if v is not None}
        self.send(200, json.dumps(_as_completion(whole, text) if self.is_openai else whole).encode())

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.handler.send_response(status)
        name = "x-request-id" if self.is_openai else "request-id"
        for key, value in {name: f"req_{uuid4().hex}", **(headers or {})}.items():
            self.handler.send_header(key, value)
        self.handler.send_header("Content-Type", "application/json")
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)


def _as_completion(message: dict[str, Any], text: str) -> dict[str, Any]:
    """The same message as OpenAI's API would have it."""
    reasons = {"end_turn": "stop", "max_tokens": "length", "refusal": "stop"}
    stop_reason = message.get("stop_reason")
    said = {"role": "assistant", "content": text, "refusal": "I cannot." if stop_reason == "refusal" else None}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": message["model"],
        "choices": [{"index": 0, "message": said, "finish_reason": reasons.get(str(stop_reason), stop_reason)}],
    }
    usage = message.get("usage")
    if isinstance(usage, dict) and isinstance(usage.get("input_tokens"), int):
        cached = usage["cache_read_input_tokens"]
        usage = {
            "prompt_tokens": usage["input_tokens"] + cached,
            "completion_tokens": usage["output_tokens"],
            "prompt_tokens_details": {"cached_tokens": cached},
        }
    return {**completion, "usage": usage}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, by name."""

    name: str
    happen: Callable[[Exchange], None]


def status(code: int, retry_after: str | None = None, error_type: str = "some_error") -> Fault:
    body = json.dumps({"type": "error", "error": {"type": error_type, "message": f"it is {code}"}}).encode()
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Fault(str(code), lambda exchange: exchange.send(code, body, headers))


def edited(name: str, edit: Callable[[Any], Any]) -> Fault:
    """A good answer, changed: `edit` takes and returns its content."""
    return Fault(name, lambda exchange: exchange.say(json.dumps(edit(exchange.good_answer()))))


def rewritten(name: str, rewrite: Callable[[str], str]) -> Fault:
    """A good answer whose text is changed."""
    return Fault(name, lambda exchange: exchange.say(rewrite(json.dumps(exchange.good_answer()))))


def counted(usage: Any) -> Fault:
    """A good answer with another usage; None leaves it out."""
    return Fault("ok", lambda exchange: exchange.say(json.dumps(exchange.good_answer()), usage=usage))


def saying(text: str, stop_reason: str = "end_turn") -> Fault:
    return Fault("text", lambda exchange: exchange.say(text, stop_reason))


refusal = Fault("refusal", lambda exchange: exchange.say("", "refusal"))
cut_short = Fault("cut short", lambda exchange: exchange.say('{"id": "x", "rat', "max_tokens"))
html_page = Fault("html page", lambda exchange: exchange.send(200, b"<html>502 Bad Gateway</html>"))


def _hang(exchange: Exchange) -> None:
    exchange.handler.server.model.released.wait(30)
    exchange.handler.close_connection = True


def _reset(exchange: Exchange) -> None:
    exchange.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.handler.connection.close()
    exchange.handler.close_connection = True


hang = Fault("hang", _hang)
reset = Fault("reset", _reset)


_WORDS = ("id", "title", "rationale")


def _about(schema: dict[str, Any], doc_id: str, title: str) -> dict[str, Any]:
    seed = int(hashlib.sha256(doc_id.encode()).hexdigest(), 16)
    answer: dict[str, Any] = {"id": doc_id, "title": title, "rationale": f"What is said about {title}."}
    for place, (name, part) in enumerate(schema["properties"].items()):
        if name not in _WORDS:
            answer[name] = part["enum"][(seed + place) % len(part["enum"])]
    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    model: FaultyModel


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        model = self.server.model
        length = int(self.headers["Content-Length"])
        raw = self.rfile.read(length)
        if len(raw) < length:
            self.close_connection = True  # the client is gone
            return
        exchange = Exchange(self, json.loads(raw))
        documents = tuple(doc_id for doc_id, _ in exchange.documents)
        with model.lock:
            fault = model.fault_for(documents)
            model.bodies.append(exchange.request)
            model.seen.append(
                Seen(
                    documents,
                    hashlib.sha256(raw).hexdigest(),
                    exchange.request.get("max_completion_tokens") or exchange.request["max_tokens"],
                    self.headers["Authorization"] or "",
                    fault.name if fault else "ok",
                )
            )
            model.under_way += 1
            model.most_under_way = max(model.most_under_way, model.under_way)
        try:
            time.sleep(model.latency_s + exchange.unevenness / 5000)
            if fault is None:
                exchange.say(json.dumps(exchange.good_answer()))
            else:
                fault.happen(exchange)
        except OSError:
            self.close_connection = True
        finally:
            with model.lock:
                model.under_way -= 1
                model.last_answer_at = time.monotonic()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running_model() -> Iterator[FaultyModel]:
    """The server, answering in threads of its own until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.model = FaultyModel(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.model
    finally:
        server.model.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
