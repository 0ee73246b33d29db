"""The code location: what it declares, and that Dagster finds nothing wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from dagster import AssetKey

from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import load_settings
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


def test_the_jobs_that_users_script_against_are_there() -> None:
    names = {job.name for job in build_defs(load_settings()).jobs or ()}
    assert {"refresh_sources", "score_prompts", "everything"} <= names


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
