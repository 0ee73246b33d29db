"""Locks between threads and processes: one holder at a time, and none that is dead."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.store.locks import FileLock, holding, is_held

HOLDS = """
import sys
from pathlib import Path
from exposure_dagster.store.locks import holding
with holding(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(path)
        with pytest.raises(ScoringError, match="another process has held it"), holding(path, wait_seconds=0.01):
            pass
        holder.kill()
    assert not is_held(path)


def test_threads_hold_it_one_after_the_other_and_say_that_they_wait(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    waiting, order = threading.Event(), []

    def second() -> None:
        with holding(path, on_wait=waiting.set):
            order.append("second")

    with holding(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(60)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_lock_whose_file_was_removed_is_lost_and_another_can_be_had(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    first, second = FileLock(path), FileLock(path)
    assert first.try_acquire()
    path.unlink()
    assert first.is_lost()
    assert second.try_acquire()
    assert not second.is_lost()
    first.release()
    assert is_held(path)
    second.release()
    assert not is_held(path)
