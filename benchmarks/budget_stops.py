"""How runs end where a budget ends in the middle: how often they hang, and what they spend.

    python benchmarks/budget_stops.py [--seeds 20]

One, two and four prompts at once, 60 documents of unequal size each, 16 requests at once, against a model on loopback
whose answers cost and take different amounts; the limit is that of a run or of a day.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration.scoring.budget_stops import ENDS_WITHIN_SECONDS, run_to_the_end_of_a_budget


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    table = Table(
        "limit of",
        "prompts",
        "tries",
        "runs",
        "hung",
        "stopped",
        "finished",
        "over the limit",
        "longest end, s",
        box=None,
    )
    is_kept = True
    for which in ("run", "day"):
        for prompts in (1, 2, 4):
            tries = []
            for seed in range(seeds):
                with tempfile.TemporaryDirectory() as folder:
                    tries.append(run_to_the_end_of_a_budget(Path(folder), seed, prompts, which))
            over = sum(one.spent > one.limit for one in tries)
            longest = max(one.seconds_after_last_answer for one in tries)
            hung = sum(one.hung for one in tries)
            is_kept = is_kept and not hung and not over and longest <= ENDS_WITHIN_SECONDS
            counts = (
                seeds,
                seeds * prompts,
                hung,
                sum(one.stopped for one in tries),
                sum(one.finished for one in tries),
            )
            table.add_row(f"a {which}", str(prompts), *map(str, counts), str(over), f"{longest:.1f}")
    Console().print(table)
    sys.exit(not is_kept)


if __name__ == "__main__":
    main()
