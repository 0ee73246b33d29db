"""What a check found, and the check that every table has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from textwrap import shorten

import duckdb
import pandas as pd

from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.progress import counted
from exposure_dagster.core.tables import Table
from exposure_dagster.gates import CHECKS

SHOWN_PROBLEMS = 5
"""Mistakes of a file that a sentence names; the table beside it has them all."""

SHOWN_CHARACTERS = 120
"""Of what was found in the place of a field."""


BLOCKING = frozenset(
    {
        "rows_fit_the_registry",
        "every_document_is_accounted_for",
        "every_score_is_ranked",
        "scores_lie_on_the_scale",
        "groups_add_up",
        "ranking_can_be_recomputed",
        *CHECKS,
    }
)
"""Checks of what our own code promises of a table, and those of the gate: where one fails, nothing that hangs on the
table is made; of the gate's as far as EXPOSURE_GATE makes it an error.

A page that cannot be read or a figure out of range is an error that is shown and blocks nothing: the rows of earlier
stand.
"""


@dataclass(frozen=True)
class CheckOutcome:
    """A check's result. `is_error` failures are errors, others warnings; `found` is a table to show.

    An error stops what hangs on the table only where the check is one of `BLOCKING`.
    """

    name: str
    passed: bool
    description: str
    found: pd.DataFrame | None = None
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    is_error: bool = True


def first_of(problems: Iterable[str]) -> str:
    """The first few problems in one clause, and how many more there are."""
    told = list(problems)
    more = f"; and {len(told) - SHOWN_PROBLEMS:,} more" if len(told) > SHOWN_PROBLEMS else ""
    return "; ".join(told[:SHOWN_PROBLEMS]) + more


def unread_fields(key: str, unread: pd.DataFrame) -> str:
    """What of pages could not be read, from rows of `field`, `found` and the page's `key`."""
    named = first_of(
        f"{row[key]}, {row['field']}: {shorten(row['found'], SHOWN_CHARACTERS, placeholder=' …')}"
        for row in unread.to_dict("records")
    )
    fields, pages = counted(len(unread), "field"), counted(unread[key].nunique(), "page")
    return f"{fields} on {pages} could not be read ({named})"


def rows_fit_the_registry(connection: duckdb.DuckDBPyConnection, table: Table) -> CheckOutcome:
    """The key tells rows apart, and required columns are filled."""
    key = ", ".join(table.key)
    doubled = connection.execute(
        f"SELECT {key}, count(*) AS rows FROM {table.full_name}"
        f" GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 20"
    ).df()
    required = [column.name for column in table.columns if not column.is_nullable]
    counts = ", ".join(f"count(*) FILTER ({name} IS NULL) AS {name}" for name in required)
    counts = counts or "count(*) FILTER (false) AS none"
    empty = connection.execute(f"SELECT {counts} FROM {table.full_name}").df().iloc[0]
    gaps = {str(name): int(count) for name, count in empty.items() if count}
    passed = doubled.empty and not gaps
    description = f"({key}) is unique, and no required cell is empty"
    if not passed:
        wrong = [f"({key}) is not unique: {first_of(_keys(doubled, table))}"] if len(doubled) else []
        wrong += [f"required cells are empty: {gaps}"] if gaps else []
        description = "; ".join(wrong)
    return CheckOutcome("rows_fit_the_registry", passed, description, None if doubled.empty else doubled)


def refuse_what_does_not_fit(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Rows that their table's own check refuses are not used, whichever run or hand wrote them.

    Raises WarehouseError.
    """
    for table in tables:
        outcome = rows_fit_the_registry(connection, table)
        if not outcome.passed:
            raise WarehouseError(
                f"its rows cannot be published: {outcome.description}",
                where=table.full_name,
                remedy="Mend the rows, or make the table anew, and run again. What was published before stands.",
            )


def _keys(rows: pd.DataFrame, table: Table) -> list[str]:
    return [f"{', '.join(str(row[name]) for name in table.key)} {row['rows']} times" for row in rows.to_dict("records")]
