"""What a corpus of many documents takes: CPU and memory by step, and the size of what is published.

    python -m benchmarks.growth [--documents 20000] [--prompt exposure] [--home FOLDER] [--scorer baseline]

Writes a CSV file of made-up documents (words as frequent as in a language, texts of 20 to some 400 words, titles that
repeat, jobs and pay), and runs `exposure run` over it in a process of its own: once from nothing, once more without a
change (the note of the last run is believed), and once more where the note is gone, as it is after a day or on another
machine. CPU is user and system time of the process, whatever else the machine does; memory is the most that it held.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.startup import EXPOSURE, environment_of
from exposure_dagster.automation.instance import open_instance
from exposure_dagster.settings import BUNDLED_PROMPTS, load_settings
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SAMPLED_EVERY_S = 0.1
MB = 1_000_000
CORPUS = "many"
WORDS = 20_000
CATEGORIES = 40
EDUCATIONS = ("No formal educational credential", "High school diploma or equivalent", "Bachelor's degree")
PAGE_SUFFIXES = (".html", ".js", ".css", ".json", ".svg")
"""Of files that a browser fetches from the published site."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--prompt", default="exposure", help="Bundled prompt that is asked.")
    parser.add_argument("--home", type=Path, help="Folder that is kept, with what was made in it; default: a new one.")
    parser.add_argument("--looks", action="store_true", help="Measure what sensors take to look at it, too.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.home or Path(folder)
        environment = made_home(root, arguments.documents, arguments.prompt)
        print(f"{arguments.documents:,} documents, {(root / 'documents.csv').stat().st_size / MB:,.0f} MB", flush=True)
        report("a first run", watched([*EXPOSURE, "run"], environment), root / "home")
        report_files(root / "home" / "published" / "current")
        report("unchanged", watched([*EXPOSURE, "run"], environment))
        (root / "home" / "dagster" / "nothing_to_do").unlink(missing_ok=True)
        report("unchanged, all looked at", watched([*EXPOSURE, "run"], environment), root / "home")
        if arguments.looks:
            report_looks(environment)


def made_home(root: Path, documents: int, prompt: str) -> dict[str, str]:
    """The file and the prompt, and the environment that names them."""
    (root / "prompts").mkdir(parents=True, exist_ok=True)
    text = (BUNDLED_PROMPTS / f"{prompt}.md").read_text(encoding="utf-8").replace("enabled: false\n", "")
    about = "\n".join(f"corpus: {CORPUS}" if line.startswith("corpus: ") else line for line in text.split("\n"))
    (root / "prompts" / f"{prompt}.md").write_text(about, encoding="utf-8")
    file = root / "documents.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        written = csv.writer(out)
        written.writerow(["doc_id", "title", "text", "category", "jobs", "median_pay_annual", "education"])
        written.writerows(made_documents(documents, text))
    return {**environment_of(root, str(root / "no-site")), "EXPOSURE_DOCUMENTS": f"{CORPUS}={file}"}


def made_documents(count: int, prompt: str) -> Iterator[list[object]]:
    """Rows whose words follow Zipf's law; those of the prompt stand among them, so that its lists find something."""
    chance = random.Random(count)
    spoken = list(dict.fromkeys(word for word in prompt.replace("*", "").split() if word.isalpha()))
    words = [*spoken, *("".join(chance.choices("abcdefghijklmnoprstuvw", k=3 + at % 9)) for at in range(WORDS))]
    chance.shuffle(words)
    summed, total = [], 0.0
    for place in range(len(words)):
        total += 1 / (place + 10)
        summed.append(total)
    for number in range(count):
        length = min(400, max(20, round(chance.lognormvariate(4.1, 0.6))))
        text = chance.choices(words, cum_weights=summed, k=length)
        sentences = [" ".join(text[at : at + 12]).capitalize() + "." for at in range(0, length, 12)]
        pay = "" if number % 7 == 0 else round(chance.lognormvariate(10.9, 0.4))
        yield [
            f"d{number}",
            f"{text[0]} {text[1]} {number % (count // 2 + 1)}".capitalize(),
            " ".join(sentences),
            f"Group {number % CATEGORIES}",
            "" if number % 11 == 0 else int(chance.lognormvariate(3, 1.5)),
            pay,
            EDUCATIONS[number % len(EDUCATIONS)],
        ]


@dataclass
class Watched:
    """A process that ended: what it took in all, and at each moment that it was looked at."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    moments: list[tuple[float, float, float]] = field(default_factory=list)
    """Time, CPU seconds until then, MB of memory then."""


def watched(command: list[str], environment: Mapping[str, str]) -> Watched:
    """Run a command and look at it ten times a second."""
    started = time.time()
    moments: list[tuple[float, float, float]] = []
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=dict(environment), stdout=said, stderr=subprocess.STDOUT)
        while True:
            done, status, used = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            moments += _moment(process.pid)
            time.sleep(SAMPLED_EVERY_S)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read().decode()[-3000:]}")
    return Watched(used.ru_utime + used.ru_stime, time.time() - started, used.ru_maxrss * 1024 / MB, moments)


def _moment(pid: int) -> list[tuple[float, float, float]]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return []
    cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return [(time.time(), cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / MB)]


def report(name: str, seen: Watched, home: Path | None = None) -> None:
    """Print what a run took, and each step of it that took anything."""
    print(f"{name}: {seen.cpu_s:.1f} s of CPU, {seen.peak_mb:,.0f} MB at most ({seen.wall_s:.0f} s)", flush=True)
    for step, cpu_s, most_mb in _by_step(seen, home) if home else ():
        if cpu_s >= 0.02 * seen.cpu_s:
            print(f"    {step:<44} {cpu_s:>8.1f} s {most_mb:>8,.0f} MB", flush=True)


def _by_step(seen: Watched, home: Path) -> Iterator[tuple[str, float, float]]:
    steps = [step for step in _steps(home) if step[2] >= seen.moments[0][0]]
    taken: defaultdict[str, float] = defaultdict(float)
    most: defaultdict[str, float] = defaultdict(float)
    before = 0.0
    for at, cpu_s, memory_mb in seen.moments:
        inside = [name for name, start, end in steps if start <= at <= end]
        name = inside[-1] if inside else "(between steps)"
        taken[name] += cpu_s - before
        most[name] = max(most[name], memory_mb)
        before = cpu_s
    yield from ((name, taken[name], most[name]) for name in taken)


def _steps(home: Path) -> list[tuple[str, float, float]]:
    """Name, start and end of each step that Dagster noted, in their order."""
    found: list[tuple[str, float, float]] = []
    for file in (home / "dagster" / "history" / "runs").glob("*.db"):
        if file.name == "index.db":
            continue
        open_steps: dict[str, float] = {}
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as events:
            for kind, step, stamp, event in events.execute(
                "SELECT dagster_event_type, step_key, timestamp, event FROM event_logs WHERE step_key IS NOT NULL"
                " ORDER BY id"
            ):
                at = json.loads(event)["timestamp"] if stamp is None or isinstance(stamp, str) else stamp
                if kind == "STEP_START":
                    open_steps[step] = at
                elif kind in ("STEP_SUCCESS", "STEP_FAILURE") and step in open_steps:
                    found.append((step, open_steps.pop(step), at))
    return sorted(found, key=lambda step: step[1])


def report_files(published: Path) -> None:
    """Print the sizes of what is published, the largest first, and the largest that a page fetches."""
    sizes = sorted(
        ((file.stat().st_size, str(file.relative_to(published))) for file in published.rglob("*") if file.is_file()),
        reverse=True,
    )
    print(f"published: {sum(size for size, _ in sizes) / MB:,.1f} MB in {len(sizes):,} files", flush=True)
    for size, name in sizes[:12]:
        print(f"    {size / MB:>10,.2f} MB {name}")
    pages = [(size, name) for size, name in sizes if name.startswith("site/") and name.endswith(PAGE_SUFFIXES)]
    if pages:
        print(f"largest file of the page: {pages[0][0] / MB:,.2f} MB {pages[0][1]}", flush=True)


def report_looks(environment: Mapping[str, str]) -> None:
    """Print what a look of each sensor takes, the first and the third of a process."""
    os.environ.update(environment)
    settings = load_settings()
    with open_instance(settings.dagster_home) as instance:
        automation = Automation(settings, instance)
        for round_ in ("first", "second", "third"):
            for name in (*FREE_SENSORS, RESCORING):
                before = time.process_time()
                requests, skips = automation.evaluate(name)
                took = time.process_time() - before
                if round_ != "second":
                    print(f"{round_} look of {name}: {took:.2f} s of CPU ({len(requests)} runs; {'; '.join(skips)})")


if __name__ == "__main__":
    main()
