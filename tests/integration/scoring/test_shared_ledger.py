"""A ledger in PostgreSQL, as several machines share it: what the file promises, and what only a server can break."""

from __future__ import annotations

import shutil
import threading
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ScoringError, WarehouseError
from exposure_dagster.core.money import Budget
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.pipeline.keeping import back_up, check, rebuild
from exposure_dagster.scoring.ledger import Ledger, LedgerRow, Status, add_rows, as_text
from exposure_dagster.scoring.ledger_database import LedgerDatabase
from exposure_dagster.scoring.mirror import differences, open_ledger
from exposure_dagster.scoring.reservations import Reservations
from exposure_dagster.store.advisory_locks import AdvisoryLock
from exposure_dagster.store.database import connected
from exposure_dagster.store.locks import holding
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.scoring.faulty_model import FaultyModel
from tests.integration.scoring.scene import Scene, by_status


@pytest.fixture
def store() -> str:
    return "database"


@pytest.fixture
def ledger(shared_store: SharedStore) -> Ledger:
    """A new ledger, and nothing beside it."""
    ledger = Ledger(LedgerDatabase(shared_store))
    ledger.store.create()
    return ledger


def an_answer(**changes: Any) -> LedgerRow:
    fields: dict[str, Any] = {
        **dict.fromkeys(("prompt", "prompt_hash", "doc_id", "text_sha256", "scorer", "model", "endpoint"), "x"),
        **dict.fromkeys(("answered_by", "rationale", "batch_id", "error", "note"), None),
        **dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"), 1),
        "request_key": "k",
        "is_accepted": True,
        "sample": 1,
        "epoch": 0,
        "status": Status.OK,
        "attributes": {"score": 1.0},
        "cost_nano_usd": 5,
        "request_id": "r",
        "latency_ms": 0.1 + 0.2,
        "created_at": utc_now(),
    }
    return LedgerRow(**{**fields, **changes})


def end_sessions(shared: SharedStore) -> None:
    """What a server that is started again does to everyone."""
    with psycopg.connect(shared.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exposure'")


def another_home(scene: Scene, name: str, shared: SharedStore | None) -> Scene:
    """A home with the scene's documents, on another machine perhaps."""
    other = Scene(scene.folder / name, scene.model, documents=0, asked=scene.asked, shared=shared)
    other.refs = other.add(range(len(scene.refs)))
    return other


def test_rows_come_alike_from_a_file_and_from_a_database(scene: Scene) -> None:
    scene.score()
    in_file = another_home(scene, "home", None)
    in_file.score()
    differing = ("created_at", "request_id", "latency_ms", "started_at", "finished_at")

    for table in ("responses", "runs"):
        columns = [name for (name,) in in_file.sql("SELECT name FROM pragma_table_info(?)", table)]
        query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {'doc_id' if 'doc_id' in columns else 'run_id'}"
        for ours, theirs in zip(in_file.sql(query), scene.sql(query), strict=True):
            for name, mine, other in zip(columns, ours, theirs, strict=True):
                if name.endswith("_at"):
                    assert len(mine) == len(other) == len("2026-05-01 12:00:00.000000"), name
                if name in differing:
                    assert type(mine) is type(other), name
                else:
                    assert name == "revision" or mine == other, name


def test_homes_that_share_a_ledger_pay_once_and_each_tells_the_same(scene: Scene, shared_store: SharedStore) -> None:
    scene.score()
    other = another_home(scene, "other", shared_store)

    result = other.score()

    assert len(by_status(result)["ok"]) == 10
    assert len(scene.model.seen) == 10
    assert differences(other.ledger, other.warehouse) == []


def test_what_homes_paid_for_before_comes_to_the_database_once(
    scene: Scene, shared_store: SharedStore, caplog: pytest.LogCaptureFixture
) -> None:
    homes = [another_home(scene, name, None) for name in ("one", "two")]
    homes[0].refs = homes[0].refs[:6]
    homes[1].refs = homes[1].refs[4:]
    for home in homes:
        home.score()
    homes[0].sql("UPDATE responses SET rationale = rationale || char(0) WHERE doc_id = 'doc-002'")
    homes[1].sql("INSERT INTO reservations VALUES ('gone', 'other', 7, 1)")

    for home in (*homes, *homes):
        open_ledger(Warehouse(home.folder / "exposure.duckdb", shared=shared_store))

    assert len(scene.model.seen) == 12
    assert scene.sql("SELECT count(*), sum(CASE WHEN is_accepted THEN 1 ELSE 0 END) FROM responses") == [(12, 10)]
    assert scene.sql("SELECT cost_nano_usd FROM assumed_costs") == [(7,)]
    assert caplog.text.count("attempts are added") == 2
    assert len(by_status(scene.score())["ok"]) == 10
    assert len(scene.model.seen) == 12
    assert [one for one in check(scene.warehouse) if not one.is_sound] == []


def test_a_backup_is_a_file_that_an_empty_database_takes_over(scene: Scene, shared_store: SharedStore) -> None:
    scene.score()

    (copy,) = back_up(scene.warehouse)

    in_file = another_home(scene, "home", None)
    shutil.copy(copy, in_file.folder / "ledger.sqlite")
    in_file.score()
    assert [path.name for path in copy.parent.iterdir()] == ["ledger.sqlite"]
    with psycopg.connect(shared_store.database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA exposure CASCADE")
    other = another_home(scene, "other", shared_store)
    other.folder.mkdir()
    shutil.copy(copy, other.folder / "ledger.sqlite")
    other.score()
    assert len(scene.model.seen) == 10


def test_a_ledger_in_a_database_is_not_made_anew_from_here(scene: Scene) -> None:
    scene.score()
    assert rebuild(scene.warehouse) == ["the warehouse's copy of the ledger is made anew"]
    scene.sql("DROP INDEX one_accepted_answer_a_key")

    assert any("one_accepted_answer_a_key is missing" in one.found for one in check(scene.warehouse))
    with pytest.raises(WarehouseError, match="a database is not made anew from here"):
        rebuild(scene.warehouse)


def test_a_key_takes_no_second_answer_whoever_writes(ledger: Ledger) -> None:
    with ledger.store.transaction() as connection:
        add_rows(connection, [an_answer()])
    with ledger.store.transaction() as connection:
        add_rows(connection, [an_answer(request_id="another")])
        found = connection.execute("SELECT attempt, is_accepted, error FROM responses ORDER BY attempt").fetchall()

    assert found == [(1, True, None), (2, False, "another answer stands")]
    with pytest.raises(ScoringError, match="one_accepted_answer_a_key"), ledger.store.transaction() as connection:
        connection.execute("UPDATE responses SET is_accepted = true")


def test_time_is_the_databases_whatever_the_machines_say(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("rows", "ledger", "ledger_database", "run"):
        monkeypatch.setattr(f"exposure_dagster.scoring.{module}.utc_now", lambda: utc_now() - timedelta(days=3))

    scene.score()

    since = as_text(utc_now() - timedelta(minutes=10))
    assert scene.sql("SELECT count(*) FROM responses WHERE created_at > ?", since) == [(10,)]
    assert scene.sql("SELECT count(*) FROM runs WHERE started_at > ? AND finished_at >= started_at", since) == [(1,)]


def test_a_server_that_is_started_again_ends_a_run_that_loses_nothing_it_paid_for(scene: Scene) -> None:
    scene.model.latency_s = 0.1
    scene.refs += scene.add(range(10, 60))
    failure: list[Exception] = []

    def run() -> None:
        try:
            scene.score()
        except ScoringError as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while len(scene.model.seen) < 10:
        thread.join(0.001)
    assert scene.shared is not None
    end_sessions(scene.shared)
    thread.join()

    assert any(said in str(failure[0]) for said in ("ledger cannot be used", "connection that held the run's lock"))
    answered = {document for (document,) in scene.rows("doc_id", "is_accepted")}
    assert answered == set(scene.model.times_asked())
    assert len(by_status(scene.score())["ok"]) == 60
    assert set(scene.model.times_asked().values()) == {1}
    assert [one for one in check(scene.warehouse) if not one.is_sound] == []


def test_a_write_of_which_nobody_heard_whether_it_stands_is_entered_once(ledger: Ledger) -> None:
    reservations = Reservations(ledger, "p", "h", Budget(1, 1), 4)
    row = an_answer()

    with ledger.store.connect() as connection:
        with reservations.transaction(connection):
            reservations.enter([row])
        with reservations.transaction(connection, is_repeated=True):
            reservations.enter([row])

    with ledger.store.reading() as connection:
        found = connection.execute("SELECT request_key, attempt, is_accepted FROM responses").fetchall()
    assert found == [("k", 1, True)]


def test_a_lock_has_one_holder_and_is_lost_with_its_session(shared_store: SharedStore) -> None:
    first, second = AdvisoryLock(shared_store, "one"), AdvisoryLock(shared_store, "one")
    assert first.try_acquire()
    assert not second.try_acquire()
    assert (first.is_lost(), second.is_lost()) == (False, True)
    with pytest.raises(ScoringError, match="another process has held it"), holding(second, wait_seconds=0.01):
        pass

    end_sessions(shared_store)

    while not first.is_lost():
        pass
    assert second.try_acquire()
    first.release()
    assert not second.is_lost()
    second.release()
    assert first.try_acquire()
    first.release()


def test_a_run_is_asked_now_as_long_as_its_session_stands(ledger: Ledger) -> None:
    lock = ledger.run_lock("of another machine")

    with ledger.store.reading() as connection:
        assert not ledger.is_asked_now("of another machine", connection)
        assert lock.try_acquire()
        assert ledger.is_asked_now("of another machine", connection)
        lock.release()
        assert not ledger.is_asked_now("of another machine", connection)


@pytest.mark.parametrize(
    "address",
    [
        "ada:s3cret-x9@127.0.0.1:1/exposure",
        "ada:s3cret-x9@no-such-host.invalid/exposure",
        "ada:s3cret-x9@@127.0.0.1:1/exposure",
        "ada:12@s3cret-x9@127.0.0.1:1/exposure",
        "ada:s3cret-x9 a@127.0.0.1:1/exposure",
        "ada:%zzs3cret-x9@127.0.0.1:1/exposure",
        "ada@127.0.0.1:1/exposure?pasword=s3cret-x9",
    ],
)
def test_what_is_said_of_a_database_that_cannot_be_reached_shows_no_password(
    address: str, tmp_path: Path, model: FaultyModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    shared = SharedStore(f"postgresql://{address}", str(tmp_path / "data"))

    for attempt in (
        LedgerDatabase(shared).create,
        AdvisoryLock(shared, "one").try_acquire,
        connected(shared).__enter__,
    ):
        with pytest.raises((ScoringError, WarehouseError), match="the database cannot be reached") as raised:
            attempt()
        whole = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
        assert "s3cret" not in whole
        assert raised.value.__context__ is None
    assert "s3cret" not in caplog.text
