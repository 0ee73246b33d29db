"""Short names for occupations with long titles, for places that have no room: tiles, cards, headings of tables.

They are a table of ours, `short_names.csv`, of titles of the handbook and of O*NET. (The `Short Title` in O*NET's
releases belongs to alternate titles, CEO to Chief Executive Officer, and no occupation's own title has one.) A title
that is not in it stays: nothing is cut or derived.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files


def short_names(titles: Iterable[str | None]) -> list[str | None]:
    """For each title its short name; None where it has none."""
    known = _table()
    return [None if title is None else known.get(title) for title in titles]


@cache
def _table() -> dict[str, str]:
    lines = files(__package__).joinpath("short_names.csv").read_text(encoding="utf-8").splitlines()
    return {row["title"]: row["short"] for row in csv.DictReader(lines)}
