"""Keys, models, networks, disks and documents that will not do: each a clear error, and nothing lost."""

from __future__ import annotations

import logging
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import Budget
from exposure_dagster.scoring.run import ScoringStoppedError
from tests.endpoints import asked_at
from tests.integration.scoring.faulty_model import ANY, Fault, hang, running_model, status
from tests.integration.scoring.scene import IMPATIENT, QUICK, Scene, asked_prompt, by_status


def test_a_wrong_key_costs_one_request_and_names_the_setting(scene: Scene) -> None:
    scene.model.faults[ANY] = [status(401, error_type="authentication_error")] * 100

    with pytest.raises(ScoringStoppedError, match=r"ANTHROPIC_API_KEY: the API refuses the key \(HTTP 401") as stopped:
        scene.score(key="sk-wrong")

    assert len(scene.model.seen) == 1
    assert "sk-wrong" not in str(stopped.value)
    assert stopped.value.figures.failed == 10
    assert scene.warehouse.rows("SELECT outcome, asked FROM scored.runs") == [("failed", 1)]


def test_a_key_that_may_not_use_the_model_costs_three_requests(scene: Scene) -> None:
    scene.model.faults[ANY] = [status(403, error_type="permission_error")] * 100

    with pytest.raises(ScoringStoppedError, match=r"refuses the key \(HTTP 403"):
        scene.score()

    assert len(scene.model.seen) == 3


def test_an_unknown_model_costs_one_request_and_is_named(scene: Scene) -> None:
    scene.model.faults[ANY] = [status(404, error_type="not_found_error")] * 100

    with pytest.raises(ScoringStoppedError, match="model claude-haiku-5-5: the API does not know the model"):
        scene.score()

    assert len(scene.model.seen) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_document_follows_a_redirect_and_both_servers_are_named(scene: Scene, code: int) -> None:
    with running_model() as other:
        to = {"Location": f"{other.url}/v1/messages"}
        scene.model.faults[ANY] = [Fault("redirect", lambda exchange: exchange.send(code, b"", to))] * 100
        asked, found = (model.url.removeprefix("http://") for model in (scene.model, other))

        with pytest.raises(ScoringStoppedError, match=r"^ANTHROPIC_BASE_URL: ") as stopped:
            scene.score()

        assert f"HTTP {code}: {asked} redirects to {found}, which is not followed" in str(stopped.value)

        assert (len(scene.model.seen), len(other.seen)) == (1, 0)


def test_a_model_without_a_price_is_not_asked(scene: Scene) -> None:
    scene.asked = asked_prompt(model="claude-unheard-of-9")

    with pytest.raises(
        ScoringError, match=r"Put \[models.claude-unheard-of-9\] into a file that EXPOSURE_PRICES names"
    ):
        scene.score(url="https://models.example.org")

    assert scene.model.seen == []


def test_a_key_that_is_withdrawn_during_a_run_ends_it_before_every_document_was_tried(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 60))
    for number in range(5, 60):
        scene.model.faults[f"doc-{number:03}"] = [status(401)] * 2

    with pytest.raises(ScoringStoppedError, match="refuses the key"):
        scene.score(concurrency=2)

    assert len(scene.model.seen) < 30
    assert scene.statuses()["ok"] == 5


@pytest.mark.parametrize("key", ["  ", "schlüssel", "two\nlines"])
def test_what_cannot_be_a_key_is_not_sent(scene: Scene, key: str) -> None:
    with pytest.raises(ScoringError, match="ANTHROPIC_API_KEY") as raised:
        scene.score(key=key)

    assert scene.model.seen == []
    assert not key.strip() or key not in str(raised.value)


def test_no_key_is_an_error_only_where_there_is_something_to_ask(scene: Scene) -> None:
    with pytest.raises(ScoringError, match="there is no key"):
        scene.score(key="", url="https://models.example.org")

    scene.score()

    assert by_status(scene.score(key="", url="https://models.example.org"))["ok"]


def test_no_network_is_told_after_a_few_tries(scene: Scene) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(ScoringStoppedError, match=r"the API gives no answer \(no connection"):
            scene.score(url=url)

    assert scene.statuses() == {"failed": QUICK.opening_connections}


def test_a_server_that_never_answers_ends_the_run_at_its_first_request(scene: Scene) -> None:
    scene.model.faults[ANY] = [hang] * 100

    with pytest.raises(ScoringStoppedError, match=r"the API gives no answer \(no answer in 1 seconds\)"):
        scene.score(patience=IMPATIENT)

    assert {seen.documents for seen in scene.model.seen} == {("doc-000",)}


def test_an_outage_ends_the_run_before_every_document_was_tried(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 60))
    for number in range(5, 60):
        scene.model.faults[f"doc-{number:03}"] = [status(503)] * 20

    with pytest.raises(ScoringStoppedError, match=r"the API gives no answer \(HTTP 503"):
        scene.score(patience=replace(QUICK, attempts=2))

    assert 5 < len(scene.model.times_asked()) < 40
    assert scene.statuses()["ok"] == 5


def test_a_server_that_asks_to_wait_for_an_hour_is_not_waited_for(scene: Scene) -> None:
    scene.model.faults[ANY] = [status(429, retry_after="3600")] * 100

    with pytest.raises(ScoringStoppedError, match="the API gives no answer"):
        scene.score()

    assert len(scene.model.seen) == 1


@pytest.mark.parametrize("budget", [Budget(0, 100), Budget(100, 0)], ids=["a run", "a day"])
def test_a_budget_of_nothing_sends_nothing(scene: Scene, budget: Budget) -> None:
    with pytest.raises(ScoringStoppedError, match=r"10 of 10 answers are still to be asked for"):
        scene.score(budget=budget)

    assert scene.model.seen == []
    assert scene.warehouse.rows("SELECT outcome FROM scored.runs") == [("stopped",)]


def test_a_document_that_is_too_long_is_cut_at_its_end_and_that_is_on_record(scene: Scene) -> None:
    scene.asked = asked_prompt(model="claude-haiku-4-5", effort=None)
    (long,) = scene.add([77], "Beginning {} " + 200_000 * "and on ")
    scene.refs.append(long)

    standing = scene.score().standings[-1]

    assert standing.status == "ok"
    assert standing.note is not None
    assert "of 1,400,013 characters were sent: claude-haiku-4-5 takes 200,000 tokens" in standing.note
    assert scene.rows("note", "doc_id = 'doc-077'") == [(standing.note,)]
    assert scene.rows("note", "doc_id = 'doc-000'") == [(None,)]


def test_an_instruction_that_leaves_no_room_for_a_document_ends_the_run_before_anything_is_sent(scene: Scene) -> None:
    scene.asked = asked_prompt(model="claude-haiku-4-5", effort=None, instruction="Judge the work. " * 25_000)

    with pytest.raises(
        ScoringStoppedError, match="leaves no room for a document: claude-haiku-4-5 takes 200,000 tokens"
    ):
        scene.score()

    assert scene.model.seen == []
    assert scene.warehouse.rows("SELECT outcome FROM scored.runs") == [("failed",)]


def test_a_ledger_of_an_older_version_is_taken_on(scene: Scene) -> None:
    scene.score()
    with duckdb.connect(str(scene.warehouse.path)) as connection:
        connection.execute("ALTER TABLE scored.responses DROP COLUMN note")
        connection.execute("DELETE FROM meta.facts WHERE name = 'registry'")
    scene.refs += scene.add([20])

    result = scene.score()

    assert len(by_status(result)["ok"]) == 11
    assert len(scene.model.seen) == 11


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 150))

    with files_no_longer_than(20_000), pytest.raises(ScoringError) as raised:
        scene.score(concurrency=8)

    assert "cannot be" in str(raised.value)
    accepted = {doc for (doc,) in scene.rows("doc_id", "is_accepted")}
    before = scene.model.times_asked()
    assert len(before) < 150
    assert len(by_status(scene.score(concurrency=8))["ok"]) == 150
    assert not accepted & set(scene.model.times_asked() - before)


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """The disk is full: no file grows beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_neither_key_nor_prompt_is_ever_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.model.faults["doc-001"] = [status(500), status(400)]

    with caplog.at_level(logging.DEBUG):
        scene.score(key="sk-secret-key")

    assert "sk-secret-key" not in caplog.text
    assert "Judge how much" not in caplog.text
    assert "Text of document" not in caplog.text
    assert "sk-secret-key" not in str(asked_at(scene.model.url, "sk-secret-key"))
    assert not any(b"sk-secret-key" in file.read_bytes() for file in Path(scene.folder).rglob("*") if file.is_file())
