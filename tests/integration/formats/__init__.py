"""The tables of warehouses and ledgers as earlier versions of the project declared them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

FOLDER = Path(__file__).parent


def make_warehouse(path: Path, number: int) -> None:
    """Make an empty warehouse of an earlier format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute((FOLDER / f"format_{number}.sql").read_text(encoding="utf-8"))


def make_ledger(path: Path, version: int) -> None:
    """An empty ledger as that version of its format had it; of one that is not known here, its number alone."""
    frozen = FOLDER / f"ledger_{version}.sql"
    tables = frozen.read_text(encoding="utf-8") if frozen.exists() else "CREATE TABLE meta (name TEXT, value TEXT);"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(tables)
        facts = [("version", str(version)), ("ledger_id", "a" * 32), ("revision", "1")]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", facts)
