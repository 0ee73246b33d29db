"""The name of a corpus, and of a prompt, stands in its own place and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import exposure_dagster
from exposure_dagster.corpora.registry import CORPORA, JOINED_ON, PUBLISHERS
from exposure_dagster.settings import BUNDLED_PROMPTS

PACKAGE = Path(exposure_dagster.__file__).parent
ROOT = PACKAGE.parent

OWN_PLACE = PACKAGE / "corpora"
OTHER_PLACES = {
    PACKAGE / "tables.py": "lists the tables of every corpus",
    PACKAGE / "settings.py": "lists the variables that single sources read",
}

CODE = sorted(
    path
    for folder in (PACKAGE, ROOT / "assets", ROOT / "resources")
    for pattern in ("*.py", "*.js")
    for path in folder.rglob(pattern)
    if not {"sample", "node_modules"}.intersection(path.relative_to(ROOT).parts)
)

_TABLES = {table for publisher in PUBLISHERS for step in publisher.steps for table in step.tables} | {
    source.table for publisher in PUBLISHERS for source in publisher.sources
}


def words(path: Path) -> set[str]:
    """Names and words of a file, with those that dots, quotes or blanks divide taken apart."""
    return set(re.findall(r"[a-z][a-z0-9_]*", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [p for p in CODE if not p.is_relative_to(OWN_PLACE) and p not in OTHER_PLACES])
def test_no_corpus_is_named_outside_its_folder(path: Path) -> None:
    named = {*CORPORA, *(table.name for table in _TABLES if table.name.startswith(tuple(CORPORA)))}
    assert words(path) & named == set()


@pytest.mark.parametrize("name", ["ooh", "onet", "own"])
def test_a_folder_of_a_corpus_names_no_other_but_where_code_systems_are_joined(name: str) -> None:
    others = {"ooh", "onet", "own"} - {name}
    joins = {"onet": {"corpus.py", "parsing.py", "checks.py", "lineage.py"}, "own": {"corpus.py"}}.get(name, set())
    for path in (OWN_PLACE / name).glob("*.py"):
        imported = set(re.findall(r"exposure_dagster\.corpora\.(\w+)", path.read_text(encoding="utf-8")))
        assert path.name in joins or not imported & others, path


@pytest.mark.parametrize("path", [p for p in CODE if p.suffix == ".py" and p != PACKAGE / "cli" / "dev.py"])
def test_no_prompt_is_known_by_name(path: Path) -> None:
    """But for the demo, which scores prompts that come with the project (`cli/dev.py`)."""
    prompts = {prompt.stem for prompt in BUNDLED_PROMPTS.glob("*.md")}
    text = path.read_text(encoding="utf-8")
    for also in ('prog_name="exposure"', 'NAME = "exposure"'):  # the command is called so too, and the schema
        text = text.replace(also, "")
    quoted = set(re.findall(r"""["']([a-z][a-z0-9_]*)["']""", text))
    # `resilience` is also what a kind of formula is called, in prompt files and on the page
    assert quoted & (prompts - {"resilience"}) == set()


def test_one_corpus_is_what_occupations_are_joined_on() -> None:
    assert [name for name, corpus in CORPORA.items() if corpus.is_joined_on] == [JOINED_ON.name]
