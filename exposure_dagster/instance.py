"""Dagster's own home: one folder below EXPOSURE_HOME that the command line and the UI share.

Dagster takes a run as under way until its process says otherwise, which one that was killed never does. So each
process that runs something holds a lock, which dies with it: a run without its lock is over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from exposure_dagster.errors import SettingError
from exposure_dagster.private import make_private
from exposure_dagster.scoring.locks import FileLock, holding, is_held

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
"""


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
    """The Dagster instance of a home that `prepare_dagster_home` made.

    Raises SettingError where its files cannot be opened.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with holding(folder / "opening.lock"):  # two first runs at once would both make its tables
            return DagsterInstance.from_config(str(folder))
    except (OSError, SQLAlchemyError) as error:
        raise SettingError(
            f"Dagster's own state cannot be opened for writing ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Make the folder writable for you, or set EXPOSURE_HOME to another one.",
        ) from error


@contextmanager
def running(folder: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run that this process executes, for the length of the block."""
    path = _lock_of_run(folder, run_id)
    with holding(path):
        yield
        path.unlink(missing_ok=True)


@contextmanager
def only_daemon(folder: Path) -> Iterator[bool]:
    """For the length of the block: whether no other `exposure dev` is at work on the home."""
    lock = FileLock(folder / "dev.lock")
    is_ours = lock.try_acquire()
    try:
        yield is_ours
    finally:
        lock.release()


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
