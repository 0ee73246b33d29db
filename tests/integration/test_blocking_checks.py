"""Rows that break what a table promises stop what hangs on it: they reach no other step, and no published file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import SOURCES_JOB
from exposure_dagster.cli import main
from exposure_dagster.core.checks import BLOCKING
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def settings_of(root: Path) -> Settings:
    return Settings(home=root / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=root / "prompts")


@pytest.fixture
def settings(sample_run: Path, tmp_path: Path) -> Settings:
    """A home with prompt `exposure`, scored, ranked and published."""
    root = tmp_path / "copy"
    shutil.copytree(sample_run, root / "home", symlinks=True)
    (root / "prompts").mkdir()
    shutil.copy(BUNDLED_PROMPTS / "exposure.md", root / "prompts")
    return settings_of(root)


def published(settings: Settings) -> dict[str, bytes]:
    current = settings.published_folder / "current"
    return {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}


def run_by_hand(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Result:
    for name, value in (("HOME", settings.home), ("SITES", "sample"), ("SCORER", "baseline")):
        monkeypatch.setenv(f"EXPOSURE_{name}", str(value))
    monkeypatch.setenv("EXPOSURE_PROMPTS", str(settings.prompts))
    return CliRunner().invoke(main, ["run"])


def change(settings: Settings, *statements: str) -> None:
    with Warehouse(settings.warehouse_file).transaction() as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statements", "table", "what"),
    [
        (
            ["INSERT INTO ranked.rankings SELECT * FROM ranked.rankings WHERE doc_id = 'roofers'"],
            "ranked.rankings",
            "(prompt, doc_id) is not unique: exposure, roofers 2 times",
        ),
        (
            ["INSERT INTO parsed.ooh_occupations SELECT * FROM parsed.ooh_occupations WHERE slug = 'roofers'"],
            "parsed.ooh_occupations",
            "(slug) is not unique: roofers 2 times",
        ),
        (
            [
                "ALTER TABLE ranked.rankings ALTER COLUMN doc_id DROP NOT NULL",
                "UPDATE ranked.rankings SET doc_id = NULL WHERE doc_id = 'roofers'",
            ],
            "ranked.rankings",
            "required cells are empty: {'doc_id': 1}",
        ),
    ],
)
def test_rows_that_break_a_table_s_promise_are_not_published(
    statements: list[str], table: str, what: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published(settings)
    link = (settings.published_folder / "current").readlink()
    change(settings, *statements)
    done = run_by_hand(settings, monkeypatch)
    assert done.exit_code == 1
    said = " ".join(done.output.split()).replace("/", ".")
    assert table in said
    assert what in said
    assert (settings.published_folder / "current").readlink() == link
    assert published(settings) == before


def test_within_a_run_nothing_is_made_from_rows_that_a_check_refused(settings: Settings) -> None:
    change(settings, "INSERT INTO parsed.ooh_occupations SELECT * FROM parsed.ooh_occupations WHERE slug = 'roofers'")
    with open_instance(settings.dagster_home) as instance:
        job = build_defs(settings).resolve_job_def(SOURCES_JOB)
        result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
    assert not result.success
    blocked = [
        one.asset_key.to_user_string()
        for one in result.get_asset_check_evaluations()
        if one.blocking and not one.passed
    ]
    assert blocked == ["parsed/ooh_occupations"]
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert "parsed/ooh_titles" in made
    assert "parsed/documents" not in made


def test_the_checks_that_block_are_declared_so_to_dagster(settings: Settings) -> None:
    graph = build_defs(settings).resolve_asset_graph()
    declared = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert declared == BLOCKING
