"""How far the baseline can be trusted: against published scores of handbook pages, and people's labels of tasks.

    python benchmarks/baseline.py [SITES_FOLDER] [REFERENCE_FOLDER] [--sensitivity | --distil]

SITES_FOLDER holds one folder a host; left out, EXPOSURE_SITES names it. REFERENCE_FOLDER, by default this one, holds
published_exposure_half.csv (`slug, exposure`) and, of Eloundou et al. 2024, the labels of tasks and the ratings of
occupations: gpts_are_gpts_task_labels.tsv, gpts_are_gpts_occ_level.csv. Everything is scored with the bundled prompts,
whose word lists and examples were never fitted to any of it; pages that a prompt names as examples are left out of the
comparison. The estimates are compared as they are published. Intervals are the middle 90 % of 2,000 bootstrap samples
of pages or occupations, and of 200 of tasks.

With --sensitivity the method's own settings are moved, and what becomes of the agreement is shown: a result that hangs
on one of them is none. With --distil the published scores stand in for a model that is asked about some of the
published pages: how well its answers estimate the others, and how sure the job-weighted mean becomes.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from exposure_dagster.corpora.ooh.corpus import CORPUS as HANDBOOK
from exposure_dagster.corpora.ooh.index import index_pages, parse_index
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.prompts.files import load_prompt
from exposure_dagster.prompts.formula import TaskRollup
from exposure_dagster.prompts.model import BaselineDefinition, Prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline import scorer, text
from exposure_dagster.providers.baseline.anchors import Titles, anchors_of
from exposure_dagster.providers.baseline.distilling import choose, difference_estimate
from exposure_dagster.providers.baseline.scorer import (
    BASELINE_VERSION,
    Alias,
    BaselineScore,
    estimate_from_answers,
    score_documents,
)
from exposure_dagster.ranking.task_rollup import roll_up_tasks
from exposure_dagster.settings import BUNDLED_PROMPTS

HOST = "www.bls.gov"
PUBLISHED = "published_exposure_half.csv"
LABELS = "gpts_are_gpts_task_labels.tsv"
OCCUPATIONS = "gpts_are_gpts_occ_level.csv"
RATINGS = {"human_rating_beta": "people", "dv_rating_beta": "GPT-4"}
BY_PEOPLE = {"E0": 0.0, "E2": 0.5, "E1": 1.0}
"""No help, with tools around a model, and the model alone: on the scale of the bundled prompt."""

DRAWS = 2000
NOMINAL = (0.8, 0.9)

ANSWERED = (60, 120)
SEEDS = 200
"""How many answers --distil takes, and by how many seeds they are chosen."""

SETTINGS: tuple[tuple[Any, str, tuple[float, ...]], ...] = (
    (text, "_DIMENSIONS", (30, 80, 120)),
    (text, "_SMOOTHING", (0.1, 0.5, 1.0)),
    (text, "_MIN_SHARE_OF_DOCUMENTS", (0.005, 0.02, 0.05)),
    (scorer, "_FOLDS", (2, 5, 20)),
    (scorer, "_AXIS_WEIGHT", (0.25, 1.0)),
    (scorer, "_LEVEL_TEXT_WEIGHT", (0.25, 1.0)),
    (scorer, "_MIN_CORRELATION_WITH_WORDS", (1.0,)),
)
"""What --sensitivity moves; the last leaves self-training out."""


@dataclass(frozen=True)
class Handbook:
    documents: list[Document]
    aliases: list[Alias]
    jobs: dict[str, int | None]
    codes: dict[str, list[str]]


def read_handbook(sites: Path) -> Handbook:
    """All pages of a saved handbook and its A–Z index."""
    entries = parse_index((sites / HOST / "ooh" / "a-z-index.htm").read_bytes())
    documents, jobs, codes = [], {}, {}
    for page in index_pages(entries):
        body = (sites / HOST / page.url.split(HOST + "/", 1)[1]).read_bytes()
        occupation = parse_page(body, url=page.url).occupation
        documents.append(Document(occupation.slug, occupation.title or occupation.slug, occupation.text))
        jobs[occupation.slug] = occupation.jobs
        codes[occupation.slug] = list(occupation.soc_codes or ())
    return Handbook(documents, [Alias(entry.title, entry.slug) for entry in entries], jobs, codes)


def read_published(file: Path) -> dict[str, float]:
    """Published exposure by page."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["slug"]: float(row["exposure"]) for row in csv.DictReader(lines)}


def bundled(name: str) -> Prompt:
    """A prompt that comes with the project."""
    corpora = ["ooh", "onet", "onet_tasks"]
    return load_prompt(BUNDLED_PROMPTS / f"{name}.md", known_corpora=corpora, known_models=["claude-haiku-5-5"])


def anchor_ids(definition: BaselineDefinition, handbook: Handbook) -> set[str]:
    """The pages that the prompt names as examples."""
    titles = Titles([(one.doc_id, one.title) for one in handbook.documents], handbook.aliases)
    anchors = [anchor for attribute in definition.attributes for anchor in anchors_of(attribute.levels, titles)]
    return {handbook.documents[anchor.row].doc_id for anchor in anchors}


def spearman(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Pearson's correlation of the ranks, ties at their mean."""
    return float(np.corrcoef(rankdata(ours), rankdata(theirs))[0, 1])


def mean_absolute_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).mean())


def with_interval(statistic: Any, ours: np.ndarray, theirs: np.ndarray, draws: int = DRAWS) -> str:
    """A statistic with the middle 90 % of its bootstrap distribution."""
    chance = np.random.default_rng(0)
    drawn = (chance.integers(len(ours), size=len(ours)) for _ in range(draws))
    low, high = np.quantile([statistic(ours[rows], theirs[rows]) for rows in drawn], [0.05, 0.95])
    return f"{statistic(ours, theirs):.3f} [{low:.3f}, {high:.3f}]"


def score_handbook(handbook: Handbook) -> list[BaselineScore]:
    """The exposure of every page by the bundled prompt."""
    return score_documents(bundled("exposure").baseline, handbook.documents, handbook.aliases, HANDBOOK.about_work)


def paired(
    scores: list[BaselineScore], published: dict[str, float], anchors: set[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Ours and theirs, of the published pages that are no anchors."""
    ours = {score.doc_id: score.attributes["score"] for score in scores}
    compared = sorted((ours.keys() & published.keys()) - anchors)
    return np.array([ours[page] for page in compared]), np.array([published[page] for page in compared])


def compare_handbook(handbook: Handbook, published: dict[str, float]) -> None:
    """Print how the exposure of pages agrees with published scores, and how often its interval holds them."""
    anchors = anchor_ids(bundled("exposure").baseline, handbook)
    with stopwatch() as passed:
        scores = score_handbook(handbook)
    ours, theirs = paired(scores, published, anchors)
    print(f"{len(scores)} pages scored: {passed}")
    print(f"compared: {len(ours)} published pages; {len(anchors & published.keys())} more are examples of the prompt")
    print(f"Spearman              {with_interval(spearman, ours, theirs)}")
    print(f"mean absolute error   {with_interval(mean_absolute_error, ours, theirs)}")
    error = scores[0].standard_errors["score"]
    root_mean_square = float(np.sqrt(((ours - theirs) ** 2).mean()))
    print(f"standard error by the examples left out {error:.3f}; root mean square of the errors {root_mean_square:.3f}")
    for nominal in NOMINAL:
        half = NormalDist().inv_cdf(0.5 + nominal / 2) * error
        held = float((np.abs(ours - theirs) <= half).mean())
        print(f"an interval of nominal {nominal:.0%} (± {half:.2f}) holds {held:.1%} of the published scores")


def compare_ratings(handbook: Handbook, published: dict[str, float], file: Path) -> None:
    """Print how the exposure of pages agrees with another study's ratings of their occupations (β: half for help that
    needs tools), on pages with a published score and on those that nobody fitted anything to."""
    ratings = pd.read_csv(file, dtype={"O*NET-SOC Code": str})
    by_code = ratings.groupby(ratings["O*NET-SOC Code"].str[:7])[list(RATINGS)].mean()
    anchors = anchor_ids(bundled("exposure").baseline, handbook)
    ours = {score.doc_id: score.attributes["score"] for score in score_handbook(handbook)}
    for column, by in RATINGS.items():
        known = by_code[column]
        rated = {
            page: float(known[[code for code in codes if code in known.index]].mean())
            for page, codes in handbook.codes.items()
            if page not in anchors and any(code in known.index for code in codes)
        }
        for which, pages in (
            ("with a published score", sorted(rated.keys() & published.keys())),
            ("without", sorted(rated.keys() - published.keys())),
        ):
            found = with_interval(
                spearman, np.array([ours[page] for page in pages]), np.array([rated[page] for page in pages])
            )
            print(f"Spearman with ratings by {by}, {len(pages)} pages {which}: {found}")


def compare_tasks(file: Path) -> None:
    """Print how the exposure of tasks agrees with people's labels, and rolled up that of occupations."""
    labels = pd.read_csv(file, sep="\t", dtype={"O*NET-SOC Code": str})
    prompt = bundled("task_exposure")
    tasks = pd.DataFrame(
        {
            "doc_id": labels.index.astype(str),
            "onet_code": labels["O*NET-SOC Code"],
            "title": labels["Title"],
            "task_type": labels["Task Type"],
            "importance": np.nan,
        }
    )
    documents = [
        Document(doc_id, title, f"{task}\n\nA task of: {title}")
        for doc_id, title, task in zip(tasks["doc_id"], tasks["title"], labels["Task"], strict=True)
    ]
    with stopwatch() as passed:
        scores = score_documents(prompt.baseline, documents, [])
    print(f"{len(scores):,} tasks scored: {passed}")
    by_task = pd.DataFrame({"doc_id": [s.doc_id for s in scores], "ours": [s.attributes["score"] for s in scores]})
    by_task = tasks.merge(by_task, on="doc_id").assign(theirs=labels["human_labels"].map(BY_PEOPLE).to_numpy())
    assert prompt.ranking.rollup is not None
    ours, theirs = (rolled_up(by_task, tasks, column, prompt.ranking.rollup) for column in ("ours", "theirs"))
    on_tasks = with_interval(spearman, by_task["ours"].to_numpy(), by_task["theirs"].to_numpy(), draws=200)
    print(f"Spearman on tasks        {on_tasks}")
    print(f"Spearman on occupations  {with_interval(spearman, ours, theirs)}   ({len(ours)})")


def rolled_up(by_task: pd.DataFrame, tasks: pd.DataFrame, column: str, rollup: TaskRollup) -> np.ndarray:
    scores = by_task[["doc_id", column]].rename(columns={column: "score"})
    return roll_up_tasks(scores, tasks, rollup)["score"].to_numpy()


def compare_attributes(handbook: Handbook) -> None:
    """Print how far the two attributes of the bundled prompt with quadrants are two."""
    definition = bundled("two_variable").baseline
    scores = score_documents(definition, handbook.documents, handbook.aliases, HANDBOOK.about_work)
    values = np.array([list(score.attributes.values()) for score in scores])
    correlation = np.corrcoef(values.T)[0, 1]
    print(f"two_variable: {' and '.join(scores[0].attributes)} correlate at {correlation:.3f} over {len(scores)} pages")


def move_settings(handbook: Handbook, published: dict[str, float]) -> None:
    """Print the agreement with one setting moved at a time, and with random halves of the examples."""
    anchors = anchor_ids(bundled("exposure").baseline, handbook)

    def line(name: str, scores: list[BaselineScore]) -> None:
        ours, theirs = paired(scores, published, anchors)
        print(
            f"{name:38} Spearman {spearman(ours, theirs):.3f}   mean absolute error "
            f"{mean_absolute_error(ours, theirs):.3f}"
        )

    line("as it is", score_handbook(handbook))
    for module, name, values in SETTINGS:
        stands = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            line(f"{name.strip('_').lower()} {value:g} for {stands:g}", score_handbook(handbook))
        setattr(module, name, stands)
    whole = score_documents(bundled("exposure").baseline, handbook.documents, handbook.aliases)
    line("all sections, as one text", whole)


def distil(handbook: Handbook, published: dict[str, float]) -> None:
    """Print what a few answers make of the rest, over samples that other seeds choose."""
    definition = bundled("exposure").baseline
    pages = sorted(published)
    truth = np.array([published[page] for page in pages])
    jobs = handbook.jobs
    weights = {page: float(jobs[page] or 0) for page in pages}
    mean = sum(weights[page] * published[page] for page in pages) / sum(weights.values())
    before = {score.doc_id: score.attributes["score"] for score in score_handbook(handbook)}
    print(
        f"{len(pages)} published pages; the baseline alone: {spearman(np.array([before[p] for p in pages]), truth):.3f}"
    )
    for wanted in ANSWERED:
        found = []
        for seed in range(SEEDS):
            chances = choose({page: jobs[page] for page in pages}, wanted, seed=str(seed))
            answers = {page: published[page] for page in chances}
            of_all = {page: {"score": answer} for page, answer in answers.items()}
            scores = estimate_from_answers(
                definition, handbook.documents, handbook.aliases, HANDBOOK.about_work, of_all
            )
            estimates = {score.doc_id: score.attributes["score"] for score in scores}
            rest = [page for page in pages if page not in answers]
            ours, theirs = np.array([estimates[p] for p in rest]), np.array([published[p] for p in rest])
            total = difference_estimate(weights, {page: estimates[page] for page in pages}, answers, chances)
            alone = sum(weights[p] * answers[p] / chances[p] for p in answers)
            alone /= sum(weights[p] / chances[p] for p in answers)
            assert total.standard_error is not None
            found.append(
                (
                    spearman(ours, theirs),
                    mean_absolute_error(ours, theirs),
                    spearman(np.array([answers.get(p, estimates[p]) for p in pages]), truth),
                    total.value - mean,
                    total.standard_error,
                    abs(total.value - mean) <= NormalDist().inv_cdf(0.95) * total.standard_error,
                    alone - mean,
                )
            )
        rest_rho, error, all_rho, misses, standard_error, is_held, alone_misses = np.array(found).T
        print(f"{wanted} answers, {SEEDS} samples:")
        print(
            f"  the others: Spearman {rest_rho.mean():.3f} (sd {rest_rho.std():.3f}), mean absolute error "
            f"{error.mean():.3f}; all: Spearman {all_rho.mean():.3f}"
        )
        print(
            f"  job-weighted mean {mean:.3f}: bias {misses.mean():+.3f}, sd {misses.std():.3f}, standard error as told "
            f"{standard_error.mean():.3f}, 90 % interval holds {is_held.mean():.0%}; "
            f"by the answers alone sd {alone_misses.std():.3f}"
        )


@contextmanager
def stopwatch() -> Iterator[Any]:
    """Reads afterwards as the time and the processor time that the block took."""

    class Passed:
        def __str__(self) -> str:
            return f"{self.wall:.2f} s, {self.processor:.2f} s of processor time"

        wall = processor = 0.0

    passed, wall, processor = Passed(), time.perf_counter(), time.process_time()
    yield passed
    passed.wall, passed.processor = time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    given = [one for one in sys.argv[1:] if not one.startswith("-")]
    sites = Path(given[0] if given else os.environ.get("EXPOSURE_SITES", ""))
    reference = Path(given[1] if len(given) > 1 else ".")
    if not (sites / HOST / "ooh" / "a-z-index.htm").is_file() or not (reference / PUBLISHED).is_file():
        sys.exit(f"no handbook in {sites}, or no {PUBLISHED} in {reference}; usage: baseline.py SITES REFERENCE_FOLDER")
    published, handbook = read_published(reference / PUBLISHED), read_handbook(sites)
    print(f"baseline {BASELINE_VERSION}")
    if "--distil" in sys.argv:
        distil(handbook, published)
        return
    if "--sensitivity" in sys.argv:
        move_settings(handbook, published)
        return
    compare_handbook(handbook, published)
    compare_attributes(handbook)
    if (reference / OCCUPATIONS).is_file():
        compare_ratings(handbook, published, reference / OCCUPATIONS)
    if (reference / LABELS).is_file():
        compare_tasks(reference / LABELS)


if __name__ == "__main__":
    main()
