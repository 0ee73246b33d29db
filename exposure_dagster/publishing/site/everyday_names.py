"""What people call their jobs where neither the handbook's index nor O*NET's titles do: UX designer, Uber driver.

A table of ours, `everyday_names.csv`, from such a name to titles of the handbook; for searches alone. A name may lead
to several occupations, since none of them need be all of it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files


def everyday_names(titles: Iterable[str | None]) -> list[Sequence[str]]:
    """For each title the names that lead to it; none where the table has none."""
    known = _table()
    return [known.get(title or "", ()) for title in titles]


@cache
def _table() -> Mapping[str, Sequence[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    lines = files(__package__).joinpath("everyday_names.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(lines):
        names[row["title"]].append(row["name"])
    return dict(names)
