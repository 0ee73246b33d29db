"""Dagster's records in a database that machines share: one home sees what another did, and who lives elsewhere."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import yaml
from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetRecordsFilter,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    JobDefinition,
    OpExecutionContext,
    execute_job,
    job,
    op,
    reconstructable,
)

from exposure_dagster.automation import alive
from exposure_dagster.automation.alive import HELD_TAG, held, held_in_process, held_names
from exposure_dagster.automation.instance import (
    DAGSTER_YAML,
    SHARED_STORAGE_YAML,
    close_orphans,
    only_daemon_of,
    open_instance,
    prepare_dagster_home,
    running,
)
from exposure_dagster.automation.launchers import DockerLauncher
from exposure_dagster.core.errors import ScoringError, SettingError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.settings import load_settings
from exposure_dagster.store.database import SCHEMA

SCORES = AssetKey(["scored", "scores"])
_HeldLock = alive.HeldLock
RUN_ID = str(uuid4())


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder has two seconds to take a lock anew, not five."""
    monkeypatch.setattr(alive, "TAKEN_ANEW_WITHIN_S", 2.0)
    monkeypatch.setattr(alive, "LOOKED_EVERY_S", 0.2)


@job
def nothing() -> None:
    """A job whose runs are made by hand."""


@op
def look(context: OpExecutionContext) -> None:
    shared = load_settings().shared
    assert shared is not None
    assert held_names(shared, [context.run_id]), "its lock is held while it is at work"


def launched() -> JobDefinition:
    """A job as the code location has it, whose runs a daemon launches."""
    shared = load_settings().shared
    assert shared is not None

    @job(executor_def=held_in_process(shared))
    def looks() -> None:
        look()

    return looks


def opened(folder: Path, shared: SharedStore) -> DagsterInstance:
    return open_instance(prepare_dagster_home(folder / "dagster", shared), shared)


def set_shared(monkeypatch: pytest.MonkeyPatch, shared: SharedStore) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", shared.database_url)
    monkeypatch.setenv("EXPOSURE_DATA_URL", shared.data_url)


def begun(instance: DagsterInstance) -> DagsterRun:
    """A run as a command line makes it."""
    return instance.create_run_for_job(nothing, run_id=RUN_ID, status=DagsterRunStatus.STARTED, tags={HELD_TAG: RUN_ID})


def test_dagsters_tables_are_its_own_for_a_user_who_is_called_as_our_schema_too(
    tmp_path: Path, shared_store: SharedStore
) -> None:
    with psycopg.connect(shared_store.database_url) as connection:
        assert connection.info.user == SCHEMA
        connection.execute(f"CREATE SCHEMA {SCHEMA} CREATE TABLE runs (is_ours boolean)")
    with opened(tmp_path, shared_store) as instance:
        assert begun(instance) == instance.get_run_by_id(RUN_ID)


def test_what_one_home_records_another_sees(tmp_path: Path, shared_store: SharedStore) -> None:
    with opened(tmp_path / "a", shared_store) as here, opened(tmp_path / "b", shared_store) as there:
        here.add_dynamic_partitions("prompts", ["exposure"])
        here.report_runless_asset_event(AssetMaterialization(SCORES, partition="exposure"))
        assert there.get_dynamic_partitions("prompts") == ["exposure"]
        assert len(there.fetch_materializations(AssetRecordsFilter(SCORES, ["exposure"]), limit=5).records) == 1
    assert not list(tmp_path.rglob("*.db")), "nothing of it lies in a home"


def test_a_run_that_lives_elsewhere_is_left_alone_and_one_whose_process_is_gone_is_closed(
    tmp_path: Path, shared_store: SharedStore
) -> None:
    with opened(tmp_path / "a", shared_store) as here, opened(tmp_path / "b", shared_store) as there:
        unknown = here.create_run_for_job(nothing, status=DagsterRunStatus.STARTED)
        with running(Path(here.root_directory), RUN_ID, shared_store) as tags:
            assert tags == {HELD_TAG: RUN_ID}
            begun(here)
            assert close_orphans(there, shared_store, has_daemon_restarted=True) == []
            with psycopg.connect(shared_store.database_url) as server:  # as when it is started anew
                server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'exposure' AND pid != pg_backend_pid()"
                )
            assert close_orphans(there, shared_store) == [], "a lock that was lost is taken anew before that is said"
        assert close_orphans(there, shared_store) == [RUN_ID]
        assert there.get_run_by_id(RUN_ID).status == DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert there.get_run_by_id(unknown.run_id).status == DagsterRunStatus.STARTED  # type: ignore[union-attr]


def test_a_run_that_a_daemon_launched_holds_its_lock_until_its_process_ends(
    tmp_path: Path, shared_store: SharedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_shared(monkeypatch, shared_store)
    locks: list[alive.HeldLock] = []
    monkeypatch.setattr(alive, "HeldLock", lambda *of: locks.append(_HeldLock(*of)) or locks[-1])
    with opened(tmp_path, shared_store) as instance:
        with execute_job(reconstructable(launched), instance) as result:
            assert result.success
        run = instance.get_run_by_id(result.run_id)
        assert run is not None and run.tags[HELD_TAG] == run.run_id
        assert held_names(shared_store, [run.run_id]) == {run.run_id}
        for lock in locks:  # as the end of the process does
            lock.release()
        assert held_names(shared_store, [run.run_id]) == set()


def test_monitoring_that_looks_for_containers_leaves_a_command_line_alone(
    tmp_path: Path, shared_store: SharedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_shared(monkeypatch, shared_store)
    launcher = DockerLauncher()
    with opened(tmp_path, shared_store) as instance:
        launcher.register_instance(instance)
        run = begun(instance)
        assert not launcher.terminate(run.run_id)
        assert instance.get_run_by_id(RUN_ID).status == DagsterRunStatus.STARTED, "as if nobody had asked"  # type: ignore[union-attr]
        with held(shared_store, run.run_id):
            assert launcher.check_run_worker_health(run).status.value == "RUNNING"
        assert launcher.check_run_worker_health(run).status.value == "NOT_FOUND"


def test_a_database_has_one_daemon(shared_store: SharedStore) -> None:
    with (
        only_daemon_of(shared_store),
        pytest.raises(SettingError, match="on another home or another machine"),
        only_daemon_of(shared_store),
    ):
        pass
    with only_daemon_of(shared_store), only_daemon_of(None):
        pass


def test_a_home_follows_its_settings_and_a_file_of_ones_own_that_says_otherwise_is_refused(
    tmp_path: Path, shared_store: SharedStore
) -> None:
    config = tmp_path / "dagster.yaml"
    prepare_dagster_home(tmp_path)
    prepare_dagster_home(tmp_path, shared_store)
    assert yaml.safe_load(config.read_text()).keys() - yaml.safe_load(DAGSTER_YAML).keys() == {"storage"}
    assert shared_store.database_url not in config.read_text()
    prepare_dagster_home(tmp_path)
    assert config.read_text() == DAGSTER_YAML
    config.write_text(SHARED_STORAGE_YAML)
    with pytest.raises(SettingError, match="EXPOSURE_DATABASE_URL is not set"):
        prepare_dagster_home(tmp_path)
    config.write_text("telemetry: {enabled: false}\n")
    with pytest.raises(SettingError, match="EXPOSURE_DATABASE_URL says that machines share them"):
        prepare_dagster_home(tmp_path, shared_store)


def test_a_database_that_cannot_be_reached_is_a_clear_error_without_its_password(tmp_path: Path) -> None:
    shared = SharedStore("postgresql://me:secret@127.0.0.1:1/exposure", str(tmp_path))
    with pytest.raises(ScoringError) as raised, running(tmp_path, "some-run", shared):
        pass
    assert "127.0.0.1/exposure" in str(raised.value) and "secret" not in str(raised.value)
