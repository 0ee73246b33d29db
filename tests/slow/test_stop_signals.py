"""What Ctrl+C means to a command."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from tests.processes import tied


def test_ctrl_c_ends_a_run_with_one_sentence(tmp_path: Path) -> None:
    variables = {"EXPOSURE_HOME": str(tmp_path), "EXPOSURE_SITES": "sample", "EXPOSURE_SCORER": "baseline"}
    with duckdb.connect(str(tmp_path / "exposure.duckdb")):  # so that the first step has to wait
        run = subprocess.Popen(
            tied(sys.executable, "-c", "from exposure_dagster.cli import main; main()", "run"),
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        wait_for(lambda: has_step_started(tmp_path / "dagster"))
        os.killpg(run.pid, signal.SIGINT)  # as a terminal sends it: to all processes that the command started
        _, said = run.communicate(timeout=120)
    assert run.returncode == 130
    assert said.strip().startswith("Stopped.") and said.strip().count("\n") == 0


def has_step_started(dagster_home: Path) -> bool:
    for path in dagster_home.glob("history/runs/*.db"):
        with contextlib.closing(sqlite3.connect(path)) as events, contextlib.suppress(sqlite3.OperationalError):
            if events.execute("SELECT 1 FROM event_logs WHERE dagster_event_type = 'STEP_START'").fetchone():
                return True
    return False


def wait_for(condition: Callable[[], bool], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.2)
