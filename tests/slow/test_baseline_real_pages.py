"""The baseline on the whole handbook, held against published scores."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from exposure_dagster.corpora.ooh.index import index_pages, parse_index
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.prompts.files import load_prompt
from exposure_dagster.prompts.model import BaselineDefinition
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.scorer import Alias, BaselineScore, score_documents
from exposure_dagster.settings import BUNDLED_PROMPTS

pytestmark = pytest.mark.shared

EXAMPLES_WITHOUT_A_PAGE = 6
"""Anchors of the published scale that no title or entry of the index names, nor a part of a title (software developer
has its page by the last)."""

IS_EXAMPLE = "It is itself an example"


@pytest.fixture(scope="module")
def handbook(shared_dir: Path) -> tuple[list[Document], list[Alias]]:
    host = shared_dir / "data" / "sites" / "www.bls.gov"
    entries = parse_index((host / "ooh" / "a-z-index.htm").read_bytes())
    documents = []
    for page in index_pages(entries):
        body = (host / "ooh" / page.category / f"{page.slug}.htm").read_bytes()
        occupation = parse_page(body, url=page.url).occupation
        documents.append(Document(page.slug, occupation.title or "", occupation.text))
    return documents, [Alias(entry.title, entry.slug) for entry in entries]


@pytest.fixture(scope="module")
def definition() -> BaselineDefinition:
    file = BUNDLED_PROMPTS / "exposure.md"
    return load_prompt(file, known_corpora=["ooh"], known_models=["claude-haiku-5-5"]).baseline


@pytest.fixture(scope="module")
def results(handbook: tuple[list[Document], list[Alias]], definition: BaselineDefinition) -> list[BaselineScore]:
    return score_documents(definition, *handbook)


def test_every_page_gets_a_score_and_a_rationale(results: list[BaselineScore]) -> None:
    assert len(results) == 342
    assert all(0 <= result.attributes["score"] <= 10 and result.rationale for result in results)


def test_every_example_that_has_a_page_has_one_of_its_own(
    results: list[BaselineScore], definition: BaselineDefinition
) -> None:
    examples = [example for level in definition.attributes[0].levels for example in level.examples]
    assert sum(IS_EXAMPLE in result.rationale for result in results) == len(examples) - EXAMPLES_WITHOUT_A_PAGE


def test_the_estimates_agree_with_published_scores_of_pages_that_are_no_examples(
    results: list[BaselineScore], shared_dir: Path
) -> None:
    file = shared_dir / "data" / "reference" / "published_exposure_half.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        published = pd.Series({row["slug"]: float(row["exposure"]) for row in csv.DictReader(lines)})
    ours = pd.Series(
        {result.doc_id: result.attributes["score"] for result in results if IS_EXAMPLE not in result.rationale}
    )
    both = pd.DataFrame({"ours": ours, "published": published}).dropna()
    assert len(both) > 150
    assert both["ours"].rank().corr(both["published"].rank()) >= 0.88
    assert (both["ours"] - both["published"]).abs().mean() <= 0.85


def test_the_order_of_pages_makes_no_difference(
    results: list[BaselineScore], handbook: tuple[list[Document], list[Alias]], definition: BaselineDefinition
) -> None:
    documents, aliases = handbook
    assert score_documents(definition, documents[::-1], aliases[::-1]) == results
