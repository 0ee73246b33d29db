"""The prompts that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.corpora.ooh.index import parse_index
from exposure_dagster.prompts.files import load_folder, load_named
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Alias, Titles
from exposure_dagster.settings import BUNDLED_PROMPTS, SAMPLE_SITES

MODELS = ["claude-haiku-5-5"]
LENSES = ("robotics", "offshoring", "climate", "two_variable")


def exposure() -> Prompt:
    return load_named(BUNDLED_PROMPTS, "exposure", known_corpora=KNOWN_CORPORA, known_models=MODELS)


def bundled(name: str) -> Prompt:
    return load_named(BUNDLED_PROMPTS, name, known_corpora=["ooh", "onet"], known_models=MODELS)


def unmatched_examples(sites: Path, prompt: Prompt) -> list[str]:
    """The prompt's examples that lead to no page, by the A–Z index alone."""
    entries = parse_index((sites / "www.bls.gov" / "ooh" / "a-z-index.htm").read_bytes())
    documents = [Document(slug, "", "") for slug in sorted({entry.slug for entry in entries})]
    titles = Titles(
        [(one.doc_id, one.title) for one in documents], [Alias(entry.title, entry.slug) for entry in entries]
    )
    examples = [example for number in prompt.file.numbers for level in number.levels for example in level.examples]
    return [example for example in examples if titles.row_of(example) is None]


def test_every_bundled_prompt_loads() -> None:
    folder = load_folder(BUNDLED_PROMPTS, known_corpora=KNOWN_CORPORA, known_models=MODELS)
    assert [str(problem) for broken in folder.broken for problem in broken.problems] == []
    assert "exposure" in [prompt.name for prompt in folder.prompts]


def test_every_whole_number_has_a_level_and_a_tier() -> None:
    file = exposure().file
    for ranges in ([level.range for level in file.numbers[0].levels], [tier.range for tier in file.tiers]):
        for value in file.numbers[0].scale.allowed:
            assert sum(low <= value <= high for low, high in ranges) == 1


def test_the_model_sees_levels_and_examples_but_no_labels_tiers_or_word_lists() -> None:
    prompt = exposure()
    for level in prompt.file.numbers[0].levels:
        assert level.description in prompt.asked.system
        assert all(example in prompt.asked.system for example in level.examples)
    for hidden in ("Very high", "telework", "raises"):
        assert hidden not in prompt.asked.system


def test_the_examples_lead_to_pages_of_the_sample() -> None:
    assert unmatched_examples(SAMPLE_SITES, exposure()) == []


@pytest.mark.parametrize("name", LENSES)
def test_most_examples_of_every_lens_lead_to_pages_of_the_sample(name: str) -> None:
    assert len(unmatched_examples(SAMPLE_SITES, bundled(name))) <= 4


@pytest.mark.parametrize("name", LENSES)
def test_every_lens_covers_its_scale_with_levels_and_tiers(name: str) -> None:
    file = bundled(name).file
    parts = [[level.range for level in number.levels] for number in file.numbers] + [[t.range for t in file.tiers]]
    for ranges in parts:
        for value in file.numbers[0].scale.allowed:
            assert sum(low <= value <= high for low, high in ranges) == 1
    assert (file.numbers[0].scale.low, file.numbers[0].scale.high) == (0, 10)
    assert all(number.baseline.raises and number.baseline.lowers for number in file.numbers)


WITHOUT_AN_ENTRY = {
    "Landscaper",
    "Commercial diver",
    "Police officer",
    "Software developer",
    "Data analyst",
    "Data entry clerk",
    "Telemarketer",
}
"""Anchors of the published scale that the handbook's index does not name: the model reads them all the same."""


@pytest.mark.shared
@pytest.mark.parametrize("name", ["exposure", *LENSES])
def test_the_examples_lead_to_pages_of_the_handbook(shared_dir: Path, name: str) -> None:
    unmatched = set(unmatched_examples(shared_dir / "data" / "sites", bundled(name)))
    assert unmatched == (WITHOUT_AN_ENTRY if name == "exposure" else set())
