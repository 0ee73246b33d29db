"""Rows that do not fit into memory, on their way from one step to the next: Parquet files in a folder that goes away.

A connection to the warehouse shuts out who writes, so that nothing that takes long is done while it is open: rows are
put here, and worked at from here.
"""

from __future__ import annotations

import itertools
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb

from exposure_dagster.core.tables import Table

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 10_000
"""Rows of a spool that are in memory together, where it is gone through."""


class Spool:
    """A folder of Parquet files, which is gone at the end of the block, or when nobody knows of it any more.

    What was added first comes first where it is gone through; it can be gone through again and again.
    """

    def __init__(self) -> None:
        self._folder = mkdtemp(prefix="exposure-")
        self._number = itertools.count()
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def source(self) -> str:
        """What stands for the rows after FROM in a query."""
        return f"read_parquet({quoted(f'{self._folder}/*.parquet')})"

    def add(self, frame: pd.DataFrame, table: Table) -> None:
        """Add rows, their columns of the types that the table has."""
        columns = ", ".join(
            f"{column.name}::{column.type} AS {column.name}" for column in table.columns if column.name in frame
        )
        with duckdb.connect() as connection:
            connection.register("rows_to_add", frame)
            connection.execute(f"COPY (SELECT {columns} FROM rows_to_add) TO {self._next()} (FORMAT parquet)")

    def take(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: str,
        parameters: Sequence[object] | Mapping[str, object] | None = None,
    ) -> None:
        """Add the result of a query, without a row of it coming into Python."""
        connection.execute(f"COPY ({query}) TO {self._next()} (FORMAT parquet)", parameters)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows, as tuples."""
        with duckdb.connect() as connection:
            found = connection.execute(f"FROM {self.source}")
            while portion := found.fetchmany(ROWS_AT_ONCE):
                yield from portion

    def _next(self) -> str:
        return quoted(f"{self._folder}/{next(self._number):06}.parquet")


def quoted(path: str | Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
