"""Which systems the project runs on. Imports nothing that one of them lacks."""

from __future__ import annotations

import sys

from exposure_dagster.core.errors import SettingError


def refuse_windows() -> None:
    """Raises SettingError on Windows: it has no groups of processes to end a run by, no limits of memory for a process
    that tries a workbook, and no links that are switched in one step, by which files are published."""
    if sys.platform == "win32":
        raise SettingError(
            "exposure does not run on Windows itself",
            remedy="Install and run it in WSL, the Windows Subsystem for Linux.",
        )
