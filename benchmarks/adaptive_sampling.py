"""What adaptive sampling saves, simulated: as sure with fewer answers, or surer with as many.

    python benchmarks/adaptive_sampling.py [SITES_FOLDER]

SITES_FOLDER holds one folder a host; left out, EXPOSURE_SITES names it. No model is asked. The baseline's estimates of
the pages stand in for where each truly is, and normal noise for a model: each page has a variance of its own (gamma
with shape 2), of which the given standard deviation is the root of the mean. The right tier is that of the true place.
Seeds are fixed; figures are means of 20 repetitions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.baseline import HOST, bundled, read_handbook, score_handbook
from exposure_dagster.reliability.arrays import Floats, Ints, floats
from exposure_dagster.reliability.sampling import wanted_answers
from exposure_dagster.reliability.sampling_rule import SamplingRule, SamplingTarget, tier_edges
from exposure_dagster.reliability.uncertainty import weighted_mean_error

REPETITIONS = 20
SPREADS = (0.5, 0.6, 0.7)
MOST = (6, 8, 10)


def true_places(sites: Path) -> tuple[Floats, Floats]:
    """The baseline's estimate of each page, and the jobs that the page states (0 where it states none)."""
    handbook = read_handbook(sites)
    scores = score_handbook(handbook)
    jobs = [handbook.jobs[score.doc_id] or 0 for score in scores]
    return np.array([score.attributes["score"] for score in scores]), np.array(jobs)


class Model:
    """Answers about the pages, drawn about the truth."""

    def __init__(self, truth: Floats, spread: float, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._truth = truth
        self._sds = np.sqrt(spread**2 * self._random.gamma(2, 0.5, len(truth)))

    def answer(self, page: int, times: int) -> list[float]:
        return list(self._truth[page] + self._random.normal(scale=self._sds[page], size=times))

    def means(self, counts: Ints) -> Floats:
        return np.array([np.mean(self.answer(page, times)) for page, times in enumerate(counts)])

    def adaptively(self, rule: SamplingRule, edges: Floats) -> tuple[Floats, int]:
        """Means of the answers that the rule asks for, and how many these are."""
        answers: list[list[float]] = [[] for _ in self._truth]
        while True:
            wanted = wanted_answers(rule, answers, edges=edges)
            if all(len(given) >= wish for given, wish in zip(answers, wanted, strict=True)):
                return np.array([np.mean(given) for given in answers]), sum(map(len, answers))
            for page, wish in enumerate(wanted):
                answers[page] += self.answer(page, int(wish) - len(answers[page]))


def spread_evenly(total: int, pages: int) -> Ints:
    """As many answers for each page, the rest of them for some pages all over the list."""
    counts = np.full(pages, total // pages)
    counts[np.linspace(0, pages - 1, total % pages).astype(int)] += 1
    return counts


def print_tiers(truth: Floats, edges: Floats) -> None:
    def right(means: Floats) -> float:
        return float((np.searchsorted(edges, means, "right") == np.searchsorted(edges, truth, "right")).mean())

    print("right tiers            adaptive: min 3          evenly: as many     evenly: 5 a page")
    print("  sd   max   answers   right tiers               right tiers         answers  right tiers")
    for spread in SPREADS:
        for most in MOST:
            rule = SamplingRule(3, most, SamplingTarget.TIERS)
            rows = []
            for seed in range(REPETITIONS):
                model = Model(truth, spread, seed)
                means, total = model.adaptively(rule, edges)
                evenly = [model.means(spread_evenly(count, len(truth))) for count in (total, 5 * len(truth))]
                rows.append((total, right(means), *map(right, evenly)))
            total, adaptive, same, five = np.mean(rows, axis=0)
            print(
                f"{spread:4.1f} {most:5} {total:9,.0f} {adaptive:12.1%} {same:24.1%} {5 * len(truth):18,} {five:10.1%}"
            )


def print_totals(jobs: Floats, spread: float = 0.7) -> None:
    print(f"\nstandard error of the job-weighted mean, sd {spread} for all")
    print("    evenly   answers      error     adaptive   answers      error")
    for most in (5, 9):
        rule = SamplingRule(1, most, SamplingTarget.TOTALS)
        counts = wanted_answers(rule, [[] for _ in jobs], weights=jobs)
        each = (1 + most) // 2
        errors = [weighted_mean_error(jobs, spread / np.sqrt(n), [""] * len(jobs), 0) for n in (each, counts)]
        adaptive = f"{f'1 to {most}':>12} {counts.sum():9,} {errors[1]:10.4f}"
        print(f"{each:10} {each * len(jobs):9,} {errors[0]:10.4f} {adaptive}")


def main() -> None:
    sites = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("EXPOSURE_SITES", ""))
    if not (sites / HOST / "ooh" / "a-z-index.htm").is_file():
        sys.exit(f"no handbook in {sites}; usage: adaptive_sampling.py SITES_FOLDER")
    truth, jobs = true_places(sites)
    print_tiers(truth, floats(tier_edges([tier.range for tier in bundled("exposure").ranking.tiers])))
    print_totals(jobs)


if __name__ == "__main__":
    main()
