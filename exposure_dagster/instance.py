"""Dagster's own home: one folder below EXPOSURE_HOME that the command line and the UI share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exposure_dagster.errors import SettingError
from exposure_dagster.scoring.locks import holding

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAGSTER_YAML = """\
# Written by exposure_dagster where it is missing; change it as you like.
telemetry:
  enabled: false
nux:
  enabled: false
freshness:
  enabled: true
run_monitoring:
  enabled: true
concurrency:
  runs:
    max_concurrent_runs: 4
"""


def prepare_dagster_home(folder: Path) -> Path:
    """The folder, made and with a `dagster.yaml` where it had none. Raises SettingError where it cannot be written."""
    config = folder / "dagster.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not config.exists():
            config.write_text(DAGSTER_YAML, encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"the home folder cannot be written ({error.strerror})",
            where=str(error.filename or folder),
            remedy="Set EXPOSURE_HOME to a folder that can be written.",
        ) from error
    return folder


def open_instance(folder: Path) -> DagsterInstance:
    """The Dagster instance of a home that `prepare_dagster_home` made.

    Raises SettingError where its files cannot be opened.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with holding(folder / "opening.lock"):  # two first runs at once would both make its tables
            return DagsterInstance.from_config(str(folder))
    except (OSError, SQLAlchemyError) as error:
        raise SettingError(
            f"Dagster's own state cannot be opened for writing ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Make the folder writable for you, or set EXPOSURE_HOME to another one.",
        ) from error
