"""What every command writes in the same way: bars, warnings, tables. Results go to stdout, the rest to stderr."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from exposure_dagster.core.characters import visible
from exposure_dagster.core.private import open_to_others
from exposure_dagster.core.progress import NO_PROGRESS, LoggedProgress, Progress, shown_figure
from resources.progress import ProgressFactory

PLAIN_WIDTH = 140
"""Columns where the output is no terminal: wide enough for every table of ours."""


class _HarmlessConsole(Console):
    """Shows what pages, documents and models wrote as text, whatever characters are in it."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)  # before it is measured

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


OUT = _HarmlessConsole(highlight=False, emoji=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
ERR = _HarmlessConsole(stderr=True, highlight=False, emoji=False)


def print_json(value: object) -> None:
    """Print what a program is to read: no figure that JSON lacks, times as ISO 8601."""
    click.echo(json.dumps(_as_json(value), ensure_ascii=False, indent=1))


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    if isinstance(value, datetime):
        return None if str(value) == "NaT" else value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return _as_json(value.tolist()) if hasattr(value, "tolist") else str(value)


def warn_of_open_home(home: Path, *, published: Path) -> None:
    """Say so where other users of the machine can look into a home that is there already."""
    found = open_to_others(home, meant=published)
    if found is not None:
        mode = f"{found.stat().st_mode & 0o777:o}"
        warn(
            f"other users can look into {found} (mode {mode}), where your documents and answers lie: chmod go= {found}"
        )


class _Bar:
    """A bar with rate and time left, and the figures of the work beside it."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._figures: dict[str, float | int | str] = {}
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=ERR,
            transient=False,
        )

    def start(self, label: str, total: int | None) -> None:
        self._task = self._bar.add_task(label, total=total, figures="", rate="")
        if total != 0:
            self._bar.start()

    def advance(self, count: int = 1, **figures: float | int | str) -> None:
        self._figures.update(figures)
        speed = self._bar.tasks[-1].speed  # of the round that is under way
        shown = (f"{name.replace('_', ' ')} {shown_figure(value)}" for name, value in self._figures.items())
        self._bar.update(
            self._task,
            advance=count,
            figures="  ".join(shown),
            rate=f"{speed:,.1f}/s" if speed else "",
        )

    def finish(self) -> None:
        self._bar.stop()


def _make(_log: Callable[[str], None]) -> Progress:
    if ERR.is_terminal:
        return _Bar()
    return LoggedProgress(lambda line: ERR.print(line, markup=False))


PROGRESS = ProgressFactory(_make)
"""A bar on a terminal, a line every few seconds elsewhere."""

SILENCE = ProgressFactory(lambda _: NO_PROGRESS)
"""Nothing, for `--quiet`."""


def say(text: str) -> None:
    """A result on stdout, in just these words, not wrapped."""
    click.echo(visible(text))


def warn(text: str) -> None:
    """A warning on stderr; the text is shown as it is."""
    ERR.print("Warning: ", style="yellow", end="")
    ERR.print(text, markup=False, soft_wrap=True)


class _WarningsOnTerminal(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())


def show_warnings() -> None:
    """What the domain logs as a warning, such as what a run waits for, is shown as ours."""
    logger = logging.getLogger("exposure_dagster")
    if not any(isinstance(handler, _WarningsOnTerminal) for handler in logger.handlers):
        logger.addHandler(_WarningsOnTerminal(logging.WARNING))
