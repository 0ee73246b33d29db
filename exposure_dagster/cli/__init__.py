"""The command line: `exposure`. Each command is a module; none holds domain logic."""

import sys

from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.systems import refuse_windows

try:
    refuse_windows()  # before anything is imported that is not there
except SettingError as error:
    sys.exit(f"Error: {error}")

from exposure_dagster.cli.main import main

__all__ = ["main"]
