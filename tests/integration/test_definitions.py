"""The code location: what it declares, and that Dagster finds nothing wrong with it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from dagster import AssetKey, DefaultScheduleStatus, DefaultSensorStatus, ScheduleDefinition

from assets.published import EXPORTS, SITE
from exposure_dagster.core.errors import SettingError
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import Settings, load_settings
from exposure_dagster.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]


def test_every_table_of_the_registry_is_an_asset_of_its_name() -> None:
    keys = {spec.key for spec in build_defs(load_settings()).resolve_all_asset_specs()}
    assert {AssetKey(name.split(".")) for name in TABLES if not name.startswith("meta.")} <= keys


def test_every_asset_is_described_and_grouped() -> None:
    for spec in build_defs(load_settings()).resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.group_name == spec.key.path[0]
        assert spec.kinds


def test_in_the_ui_an_asset_says_who_answers_for_it_where_it_lies_and_where_its_code_is(tmp_path: Path) -> None:
    shown = build_defs(Settings(home=tmp_path, owner="team:labour"), is_shown=True)
    specs = {spec.key.to_user_string(): spec for spec in shown.resolve_all_asset_specs()}
    assert {tuple(spec.owners) for spec in specs.values()} == {("team:labour",)}
    scores = specs["scored/scores"].metadata
    assert scores["dagster/uri"] == (tmp_path / "exposure.duckdb").as_uri()
    assert scores["dagster/table_name"] == "exposure.scored.scores"
    (code,) = scores["dagster/code_references"].code_references
    assert Path(code.file_path).relative_to(ROOT).as_posix() == "assets/scored.py"
    assert specs["published/exports"].metadata["dagster/uri"] == (tmp_path / "published" / "current").as_uri()


def test_code_is_linked_to_where_the_settings_say_it_lies() -> None:
    shown = build_defs(Settings(code_url="https://github.com/me/exposure/tree/main"), is_shown=True)
    (spec,) = [one for one in shown.resolve_all_asset_specs() if one.key == AssetKey(["scored", "scores"])]
    (code,) = spec.metadata["dagster/code_references"].code_references
    assert code.url.startswith("https://github.com/me/exposure/tree/main/assets/scored.py#L")


def test_scores_hang_on_their_inputs_alone() -> None:
    graph = build_defs(load_settings()).get_repository_def().asset_graph
    assert graph.get(AssetKey(["scored", "scores"])).parent_keys == {AssetKey(["scored", "inputs"])}


def test_rankings_hang_on_one_digest_of_what_they_are_made_from() -> None:
    graph = build_defs(load_settings()).get_repository_def().asset_graph
    made = [
        AssetKey(["ranked", name])
        for name in ("rankings", "changes", "uncertainty", "reliability", "resilience", "task_rollups", "summaries")
    ]
    parents = {parent for key in made for parent in graph.get(key).parent_keys}
    assert parents == {AssetKey(["ranked", name]) for name in ("inputs", "rankings", "uncertainty")}


def test_the_jobs_that_users_script_against_are_there() -> None:
    names = {job.name for job in build_defs(load_settings()).jobs or ()}
    assert {"refresh_sources", "score_prompts", "everything"} <= names


def test_what_costs_nothing_is_on_from_the_start_and_what_spends_is_off() -> None:
    definitions = build_defs(Settings())
    sensors = {one.name: one.default_status for one in definitions.sensors or ()}
    assert sensors == {
        "follow_prompts": DefaultSensorStatus.RUNNING,
        "rank_what_changed": DefaultSensorStatus.RUNNING,
        "look_at_inputs_again": DefaultSensorStatus.RUNNING,
        "publish_what_changed": DefaultSensorStatus.RUNNING,
        "launch_rescoring": DefaultSensorStatus.RUNNING,  # only after a run of rescore_stale, which a person starts
        "rescore_what_is_stale": DefaultSensorStatus.STOPPED,
        "alert_on_failed_run": DefaultSensorStatus.STOPPED,
        "alert_on_failed_check": DefaultSensorStatus.STOPPED,
    }
    told = build_defs(Settings(alert_webhook="https://chat.example.org/hook")).sensors or ()
    assert {one.default_status for one in told if one.name.startswith("alert")} == {DefaultSensorStatus.RUNNING}


def test_schedules_are_off_and_follow_the_settings() -> None:
    settings = Settings(sources_cron="30 5 * * 2", rescoring_cron="0 4 2 * *", time_zone="Europe/Berlin")
    schedules = {
        one.name: (one.cron_schedule, one.execution_timezone, one.default_status)
        for one in build_defs(settings).schedules or ()
        if isinstance(one, ScheduleDefinition)
    }
    assert schedules == {
        "refresh_sources_weekly": ("30 5 * * 2", "Europe/Berlin", DefaultScheduleStatus.STOPPED),
        "rescore_monthly": ("0 4 2 * *", "Europe/Berlin", DefaultScheduleStatus.STOPPED),
    }


def test_a_cron_expression_that_is_none_is_told_by_its_variable() -> None:
    with pytest.raises(SettingError, match="EXPOSURE_RESCORING_CRON='monthly'"):
        build_defs(Settings(rescoring_cron="monthly"))


def test_sources_and_published_files_have_a_freshness_policy() -> None:
    fresh = {spec.key for spec in build_defs(Settings()).resolve_all_asset_specs() if spec.freshness_policy}
    assert fresh == {AssetKey(name.split(".")) for name in TABLES if name.startswith("raw.")} | {EXPORTS, SITE}


def dagster(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_two_ways_in_load_the_same_and_warn_of_nothing() -> None:
    """`dagster dev` takes what pyproject.toml names for `dg`, where it is not told of workspace.yaml."""
    by_file, by_block = dagster("definitions", "validate", "-w", "workspace.yaml"), dagster("definitions", "validate")
    for output in (by_file, by_block):
        assert "Validation successful for code location exposure." in output
        assert "Warning" not in output.replace("SupersessionWarning", ""), output
    named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dg"]["project"]
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    assert workspace["load_from"] == [
        {
            "python_module": {
                "module_name": named["code_location_target_module"],
                "location_name": named["code_location_name"],
            }
        }
    ]
