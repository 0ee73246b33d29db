"""Whether the process of a run lives, seen from any machine: it holds an advisory lock of its session in PostgreSQL.

Process ids and lock files say nothing across machines: another one's run looks dead, and in containers, where every
process is number 1, a dead one looks alive. A lock of a session is free when its connection ends, however that ends.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from time import sleep
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.errors import ScoringError, SettingError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.store.advisory_locks import AdvisoryLock, key_of
from exposure_dagster.store.database import connected

if TYPE_CHECKING:
    from dagster import DagsterRun, ExecutorDefinition

HELD_TAG = "exposure/held"
"""Carried by a run whose process holds the lock of its id, which is the tag's value: a run that is begun again takes
over the tags of the one before it."""

LOOKED_EVERY_S = 1.0
"""How often a holder looks whether its connection stands: after a restart of the server it takes its lock anew."""

CONNECTED_WITHIN_S = 2
"""How long a holder waits for one connection before it tries another: a packet may have been lost."""

TAKEN_ANEW_WITHIN_S = 5.0
"""How long a lock has to be free before nobody holds it any more: longer than a look and a connection together."""


class HeldLock:
    """An advisory lock that a thread keeps until it is released, or for as long as this process lives."""

    def __init__(self, shared: SharedStore, name: str) -> None:
        self._lock = AdvisoryLock(shared, _full(name), connect_within_seconds=CONNECTED_WITHIN_S)
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lock of {name}", daemon=True)

    def try_acquire(self) -> bool:
        """Take the lock unless a session holds it. Raises ScoringError where the database cannot be asked."""
        if not self._lock.try_acquire():
            self._lock.release()
            return False
        self._thread.start()
        return True

    def release(self) -> None:
        """Let go of the lock that was taken."""
        self._released.set()
        self._thread.join()
        self._lock.release()

    def _keep(self) -> None:
        while not self._released.wait(LOOKED_EVERY_S):
            if self._lock.is_lost():
                with suppress(ScoringError):  # the server is away: it is asked again
                    self._lock.release()
                    self._lock.try_acquire()


@contextmanager
def held(shared: SharedStore, name: str) -> Iterator[None]:
    """Hold the lock of that name for the length of the block. Raises SettingError where another session holds it, and
    ScoringError where the database cannot be asked."""
    lock = HeldLock(shared, name)
    if not lock.try_acquire():
        raise _held_elsewhere(shared, name)
    try:
        yield
    finally:
        lock.release()


def _held_elsewhere(shared: SharedStore, name: str) -> SettingError:
    return SettingError(
        f"another session holds the lock of {name}", where=shared.shown, remedy="End the process that holds it."
    )


def held_names(shared: SharedStore, names: Collection[str]) -> set[str]:
    """Those of the names whose lock a session holds. Looks without taking any."""
    with connected(shared) as connection:
        rows = connection.execute(
            "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
            " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    keys = {key for (key,) in rows}
    return {name for name in names if key_of(_full(name)) in keys}


def _full(name: str) -> str:
    """Among all locks of the database, those of Dagster's runs and daemon."""
    return f"dagster {name}"


def over(shared: SharedStore, runs: Collection[DagsterRun]) -> list[DagsterRun]:
    """Those of the runs whose process held a lock and holds it no more; nothing is known of the others.

    A lock that is free is looked at twice: after a restart of the server it is for a moment.
    """
    judged = [run for run in runs if run.tags.get(HELD_TAG) == run.run_id]
    for pause_s in (0.0, TAKEN_ANEW_WITHIN_S):
        if judged:
            sleep(pause_s)
            alive = held_names(shared, [run.run_id for run in judged])
            judged = [run for run in judged if run.run_id not in alive]
    return judged


def held_in_process(shared: SharedStore) -> ExecutorDefinition:
    """Dagster's in-process executor, in a process that holds the lock of the run from its first step to its own end."""
    from dagster import Executor, ExecutorDefinition, InitExecutorContext, in_process_executor

    class HeldInProcess(Executor):
        def __init__(self, inner: Executor) -> None:
            self._inner = inner

        @property
        def retries(self) -> Any:
            return self._inner.retries

        @property
        def step_dependency_config(self) -> Any:
            return self._inner.step_dependency_config

        def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
            run_id = plan_context.run_id
            if not HeldLock(shared, run_id).try_acquire():
                raise _held_elsewhere(shared, run_id)
            plan_context.instance.add_run_tags(run_id, {HELD_TAG: run_id})
            return self._inner.execute(plan_context, execution_plan)

    def create(context: InitExecutorContext) -> Executor:
        inner = in_process_executor.executor_creation_fn
        assert inner is not None
        return HeldInProcess(inner(context))

    schema: Any = in_process_executor.config_schema
    return ExecutorDefinition(in_process_executor.name, schema, executor_creation_fn=create)
