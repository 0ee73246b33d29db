"""What 10,000 damaged pages do to the cells that are read from them.

    python benchmarks/mutated_pages.py [COUNT] [SITES_FOLDER]

Damages handbook pages, the A–Z index (of the bundled sample; of SITES_FOLDER too, where it is given: it holds one
folder a host) and a summary page of O*NET in the ways of `tests/unit/parsing/mutations.py`, by seeds, and compares what
is read with what is read from the whole page. A page is bad if its reader crashes, or if a cell differs without a
finding and without its own words having been changed. Ends with status 1 if one is.

The columns: pages damaged; those of which a cell differs; those with a finding; those with a finding though no cell
differs; those without one whose own words were changed; those without one whose text has all its words, and beside
them others of the page; wrong ones; crashes; the longest time that a page took.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "parsing"))

from mutations import DAMAGERS, Reading, Subject, judge, subjects_in, summary_page
from summary_page import URL, WHOLE, a_page

from exposure_dagster.settings import SAMPLE_SITES

A_TASK = 100
SHARES = {"handbook page": 0.7, "A–Z index": 0.1, "O*NET summary page": 0.2}
COLUMNS = ("damaged", "differ", "finding", "in vain", "own words", "longer", "wrong", "crashed")
SHOWN = 20


@cache
def subjects(sites: str | None) -> dict[str, list[tuple[Subject, Reading]]]:
    """By kind, each with what is read of the whole page."""
    of_kind: dict[str, list[tuple[Subject, Reading]]] = defaultdict(list)
    folders = [SAMPLE_SITES, *([Path(sites)] if sites else [])]
    of_onet = summary_page("summary page", a_page(*WHOLE).decode(), URL)
    for subject in [*(subject for folder in folders for subject in subjects_in(folder)), of_onet]:
        of_kind[subject.kind].append((subject, subject.read(subject.source.encode())))
    return of_kind


Counts = dict[tuple[str, str], Counter[str]]


def damaged(first: int, sites: str | None) -> tuple[Counts, dict[str, float], list[str]]:
    """The counts of `A_TASK` damaged pages, the longest seconds by damage, and what went wrong."""
    counts: Counts = defaultdict(Counter)
    longest: dict[str, float] = defaultdict(float)
    bad: list[str] = []
    for seed in range(first, first + A_TASK):
        draw = random.Random(seed)
        damager = DAMAGERS[seed % len(DAMAGERS)]
        kind = draw.choices(list(SHARES), list(SHARES.values()))[0]
        subject, whole = draw.choice(subjects(sites)[kind])
        damage = damager(draw, subject.source)
        started = time.perf_counter()
        verdict = judge(subject, whole, damage)
        longest[damager.__name__] = max(longest[damager.__name__], time.perf_counter() - started)
        counts[kind, damager.__name__] += Counter(
            {
                "damaged": 1,
                "differ": bool(verdict.differing),
                "finding": verdict.has_finding,
                "in vain": verdict.has_finding and not verdict.differing,
                "own words": bool(verdict.excused),
                "longer": bool(verdict.longer),
                "wrong": bool(verdict.wrong),
                "crashed": verdict.crash is not None,
            }
        )
        if verdict.wrong or verdict.crash:
            bad.append(f"seed {seed}, {subject.name}, {damage.how}: {verdict.crash or verdict.wrong}")
    return dict(counts), dict(longest), bad


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    sites = sys.argv[2] if len(sys.argv) > 2 else None
    of_damage: dict[str, Counter[str]] = defaultdict(Counter)
    of_kind: dict[str, Counter[str]] = defaultdict(Counter)
    longest: dict[str, float] = defaultdict(float)
    bad: list[str] = []
    started = time.perf_counter()
    with ProcessPoolExecutor(max_workers=2) as pool:  # a reader that takes its process along is noticed so
        tasks = [pool.submit(damaged, first, sites) for first in range(0, count, A_TASK)]
        for task in tasks:
            try:
                counts, seconds, wrong = task.result()
            except BrokenProcessPool:
                sys.exit("a reader took its process along: run again with a smaller COUNT to find the page")
            for (kind, damage), found in counts.items():
                of_damage[damage] += found
                of_kind[kind] += found
            for damage, time_taken in seconds.items():
                longest[damage] = max(longest[damage], time_taken)
            bad += wrong
    print(f"{'':20}" + "".join(f"{column:>10}" for column in COLUMNS) + f"{'longest':>10}")
    rows = [*of_damage.items(), *of_kind.items(), ("all", sum(of_kind.values(), Counter()))]
    for name, found in rows:
        slowest = f"{longest[name]:8.2f} s" if name in longest else ""
        print(f"{name:20}" + "".join(f"{found[column]:>10,}" for column in COLUMNS) + slowest)
    print(f"{time.perf_counter() - started:.0f} s")
    for line in bad[:SHOWN]:
        print(line[:500])
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
