"""Moving the ledger between machines as Parquet: all that was paid for, and what it takes to read it.

A folder holds `responses.parquet`, `prompt_versions.parquet` and `texts.parquet`. Import adds what is not
there yet and never changes or doubles what is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from exposure_dagster.core.errors import SourceError
from exposure_dagster.core.private import make_private
from exposure_dagster.core.tables import Table
from exposure_dagster.scoring.mirror import copy_to_warehouse, open_ledger
from exposure_dagster.scoring.taking_over import add_attempts, from_warehouse
from exposure_dagster.store.warehouse import Warehouse, insert_rows
from exposure_dagster.tables import PROMPT_VERSIONS, RESPONSES, TEXTS

MOVED_TABLES = (RESPONSES, PROMPT_VERSIONS, TEXTS)


@dataclass(frozen=True)
class Moved:
    """Rows of one table: how many the file holds, and how many of them were new."""

    table: str
    rows: int
    new: int


def export_ledger(warehouse: Warehouse, folder: Path) -> list[Moved]:
    """Write the ledger into `folder`, each file complete before it takes its name."""
    make_private(folder)
    copy_to_warehouse(open_ledger(warehouse), warehouse)
    moved = []
    with warehouse.connect(read_only=True) as connection:
        for table in MOVED_TABLES:
            draft = folder / f".{table.name}.parquet"
            target = str(draft).replace("'", "''")
            order = ", ".join(table.key)
            rows_in_order = f"SELECT * FROM {table.full_name} ORDER BY {order}"
            connection.execute(f"COPY ({rows_in_order}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
            draft.replace(folder / f"{table.name}.parquet")
            ((rows,),) = connection.execute(f"SELECT count(*) FROM {table.full_name}").fetchall()
            moved.append(Moved(table.full_name, rows, rows))
    return moved


def import_ledger(warehouse: Warehouse, folder: Path) -> list[Moved]:
    """Add what `folder` holds and the ledger does not.

    Of two accepted answers to one request key the one that is here already stands; the other is kept and
    no longer counts. Attempts are numbered on. Raises SourceError where a file is missing, is no Parquet
    file, or has columns that this version does not know.
    """
    ledger = open_ledger(warehouse)
    moved = []
    with warehouse.transaction() as connection:
        for table in (PROMPT_VERSIONS, TEXTS):
            rows = _read(connection, folder, table)
            same = " AND ".join(f"h.{name} IS NOT DISTINCT FROM i.{name}" for name in table.key)
            fresh = connection.execute(
                f"SELECT * FROM incoming_rows i WHERE NOT EXISTS (SELECT 1 FROM {table.full_name} h WHERE {same})"
            ).df()
            insert_rows(connection, table, fresh)
            connection.execute("DROP TABLE incoming_rows")
            moved.append(Moved(table.full_name, rows, len(fresh)))
        rows = _read(connection, folder, RESPONSES)
        cursor = connection.execute("SELECT * FROM incoming_rows ORDER BY created_at")
        with ledger.store.transaction() as target:
            added = add_attempts(target, from_warehouse(cursor))
        moved.insert(0, Moved(RESPONSES.full_name, rows, added))
        connection.execute("DROP TABLE incoming_rows")
    copy_to_warehouse(ledger, warehouse)
    return moved


def _read(connection: duckdb.DuckDBPyConnection, folder: Path, table: Table) -> int:
    """Load a table's file into the temporary table `incoming_rows`, with the table's columns; returns its rows."""
    path = folder / f"{table.name}.parquet"
    source = str(path).replace("'", "''")
    try:
        connection.execute(f"CREATE TEMP TABLE incoming_rows AS SELECT * FROM read_parquet('{source}')")
    except duckdb.Error as error:
        raise SourceError(
            f"it cannot be read as Parquet ({str(error).splitlines()[0]})",
            where=str(path),
            remedy="Name the folder that `exposure ledger export` wrote.",
        ) from error
    columns = [name for name, *_ in connection.execute("DESCRIBE incoming_rows").fetchall()]
    unknown = [name for name in columns if name not in table.column_names]
    missing = [name for name in table.key if name not in columns]
    if unknown or missing:
        raise SourceError(
            f"{'it has columns of a newer version: ' if unknown else 'it lacks '}{', '.join(unknown or missing)}",
            where=str(path),
            remedy="Import it with the version that wrote it, or a newer one.",
        )
    for column in table.columns:
        if column.name not in columns:
            connection.execute(f"ALTER TABLE incoming_rows ADD COLUMN {column.name} {column.type}")
    ((rows,),) = connection.execute("SELECT count(*) FROM incoming_rows").fetchall()
    return int(rows)
