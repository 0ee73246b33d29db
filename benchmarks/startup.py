"""What the command line takes before it does anything: CPU seconds of its commands, and openings of the warehouse.

    python -m benchmarks.startup                    the bundled sample
    python -m benchmarks.startup --sites FOLDER     a folder that holds one folder a host (www.bls.gov/ooh/…)

Each figure is the median of several runs of the real command as a process of its own: user and system time of it and of
all that it started, so that other work on the machine hardly counts. The home is a temporary one, filled first by the
baseline with eight prompts that are copies of bundled ones.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from exposure_dagster.settings import BUNDLED_PROMPTS

EXPOSURE = [str(Path(sys.executable).with_name("exposure"))]

COUNTING = """
import atexit, sys
import duckdb
from exposure_dagster.cli import main

opened, connect = [], duckdb.connect

def counted(database=":memory:", read_only=False, **options):
    if database != ":memory:":
        opened.append(read_only)
    return connect(database, read_only=read_only, **options)

duckdb.connect = counted
atexit.register(lambda: print(f"openings: {len(opened)}, {sum(opened)} of them to read", file=sys.stderr))
main(sys.argv[1:])
"""
"""A program that is the command line, and says at its end how often it opened a DuckDB file."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", default="sample", help="Folder that holds one folder a host; default: the sample.")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_prompts(root / "prompts", arguments.prompts)
        environment = environment_of(root, arguments.sites)
        subprocess.run([*EXPOSURE, "run"], env=environment, check=True, capture_output=True)
        print(f"median CPU seconds of {arguments.rounds} runs, {arguments.prompts} prompts, sites {arguments.sites}")
        for command in ("--help", "settings", "status", "run"):
            seconds = [cpu_seconds([*EXPOSURE, command], environment) for _ in range(arguments.rounds)]
            print(f"  exposure {command}: {statistics.median(seconds):.2f} (at least {min(seconds):.2f})", flush=True)
        first = {**environment, "EXPOSURE_HOME": str(root / "second")}
        for what in ("first", "second, in which nothing is stale"):
            print(f"  openings of the warehouse in a run of one prompt, {what}: {openings(first)}", flush=True)


def write_prompts(folder: Path, count: int) -> None:
    """Bundled prompts about the handbook, each enabled and under names of their own, until there are so many."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(BUNDLED_PROMPTS.glob("*.md"))]
    about_handbook = [text for text in texts if re.search(r"^corpus: ooh$", text, re.MULTILINE)]
    folder.mkdir()
    for number in range(count):
        text = about_handbook[number % len(about_handbook)]
        enabled = re.sub(r"^enabled: false.*\n", "", text, flags=re.MULTILINE)
        (folder / f"p{number}.md").write_text(enabled, encoding="utf-8")


def environment_of(root: Path, sites: str) -> dict[str, str]:
    """An environment of the benchmark's own: what the user has set for a home has no say."""
    theirs = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXPOSURE_", "ANTHROPIC_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **theirs,
        "EXPOSURE_HOME": str(root / "home"),
        "EXPOSURE_PROMPTS": str(root / "prompts"),
        "EXPOSURE_SITES": str(Path(sites).resolve()) if sites != "sample" else sites,
        "EXPOSURE_SCORER": "baseline",
    }


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """User and system time of a command and of its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def openings(environment: Mapping[str, str]) -> str:
    """How often a run of one prompt opens the DuckDB file."""
    command = [sys.executable, "-c", COUNTING, "run", "--prompt", "p0"]
    result = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return result.stderr.splitlines()[-1].removeprefix("openings: ")


if __name__ == "__main__":
    main()
