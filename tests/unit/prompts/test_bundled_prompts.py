"""The prompts that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.parsing import parse_index
from exposure_dagster.prompts.files import load_folder, load_named
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.baseline_anchors import Alias, Titles
from exposure_dagster.settings import BUNDLED_PROMPTS, SAMPLE_SITES

MODELS = ["claude-haiku-5-5"]


def exposure() -> Prompt:
    return load_named(BUNDLED_PROMPTS, "exposure", known_corpora=["ooh", "onet"], known_models=MODELS)


def unmatched_examples(sites: Path) -> list[str]:
    """The prompt's examples that lead to no page, by the A–Z index alone."""
    entries = parse_index((sites / "www.bls.gov" / "ooh" / "a-z-index.htm").read_bytes())
    documents = [Document(slug, "", "") for slug in sorted({entry.slug for entry in entries})]
    titles = Titles(documents, [Alias(entry.title, entry.slug) for entry in entries])
    examples = [example for level in exposure().file.numbers[0].levels for example in level.examples]
    return [example for example in examples if titles.row_of(example) is None]


def test_every_bundled_prompt_loads() -> None:
    folder = load_folder(BUNDLED_PROMPTS, known_corpora=["ooh", "onet"], known_models=MODELS)
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
    assert unmatched_examples(SAMPLE_SITES) == []


@pytest.mark.shared
def test_the_examples_lead_to_pages_of_the_handbook(shared_dir: Path) -> None:
    assert unmatched_examples(shared_dir / "data" / "sites") == []
