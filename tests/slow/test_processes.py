"""What the tests start ends with them, whatever ends them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
STARTS_ONE = (
    "import subprocess, time; from tests.processes import tied;"
    "print(subprocess.Popen(tied('sleep', '600')).pid, flush=True); time.sleep(600)"
)


def is_alive(process: str) -> bool:
    try:
        stat = Path("/proc", process, "stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def is_asleep(process: str) -> bool:
    return Path("/proc", process, "cmdline").read_bytes().startswith(b"sleep\0")


def wait_until_gone(process: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while is_alive(process):
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.05)


@pytest.mark.linux
def test_a_process_ends_with_the_one_that_started_it_even_where_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        started = parent.stdout.readline().strip()
        while not is_asleep(started):
            time.sleep(0.05)
        parent.kill()
    wait_until_gone(started)
