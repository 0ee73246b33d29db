"""How well the baseline's exposure agrees with published scores of the same handbook pages.

    python benchmarks/baseline.py [SITES_FOLDER] [PUBLISHED_CSV]

SITES_FOLDER holds one folder a host; left out, EXPOSURE_SITES names it. PUBLISHED_CSV, by default
published_exposure_half.csv, has the columns `slug, exposure`. All pages are scored with the bundled
prompt; pages that the prompt names as examples are left out of the comparison. The estimates are
compared as they are, with one decimal.
"""

from __future__ import annotations

import csv
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from exposure_dagster.corpora.ooh.index import index_pages, parse_index
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.prompts.files import load_prompt
from exposure_dagster.prompts.model import BaselineDefinition
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Titles, anchors_of
from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION, Alias, score_documents
from exposure_dagster.settings import BUNDLED_PROMPTS

HOST = "www.bls.gov"


@dataclass(frozen=True)
class Handbook:
    documents: list[Document]
    aliases: list[Alias]


@dataclass(frozen=True)
class Agreement:
    """`pages` of the published ones were compared, `anchors` were left out as examples of the prompt."""

    pages: int
    anchors: int
    spearman: float
    mean_absolute_error: float


def read_handbook(sites: Path) -> Handbook:
    """All pages of a saved handbook and its A–Z index."""
    entries = parse_index((sites / HOST / "ooh" / "a-z-index.htm").read_bytes())
    documents = []
    for page in index_pages(entries):
        body = (sites / HOST / page.url.split(HOST + "/", 1)[1]).read_bytes()
        occupation = parse_page(body, url=page.url).occupation
        documents.append(Document(occupation.slug, occupation.title or occupation.slug, occupation.text))
    return Handbook(documents, [Alias(entry.title, entry.slug) for entry in entries])


def read_published(file: Path) -> dict[str, float]:
    """Published exposure by page."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["slug"]: float(row["exposure"]) for row in csv.DictReader(lines)}


def bundled_definition() -> BaselineDefinition:
    """What the baseline works from in the bundled exposure prompt."""
    file = BUNDLED_PROMPTS / "exposure.md"
    return load_prompt(file, known_corpora=["ooh"], known_models=["claude-haiku-5-5"]).baseline


def anchor_ids(definition: BaselineDefinition, handbook: Handbook) -> set[str]:
    """The pages that the prompt names as examples."""
    titles = Titles(handbook.documents, handbook.aliases)
    anchors = [anchor for attribute in definition.attributes for anchor in anchors_of(attribute.levels, titles)]
    return {handbook.documents[anchor.row].doc_id for anchor in anchors}


def agreement(scores: dict[str, float], published: dict[str, float], anchors: set[str]) -> Agreement:
    """Spearman's rank correlation and mean absolute error over the published pages that are no anchors."""
    compared = sorted((scores.keys() & published.keys()) - anchors)
    ours = np.array([scores[page] for page in compared])
    theirs = np.array([published[page] for page in compared])
    return Agreement(
        len(compared),
        len(anchors & published.keys()),
        float(spearmanr(ours, theirs).statistic),
        float(np.abs(ours - theirs).mean()),
    )


def main() -> None:
    sites = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("EXPOSURE_SITES", ""))
    file = Path(sys.argv[2] if len(sys.argv) > 2 else "published_exposure_half.csv")
    if not (sites / HOST / "ooh" / "a-z-index.htm").is_file() or not file.is_file():
        sys.exit(f"no handbook in {sites}, or no file {file}; usage: baseline.py SITES_FOLDER PUBLISHED_CSV")
    published, handbook, definition = read_published(file), read_handbook(sites), bundled_definition()
    started = time.perf_counter()
    scores = {
        score.doc_id: score.attributes["score"]
        for score in score_documents(definition, handbook.documents, handbook.aliases)
    }
    seconds = time.perf_counter() - started
    result = agreement(scores, published, anchor_ids(definition, handbook))
    print(f"baseline {BASELINE_VERSION}: {len(handbook.documents)} pages scored in {seconds:.1f} s, imports included")
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print(f"compared: {result.pages} published pages; {result.anchors} more are examples of the prompt")
    print(f"Spearman {result.spearman:.3f}   mean absolute error {result.mean_absolute_error:.3f}")


if __name__ == "__main__":
    main()
