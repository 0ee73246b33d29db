"""How often a process is killed (SIGKILL) at a random moment, and what is lost or left half by it.

    python -m benchmarks.kills [KILLS] [NAME …]

NAME is one or more of: parsing, checkpoint, publishing, publishing_steps (see `tests/slow/kill_rounds.py`); run: whole
runs of `exposure run` over the bundled sample with the baseline; asking_anthropic, asking_openai, asking_local: scoring
runs that ask the tests' stand-in for that provider, four requests at once; all by default. Ends with status 1 if
anything was lost, torn, half or asked again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from exposure_dagster.store.warehouse import Warehouse
from tests.integration.scoring.faulty_model import running_model
from tests.integration.scoring.scene import PROVIDERS, Scene, asked_prompt, by_status
from tests.slow.kill_rounds import ROUNDS

ROOT = Path(__file__).parents[1]
GOOD = ("kills", "ended before", "writes", "publications", "steps of a publication", "looks of the reader")
STATES = ("with a log to be replayed", "answers lost in all", "answers lost a life, at most")
CONCURRENCY = 4
MOST_STEPS = 1_000


def run(kills: int, folder: Path, draw: random.Random) -> Counter[str]:
    """Kills within `exposure run`, each of which has work in every stage."""
    warehouse, published = Warehouse(folder / "exposure.duckdb"), folder / "published"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXPOSURE_", "DAGSTER_"))}
    environment |= {"EXPOSURE_HOME": str(folder), "EXPOSURE_SITES": "sample", "EXPOSURE_SCORER": "baseline"}
    command = [str(Path(sys.executable).with_name("exposure")), "run", "--prompt", "exposure", "--yes"]
    counts: Counter[str] = Counter()

    def whole_run() -> float:
        started = time.monotonic()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return time.monotonic() - started

    longest = whole_run()
    expected, files = _ranking(warehouse), _files(published)
    for _ in range(kills):
        with warehouse.transaction() as connection:  # so that every stage has work to do again
            connection.execute("UPDATE parsed.ooh_occupations SET parser_version = 'of then', jobs = jobs + 1")
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(draw.uniform(0, longest))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        counts["kills"] += 1
        counts["with a log to be replayed"] += warehouse.path.with_suffix(".duckdb.wal").exists()
        counts["half published"] += _files(published) != files
        warehouse.rows("SELECT 1")
        try:
            whole_run()
        except subprocess.CalledProcessError:
            counts["next run failed"] += 1
        counts["next run differs"] += _ranking(warehouse) != expected
        counts["half published"] += _files(published) != files
    return counts


def asking(provider: str, kills: int, folder: Path, draw: random.Random) -> Counter[str]:
    """Kills of a scoring run within .6 s of its first request, and one run to the end."""
    counts: Counter[str] = Counter()
    with running_model() as model:
        model.latency_s = 0.2
        scene = Scene(folder, model, 7 * kills, asked_prompt(model=PROVIDERS[provider]), provider)
        life = [folder, model.url, len(scene.refs), CONCURRENCY, provider]
        command = [sys.executable, "-m", "tests.slow.one_life", *map(str, life)]
        in_ledger: set[str] = set()
        for _ in range(kills):
            before = len(model.seen)
            process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
            while len(model.seen) == before and process.poll() is None:
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.6))
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(2 * model.latency_s)
            asked = {seen.documents[0] for seen in model.seen[before:]}
            counts["kills"] += 1
            counts["asked again"] += len(in_ledger & asked)
            in_ledger = {doc for (doc,) in scene.rows("doc_id", "is_accepted")}
            lost = len(asked - in_ledger)
            counts["answers lost in all"] += lost
            counts["answers lost a life, at most"] = max(lost, counts["answers lost a life, at most"])
            counts["lives that lost more than was under way"] += lost > CONCURRENCY
        before = len(model.seen)
        counts["not answered in the end"] = len(scene.refs) - len(by_status(scene.score())["ok"])
        counts["asked again"] += len(in_ledger & {seen.documents[0] for seen in model.seen[before:]})
    return counts


def _files(published: Path) -> set[str]:
    """The files of the publication in use that hold anything."""
    folder = published / (published / "current").readlink()
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.stat().st_size}


def _ranking(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.rows("SELECT prompt, doc_id, rank, score, jobs, wages FROM ranked.rankings ORDER BY 1, 2")


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    names = {"ANTHROPIC": "anthropic", "OPENAI": "openai", "EXPOSURE": "local"}
    rounds = {f"asking_{names[provider]}": partial(asking, provider) for provider in PROVIDERS}
    every = {**ROUNDS, "run": run, **rounds}
    bad = False
    for name in sys.argv[2:] or every:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            most = MOST_STEPS if name == "publishing_steps" else kills
            counts = every[name](most, Path(folder), random.Random(name))
            told = ", ".join(f"{what} {count:,}" for what, count in counts.items())
            print(f"{name}: {told} ({time.monotonic() - started:.0f} s)", flush=True)
            bad |= any(count for what, count in counts.items() if what not in (*GOOD, *STATES))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
