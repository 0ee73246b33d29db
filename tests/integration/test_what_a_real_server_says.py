"""What llama.cpp's server really said, kept as `recorded/llama_cpp.json` and said again here (see
`benchmarks/record_local_model.py`). None of it was written by hand."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

from benchmarks.record_local_model import BAKERS, MAX_TOKENS, WAYS, asked, too_long
from exposure_dagster.core.money import Budget
from exposure_dagster.core.progress import NO_PROGRESS
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.exchange import Attempt, Fate, StopReason
from exposure_dagster.providers.prices import Usage
from exposure_dagster.scoring.asking import asking_of
from exposure_dagster.scoring.context import Limits, Patience
from exposure_dagster.scoring.job import DocumentRef, ScoringJob, WarehouseTexts
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.scoring.run import ScoringResult, score_with_model
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TEXTS
from tests.endpoints import prices_at

Exchange = dict[str, Any]

RECORDED: list[Exchange] = json.loads(Path(__file__).with_name("recorded").joinpath("llama_cpp.json").read_text())
CHAT, MESSAGES = WAYS
LOADING, HELD, FREE, CUT, LONG, COUNTED = (
    "it is loading its model",
    "an answer that is held to the form",
    "an answer that is held to no form",
    "an answer that is cut short",
    "a document that is too long for the model",
    "tokens are counted",
)


def said(way: str, what: str) -> Exchange:
    (exchange,) = [one for one in RECORDED if one["path"].startswith(way) and one["what"] == what]
    return exchange


class _Replay(ThreadingHTTPServer):
    """Says what was recorded, in this order; the last for ever. Keeps what it was asked."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchanges = exchanges
        self.asked: list[Any] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast(_Replay, self.server)
        server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        exchange = server.exchanges[min(len(server.asked), len(server.exchanges)) - 1]
        body = exchange["reply"].encode()
        self.send_response(exchange["status"] if self.path == exchange["path"] else 404)
        self.send_header("Content-Type", exchange["content_type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def replaying(*exchanges: Exchange) -> Iterator[_Replay]:
    with _Replay(list(exchanges)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address_of(server: _Replay, way: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{WAYS[way].path}"


def tried(way: str, what: str, document: Document = BAKERS) -> tuple[Attempt, int | None, Any]:
    """What a client makes of this reply, of it as a count of tokens, and what it had sent."""

    async def ask(server: _Replay) -> tuple[Attempt, int | None]:
        prices = prices_at(address_of(server, way), None, provider=WAYS[way].provider)
        endpoint = prices.endpoints.of(WAYS[way].model)
        asking = asking_of(asked(WAYS[way].model), prices)
        request = asking.request([document], MAX_TOKENS)
        async with endpoint.provider.service.connect(endpoint, connections=1) as client:
            if what == COUNTED:
                return Attempt(Fate.ANSWERED, 0.0, None), await client.count_tokens(request)
            return await client.ask(request, timeout_seconds=10), None

    with replaying(said(way, what)) as server:
        attempt, count = asyncio.run(ask(server))
        return attempt, count, server.asked[0]


@pytest.mark.parametrize(("way", "what"), [(one["path"], one["what"]) for one in RECORDED])
def test_what_is_sent_today_is_what_was_sent_to_the_real_server(way: str, what: str) -> None:
    way = way.removesuffix("/count_tokens")
    document = too_long() if what == LONG else BAKERS
    _, _, sent = tried(way, what, document)
    recorded = said(way, what)["request"]
    assert {**sent, "max_tokens": 0} == {**recorded, "max_tokens": 0}


def test_an_answer_that_is_held_to_the_form_is_read_with_the_servers_own_name_for_its_model() -> None:
    attempt, _, _ = tried(CHAT, HELD)
    assert (attempt.fate, attempt.stop_reason, attempt.model) == (Fate.ANSWERED, "end_turn", "gemma.gguf")
    assert json.loads(attempt.text)["id"] == "bakers"
    assert attempt.usage is not None
    assert attempt.usage.input_tokens > 0
    assert attempt.usage.output_tokens > 0


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_without_room_is_known_to_be_cut_short(way: str) -> None:
    attempt, _, _ = tried(way, CUT)
    assert (attempt.fate, attempt.stop_reason) == (Fate.ANSWERED, StopReason.CUT_SHORT)


@pytest.mark.parametrize("way", WAYS)
def test_what_the_server_had_kept_of_the_prompt_is_not_counted_twice(way: str) -> None:
    prompt_tokens = json.loads(said(MESSAGES, COUNTED)["reply"])["input_tokens"]
    usage = tried(way, CUT)[0].usage
    assert usage is not None
    assert usage.cache_read_tokens > 0
    assert usage.prompt_tokens == prompt_tokens


@pytest.mark.parametrize("way", WAYS)
def test_a_document_that_is_too_long_is_refused_for_good(way: str) -> None:
    attempt, _, _ = tried(way, LONG, too_long())
    assert (attempt.fate, attempt.status, attempt.usage) == (Fate.REJECTED, 400, Usage())
    assert "exceeds the available context size" in attempt.error


def test_a_server_that_loads_its_model_asks_for_patience() -> None:
    attempt, _, _ = tried(CHAT, LOADING)
    assert (attempt.fate, attempt.status, attempt.usage) == (Fate.BROKEN, 503, Usage())
    assert "Loading model" in attempt.error


def test_tokens_are_counted_where_the_server_counts_them() -> None:
    assert tried(MESSAGES, COUNTED)[1] == json.loads(said(MESSAGES, COUNTED)["reply"])["input_tokens"]


def test_a_model_that_passes_over_tools_answers_in_words_that_are_no_answer() -> None:
    attempt, _, sent = tried(MESSAGES, FREE)
    assert sent["tool_choice"]["type"] == "tool"
    assert attempt.fate is Fate.ANSWERED
    assert not attempt.text.startswith("{")


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., tuple[ScoringResult, Warehouse]]:
    """One run about one document, of which the server says this, one thing after the other."""

    def score(way: str, *whats: str) -> tuple[ScoringResult, Warehouse]:
        warehouse = Warehouse(tmp_path / "exposure.duckdb")
        digest = hashlib.sha256(BAKERS.text.encode()).hexdigest()
        warehouse.append(TEXTS, pd.DataFrame([{"text_sha256": digest, "text": BAKERS.text}]))
        refs = [DocumentRef(BAKERS.doc_id, BAKERS.title, digest)]
        job = ScoringJob("run", "exposure", asked(WAYS[way].model), refs, WarehouseTexts(warehouse))
        with replaying(*(said(way, what) for what in whats)) as server:
            result = score_with_model(
                job,
                warehouse=warehouse,
                prices=prices_at(address_of(server, way), None, provider=WAYS[way].provider),
                limits=Limits(Budget(1, 1), 1, Patience(backoff_seconds=0.01)),
                progress=NO_PROGRESS,
            )
        return result, warehouse

    return score


def ledger_of(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    columns = "status, answered_by, endpoint, cost_nano_usd, attributes"
    with open_ledger(warehouse).store.transaction() as connection:
        return connection.execute(f"SELECT {columns} FROM responses ORDER BY attempt").fetchall()


def test_a_run_that_begins_while_the_model_loads_ends_with_its_answer(
    scored: Callable[..., tuple[ScoringResult, Warehouse]],
) -> None:
    result, warehouse = scored(CHAT, LOADING, LOADING, CUT, HELD)
    assert result.is_complete
    rows = ledger_of(warehouse)
    assert [(status, model) for status, model, *_ in rows] == [
        ("failed", None),
        ("failed", None),
        ("invalid", "gemma.gguf"),
        ("ok", "gemma.gguf"),
    ]
    score = json.loads(tried(CHAT, HELD)[0].text)["score"]
    assert rows[-1][-1] == json.dumps({"score": score})
    assert {(family, cost) for _, _, family, cost, *_ in rows} == {("local-compatible", 0)}


def test_a_model_that_writes_on_and_on_is_given_up_and_scores_nothing(
    scored: Callable[..., tuple[ScoringResult, Warehouse]],
) -> None:
    result, warehouse = scored(MESSAGES, FREE)
    assert not result.is_complete
    assert {row[0] for row in ledger_of(warehouse)} == {"invalid"}
