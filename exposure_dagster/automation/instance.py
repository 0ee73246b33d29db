"""Dagster's own home: one folder below EXPOSURE_HOME that the command line and the UI share.

Dagster takes a run as under way until its process says otherwise, which one that was killed never does. So each
process that runs something holds a lock, which dies with it: a run without its lock is over. On one machine the lock is
a file of the home; where machines share a database it is one of its sessions (alive.py).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from exposure_dagster.automation.alive import HELD_TAG, HeldLock, held, over
from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.private import make_private
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.store.locks import holding, is_held, lock_at_once

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

DAGSTER_YAML = """\
# Written by exposure_dagster where it is missing; change it as you like.
telemetry:
  enabled: false
nux:
  enabled: false
freshness:
  enabled: true
run_monitoring:
  enabled: true
concurrency:
  runs:
    max_concurrent_runs: 4
  pools:  # there is one, `scoring`: so many prompts are asked at once, each with EXPOSURE_CONCURRENCY requests
    granularity: run
    default_limit: 2
run_retries:  # of runs whose process died, and of jobs that cost nothing: those carry the tag dagster/max_retries
  enabled: true
  max_retries: 0
  retry_on_asset_or_op_failure: false
retention:  # days after which the record of a tick is deleted; sensors look every few seconds
  sensor:
    purge_after_days: {skipped: 3, started: 30, success: 90, failure: 90}
  schedule:
    purge_after_days: {skipped: 30, started: 90, success: 365, failure: 365}
python_logs:  # what a run waits for, and batches that are picked up, stand among its events
  managed_python_loggers: [exposure_dagster]
  python_log_level: WARNING
"""

SHARED_STORAGE_YAML = """\
storage:  # what several machines share
  custom:
    module: exposure_dagster.automation.storage
    class: SharedStorage
    config:
      postgres_url: {env: EXPOSURE_DATABASE_URL}
"""

_STORAGES = {"storage", "run_storage", "event_log_storage", "schedule_storage"}

_NO_COPIES = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
"""As Dagster's documentation of its dagster.yaml names it: a value of the configuration, imported by Dagster itself."""


LOCKED_S = 60.0
"""How long Dagster waits for one of its files that another process writes."""


def prepare_dagster_home(folder: Path, shared: SharedStore | None = None) -> Path:
    """The folder, made and with a `dagster.yaml` where it had none, or had the one that is written for the other kind
    of store. Raises SettingError where it cannot be written, and where somebody's own file keeps records in the folder
    that are to be shared."""
    import yaml

    config = folder / "dagster.yaml"
    shared_yaml = DAGSTER_YAML + SHARED_STORAGE_YAML
    wanted, other = (DAGSTER_YAML, shared_yaml) if shared is None else (shared_yaml, DAGSTER_YAML)
    try:
        make_private(folder)
        if not config.exists() or config.read_text(encoding="utf-8") == other:
            config.write_text(wanted, encoding="utf-8")
        found = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
        if shared is None and "EXPOSURE_DATABASE_URL" in str(found.get("storage")):
            raise SettingError(
                "Dagster's records lie in a shared database by this file, and EXPOSURE_DATABASE_URL is not set",
                where=str(config),
                remedy="Set it, and EXPOSURE_DATA_URL; or delete the file to have it written anew.",
            )
        if shared is not None and not _STORAGES.intersection(found):
            raise SettingError(
                "Dagster's records would lie in this folder, and EXPOSURE_DATABASE_URL says that machines share them",
                where=str(config),
                remedy=f"Add to it, or delete it to have it written anew:\n{SHARED_STORAGE_YAML}",
            )
    except OSError as error:
        raise SettingError(
            f"the home folder cannot be written ({error.strerror})",
            where=str(error.filename or folder),
            remedy="Set EXPOSURE_HOME to a folder that can be written.",
        ) from error
    return folder


def open_instance(folder: Path, shared: SharedStore | None = None) -> DagsterInstance:
    """The Dagster instance of a home that `prepare_dagster_home` made, for this process.

    What steps print goes to the terminal alone: Dagster would start two helpers a stream to copy it into files, which
    outlive a kill and answer Ctrl+C with a traceback. (`local_temp` is Dagster's public way to an instance in a given
    folder with settings beside its dagster.yaml; nothing of it is temporary.) Raises SettingError where its files
    cannot be opened, or the database that keeps its records in their place.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import SQLAlchemyError

    if shared is not None:
        return _open_shared_instance(folder, shared)
    try:
        with holding(folder / "opening.lock"):  # two first runs at once would both make its tables
            return DagsterInstance.local_temp(str(folder), overrides={"compute_logs": _NO_COPIES})
    except (OSError, SQLAlchemyError) as error:
        raise SettingError(
            f"Dagster's own state cannot be opened for writing ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Make the folder writable for you, or set EXPOSURE_HOME to another one.",
        ) from error


def _open_shared_instance(folder: Path, shared: SharedStore) -> DagsterInstance:
    from dagster import DagsterInstance
    from dagster_postgres.utils import DagsterPostgresException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _in_environment("EXPOSURE_DATABASE_URL", shared.database_url):  # by which dagster.yaml names it
            return DagsterInstance.local_temp(str(folder), overrides={"compute_logs": _NO_COPIES})
    except (DagsterPostgresException, SQLAlchemyError) as error:
        raise SettingError(
            f"Dagster's records cannot be opened ({str(error).splitlines()[0]})",
            where=shared.shown,
            remedy="The user of EXPOSURE_DATABASE_URL has to be allowed to make tables in its schema `public`.",
        ) from error


@contextmanager
def _in_environment(variable: str, value: str) -> Iterator[None]:
    """Have a variable set for the length of the block: what it holds may stand in `.env` alone."""
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


@contextmanager
def running(folder: Path, run_id: str, shared: SharedStore | None = None) -> Iterator[dict[str, str]]:
    """Hold the lock of a run that this process executes, for the length of the block, and keep its records open.

    Yields the tags that the run has to carry.
    """
    if shared is not None:
        with held(shared, run_id):
            yield {HELD_TAG: run_id}
        return
    path = _lock_of_run(folder, run_id)
    with holding(path), _records_kept_open(folder / "history", run_id):
        yield {}
        path.unlink(missing_ok=True)


@contextmanager
def _records_kept_open(history: Path, run_id: str) -> Iterator[None]:
    """Keep the SQLite files open that Dagster writes a run's events to, where it keeps them in such files.

    It opens and closes them for every event. Whoever closes such a file last writes its log back and removes it, which
    is more than half of what a run over few documents waits for a disk: here somebody has them open all the time.
    """
    index = history / "runs" / "index.db"
    with ExitStack() as stack:
        if index.exists():
            for path in (history / "runs.db", index, index.with_name(f"{run_id}.db")):
                connection = stack.enter_context(closing(sqlite3.connect(path, timeout=LOCKED_S)))
                connection.execute("PRAGMA journal_mode = WAL").fetchall()  # as Dagster does where it makes the file
                connection.execute("SELECT 1 FROM sqlite_master").fetchall()
        yield


@contextmanager
def only_daemon(folder: Path) -> Iterator[int]:
    """Hold the lock of the home's one daemon for the length of the block, and for as long as any process lives that
    was handed the descriptor that is yielded. The id of the process group is to be written to it.

    Raises SettingError where another holds it: two daemons would launch everything twice.
    """
    path = folder / "dev.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingError(
            f"the home folder cannot be written ({error.strerror})",
            where=str(path),
            remedy="Set EXPOSURE_HOME to a folder that can be written.",
        ) from error
    try:
        if not lock_at_once(descriptor):
            raise SettingError(
                "`exposure dev` is at work on this home already, or what one that was killed had started lives on",
                where=str(folder.parent),
                remedy=f"Stop it{_by_its_group(path)}, or set EXPOSURE_HOME to another folder.",
            )
        os.truncate(descriptor, 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def only_daemon_of(shared: SharedStore | None) -> Iterator[None]:
    """The same for the one daemon of a database that machines share, where there is such."""
    if shared is None:
        yield
        return
    lock = HeldLock(shared, "daemon")
    if not lock.try_acquire():
        raise SettingError(
            "`exposure dev` is at work on this database already, on another home or another machine",
            where=shared.shown,
            remedy="Use that one, or stop it: two would launch everything twice.",
        )
    try:
        yield
    finally:
        lock.release()


def _by_its_group(path: Path) -> str:
    """How to end all that holds the lock of a daemon, whose file names the process group of it all."""
    group = path.read_text(encoding="utf-8").strip()
    return f" (`kill -- -{group}` ends all of it)" if group else ""


def close_orphans(
    instance: DagsterInstance, shared: SharedStore | None = None, *, has_daemon_restarted: bool = False
) -> list[str]:
    """Report as failed the runs under way whose process is gone; returns their ids.

    On one machine those are runs of a command line that was killed, and, where the daemon has just been started anew,
    those that an earlier one had launched, unless the process that they named lives on. Where machines share a
    database, they are those that held a lock of it; what has not come to that yet, Dagster's monitoring looks after.
    """
    from dagster import DagsterRunStatus, RunsFilter

    under_way = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    runs = instance.get_runs(filters=RunsFilter(statuses=under_way))
    if shared is not None:
        gone = over(shared, runs) if runs else []
        still = {run.run_id for run in instance.get_runs(filters=RunsFilter(statuses=under_way))} if gone else set()
        gone = [run for run in gone if run.run_id in still]  # it had not come to its end before its lock was free
    else:
        gone = [run for run in runs if _is_over(instance, run, has_daemon_restarted=has_daemon_restarted)]
    for run in gone:
        _close(instance, run)
    if shared is None:
        folder = Path(instance.root_directory)
        for path in folder.glob(_lock_of_run(Path(), "*").as_posix()):
            if not is_held(path):
                path.unlink(missing_ok=True)
    return [run.run_id for run in gone]


def _is_over(instance: DagsterInstance, run: DagsterRun, *, has_daemon_restarted: bool) -> bool:
    path = _lock_of_run(Path(instance.root_directory), run.run_id)
    if path.exists():
        return not is_held(path)
    return has_daemon_restarted and not _has_living_process(instance, run)


def _close(instance: DagsterInstance, run: DagsterRun) -> None:
    instance.report_run_failed(
        run, "The process that ran it is gone. What was fetched and answered before is kept; run it again."
    )
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)  # its place in the pool `scoring`


def _has_living_process(instance: DagsterInstance, run: DagsterRun) -> bool:
    from dagster import DagsterEventType

    events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)]
    pids = [event.engine_event_data.metadata.get("pid") for event in events if event is not None]
    return any(pid is not None and _is_alive(int(str(pid.value))) for pid in pids)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _lock_of_run(folder: Path, run_id: str) -> Path:
    return folder / "running" / f"{run_id}.lock"
