"""What scoring writes beside the standing answers: the copy of the ledger, and the versions that only grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exposure_dagster.core.checks import CheckOutcome, rows_fit_the_registry
from exposure_dagster.core.tables import Table
from exposure_dagster.scoring.ledger_checks import promises_of_rows
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.store.warehouse import Warehouse


@dataclass(frozen=True)
class WrittenTable:
    """A table as it is after a step: all of its rows, those of the step's prompt, and what changes with the latter."""

    table: Table
    rows: int
    rows_of_prompt: int
    digest: str
    outcomes: tuple[CheckOutcome, ...]


def written_tables(warehouse: Warehouse, tables: Sequence[Table], prompt: str) -> list[WrittenTable]:
    """How tables that a step wrote beside its own are, with their checks."""
    promised = ledger_promises(warehouse)
    written = []
    with warehouse.connect(read_only=True) as connection:
        for table in tables:
            ((rows, rows_of_prompt, hashed),) = connection.execute(
                "SELECT count(*), count(*) FILTER (prompt = $prompt),"
                " bit_xor(hash(t::VARCHAR)) FILTER (prompt = $prompt)"
                f" FROM {table.full_name} t",
                {"prompt": prompt},
            ).fetchall()
            outcomes = (rows_fit_the_registry(connection, table), *promised.get(table.full_name, ()))
            written.append(WrittenTable(table, rows, rows_of_prompt, f"{rows_of_prompt} {hashed}", outcomes))
    return written


def ledger_promises(warehouse: Warehouse) -> dict[str, list[CheckOutcome]]:
    """The promises of the ledger as checks of its tables in the warehouse, by table."""
    found: dict[str, list[CheckOutcome]] = {}
    for promise in promises_of_rows(open_ledger(warehouse)):
        said = f"broken {promise.broken:,} times: `exposure check` says more" if promise.broken else "it holds"
        outcome = CheckOutcome(
            promise.name,
            not promise.broken,
            f"{promise.description}: {said}",
            figures={"broken": promise.broken},
        )
        found.setdefault(f"scored.{promise.table}", []).append(outcome)
    return found


def rows_of(warehouse: Warehouse, table: Table, *, prompt: str | None = None) -> int:
    """How many rows a table has, of one prompt where it is named."""
    condition, values = ("prompt = ?", [prompt]) if prompt else ("true", [])
    ((rows,),) = warehouse.rows(f"SELECT count(*) FROM {table.full_name} WHERE {condition}", values)
    return int(rows)
