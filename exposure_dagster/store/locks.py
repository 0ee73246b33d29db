"""Locks between processes that die with the process that holds them.

Processes of one home meet at a file of which one descriptor is locked; the file itself stays, and must lie on a local
disk. Machines that share a database meet there (see `advisory_locks`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tenacity import Retrying, retry_if_result, stop_after_delay, stop_never, wait_random_exponential

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.private import make_private
from exposure_dagster.core.shared import SharedStore


class Lock(Protocol):
    """One lock. Not for use by several threads at once. `loss` says how it is lost, and what to do then."""

    loss: tuple[str, str]

    @property
    def shown(self) -> str:
        """Where it is, for people."""

    def try_acquire(self) -> bool:
        """Take the lock unless somebody holds it. Raises ScoringError where that cannot be known."""

    def release(self) -> None:
        """Let go of it, whether or not it was had."""

    def is_lost(self) -> bool:
        """Whether it keeps nobody out, or no longer does."""


class FileLock:
    """A lock between the processes of one machine."""

    loss = ("the run's lock was taken away", "Leave the files in that folder alone, and run again.")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def shown(self) -> str:
        return str(self.path)

    def try_acquire(self) -> bool:
        """Take the lock unless somebody holds it. Raises ScoringError where its file cannot be made."""
        try:
            make_private(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ScoringError(
                f"the lock file cannot be made ({error.strerror})",
                where=str(self.path),
                remedy="Make room, or set EXPOSURE_HOME to a folder on a local disk that can be written.",
            ) from error
        try:
            if not lock_at_once(descriptor):
                os.close(descriptor)
                return False
        except OSError as error:
            os.close(descriptor)
            raise ScoringError(
                f"the file cannot be locked ({error.strerror})",
                where=str(self.path),
                remedy="Set EXPOSURE_HOME to a folder on a local disk.",
            ) from error
        self._descriptor = descriptor
        if self.is_lost():
            self.release()
            return False
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_lost(self) -> bool:
        """Whether the lock no longer keeps others out: its file was removed or replaced."""
        if self._descriptor is None:
            return True
        try:
            there = self.path.stat()
        except OSError:
            return True
        held = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino)


def named_lock(name: str, home: Path, shared: SharedStore | None) -> Lock:
    """The lock of that name: of all machines that share a database, of a home where there is none."""
    if shared is None:
        return FileLock(home / "locks" / name)
    from exposure_dagster.store.advisory_locks import AdvisoryLock

    return AdvisoryLock(shared, name)


def lock_at_once(descriptor: int) -> bool:
    """Lock an open file unless another descriptor of it is locked; says whether it is.

    It is free when the last process that has the descriptor has closed it, or is gone. Of `filelock` this is what
    belongs to the system alone: its own locks would be another file in the place of one that was removed.
    """
    from filelock import lock_descriptor

    return lock_descriptor(descriptor, blocking=False)


def is_held(path: Path) -> bool:
    """Whether a process, this one or another, holds the lock."""
    if not path.exists():
        return False
    lock = FileLock(path)
    if lock.try_acquire():
        lock.release()
        return False
    return True


@contextmanager
def holding(
    where: Path | Lock, *, wait_seconds: float | None = None, on_wait: Callable[[], None] | None = None
) -> Iterator[Lock]:
    """Hold a lock for the length of the block, after waiting for it, for ever where `wait_seconds` is None.

    `on_wait` is called once if there is anything to wait for. Raises ScoringError after `wait_seconds`.
    """
    lock = FileLock(where) if isinstance(where, Path) else where
    try:
        if not lock.try_acquire():
            if on_wait is not None:
                on_wait()
            _wait_for(lock, wait_seconds)
        yield lock
    finally:
        lock.release()


def _wait_for(lock: Lock, wait_seconds: float | None) -> None:
    waiting = Retrying(
        retry=retry_if_result(lambda is_ours: not is_ours),
        wait=wait_random_exponential(multiplier=0.005, max=0.2),
        stop=stop_never if wait_seconds is None else stop_after_delay(wait_seconds),
        retry_error_callback=lambda state: False,
    )
    if not waiting(lock.try_acquire):
        raise ScoringError(
            f"another process has held it for {wait_seconds:.0f} seconds",
            where=lock.shown,
            remedy="See which run is under way with `exposure status`, and wait for it or end it.",
        )
