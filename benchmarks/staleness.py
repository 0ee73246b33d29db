"""How long `exposure status` and a look at the prompt folder take: 120 prompts over 342 documents.

Run: python -m benchmarks.staleness [--prompts 120] [--documents 342]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from exposure_dagster.settings import ScorerName
from exposure_dagster.stages.scored import ScorerChoice
from exposure_dagster.stages.standing import standings
from exposure_dagster.warehouse import Warehouse
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt

CHOICE = ScorerChoice(ScorerName.CLAUDE, True)
ROUNDS = 5


def main() -> None:
    """Print the seconds that each way of looking takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=120)
    parser.add_argument("--documents", type=int, default=342)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments.prompts, arguments.documents)


def measure(root: Path, prompts: int, documents: int) -> None:
    """All fresh first, then all stale."""
    (root / "prompts").mkdir()
    for number in range(prompts):
        write_prompt(root / "prompts", f"p{number:03}")
    warehouse = Warehouse(root / "home" / "exposure.duckdb")
    seed_documents(warehouse, documents)
    seed_scores(warehouse, prompt_folder(root / "prompts"), CHOICE)
    print(f"{prompts} prompts over {documents} documents; best of {ROUNDS}")
    report(root, warehouse, "all fresh")
    for number in range(prompts):
        write_prompt(root / "prompts", f"p{number:03}", "Think of tomorrow.")
    report(root, warehouse, "all stale")


def report(root: Path, warehouse: Warehouse, what: str) -> None:
    environment = {
        **os.environ,
        "EXPOSURE_HOME": str(warehouse.path.parent),
        "EXPOSURE_PROMPTS": str(root / "prompts"),
        "EXPOSURE_SCORER": "claude",
    }
    command = [str(Path(sys.executable).with_name("exposure")), "status"]
    timings = {
        "reading the prompt files": lambda: prompt_folder(root / "prompts"),
        "files, warehouse and comparing": lambda: standings(warehouse, prompt_folder(root / "prompts"), CHOICE),
        "exposure status, from the shell": lambda: subprocess.run(
            command, env=environment, stdout=subprocess.DEVNULL, check=True
        ),
    }
    for name, action in timings.items():
        print(f"  {what}: {name}: {best(action):.2f} s")


def best(action: object) -> float:
    """Seconds of the fastest of a few calls."""
    assert callable(action)
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


if __name__ == "__main__":
    main()
