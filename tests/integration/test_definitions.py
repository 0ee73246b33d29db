"""The code location: what it declares, and that Dagster finds nothing wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dagster import AssetKey, DefaultScheduleStatus, DefaultSensorStatus, ScheduleDefinition

from assets.published import EXPORTS, SITE
from exposure_dagster.definitions import build_defs
from exposure_dagster.errors import SettingError
from exposure_dagster.settings import Settings, load_settings
from exposure_dagster.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]


def test_every_table_of_the_registry_is_an_asset_of_its_name() -> None:
    keys = {spec.key for spec in build_defs(load_settings()).resolve_all_asset_specs()}
    assert {AssetKey(name.split(".")) for name in TABLES} <= keys


def test_every_asset_is_described_grouped_and_owned() -> None:
    for spec in build_defs(load_settings()).resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.group_name == spec.key.path[0]
        assert spec.owners == ["team:exposure"]
        assert spec.kinds


def test_scores_hang_on_their_inputs_alone() -> None:
    graph = build_defs(load_settings()).get_repository_def().asset_graph
    assert graph.get(AssetKey(["scored", "scores"])).parent_keys == {AssetKey(["scored", "inputs"])}


def test_rankings_hang_on_one_digest_of_what_they_are_made_from() -> None:
    graph = build_defs(load_settings()).get_repository_def().asset_graph
    made = [AssetKey(["ranked", name]) for name in ("rankings", "summaries", "changes", "resilience", "task_rollups")]
    parents = {parent for key in made for parent in graph.get(key).parent_keys}
    assert parents == {AssetKey(["ranked", "inputs"]), AssetKey(["ranked", "rankings"])}


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


def test_validate_is_clean_and_warns_of_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Validation successful" in output
    assert "Warning" not in output.replace("SupersessionWarning", ""), output


def test_the_workspace_file_alone_names_the_code_location() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    assert workspace["load_from"][0]["python_module"]["module_name"] == "exposure_dagster.definitions"
    assert "[tool.d" + "agster]" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
