"""How much a prompt file may hold, and that more is refused before anything is built from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exposure_dagster.prompts.checking import MAX_PROBLEMS, Problem, check_text
from exposure_dagster.prompts.files import MAX_FILE_BYTES, BrokenPromptError, load_prompt
from exposure_dagster.prompts.limits import MAX_ALIASES, MAX_LEVELS, MAX_VALUE_LENGTH, MAX_VALUES

TENFOLD = [f"a{place}: &a{place} [{', '.join([f'*a{place - 1}'] * 10)}]" for place in range(1, 10)]
MERGED = [f"a{place}: &a{place} {{<<: [{', '.join([f'*a{place - 1}'] * 10)}]}}" for place in range(1, 10)]
CHAIN = [f"a{place}: &a{place} [*a{place - 1}]" for place in range(1, MAX_LEVELS + 1)]

BOMBS = {
    "laughs": ("\n".join(["a0: &a0 [x]", *TENFOLD]), "values"),
    "merged": ("\n".join(["a0: &a0 {k: x}", *MERGED]), "values"),
    "chained": ("\n".join(["a0: &a0 [x]", *CHAIN]), "levels"),
    "itself": ("a0: &a [&b [*a, *b]]", "holds itself"),
    "flow": (f"title: {'[' * 50_000}{']' * 50_000}", "levels"),
    "unclosed": (f"title: {'[' * 50_000}", "levels"),
    "block": ("\n".join(f"{' ' * depth}k:" for depth in range(400)), "levels"),
    "key": (f"? {'[' * 1000}{']' * 1000}\n: x", "levels"),
    "dashes": (f"title:\n{'- ' * 4000}x", "levels"),
    "values": (f"examples: [{', '.join(['x'] * 30_000)}]", "values"),
    "aliases": (f"a: &a x\nb: [{', '.join(['*a'] * (MAX_ALIASES + 1))}]", "aliases"),
    "long": (f"title: {'x' * 100_000}", "characters"),
    "large": (f"title: {'x' * 1_000_000}", "bytes"),
    "digits": (f"scale: {{min: 0, max: {'9' * 5000}}}", "5,000 characters"),
    "beyond_float": (f"scale: {{min: {'9' * 400}, max: 1}}", "400 characters"),
    "tag": ("title: !!int abc", "!!int"),
    "dated": ("title: !!timestamp 2026-99-99", "!!timestamp"),
}  # fmt: skip


def with_front_matter(text: str) -> str:
    return f"---\n{text}\n---\nRate it.\n"


def problems(front_matter: str) -> tuple[Problem, ...]:
    found = check_text(with_front_matter(front_matter), file="a.md", known_corpora=[], known_models=[])
    assert isinstance(found, tuple)
    return found


def says(front_matter: str, word: str) -> bool:
    return any(word in problem.what for problem in problems(front_matter))


def test_the_check_ends_and_names_file_and_limit_whatever_a_file_holds(tmp_path: Path) -> None:
    """In a process of its own: some of these once took all time, all memory or the whole process."""
    for name, (text, _) in BOMBS.items():
        (tmp_path / f"{name}.md").write_text(with_front_matter(text))
    os.mkfifo(tmp_path / "pipe.md")
    result = subprocess.run(
        [sys.executable, "-c", "from exposure_dagster.cli import main; main()", "prompts", "check"],
        env={**os.environ, "EXPOSURE_PROMPTS": str(tmp_path), "COLUMNS": "500"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    told = (result.stdout + result.stderr).splitlines()
    for name, word in {**{name: word for name, (_, word) in BOMBS.items()}, "pipe": "no ordinary file"}.items():
        lines = [line for line in told if line.startswith(f"{tmp_path / name}.md:")]
        assert any(word in line for line in lines), (name, lines[:3])
        assert max(map(len, lines)) < 1000, name


def test_levels_are_counted_through_aliases() -> None:
    assert not says(f"a: {'[' * (MAX_LEVELS - 1)}{']' * (MAX_LEVELS - 1)}", "levels")
    assert says(f"a: {'[' * MAX_LEVELS}{']' * MAX_LEVELS}", "levels")
    assert says(f"a: &a {'[' * (MAX_LEVELS - 1)}{']' * (MAX_LEVELS - 1)}\nb: [*a]", "levels")


def test_values_are_counted_as_often_as_aliases_stand_for_them() -> None:
    half = f"a: &a [{', '.join(['x'] * (MAX_VALUES // 2))}]"
    assert not says(half, "values")
    assert says(f"{half}\nb: *a", "values")


def test_a_limit_is_told_with_the_line_at_which_it_is_passed() -> None:
    (problem,) = problems(f"title: A\nlevels: {'[' * MAX_LEVELS}{']' * MAX_LEVELS}")
    assert (problem.line, problem.what) == (3, f"lies deeper than {MAX_LEVELS} levels")


def test_an_alias_for_levels_that_two_attributes_share_is_fine() -> None:
    text = """\
title: T
model: m
corpus: c
attributes:
  - {key: a, title: A, question: Q, scale: {min: 0, max: 1}, levels: &same [{label: L, range: [0, 1], description: D}]}
  - {key: b, title: B, question: Q, scale: {min: 0, max: 1}, levels: *same}
"""
    found = check_text(with_front_matter(text), file="a.md", known_corpora=["c"], known_models=["m"])
    assert not isinstance(found, tuple), found


@pytest.mark.parametrize("text", [f"title: {'x' * MAX_VALUE_LENGTH}", 'title: !!str "text"', "samples: 1"])
def test_what_keeps_within_the_limits_is_told_of_none(text: str) -> None:
    assert not any("characters" in problem.what or "tag" in problem.what for problem in problems(text))


def test_a_long_instruction_is_fine_up_to_the_size_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "long.md"
    scale = "scale: {min: 0, max: 1}\nlevels: [{label: L, range: [0, 1], description: D}]"
    front = f"title: T\nmodel: m\ncorpus: c\n{scale}"
    text = with_front_matter(front)
    file.write_text(text + "x" * (MAX_FILE_BYTES - len(text)))
    assert load_prompt(file, known_corpora=["c"], known_models=["m"]).file.title == "T"
    with file.open("a") as more:
        more.write("x")
    with pytest.raises(BrokenPromptError, match=f"larger than {MAX_FILE_BYTES:,} bytes"):
        load_prompt(file, known_corpora=["c"], known_models=["m"])


def test_of_very_many_mistakes_the_first_are_told_and_the_others_counted() -> None:
    found = problems("\n".join(f"k{number}: 1" for number in range(3000)))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[MAX_PROBLEMS - 1].what == "unknown key"
    assert "more mistakes, which are not listed" in found[-1].what
