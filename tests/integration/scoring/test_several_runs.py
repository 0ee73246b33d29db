"""Runs one after another and at once: nothing is paid for twice, and all of them finish."""

from __future__ import annotations

import threading

import psycopg
import pytest

from exposure_dagster.core.money import Budget
from exposure_dagster.scoring.run import ScoringStoppedError
from exposure_dagster.store.advisory_locks import AdvisoryLock, halves
from exposure_dagster.store.locks import FileLock, is_held
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.scoring.scene import PROVIDERS, Scene, by_status


def take_away(lock: FileLock | AdvisoryLock, scene: Scene) -> None:
    """Remove the file of a lock, or end the session that holds it."""
    if isinstance(lock, FileLock):
        lock.path.unlink()
        return
    assert scene.shared is not None
    with psycopg.connect(scene.shared.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND classid = %s AND objid = %s",
            halves(lock.name),
        )


def at_once(*scenes: Scene) -> list[object]:
    """Score all scenes, each in a thread of its own."""
    results: list[object] = [None] * len(scenes)

    def run(place: int) -> None:
        results[place] = scenes[place].score()

    threads = [threading.Thread(target=run, args=[place]) for place in range(len(scenes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


SHARED_TOO = pytest.mark.parametrize(
    ("provider", "store"), [*((provider, "file") for provider in PROVIDERS), ("ANTHROPIC", "database")]
)
"""What every provider's runs keep to, and those of machines that share a ledger."""


def test_a_second_run_asks_nothing_and_stands_the_same(scene: Scene) -> None:
    first = scene.score()

    second = scene.score()

    assert second.standings == first.standings
    assert (second.figures.requests, second.figures.reused) == (0, 10)
    assert len(scene.model.seen) == 10


def test_a_changed_text_costs_one_request_and_changing_it_back_none(scene: Scene) -> None:
    scene.score()
    before = scene.refs[3]
    (scene.refs[3],) = scene.add([3], "Another text of document {}.")

    scene.score()
    assert len(scene.model.seen) == 11
    scene.refs[3] = before
    scene.score()

    assert len(scene.model.seen) == 11


def test_a_changed_prompt_asks_everything_and_changing_it_back_nothing(scene: Scene) -> None:
    before = scene.asked
    scene.score()
    scene.asked = scene.prompt(instruction="Judge it differently.")
    scene.score()
    scene.asked = before

    scene.score()

    assert len(scene.model.seen) == 20


def test_a_new_epoch_asks_everything_again(scene: Scene) -> None:
    scene.score()

    result = scene.score(epoch=1)

    assert len(scene.model.seen) == 20
    assert result.figures.reused == 0


@SHARED_TOO
def test_two_runs_of_the_same_prompt_at_once_pay_once(scene: Scene) -> None:
    scene.model.latency_s = 0.05

    first, second = at_once(scene, scene)

    assert by_status(first) == by_status(second)  # type: ignore[arg-type]
    assert set(scene.model.times_asked().values()) == {1}


@SHARED_TOO
def test_runs_of_different_prompts_go_side_by_side_and_keep_to_one_limit_of_requests(scene: Scene) -> None:
    scene.model.latency_s = 0.05
    scene.refs += scene.add(range(10, 60))
    others = []
    for name in ("one", "two"):
        other = Scene(
            scene.folder,
            scene.model,
            documents=0,
            provider=scene.provider,
            shared=scene.shared,
            asked=scene.prompt(instruction=f"Judge {name}."),
        )
        other.refs = scene.refs
        others.append(other)

    for result in at_once(scene, *others):
        assert len(by_status(result)["ok"]) == 60  # type: ignore[arg-type]

    assert len(scene.model.seen) == 180
    assert scene.model.most_under_way <= 4


def test_a_run_that_ended_leaves_nothing_set_aside(scene: Scene) -> None:
    scene.score()

    assert scene.sql("SELECT * FROM reservations") == []
    lock = scene.ledger.run_lock(scene.asked.prompt_hash)
    assert lock.try_acquire()
    lock.release()


@SHARED_TOO
def test_what_a_process_that_is_gone_had_under_way_takes_no_place_and_counts_as_spent_for_a_day(scene: Scene) -> None:
    scene.sql("INSERT INTO reservations VALUES ('gone', 'other', 2000000000, 1000)")

    assert len(by_status(scene.score())["ok"]) == 10

    assert scene.sql("SELECT * FROM reservations") == []
    assert scene.sql("SELECT prompt, cost_nano_usd FROM assumed_costs") == [("other", 2_000_000_000)]
    scene.refs += scene.add(range(10, 20))
    with pytest.raises(ScoringStoppedError, match="24 hours"):
        scene.score(budget=Budget(100, 2))


@SHARED_TOO
def test_a_run_that_is_recorded_as_running_and_whose_lock_is_free_is_closed_by_the_next(scene: Scene) -> None:
    scene.score()
    scene.sql(
        "INSERT INTO runs (run_id, prompt, prompt_hash, scorer, started_at, outcome, revision)"
        " SELECT 'lost', prompt, prompt_hash, scorer, started_at, 'running', revision FROM runs"
    )

    scene.score()

    rows = scene.warehouse.rows("SELECT outcome, finished_at IS NULL, error FROM scored.runs WHERE run_id = 'lost'")
    assert rows == [("failed", False, "its process ended before the run did")]


@SHARED_TOO
def test_a_run_whose_lock_is_taken_away_stops_and_keeps_its_answers(scene: Scene) -> None:
    scene.model.latency_s = 0.05
    scene.refs += scene.add(range(10, 100))
    lock = scene.ledger.run_lock(scene.asked.prompt_hash)
    assert isinstance(lock, FileLock | AdvisoryLock)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            scene.score()
        except Exception as error:  # noqa: BLE001
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while len(scene.model.seen) < 10:
        pass
    take_away(lock, scene)
    thread.join()

    assert lock.loss[0] in str(failure[0])
    answered = {doc for (doc,) in scene.rows("doc_id", "is_accepted")}
    assert answered == set(scene.model.times_asked())


@pytest.mark.parametrize("held", [True, False])
def test_a_lock_is_held_until_it_is_released(tmp_path: object, held: bool) -> None:
    path = tmp_path / "a.lock"  # type: ignore[operator]
    lock = FileLock(path)
    assert lock.try_acquire()
    if not held:
        lock.release()

    assert is_held(path) is held
    assert FileLock(path).try_acquire() is not held


def test_a_warehouse_that_another_thread_reads_takes_commits(scene: Scene) -> None:
    done = threading.Event()

    def read() -> None:
        while not done.wait(0.01):
            Warehouse(scene.warehouse.path).rows("SELECT count(*) FROM scored.responses")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        result = scene.score()
    finally:
        done.set()
        thread.join()

    assert len(by_status(result)["ok"]) == 10
