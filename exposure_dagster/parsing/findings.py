"""What could not be read on a page, collected while it is interpreted."""

from __future__ import annotations

from typing import TypeVar

from exposure_dagster.parsing.records import UnreadField

_Value = TypeVar("_Value")
_LONGEST_QUOTE = 200


class Findings:
    """The unread fields of one page."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.unread: list[UnreadField] = []

    def report(self, field: str, found: str) -> None:
        self.unread.append(UnreadField(self.slug, field, found[:_LONGEST_QUOTE]))

    def required(self, field: str, value: _Value | None, found: str) -> _Value | None:
        """Hands the value on, and reports the field if there is none."""
        if value is None:
            self.report(field, found)
        return value
