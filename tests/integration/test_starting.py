"""What a command loads before it does its work, and how often it opens the warehouse."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import duckdb
import pytest

from exposure_dagster.cli.main import COMMANDS, main
from exposure_dagster.cli.unchanged import inputs_digest, is_unchanged, note_unchanged
from exposure_dagster.pipeline.estimates import estimates
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.standing import standings
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.scoring.estimate import OpenDocuments, estimate
from exposure_dagster.scoring.job import TEXTS_AT_ONCE
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, load_settings
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt

HEAVY = ("anthropic", "dagster", "fastapi", "matplotlib", "pandas", "scipy", "sklearn")

RUN_AND_LIST = """
import sys
from exposure_dagster.cli.main import main
main(sys.argv[1:], standalone_mode=False)
print("loaded:", *(name for name in {heavy!r} if name in sys.modules))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a prompt, documents and answers of a model."""
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    write_prompt(prompts, "a")
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb")
    seed_documents(warehouse, 20)
    seed_scores(warehouse, prompt_folder(prompts), ScorerChoice(ScorerName.MODEL, True))
    for name, value in {"HOME": tmp_path / "home", "PROMPTS": prompts, "SCORER": "claude"}.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", str(value))
    return tmp_path / "home"


@pytest.mark.parametrize("command", ["--help", "settings", "status"])
def test_a_command_that_only_looks_loads_nothing_heavy(home: Path, command: str) -> None:
    program = RUN_AND_LIST.format(heavy=HEAVY)
    result = subprocess.run([sys.executable, "-c", program, command], capture_output=True, text=True, check=True)
    said, loaded = result.stdout.rsplit("loaded:", 1)
    assert loaded.split() == []
    assert said


@pytest.fixture
def run_home(sample_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home after a run of its only prompt, `exposure`."""
    shutil.copytree(sample_run, tmp_path / "home", symlinks=True)
    (tmp_path / "prompts").mkdir()
    shutil.copy(BUNDLED_PROMPTS / "exposure.md", tmp_path / "prompts")
    values = {"HOME": tmp_path / "home", "PROMPTS": tmp_path / "prompts", "SITES": "sample", "SCORER": "baseline"}
    for name, value in values.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", str(value))
    return tmp_path / "home"


@pytest.mark.usefixtures("run_home")
def test_a_run_over_pages_that_are_as_they_were_needs_no_dagster_and_says_the_same() -> None:
    def run() -> tuple[str, bool]:
        program = RUN_AND_LIST.format(heavy=["dagster"])
        result = subprocess.run([sys.executable, "-c", program, "run"], capture_output=True, text=True, check=True)
        said, loaded = result.stdout.rsplit("loaded:", 1)
        return said, "dagster" in loaded

    (first, first_loaded), (second, second_loaded) = run(), run()
    assert (first_loaded, second_loaded) == (True, False)
    assert second == first


def edit_the_prompt(home: Path) -> None:
    write_prompt(home.parent / "prompts", "exposure", "Think of tomorrow.")


def write_to_the_warehouse(home: Path) -> None:
    with Warehouse(home / "exposure.duckdb").transaction() as connection:
        connection.execute("DELETE FROM parsed.ooh_titles")


def take_away_what_was_published(home: Path) -> None:
    (home / "published" / "current").unlink()


@pytest.mark.parametrize("change", [edit_the_prompt, write_to_the_warehouse, take_away_what_was_published])
def test_a_run_looks_at_everything_again_after_a_change(run_home: Path, change: Callable[[Path], None]) -> None:
    settings = load_settings()
    note_unchanged(settings, inputs_digest(settings, ()))
    assert is_unchanged(settings, inputs_digest(settings, ()))
    change(run_home)
    assert not is_unchanged(settings, inputs_digest(settings, ()))


@pytest.mark.usefixtures("run_home")
def test_a_run_looks_at_everything_again_when_pages_are_due() -> None:
    settings = load_settings().model_copy(update={"refetch_after_hours": 0})
    note_unchanged(settings, inputs_digest(settings, ()))
    assert not is_unchanged(settings, inputs_digest(settings, ()))


def test_the_list_of_commands_says_of_each_how_its_own_help_begins() -> None:
    context = click.Context(main)
    for name, place in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None and command.name == name
        assert " ".join((command.help or "").split()).startswith(place.summary.removesuffix("."))


def test_a_name_that_is_no_command_is_refused() -> None:
    assert main.get_command(click.Context(main), "scores") is None


def test_how_prompts_stand_is_read_through_one_connection(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = prompt_folder(home.parent / "prompts")
    opened: list[str] = []
    connect = duckdb.connect

    def counted(path: str, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        opened.append(path)
        return connect(path, read_only=read_only)

    monkeypatch.setattr(duckdb, "connect", counted)
    standings(Warehouse(home / "exposure.duckdb"), folder, ScorerChoice(ScorerName.BASELINE, True))
    assert len(opened) == 1


def test_an_estimate_of_a_corpus_in_several_portions_is_that_of_the_whole(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb")
    seed_documents(warehouse, 2 * TEXTS_AT_ONCE + 7)
    (tmp_path / "prompts").mkdir()
    write_prompt(tmp_path / "prompts", "a")
    file = tmp_path / "prompts" / "a.md"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("documents_per_request: 1", "documents_per_request: 3").replace("samples: 1", "samples: 2"),
        encoding="utf-8",
    )
    folder = prompt_folder(tmp_path / "prompts")
    rows = warehouse.rows("SELECT doc_id, title, text FROM parsed.documents ORDER BY doc_id")
    documents = [Document(*row) for row in rows] * 2

    (of_portions,) = estimates(warehouse, folder, ["a"], prices=load_prices(None))

    whole = estimate(OpenDocuments("a", folder.prompts[0].asked, documents, None), load_prices(None))
    assert of_portions == whole
    assert of_portions.documents == len(documents)
    assert of_portions.requests == -(-len(documents) // 3)
