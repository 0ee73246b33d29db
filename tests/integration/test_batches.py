"""Message Batches: half the price, nothing lost when a run stops, what did not work out asked again."""

from __future__ import annotations

import asyncio
import email
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import Budget
from exposure_dagster.pipeline.documents import text_sha256
from exposure_dagster.prompts.model import AskedPrompt, Level, PromptFile, Scale
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.providers.provider import BatchTerms
from exposure_dagster.providers.registry import provider_of
from exposure_dagster.scoring.batch_store import BatchStore, SentBatch
from exposure_dagster.scoring.batches import BatchEngine
from exposure_dagster.scoring.context import Limits, Patience
from exposure_dagster.scoring.job import DocumentRef, ScoringJob, WarehouseTexts
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.scoring.notes import AT_ITS_WORST
from exposure_dagster.scoring.run import Batching, ScoringResult, score_with_model
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TEXTS
from tests.endpoints import prices_at
from tests.integration.scoring.faulty_model import FaultyModel, running_model

BRIEF = Patience(batch_look_seconds=2, batch_list_seconds=2)
"""As long as tests can wait."""

TIME = "2026-01-01T00:00:00Z"

PROVIDERS = {"ANTHROPIC": "claude-haiku-5-5", "OPENAI": "openai/gpt-5-mini"}
"""Who takes batches, by what the variable of its key begins with, and a model of each."""


@dataclass
class BatchServer:
    """A loopback stand-in for the batch side of the API. `fates` are result types by document, first come first.

    `gone` are batches that it no longer knows; so many times `broken_results` break off in the middle. Of a batch that
    it took it knows nothing for the first `looks_until_known`; so many times the connection `breaks_at_sending`.
    """

    fates: dict[str, list[str]] = field(default_factory=dict)
    polls_until_ended: int = 1
    batches: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    looks_until_known: int = 0
    breaks_at_sending: int = 0
    doubles_results: bool = False
    looks: dict[str, int] = field(default_factory=dict)
    broken_results: int = 0
    created_at: str = TIME
    usage: Any = field(default_factory=lambda: {"input_tokens": 1000, "output_tokens": 100})
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    singles: int = 0
    address: str = ""

    def asked(self) -> list[str]:
        """Documents in the order they were sent, over all batches."""
        return [document_of(request) for batch in self.batches.values() for request in batch]

    def view(self, batch_id: str) -> dict[str, Any]:
        size = len(self.batches[batch_id])
        has_ended = self.polls.get(batch_id, 0) >= self.polls_until_ended
        counts = {"processing": 0 if has_ended else size, "succeeded": size if has_ended else 0}
        return {
            "id": batch_id,
            "type": "message_batch",
            "processing_status": "ended" if has_ended else "in_progress",
            "request_counts": {"errored": 0, "canceled": 0, "expired": 0, **counts},
            "created_at": self.created_at,
            "expires_at": TIME,
            "ended_at": TIME if has_ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.address}/v1/messages/batches/{batch_id}/results" if has_ended else None,
        }

    def openai_view(self, batch_id: str) -> dict[str, Any]:
        """The same batch as OpenAI's API shows it."""
        view = self.view(batch_id)
        counts, has_ended = view["request_counts"], view["processing_status"] == "ended"
        return {
            "id": batch_id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "input_file_id": f"file_{batch_id}",
            "output_file_id": f"{batch_id}-out" if has_ended else None,
            "status": "completed" if has_ended else "in_progress",
            "created_at": int(datetime.fromisoformat(view["created_at"]).timestamp()),
            "request_counts": {"total": len(self.batches[batch_id]), "completed": counts["succeeded"], "failed": 0},
            "metadata": self.metadata[batch_id],
        }

    def openai_result(self, request: dict[str, Any]) -> dict[str, Any]:
        """The same result as a line of OpenAI's output file."""
        result = self.result(request)
        line: dict[str, Any] = {"custom_id": request["custom_id"], "response": None, "error": None}
        if result["type"] == "succeeded":
            message = result["message"]
            body = None
            if message is not None:
                refusal = "No." if message["stop_reason"] == "refusal" else None
                said = {"role": "assistant", "content": message["content"][0]["text"], "refusal": refusal}
                usage = message["usage"]
                if isinstance(usage, dict) and "input_tokens" in usage:
                    usage = {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
                choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
                body = {"id": message["id"], "model": message["model"], "choices": choices, "usage": usage}
            line["response"] = {"status_code": 200, "request_id": "req_1", "body": body}
        elif result["type"] == "errored":
            line["response"] = {"status_code": 500, "request_id": "req_1", "body": {"error": {"code": "broke"}}}
        else:
            line["error"] = {"code": f"batch_{result['type']}", "message": "it did not come to it"}
        return line

    def result(self, request: dict[str, Any]) -> dict[str, Any]:
        document = document_of(request)
        fates = self.fates.get(document, [])
        fate = fates.pop(0) if fates else "succeeded"
        if fate == "errored":
            error = {"type": "error", "error": {"type": "api_error", "message": "broke"}, "request_id": "req_1"}
            return {"type": "errored", "error": error}
        if fate in ("expired", "canceled"):
            return {"type": fate}
        if fate == "no message":
            return {"type": "succeeded", "message": None}
        text = json.dumps({"id": document, "title": document, "rationale": "Because.", "score": 7})
        message = {
            "id": f"msg_{document}",
            "type": "message",
            "role": "assistant",
            "model": request["params"]["model"],
            "content": [{"type": "text", "text": "no JSON" if fate == "garbled" else text}],
            "stop_reason": "refusal" if fate == "refused" else "end_turn",
            "stop_sequence": None,
            "usage": self.usage,
        }
        return {"type": "succeeded", "message": message}


def document_of(request: dict[str, Any]) -> str:
    found = re.search(r'id="([^"]+)"', request["params"]["messages"][-1]["content"])
    assert found
    return found[1]


@pytest.fixture
def model() -> Iterator[FaultyModel]:
    with running_model() as model:
        yield model


@pytest.fixture
def server() -> Iterator[BatchServer]:
    state = BatchServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.path == "/files":
                self._keep_file(raw)
                return
            body = json.loads(raw or b"{}")
            if self.path == "/batches":
                batch_id = f"msgbatch_{len(state.batches)}"
                state.batches[batch_id] = state.files[body["input_file_id"]]
                state.metadata[batch_id] = body["metadata"]
                if state.breaks_at_sending:
                    state.breaks_at_sending -= 1
                    self.close_connection = True
                else:
                    self._reply(state.openai_view(batch_id))
            elif self.path == "/v1/messages/batches":
                batch_id = f"msgbatch_{len(state.batches)}"
                state.batches[batch_id] = body["requests"]
                if state.breaks_at_sending:
                    state.breaks_at_sending -= 1
                    self.close_connection = True
                else:
                    self._reply(state.view(batch_id))
            elif self.path.endswith("/cancel"):
                batch_id = self.path.split("/")[-2]
                state.cancelled.append(batch_id)
                self._reply(self._view(batch_id))
            else:
                state.singles += 1
                self.send_error(500)

        def do_GET(self) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[-1] == "batches":
                for batch_id in state.batches:  # time passes here too
                    state.polls[batch_id] = state.polls.get(batch_id, 0) + 1
                self._reply({"data": [self._view(batch_id) for batch_id in state.batches], "has_more": False})
            elif parts[-1] == "content":
                batch_id = parts[-2].removesuffix("-out")
                if batch_id in state.gone:
                    self.send_error(404)
                else:
                    self._send_results([state.openai_result(request) for request in reversed(state.batches[batch_id])])
            elif not state.gone.isdisjoint(parts) or self._is_not_known_yet(parts):
                self.send_error(404)
            elif parts[-1] == "results":
                self._send_results(
                    [
                        {"custom_id": request["custom_id"], "result": state.result(request)}
                        for request in reversed(state.batches[parts[-2]])
                    ]
                )
            else:
                state.polls[parts[-1]] = state.polls.get(parts[-1], 0) + 1
                self._reply(self._view(parts[-1]))

        def _view(self, batch_id: str) -> dict[str, Any]:
            return state.openai_view(batch_id) if batch_id in state.metadata else state.view(batch_id)

        def _keep_file(self, raw: bytes) -> None:
            form = email.message_from_bytes(
                b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + raw
            )
            (content,) = [part.get_payload(decode=True) for part in form.get_payload() if part.get_filename()]
            lines = [json.loads(line) for line in content.splitlines()]
            file_id = f"file_{len(state.files)}"
            state.files[file_id] = [{"custom_id": line["custom_id"], "params": line["body"]} for line in lines]
            self._reply({"id": file_id, "object": "file", "bytes": len(raw), "created_at": 0, "purpose": "batch"})

        def _send_results(self, rows: list[dict[str, Any]]) -> None:
            lines = [json.dumps(row) for row in rows]
            content = "\n".join(lines * (1 + state.doubles_results)).encode()
            if state.broken_results:
                state.broken_results -= 1
                self._send(content[: len(content) // 2], promised=len(content))
                self.close_connection = True
            else:
                self._send(content)

        def _is_not_known_yet(self, parts: list[str]) -> bool:
            batch_id = next(part for part in parts if part in state.batches)
            state.looks[batch_id] = state.looks.get(batch_id, 0) + 1
            return state.looks[batch_id] <= state.looks_until_known

        def _reply(self, content: dict[str, Any]) -> None:
            self._send(json.dumps(content).encode())

        def _send(self, content: bytes, *, promised: int | None = None) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(promised or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{http.server_address[1]}"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield state
    http.shutdown()
    http.server_close()


def a_prompt(instruction: str, model: str = "claude-haiku-5-5") -> AskedPrompt:
    file = PromptFile(
        title="A question",
        corpus="ooh",
        model=model,
        scale=Scale(min=0, max=10),
        levels=(Level(label="All", range=(0, 10), description="Anything."),),
        instruction=instruction,
    )
    return asked_part(file)


@dataclass
class Bench:
    """A warehouse with some documents, and a server to ask."""

    warehouse: Warehouse
    server: BatchServer
    documents: list[DocumentRef]
    provider: str

    def prompt(self, instruction: str = "How much?") -> AskedPrompt:
        return a_prompt(instruction, PROVIDERS[self.provider])

    def score(
        self,
        *,
        budget_usd: float = 5.0,
        day_usd: float = 100,
        cancels: bool = False,
        instruction: str = "How much?",
        batching: bool = True,
    ) -> ScoringResult:
        job = ScoringJob(
            run_id="run",
            prompt=instruction,
            asked=self.prompt(instruction),
            documents=self.documents,
            texts=WarehouseTexts(self.warehouse),
        )
        return score_with_model(
            job,
            warehouse=self.warehouse,
            prices=prices_at(self.server.address, provider=self.provider),
            limits=Limits(Budget(run_usd=budget_usd, day_usd=day_usd), patience=BRIEF),
            batching=Batching(cancels_with_run=cancels) if batching else None,
        )

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """A query of the ledger, or a change to it."""
        with open_ledger(self.warehouse).store.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def statuses(self, result: ScoringResult) -> dict[str, str]:
        return {standing.doc_id: standing.status.value for standing in result.standings}


@pytest.fixture(params=PROVIDERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path, server: BatchServer) -> Bench:
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb")
    texts = {name: f"The work of {name}." for name in ("a", "b", "c", "d")}
    warehouse.append(
        TEXTS, pd.DataFrame({"text_sha256": [text_sha256(t) for t in texts.values()], "text": list(texts.values())})
    )
    return Bench(
        warehouse,
        server,
        [DocumentRef(name, name, text_sha256(text)) for name, text in texts.items()],
        str(request.param),
    )


def test_everything_goes_in_one_batch_at_half_the_price(bench: Bench) -> None:
    result = bench.score()
    assert set(bench.statuses(result).values()) == {"ok"}
    assert len(bench.server.batches) == 1 and bench.server.singles == 0
    price = prices_at(bench.server.address).of(bench.prompt().model)
    assert result.figures.cost_usd == pytest.approx(4 * (1000 * price.input + 100 * price.output) / 1e6 / 2)
    rows = bench.warehouse.rows("SELECT DISTINCT scorer, batch_id, is_accepted FROM scored.responses")
    assert rows == [(f"{provider_of(bench.prompt().model).family}-batch", "msgbatch_0", True)]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"input_tokens": -(10**6), "output_tokens": 100},
        {"input_tokens": 1000, "output_tokens": 10**9},
        {"input_tokens": 10**30, "output_tokens": -1},
        {"input_tokens": "a few", "output_tokens": 1e30},
    ],
)
def test_a_result_whose_usage_cannot_be_true_is_kept_and_counted_at_its_worst(bench: Bench, usage: object) -> None:
    bench.server.usage = usage

    result = bench.score()

    assert set(bench.statuses(result).values()) == {"ok"}
    assert len(bench.server.asked()) == 4
    rows = bench.warehouse.rows("SELECT cost_usd, note FROM scored.responses")
    assert all(0 < cost < 0.01 and note.endswith(AT_ITS_WORST) for cost, note in rows)
    assert result.figures.cost_usd == pytest.approx(sum(cost for cost, _ in rows))
    ((reserved,),) = bench.warehouse.rows("SELECT worst_usd FROM scored.batches")
    assert result.figures.cost_usd <= reserved


def test_a_result_that_is_no_message_fails_alone(bench: Bench) -> None:
    bench.server.fates = {"b": ["no message"]}

    assert set(bench.statuses(bench.score()).values()) == {"ok"}
    assert bench.server.asked().count("b") == 2


def test_a_second_run_sends_nothing(bench: Bench) -> None:
    bench.score()
    bench.score()
    assert len(bench.server.batches) == 1


def test_what_errored_expired_or_was_canceled_goes_into_the_next_batch(bench: Bench) -> None:
    bench.server.fates = {"a": ["errored"], "b": ["expired"], "c": ["canceled"]}
    result = bench.score()
    assert set(bench.statuses(result).values()) == {"ok"}
    assert [sorted(map(document_of, batch)) for batch in bench.server.batches.values()] == [
        ["a", "b", "c", "d"],
        ["a", "b", "c"],
    ]


def test_a_refusal_stands_and_a_garbled_answer_is_asked_again(bench: Bench) -> None:
    bench.server.fates = {"a": ["refused"], "b": ["garbled"]}
    result = bench.score()
    assert bench.statuses(result) == {"a": "refused", "b": "ok", "c": "ok", "d": "ok"}
    assert bench.server.asked().count("a") == 1
    assert bench.server.asked().count("b") == 2


def test_a_budget_that_holds_no_request_sends_none(bench: Bench) -> None:
    with pytest.raises(ScoringError, match="4 of 4 answers are still to be asked for"):
        bench.score(budget_usd=0)
    assert bench.server.batches == {}


def _swallow(run: Callable[[], object]) -> None:
    with suppress(ScoringError):
        run()


def _interrupt_while_waiting(bench: Bench, monkeypatch: pytest.MonkeyPatch, *, cancels: bool) -> None:
    """Ctrl+C while the batch is under way."""
    from exposure_dagster.scoring.batches import BatchEngine

    async def interrupted(self: BatchEngine, batch: SentBatch) -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(0)

    with monkeypatch.context() as patch:
        patch.setattr(BatchEngine, "_wait_for", interrupted)
        with pytest.raises(BaseException):  # noqa: B017  whatever the interruption turns into
            bench.score(cancels=cancels)


def test_a_stopped_run_leaves_its_batch_and_the_next_one_picks_it_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupt_while_waiting(bench, monkeypatch, cancels=False)
    assert bench.warehouse.rows("SELECT batch_id, is_collected FROM scored.batches") == [("msgbatch_0", False)]
    result = bench.score()
    assert set(bench.statuses(result).values()) == {"ok"}
    assert len(bench.server.batches) == 1
    assert bench.server.cancelled == []


def test_a_stopped_run_cancels_its_batch_where_the_user_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _interrupt_while_waiting(bench, monkeypatch, cancels=True)
    assert bench.server.cancelled == ["msgbatch_0"]
    assert set(bench.statuses(bench.score()).values()) == {"ok"}


def test_a_run_that_was_killed_while_it_sent_a_batch_finds_it_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: BatchStore, token: str, batch_id: str) -> None:
        raise RuntimeError("the process ends here")

    bench.server.created_at = datetime.now(UTC).isoformat()
    with monkeypatch.context() as patch, pytest.raises(BaseException):  # noqa: B017  however it ends
        patch.setattr(BatchStore, "name", killed)
        bench.score()
    assert bench.sql("SELECT batch_id FROM batches") == [(None,)]
    assert set(bench.statuses(bench.score()).values()) == {"ok"}
    assert len(bench.server.batches) == 1


def test_a_batch_is_collected_by_a_run_that_has_nothing_else_to_ask(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is paid for: its answers are kept, also where fewer samples are wanted by now."""
    bench.score()
    twice = bench.prompt().model_copy(update={"samples": 2})
    with monkeypatch.context() as patch:
        patch.setattr(Bench, "prompt", lambda *_: twice)
        _interrupt_while_waiting(bench, monkeypatch, cancels=False)
    assert bench.sql("SELECT count(*) FROM batches WHERE NOT is_collected") == [(1,)]
    bench.score()
    assert bench.sql("SELECT count(*) FROM batches WHERE NOT is_collected") == [(0,)]
    assert bench.sql("SELECT count(*) FROM responses WHERE sample = 2 AND is_accepted") == [(4,)]
    assert len(bench.server.batches) == 2


def test_a_batch_that_never_reached_the_api_is_sent(bench: Bench) -> None:
    bench.score()
    bench.sql("DELETE FROM responses")
    bench.sql("UPDATE batches SET token = 'never', batch_id = NULL, is_collected = false")
    bench.score()
    assert len(bench.server.batches) == 2
    assert bench.sql("SELECT batch_id, is_collected FROM batches ORDER BY 1") == [(None, False), ("msgbatch_1", True)]


def test_what_a_batch_asked_that_the_api_no_longer_knows_after_29_days_is_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupt_while_waiting(bench, monkeypatch, cancels=False)
    bench.server.gone = {"msgbatch_0"}
    bench.sql("UPDATE batches SET created_at = '2026-01-01 00:00:00.000000'")
    assert set(bench.statuses(bench.score()).values()) == {"ok"}
    assert len(bench.server.batches) == 2


def test_results_that_break_off_are_read_again_and_entered_once(bench: Bench) -> None:
    bench.server.broken_results = 1
    result = bench.score()
    assert set(bench.statuses(result).values()) == {"ok"}
    assert bench.warehouse.rows("SELECT count(*), count(DISTINCT request_key) FROM scored.responses") == [(4, 4)]
    assert len(bench.server.batches) == 1


def test_a_run_that_ended_while_it_collected_enters_only_what_is_missing(bench: Bench) -> None:
    first = bench.score()
    bench.sql("DELETE FROM responses WHERE doc_id IN ('a', 'b')")
    bench.sql("UPDATE batches SET is_collected = false")
    bench.score()
    rows = bench.sql("SELECT count(*), count(DISTINCT request_key), sum(cost_nano_usd) / 1e9 FROM responses")
    assert rows == [(4, 4, pytest.approx(first.figures.cost_usd))]
    assert len(bench.server.batches) == 1


def test_a_batch_that_is_left_alone_counts_in_the_budget_of_the_day_of_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _interrupt_while_waiting(bench, monkeypatch, cancels=False)
    ((worst,),) = bench.warehouse.rows("SELECT worst_usd FROM scored.batches")
    with pytest.raises(ScoringError, match="for 24 hours leaves no room"):
        bench.score(day_usd=worst * 1.1, instruction="Another question?")
    assert len(bench.server.batches) == 1
    assert set(bench.statuses(bench.score(day_usd=worst * 1.1)).values()) == {"ok"}


def test_documents_that_failed_in_every_attempt_of_a_run_are_asked_again_by_the_next(bench: Bench) -> None:
    bench.server.fates = {"a": ["errored"] * 10}
    assert bench.statuses(bench.score())["a"] == "failed"
    assert bench.statuses(bench.score())["a"] == "ok"
    assert bench.server.asked().count("a") == 11


def test_more_requests_than_a_batch_takes_are_split(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = BatchTerms(max_requests=3, max_bytes=10**6, results_kept=timedelta(days=29))
    monkeypatch.setattr(BatchEngine, "_terms", terms)
    result = bench.score()
    assert set(bench.statuses(result).values()) == {"ok"}
    assert [len(batch) for batch in bench.server.batches.values()] == [3, 1]


def test_batches_of_two_prompts_that_were_killed_before_the_reply_are_each_found_by_their_own_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: BatchStore, token: str, batch_id: str) -> None:
        raise RuntimeError("the process ends here")

    bench.server.created_at = datetime.now(UTC).isoformat()
    for instruction in ("First?", "Second?"):
        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(BatchStore, "name", killed)
            bench.score(instruction=instruction)
    asked = list(bench.server.batches.values())
    bench.server.batches = {"msgbatch_1": asked[1], "msgbatch_0": asked[0]}  # whichever is looked into first

    for instruction in ("First?", "Second?"):
        assert set(bench.statuses(bench.score(instruction=instruction)).values()) == {"ok"}

    assert len(bench.server.batches) == 2
    assert bench.sql("SELECT prompt, batch_id, is_collected FROM batches ORDER BY prompt") == [
        ("First?", "msgbatch_0", True),
        ("Second?", "msgbatch_1", True),
    ]
    assert bench.sql("SELECT count(*), count(DISTINCT request_key), sum(is_accepted) FROM responses") == [(8, 8, 8)]


def test_a_batch_that_was_taken_for_another_is_released_and_the_right_one_found(bench: Bench) -> None:
    bench.server.created_at = datetime.now(UTC).isoformat()
    bench.score(instruction="First?")
    bench.score(instruction="Second?")
    bench.sql("DELETE FROM responses WHERE prompt = 'Second?'")
    bench.sql("UPDATE batches SET is_collected = false, batch_id = 'msgbatch_0' WHERE prompt = 'Second?'")
    bench.sql("UPDATE batches SET batch_id = 'elsewhere' WHERE prompt = 'First?'")

    assert set(bench.statuses(bench.score(instruction="Second?")).values()) == {"ok"}

    assert len(bench.server.batches) == 2
    assert bench.sql("SELECT batch_id FROM batches WHERE prompt = 'Second?'") == [("msgbatch_1",)]


def test_a_batch_that_the_api_does_not_know_for_a_moment_is_neither_sent_nor_paid_again(bench: Bench) -> None:
    bench.server.looks_until_known = 1

    assert set(bench.statuses(bench.score()).values()) == {"ok"}

    assert len(bench.server.batches) == 1
    assert bench.sql("SELECT count(*), sum(is_accepted) FROM responses") == [(4, 4)]


def test_a_batch_that_the_api_goes_on_not_to_know_ends_the_run_and_counts_at_its_worst(bench: Bench) -> None:
    bench.server.looks_until_known = 1000
    with pytest.raises(ScoringError, match="does not know batch msgbatch_0") as raised:
        bench.score()
    assert "in a batch again before 29 days have passed" in str(raised.value)
    ((worst,),) = bench.sql("SELECT worst_nano_usd FROM batches WHERE NOT is_collected")
    with pytest.raises(ScoringError, match="held for batches"):
        bench.score(day_usd=worst / 1e9 * 1.1, instruction="Another question?")

    bench.server.looks_until_known = 0
    assert set(bench.statuses(bench.score()).values()) == {"ok"}
    assert len(bench.server.batches) == 1


def test_a_batch_whose_sending_broke_off_is_found_by_its_token_and_sent_once(bench: Bench) -> None:
    bench.server.created_at = datetime.now(UTC).isoformat()
    bench.server.breaks_at_sending = 1

    assert set(bench.statuses(bench.score()).values()) == {"ok"}

    assert len(bench.server.batches) == 1


def test_results_that_come_twice_are_entered_once(bench: Bench) -> None:
    bench.server.doubles_results = True

    result = bench.score()

    assert bench.sql("SELECT count(*), count(DISTINCT request_key) FROM responses") == [(4, 4)]
    assert result.figures.cost_usd == pytest.approx(
        sum(row[0] for row in bench.sql("SELECT cost_nano_usd FROM responses")) / 1e9
    )


def test_what_a_killed_run_of_the_same_prompt_had_under_way_counts_as_spent_for_a_run_in_batches_too(
    bench: Bench,
) -> None:
    prompt_hash = bench.prompt().prompt_hash
    bench.sql("INSERT INTO reservations VALUES (?, 'How much?', 2000000000, 16)", prompt_hash)

    with pytest.raises(ScoringError, match="for 24 hours leaves no room"):
        bench.score(day_usd=2)

    assert bench.sql("SELECT cost_nano_usd FROM assumed_costs") == [(2_000_000_000,)]
    assert bench.sql("SELECT * FROM reservations") == []
    assert set(bench.statuses(bench.score()).values()) == {"ok"}


def test_a_batch_that_waits_takes_no_place_from_single_requests(bench: Bench, model: FaultyModel) -> None:
    bench.server.polls_until_ended = 10**9
    waiting = threading.Thread(target=lambda: _swallow(bench.score), daemon=True)
    waiting.start()
    while not bench.server.polls:
        time.sleep(0.01)

    result = replace(bench, server=BatchServer(address=model.url)).score(
        instruction="Another question?", batching=False
    )

    assert set(bench.statuses(result).values()) == {"ok"}
    bench.server.polls_until_ended = 0
    waiting.join(60)
    assert bench.sql("SELECT count(*) FROM responses WHERE is_accepted") == [(8,)]


def test_batches_that_fail_alike_before_the_first_answer_end_the_run(bench: Bench) -> None:
    texts = {f"more-{number:02}": f"The work of {number}." for number in range(12)}
    bench.warehouse.append(
        TEXTS, pd.DataFrame({"text_sha256": [text_sha256(t) for t in texts.values()], "text": list(texts.values())})
    )
    bench.documents += [DocumentRef(name, name, text_sha256(text)) for name, text in texts.items()]
    bench.server.fates = {document.doc_id: ["garbled"] * 20 for document in bench.documents}

    with pytest.raises(ScoringError, match="not JSON"):
        bench.score()

    assert len(bench.server.batches) == 2
