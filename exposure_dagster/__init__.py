"""Occupations, questions and answers: the domain, the code location and the command line.

For analysts: `open(home)` gives frames of what is there (docs/analysis.ipynb).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exposure_dagster.analysis import Home

__version__ = "0.2.0"


def open(home: str | Path | None = None) -> Home:
    """A home, to be read and to be run; that of the settings where none is named.

    Raises SettingError where a setting cannot be used.
    """
    from exposure_dagster.analysis import Home

    return Home.of(home)
