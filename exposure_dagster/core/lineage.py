"""What a column is made from: data for the lineage that Dagster shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_SCHEMAS = ("raw", "parsed", "scored", "ranked")

RUN = "the run itself"


@dataclass(frozen=True)
class Origin:
    """What a column is made from: a column of a table, or (with `column` None) something outside the warehouse."""

    source: str
    column: str | None = None

    def __str__(self) -> str:
        return self.source if self.column is None else f"{self.source}.{self.column}"


Origins = Mapping[str, tuple[Origin, ...]]


def made_from(columns: str, *origins: str) -> dict[str, tuple[Origin, ...]]:
    """Each of the columns is made from all of the origins."""
    return dict.fromkeys(columns.split(), tuple(_origin(name) for name in origins))


def same_as(table: str, columns: str) -> dict[str, tuple[Origin, ...]]:
    """Each of the columns is the one of its name in another table."""
    return {name: (Origin(table, name),) for name in columns.split()}


def _origin(name: str) -> Origin:
    table, _, column = name.rpartition(".")
    return Origin(table, column) if table.partition(".")[0] in _SCHEMAS else Origin(name)
