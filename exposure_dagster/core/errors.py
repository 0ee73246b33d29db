"""The errors that a user is meant to read.

Each says what happened, where, and what to do about it. The command line prints them without a
traceback; Dagster shows them as the failure of the step. Errors that are bugs of ours are not here.
"""

from __future__ import annotations


class ExposureError(Exception):
    """Something a user can mend.

    `what` is one clause without a full stop; `where` names the file, URL, row or setting;
    `remedy` is what to do, one sentence. `str()` joins them to one line.
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        text = what if where is None else f"{where}: {what}"
        stop = "" if text.endswith("?") else "."
        super().__init__(text if remedy is None else f"{text}{stop} {remedy}")


class SettingError(ExposureError):
    """A setting is missing or cannot be used."""


class SourceError(ExposureError):
    """A source (page, index, download) cannot be had, and without it there is no run."""


class PromptError(ExposureError):
    """A prompt file cannot be used."""


class ScoringError(ExposureError):
    """Scoring cannot go on (wrong key, unknown model, budget)."""


class WarehouseError(ExposureError):
    """The warehouse cannot be opened, or is not the one this run may write to."""


class PublicationError(ExposureError):
    """What is published cannot be read, or nothing is."""


def not_allowed(error: PermissionError, kind: type[ExposureError] = SettingError) -> ExposureError:
    """The same as an error that a user can mend."""
    return kind(
        f"this user has no right to it ({error.strerror})",
        where=None if error.filename is None else str(error.filename),
        remedy="Ask its owner for the right, or set EXPOSURE_HOME to a folder of your own.",
    )
