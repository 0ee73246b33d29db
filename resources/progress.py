"""How long steps tell that they go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from exposure_dagster.core.progress import LoggedProgress, Progress


def _logged(log: Callable[[str], None]) -> Progress:
    return LoggedProgress(log)


@dataclass(frozen=True)
class ProgressFactory:
    """Makes the progress of one step. In Dagster it writes log lines; the command line brings its bars."""

    make: Callable[[Callable[[str], None]], Progress] = field(default=_logged)
