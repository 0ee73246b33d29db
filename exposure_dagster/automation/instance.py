"""Dagster's own home: one folder below EXPOSURE_HOME that the command line and the UI share.

Dagster takes a run as under way until its process says otherwise, which one that was killed never does. So each
process that runs something holds a lock, which dies with it: a run without its lock is over.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.private import make_private
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

_NO_COPIES = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
"""As Dagster's documentation of its dagster.yaml names it: a value of the configuration, imported by Dagster itself."""


LOCKED_S = 60.0
"""How long Dagster waits for one of its files that another process writes."""


def prepare_dagster_home(folder: Path) -> Path:
    """The folder, made and with a `dagster.yaml` where it had none. Raises SettingError where it cannot be written."""
    config = folder / "dagster.yaml"
    try:
        make_private(folder)
        if not config.exists():
            config.write_text(DAGSTER_YAML, encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"the home folder cannot be written ({error.strerror})",
            where=str(error.filename or folder),
            remedy="Set EXPOSURE_HOME to a folder that can be written.",
        ) from error
    return folder


def open_instance(folder: Path) -> DagsterInstance:
    """The Dagster instance of a home that `prepare_dagster_home` made, for this process.

    What steps print goes to the terminal alone: Dagster would start two helpers a stream to copy it into files, which
    outlive a kill and answer Ctrl+C with a traceback. (`local_temp` is Dagster's public way to an instance in a given
    folder with settings beside its dagster.yaml; nothing of it is temporary.) Raises SettingError where its files
    cannot be opened.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with holding(folder / "opening.lock"):  # two first runs at once would both make its tables
            return DagsterInstance.local_temp(str(folder), overrides={"compute_logs": _NO_COPIES})
    except (OSError, SQLAlchemyError) as error:
        raise SettingError(
            f"Dagster's own state cannot be opened for writing ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Make the folder writable for you, or set EXPOSURE_HOME to another one.",
        ) from error


@contextmanager
def running(folder: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run that this process executes, for the length of the block, and keep its records open."""
    path = _lock_of_run(folder, run_id)
    with holding(path), _records_kept_open(folder / "history", run_id):
        yield
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


def _by_its_group(path: Path) -> str:
    """How to end all that holds the lock of a daemon, whose file names the process group of it all."""
    group = path.read_text(encoding="utf-8").strip()
    return f" (`kill -- -{group}` ends all of it)" if group else ""


def close_orphans(instance: DagsterInstance, *, has_daemon_restarted: bool = False) -> list[str]:
    """Report as failed the runs under way whose process is gone; returns their ids.

    Those are runs of a command line that was killed, and, where the daemon has just been started anew, those that an
    earlier one had launched, unless the process that they named lives on.
    """
    from dagster import DagsterRunStatus, RunsFilter

    folder = Path(instance.root_directory)
    under_way = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    closed = []
    for run in instance.get_runs(filters=RunsFilter(statuses=under_way)):
        path = _lock_of_run(folder, run.run_id)
        if path.exists():
            is_over = not is_held(path)
        else:
            is_over = has_daemon_restarted and not _has_living_process(instance, run)
        if is_over:
            _close(instance, run)
            closed.append(run.run_id)
    for path in folder.glob(_lock_of_run(Path(), "*").as_posix()):
        if not is_held(path):
            path.unlink(missing_ok=True)
    return closed


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
