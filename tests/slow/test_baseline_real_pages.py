"""The baseline on the whole handbook, held against published scores."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import NormalDist

import pandas as pd
import pytest

from exposure_dagster.corpora.ooh.corpus import CORPUS
from exposure_dagster.corpora.ooh.index import index_pages, parse_index
from exposure_dagster.corpora.ooh.page import parse_page
from exposure_dagster.prompts.files import load_prompt
from exposure_dagster.prompts.model import BaselineDefinition
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.scorer import Alias, BaselineScore, score_documents
from exposure_dagster.providers.baseline.text import WorkText
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
    return score_documents(definition, *handbook, CORPUS.about_work)


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
    assert both["ours"].rank().corr(both["published"].rank()) >= 0.905
    assert (both["ours"] - both["published"]).abs().mean() <= 0.75


def test_the_order_of_pages_makes_no_difference(
    results: list[BaselineScore], handbook: tuple[list[Document], list[Alias]], definition: BaselineDefinition
) -> None:
    documents, aliases = handbook
    assert score_documents(definition, documents[::-1], aliases[::-1], CORPUS.about_work) == results


def test_every_page_has_the_sections_about_the_work_and_they_leave_out_pay_and_prospects(
    handbook: tuple[list[Document], list[Alias]],
) -> None:
    for document in handbook[0]:
        text = WorkText.of(document.text, CORPUS.about_work)
        assert text.whole not in text.parts, document.doc_id
        assert "## Pay" in document.text
        assert "median annual wage" not in text.whole, document.doc_id


def test_the_interval_of_the_examples_left_out_holds_at_least_its_nominal_share(
    results: list[BaselineScore], shared_dir: Path
) -> None:
    file = shared_dir / "data" / "reference" / "published_exposure_half.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        published = {row["slug"]: float(row["exposure"]) for row in csv.DictReader(lines)}
    errors = [
        abs(result.attributes["score"] - published[result.doc_id]) / result.standard_errors["score"]
        for result in results
        if result.doc_id in published and IS_EXAMPLE not in result.rationale
    ]
    for nominal in (0.8, 0.9):
        held = sum(error <= NormalDist().inv_cdf(0.5 + nominal / 2) for error in errors) / len(errors)
        assert nominal <= held <= nominal + 0.1
