"""The tables of warehouses as earlier versions of the project declared them."""

from __future__ import annotations

from pathlib import Path

import duckdb


def make_warehouse(path: Path, number: int) -> None:
    """Make an empty warehouse of an earlier format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute((Path(__file__).parent / f"format_{number}.sql").read_text(encoding="utf-8"))
