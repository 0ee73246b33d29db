"""`kill -9` in parsing, in a checkpoint and in publishing. `benchmarks/kills.py` does the same many times over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("name", "kills", "must_be_none"),
    [
        ("parsing", 5, ["torn", "next run differs"]),
        ("checkpoint", 5, ["lost", "torn"]),
        ("publishing", 10, ["half", "next one failed", "half as the reader saw it"]),
        ("publishing_steps", 100, ["half", "next one failed"]),
    ],
)
def test_nothing_is_lost_and_nothing_is_left_half(
    tmp_path: Path, name: str, kills: int, must_be_none: list[str]
) -> None:
    command = [sys.executable, str(HERE / "kill_rounds.py"), name, str(kills), str(tmp_path)]
    counts = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{name}: {counts}")
    assert counts["kills"] >= 5
    assert {bad: counts[bad] for bad in must_be_none} == dict.fromkeys(must_be_none, 0)
