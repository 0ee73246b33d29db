"""Dagster's home below EXPOSURE_HOME: made where it is missing, and a clear error where it cannot be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home, running
from exposure_dagster.core.errors import SettingError


def test_a_home_is_made_with_a_configuration_that_sends_nothing_home(tmp_path: Path) -> None:
    folder = prepare_dagster_home(tmp_path / "home" / "dagster")
    config = yaml.safe_load((folder / "dagster.yaml").read_text(encoding="utf-8"))
    assert config["telemetry"] == {"enabled": False}


def test_what_is_written_is_what_dagster_goes_by(tmp_path: Path) -> None:
    with open_instance(prepare_dagster_home(tmp_path / "dagster")) as instance:
        limits = instance.get_concurrency_config()
        assert limits.run_queue_config is not None and limits.run_queue_config.max_concurrent_runs == 4
        assert limits.pool_config.default_pool_limit == 2
        assert instance.run_retries_enabled and instance.run_retries_max_retries == 0
        assert instance.run_retries_retry_on_asset_or_op_failure is False


def test_a_configuration_that_someone_changed_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: true\n")
    prepare_dagster_home(tmp_path)
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry:\n  enabled: true\n"


def test_what_one_front_door_records_the_other_sees(tmp_path: Path) -> None:
    folder = prepare_dagster_home(tmp_path / "dagster")
    with open_instance(folder) as instance:
        assert not instance.telemetry_enabled
        instance.add_dynamic_partitions("prompts", ["exposure"])
    with open_instance(folder) as instance:
        assert instance.get_dynamic_partitions("prompts") == ["exposure"]
    assert {path.name for path in tmp_path.iterdir()} == {"dagster"}


def test_while_a_run_is_under_way_no_event_has_to_wait_for_its_log_to_be_written_back(tmp_path: Path) -> None:
    folder = prepare_dagster_home(tmp_path / "dagster")
    with open_instance(folder):
        pass
    files = [folder / "history" / name for name in ("runs.db", "runs/index.db", "runs/some-run.db")]
    logs = [file.with_name(f"{file.name}-wal") for file in files]

    def write_and_close() -> None:
        for file in files:
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute("CREATE TABLE IF NOT EXISTS written (n INTEGER)")
                connection.execute("INSERT INTO written VALUES (1)")

    with running(folder, "some-run"):
        write_and_close()
        assert all(log.stat().st_size for log in logs)
    write_and_close()
    assert [log for log in logs[2:] if log.exists()] == []


def test_a_run_whose_records_dagster_keeps_elsewhere_makes_no_file_for_them(tmp_path: Path) -> None:
    with running(tmp_path, "some-run"):
        assert [path.name for path in tmp_path.iterdir()] == ["running"]


def test_a_home_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SettingError) as raised:
        prepare_dagster_home(tmp_path / "home" / "dagster")
    assert str(raised.value) == (
        f"{tmp_path / 'home' / 'dagster'}: the home folder cannot be written (Not a directory). "
        "Set EXPOSURE_HOME to a folder that can be written."
    )
