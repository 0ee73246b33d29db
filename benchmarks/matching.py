"""How often a role's occupation is found by its title alone, on job titles that people report to O*NET.

    python -m benchmarks.matching ONET [TITLES] [--draws N]

ONET is a saved release, or a folder with Occupation Data, Sample of Reported Titles and Task Statements; TITLES a
folder or release with the longer list of titles (Alternate Titles, Job Titles), where the first has none. In each draw
1,500 reported titles are taken, and what reads the same goes out of the index, under whatever occupation it stands.

A title may be reported by people of several occupations, and then nothing tells which of them was drawn. So a title
counts as found where the occupation is one that it is reported in; beside it stand the stricter count (the very one
that was drawn, with what could be reached at best) and the looser one (any that O*NET lists the title under).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exposure_dagster.corpora.onet.database import read_onet_database
from exposure_dagster.corpora.onet.roles import occupations_of_release
from exposure_dagster.matching import ACCEPTED_SHARE
from exposure_dagster.matching.matcher import KnownOccupation, Match, Matcher, Role, plain_title

DRAWN = 1_500

Truths = Sequence[set[str]]


@dataclass(frozen=True)
class Drawn:
    """Reported titles; the occupation of each that was drawn, and all that the title is reported in."""

    titles: list[str]
    drawn: list[str]
    reported: list[set[str]]


@dataclass(frozen=True)
class Found:
    """Shares of the titles: found first, found among five, accepted; and the share of the accepted that is right."""

    first: float
    five: float
    accepted: float
    right: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onet", type=Path)
    parser.add_argument("titles", type=Path, nargs="?")
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    release = read_onet_database(given.onet, required=["occupations", "reported_titles", "tasks"])
    if given.titles is not None:
        longer = read_onet_database(given.titles, required=["job_titles"])
        release = replace(release, job_titles=longer.job_titles)
    frame = release.reported_titles
    assert frame is not None
    reported = list(frame[["onet_code", "reported_title"]].itertuples(index=False, name=None))
    everything = occupations_of_release(release)
    listed = _listed(everything)
    for what, occupations in (
        ("all titles", everything),
        ("names and reported titles alone", occupations_of_release(replace(release, job_titles=None))),
    ):
        print(f"{what}, {given.draws} draws of {min(DRAWN, len(reported)):,} titles:")
        _measure(occupations, [draw(reported, seed) for seed in range(given.draws)], listed)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def draw(reported: Sequence[tuple[str, str]], seed: int) -> Drawn:
    """Titles that are drawn by the seed."""
    of_title: dict[str, set[str]] = defaultdict(set)
    for code, title in reported:
        of_title[plain_title(title)].add(code)
    chosen = np.random.default_rng(seed).choice(len(reported), min(DRAWN, len(reported)), replace=False)
    rows = [reported[place] for place in chosen]
    return Drawn([title for _, title in rows], [code for code, _ in rows], [of_title[plain_title(t)] for _, t in rows])


def _measure(occupations: Sequence[KnownOccupation], draws: Sequence[Drawn], listed: Mapping[str, set[str]]) -> None:
    found: dict[str, list[Found]] = defaultdict(list)
    titles, built, matched = [], [], []
    for drawn in draws:
        without = _without(occupations, {plain_title(title) for title in drawn.titles})
        titles.append(sum(len({plain_title(title) for title in (one.name, *one.titles)} - {""}) for one in without))
        began = time.process_time()
        matcher = Matcher(without)
        built.append(time.process_time() - began)
        matches = matcher.match([Role(title) for title in drawn.titles])
        matched.append(time.process_time() - began - built[-1])
        anywhere = [codes | listed[plain_title(t)] for t, codes in zip(drawn.titles, drawn.reported, strict=True)]
        found["reported in"].append(_found(matches, drawn.reported))
        found["drawn"].append(_found(matches, [{code} for code in drawn.drawn]))
        found["listed under"].append(_found(matches, anywhere))
    at_best = np.mean([1 / len(codes) for drawn in draws for codes in drawn.reported])
    for reading, all_of_it in found.items():
        first, five, accepted, right = (
            np.array([getattr(one, name) for one in all_of_it]) for name in ("first", "five", "accepted", "right")
        )
        print(
            f"  {reading:13} top-1 {first.mean():.3f} ({first.min():.3f} to {first.max():.3f})"
            f"  top-5 {five.mean():.3f} ({five.min():.3f} to {five.max():.3f})"
            f"  accepted at {ACCEPTED_SHARE:.2f}: {accepted.mean():.3f}, right of these {right.mean():.3f}"
            + (f"  (top-1 at best {at_best:.3f})" if reading == "drawn" else "")
        )
    print(
        f"  {np.mean(titles):,.0f} titles in the index, built in {np.mean(built):.1f} s of CPU; matched in"
        f" {np.mean(matched):.1f} s"
    )


def _without(occupations: Sequence[KnownOccupation], removed: set[str]) -> list[KnownOccupation]:
    return [
        replace(
            one,
            name="" if plain_title(one.name) in removed else one.name,
            titles=[title for title in one.titles if plain_title(title) not in removed],
        )
        for one in occupations
    ]


def _listed(occupations: Sequence[KnownOccupation]) -> Mapping[str, set[str]]:
    listed: dict[str, set[str]] = defaultdict(set)
    for one in occupations:
        for title in (one.name, *one.titles):
            listed[plain_title(title)].add(one.onet_code)
    return listed


def _found(matches: Sequence[Match], truths: Truths) -> Found:
    codes = [[candidate.onet_code for candidate in match.candidates] for match in matches]
    accepted = [(one.accepted.onet_code, truth) for one, truth in zip(matches, truths, strict=True) if one.accepted]
    return Found(
        first=float(np.mean([not truth.isdisjoint(found[:1]) for found, truth in zip(codes, truths, strict=True)])),
        five=float(np.mean([not truth.isdisjoint(found) for found, truth in zip(codes, truths, strict=True)])),
        accepted=len(accepted) / len(matches),
        right=float(np.mean([code in truth for code, truth in accepted])) if accepted else float("nan"),
    )


if __name__ == "__main__":
    main()
