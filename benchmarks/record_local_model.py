"""What llama.cpp's server says in each of its two ways in, written down for tests to say it again.

    python -m benchmarks.record_local_model [--folder DIR] FILE

It sets up the server as `benchmarks.local_model` does, has the project's own clients ask it through a recorder on
loopback, and writes each exchange as it was: path, request, status, content type, reply.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import SecretStr

from benchmarks.local_model import set_up, started
from exposure_dagster.prompts.model import AskedPrompt, Level, PromptFile, Scale
from exposure_dagster.prompts.render import Document, asked_part
from exposure_dagster.providers.exchange import Attempt, Fate
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.providers.registry import endpoints_of
from exposure_dagster.scoring.asking import asking_of
from exposure_dagster.settings import project_root

CONTEXT_TOKENS = 2048
MAX_TOKENS = 300
FEW_TOKENS = 30
BAKERS = Document("bakers", "Bakers", "Bakers mix ingredients and bake bread, pastries and other goods.")


class Way(NamedTuple):
    """A way in: the model as a prompt file names it, whose address it is, and what follows the address."""

    model: str
    provider: str
    path: str


WAYS = {"/v1/chat/completions": Way("local/gemma", "EXPOSURE", "/v1"), "/v1/messages": Way("gemma", "ANTHROPIC", "")}


def asked(model: str) -> AskedPrompt:
    """A short question, asked of this model."""
    level = Level(label="any", range=(0, 10), description="As much as the text shows.")
    return asked_part(
        PromptFile(
            title="Exposure",
            corpus="own",
            model=model,
            scale=Scale(min=0, max=10),
            levels=(level,),
            instruction="How much of this work is done at a computer?",
        )
    )


def too_long() -> Document:
    """More than the server's context holds."""
    return Document("bakers", "Bakers", "Bakers mix ingredients and bake bread. " * 400)


class _Recorder(ThreadingHTTPServer):
    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server_address_asked = server
        self.last: dict[str, Any] = {}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        recorder = cast(_Recorder, self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(recorder.server_address_asked + self.path, body, headers, method="POST")
        try:
            reply = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            reply = error
        said, content_type = reply.read(), reply.headers["Content-Type"]
        recorder.last = {
            "path": self.path,
            "request": json.loads(body),
            "status": reply.status,
            "content_type": content_type,
            "reply": said.decode(),
        }
        self.send_response(reply.status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def recording(server: str) -> Iterator[_Recorder]:
    """A way to the server on which each exchange is kept."""
    with _Recorder(server) as recorder:
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        yield recorder
        recorder.shutdown()


async def said_to(
    recorder: _Recorder, way: str, document: Document = BAKERS, *, tokens: int = MAX_TOKENS, is_count: bool = False
) -> Attempt | None:
    """Ask once; the exchange is the recorder's last."""
    model, provider, path = WAYS[way]
    address = f"http://127.0.0.1:{recorder.server_port}{path}"
    prices = load_prices(endpoints=endpoints_of({f"{provider}_BASE_URL": SecretStr(address)}))
    endpoint = prices.endpoints.of(model)
    request = asking_of(asked(model), prices).request([document], tokens)
    async with endpoint.provider.service.connect(endpoint, connections=1) as client:
        if is_count:
            await client.count_tokens(request)
            return None
        return await client.ask(request, timeout_seconds=300)


async def exchanges(recorder: _Recorder) -> list[dict[str, Any]]:
    """All that tests say again. The first is asked while the server loads its model."""
    kept: list[dict[str, Any]] = []
    chat, messages = WAYS

    async def keep(what: str, way: str, document: Document = BAKERS, **how: Any) -> None:
        await said_to(recorder, way, document, **how)
        kept.append({"what": what, **recorder.last})
        print(f"{what}: HTTP {recorder.last['status']}, {way}", flush=True)

    while recorder.last.get("status") != 503:
        attempt = await said_to(recorder, chat)
        if attempt is not None and attempt.fate is Fate.ANSWERED:
            raise SystemExit("the server was too quick to be seen loading its model; run again")
    kept.append({"what": "it is loading its model", **recorder.last})
    while recorder.last["status"] == 503:
        time.sleep(0.3)
        await said_to(recorder, chat)
    await keep("an answer that is held to the form", chat)
    await keep("an answer that is held to no form", messages)
    for way in WAYS:
        await keep("an answer that is cut short", way, tokens=FEW_TOKENS)
        await keep("a document that is too long for the model", way, too_long())
    await keep("tokens are counted", messages, is_count=True)
    return kept


def main() -> None:
    """Record into FILE."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--folder", type=Path, default=project_root() / "data" / "local-model")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    server, weights = set_up(folder)
    with (
        started(server, weights, folder / "server.log", context_tokens=CONTEXT_TOKENS) as (address, _),
        recording(address) as recorder,
    ):
        kept = asyncio.run(exchanges(recorder))
    arguments.file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
