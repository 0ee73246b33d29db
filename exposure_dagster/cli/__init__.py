"""The command line: `exposure`. Each command is a module; none holds domain logic."""

from exposure_dagster.cli.main import main

__all__ = ["main"]
