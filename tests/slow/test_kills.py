"""`kill -9` at any moment: what is in the ledger stays there and is never asked again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exposure_dagster.store.locks import holding
from tests.integration.scoring.faulty_model import hang
from tests.integration.scoring.scene import PROVIDERS, Scene, by_status
from tests.processes import tied

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = 4


@pytest.mark.parametrize(
    ("provider", "store"), [*((one, "file") for one in PROVIDERS), ("ANTHROPIC", "database")], ids=str
)
def test_runs_that_are_killed_lose_only_what_was_under_way(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 60))
    scene.model.latency_s = 0.05
    draw = random.Random(1)
    in_ledger: set[str] = set()

    for _ in range(2):
        asked_before = len(scene.model.seen)
        end_a_life(scene, draw.uniform(0, 0.6))
        asked = [seen.documents[0] for seen in scene.model.seen[asked_before:]]
        assert not in_ledger & set(asked)
        in_ledger = {doc for (doc,) in scene.rows("doc_id", "is_accepted")}
        assert len(set(asked) - in_ledger) <= CONCURRENCY

    asked_before = len(scene.model.seen)
    assert len(by_status(scene.score())["ok"]) == 60
    assert not in_ledger & {seen.documents[0] for seen in scene.model.seen[asked_before:]}
    assert scene.rows("request_key", "is_accepted GROUP BY request_key HAVING count(*) > 1 --") == []


@pytest.mark.parametrize("store", ["database"])
def test_the_turn_of_a_run_that_is_killed_is_free_for_every_machine_and_those_that_live_are_let_be(
    scene: Scene,
) -> None:
    scene.refs += scene.add(range(10, 60))
    scene.model.latency_s = 0.2
    elsewhere = scene.ledger.run_lock("elsewhere")
    assert elsewhere.try_acquire()
    scene.sql(
        "INSERT INTO runs (run_id, prompt, prompt_hash, scorer, started_at, outcome, revision)"
        " VALUES ('elsewhere', 'elsewhere', 'elsewhere', 'claude', '2026-05-01 12:00:00', 'running', 0)"
    )

    end_a_life(scene, 0.1)
    with holding(scene.ledger.run_lock(scene.asked.prompt_hash), wait_seconds=5):
        pass
    scene.score()

    outcomes = scene.sql("SELECT run_id, outcome FROM runs ORDER BY run_id")
    assert outcomes == [("elsewhere", "running"), ("run-1", "complete")]
    assert not elsewhere.is_lost()
    elsewhere.release()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_a_run_that_is_interrupted_waits_for_what_is_under_way_and_writes_it(scene: Scene, by: signal.Signals) -> None:
    scene.refs += scene.add(range(10, 100))
    scene.model.latency_s = 0.1

    end_a_life(scene, 0.8, by)

    accepted = {doc for (doc,) in scene.rows("doc_id", "is_accepted")}
    assert accepted == {seen.documents[0] for seen in scene.model.seen}
    assert 0 < len(accepted) < 100
    ((outcome, error),) = scene.warehouse.rows("SELECT outcome, error FROM scored.runs")
    assert (outcome, by.name in error) == ("failed", True)


def test_a_second_signal_ends_the_wait_and_what_was_answered_is_written(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 100))
    for doc in range(3, 100):
        scene.model.faults[f"doc-{doc:03}"] = [hang]

    process = begin_a_life(scene)
    while len(scene.model.seen) < 3 + CONCURRENCY:
        assert process.poll() is None
        time.sleep(0.01)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)

    assert {doc for (doc,) in scene.rows("doc_id", "is_accepted")} == {"doc-000", "doc-001", "doc-002"}


def end_a_life(scene: Scene, seconds_after_first_request: float, by: signal.Signals = signal.SIGKILL) -> None:
    asked_before = len(scene.model.seen)
    process = begin_a_life(scene)
    while len(scene.model.seen) == asked_before and process.poll() is None:
        time.sleep(0.002)
    time.sleep(seconds_after_first_request)
    process.send_signal(by)
    process.wait()


def begin_a_life(scene: Scene) -> subprocess.Popen[bytes]:
    """A run in a process of its own, to which signals mean what they mean to a command in the foreground."""
    shared = [] if scene.shared is None else [scene.shared.database_url, scene.shared.data_url]
    arguments = [str(scene.folder), scene.model.url, str(len(scene.refs)), str(CONCURRENCY), scene.provider, *shared]
    return subprocess.Popen(
        tied(sys.executable, "-m", "tests.slow.one_life", *arguments), cwd=ROOT, stderr=subprocess.DEVNULL
    )
