"""The formulas that a prompt file may declare: what is hashed, and what its author is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.prompts.files import load_folder
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.settings import BUNDLED_PROMPTS

MODELS = ["claude-haiku-5-5"]
RESILIENCE = (BUNDLED_PROMPTS / "resilience.md").read_text(encoding="utf-8")


def loaded(text: str, tmp_path: Path) -> Prompt:
    (tmp_path / "mine.md").write_text(text, encoding="utf-8")
    folder = load_folder(tmp_path, known_corpora=KNOWN_CORPORA, known_models=MODELS)
    assert folder.broken == ()
    return folder.prompts[0]


def problems(text: str, tmp_path: Path) -> list[str]:
    (tmp_path / "mine.md").write_text(text, encoding="utf-8")
    folder = load_folder(tmp_path, known_corpora=KNOWN_CORPORA, known_models=MODELS)
    return [str(problem) for broken in folder.broken for problem in broken.problems]


def test_a_weight_or_a_category_value_changes_no_question(tmp_path: Path) -> None:
    before = loaded(RESILIENCE, tmp_path)
    for old, new in (("a1: 1.5,", "a1: 2.5,"), ("Decline: 0", "Decline: 0.1"), ("at_most: 2,", "at_most: 1,")):
        assert old in RESILIENCE
        after = loaded(RESILIENCE.replace(old, new), tmp_path)
        assert after.asked.prompt_hash == before.asked.prompt_hash
        assert after.baseline.baseline_hash == before.baseline.baseline_hash
        assert after.ranking.ranking_hash != before.ranking.ranking_hash


def test_no_number_of_the_formula_reaches_the_model(tmp_path: Path) -> None:
    system = loaded(RESILIENCE, tmp_path).asked.system
    for hidden in ("0.65", "final_ranking", "ceiling", "Much faster", "weight"):
        assert hidden not in system


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("share: 0.65", "share: 0.75", "must add up to 1"),
        ("growth: 0.30", "growth: 0.20", "must add up to 1"),
        ("a8: 1.0}", "a11: 1.0}", "differ in a11, a8"),
        ("    scale: [1, 5]", "    scale: [0, 10]", "not the scale of the attributes, 1 to 5"),
        ("corpus: onet", "corpus: ooh", "needs corpus onet"),
        ("at_most: 2,", "at_most: 7,", "leaves the scale"),
        ("    ceiling:", "    roof:", "unknown key"),
        ("      Decline: 0\n", "", "lacks Decline"),
        ("  resilience:\n", "  weights: {a1: 1}\n  resilience:\n", "either weights or resilience"),
        ("signals: {score", "signals: {points", "unknown key"),
    ],
)
def test_a_formula_that_cannot_be_is_named_with_file_and_line(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert old in RESILIENCE
    found = problems(RESILIENCE.replace(old, new, 1), tmp_path)
    assert any(words in problem and "mine.md:" in problem for problem in found), found


def test_a_rollup_belongs_to_tasks(tmp_path: Path) -> None:
    text = (BUNDLED_PROMPTS / "task_exposure.md").read_text(encoding="utf-8")
    assert loaded(text, tmp_path).ranking.rollup is not None
    found = problems(text.replace("corpus: onet_tasks", "corpus: onet"), tmp_path)
    assert any("needs corpus onet_tasks" in problem for problem in found), found
