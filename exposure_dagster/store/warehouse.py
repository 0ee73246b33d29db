"""The warehouse: every table of the registry, in one DuckDB file, or in what several machines share (`lake`).

Connections are short: nobody keeps one open across a network call, since an open writer of the file shuts out
every reader and the other way round, and a transaction of the lake keeps others from their turn. (The instance that a
process keeps of the lake is none: it is idle between.) Opening waits its turn with a jittered retry. A write is one
transaction: a partition is deleted and inserted together or not at all.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.private import make_private
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.core.tables import Table
from exposure_dagster.store.migrations import bring_up_to_date, format_of, stamps
from exposure_dagster.tables import TABLES, WAREHOUSE_VERSION

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.store.lake import Lake

T = TypeVar("T")

DEFAULT_WAIT_S = 120.0

MEMORY_LIMIT = "1500MB"
"""Of DuckDB in a process, beside what Python holds: more is put on disk. Its own limit is most of a machine's memory,
which several runs at once would each take to be theirs."""

_LOCKED = re.compile(
    r"could not set lock|conflicting lock"
    r"|different configuration|unique file handle conflict",  # another thread of this process has it open
    re.IGNORECASE,
)

# DuckDB shares one instance between the connections of a process, and a thread that joins an instance while
# another still opens it finds no `pandas_scan` there: the threads of a process open one after the other.
_OPENING = threading.Lock()

_CHANGING = threading.Lock()
"""The threads of a process see one instance of the file: one of them brings it up to date."""

_HELD: Counter[str] = Counter()
"""Files that this process holds for writing: their instance is joined by who wants to read alone, too."""


@dataclass(frozen=True)
class Warehouse:
    """A DuckDB file, or with `shared` the tables that several machines share; then `path` only says which home it is.

    `wait_s` is how long opening, or a turn to write, waits for another process that holds it.
    """

    path: Path
    wait_s: float = DEFAULT_WAIT_S
    shared: SharedStore | None = None

    @property
    def exists(self) -> bool:
        if self.shared is not None:
            from exposure_dagster.store.lake import is_there

            return is_there(self.shared)
        return self.path.is_file()

    @property
    def place(self) -> str:
        """Where the tables are, as errors and reports name it."""
        return str(self.path) if self.shared is None else f"{self.shared.shown}, {self.shared.data_url}"

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection, closed at the end of the block whatever happens.

        The file is made where it is missing, unless it is to be read only; one of an earlier version is brought up to
        date in either case. Raises WarehouseError where the file cannot be made, opened or brought up to date, is held
        by another process for longer than `wait_s`, or was written by a newer version.
        """
        if read_only and not self.exists:
            raise WarehouseError(
                "there is no warehouse yet",
                where=self.place,
                remedy="Fill it first with `exposure run`, or point EXPOSURE_HOME at the folder that holds it.",
            )
        if self.shared is not None:
            lake = self._lake()
            with lake.snapshot() if read_only else lake.cursor() as cursor:
                yield cursor
            return
        connection = self._open(read_only)
        try:
            if not _HELD[str(self.path)] and not self._is_current(connection):
                if read_only:
                    connection.close()
                    self._bring_up_to_date()
                    connection = self._open(read_only)
                else:
                    self._change(connection)
            yield connection
        finally:
            connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[Warehouse]:
        """This warehouse as it is at one moment, read through one connection: the file is opened once for the block.

        It is for reading alone, since the open connection shuts out who writes, and not for a block that waits for a
        network. Raises WarehouseError where there is no warehouse yet.
        """
        with self.connect(read_only=True) as connection:
            yield _Snapshot(self.path, self.wait_s, self.shared, _connection=connection)

    @contextmanager
    def held(self) -> Iterator[Warehouse]:
        """This warehouse, its file kept open for writing through the block: what is opened inside joins it.

        To open the file takes longer than most of what a step reads and writes. Every transaction stays one of its own.
        It shuts out other processes, so it is not for a block that waits for a network. The lake is kept open anyway.
        """
        if self.shared is not None:
            yield self
            return
        with self.connect(), _counted(str(self.path)):
            yield self

    def read(self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None) -> pd.DataFrame:
        """The result of a query, as a frame."""
        with self.connect(read_only=True) as connection:
            return connection.execute(sql, parameters).df()

    def rows(
        self, sql: str, parameters: Sequence[object] | Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """The result of a query, as tuples."""
        with self.connect(read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    def replace(self, table: Table, frame: pd.DataFrame, *, where: Mapping[str, object] | None = None) -> int:
        """Put `frame` in the place of the rows that match `where` (all rows without it); returns its length."""
        self.transact(lambda connection: replace_rows(connection, table, frame, where=where))
        return len(frame)

    def append(self, table: Table, frame: pd.DataFrame) -> int:
        """Add the rows of `frame`; returns their number."""
        self.transact(lambda connection: insert_rows(connection, table, frame))
        return len(frame)

    def transact(self, write: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """What `write` gives, called with a connection in one transaction: all that it changes is kept, or nothing.

        In what machines share another program may change the same table first: then `write` is called again, so that
        it may do nothing that cannot be done twice. Raises WarehouseError where that goes on for longer than `wait_s`.
        """
        if self.shared is None:
            with self.transaction() as connection:
                return write(connection)
        from exposure_dagster.store.lake import is_conflict

        deadline, pause_s = time.monotonic() + self.wait_s, 0.02
        while True:
            try:
                with self.transaction() as connection:
                    return write(connection)
            except duckdb.Error as error:
                if not is_conflict(error):
                    raise
                if time.monotonic() > deadline:
                    raise WarehouseError(
                        f"another program has been changing the same tables for {self.wait_s:.0f} seconds",
                        where=self.place,
                        remedy="End what else writes to them (a notebook, perhaps), and run again.",
                    ) from error
            time.sleep(random.uniform(0, pause_s))
            pause_s = min(2 * pause_s, 1.0)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A writing connection in one transaction: all of the block's changes are kept, or none.

        Where another program has changed the same table meanwhile the end of the block fails: `transact` is for those
        who write what may be written again.
        """
        if self.shared is not None:
            with self._lake().transaction(self.wait_s, self._brought_up_to_date) as connection:
                yield connection
            return
        with self.connect() as connection:
            connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def site_kind(self) -> str | None:
        """Which kind of site filled this warehouse; None where none did yet."""
        rows = self.rows("SELECT value FROM meta.facts WHERE name = 'site_kind'")
        return rows[0][0] if rows else None

    def claim_for_site(self, site_kind: str) -> None:
        """Remember which kind of site fills this warehouse; refuse another kind.

        Raises WarehouseError where pages of another kind are already in it. A claim that no page
        followed binds nobody.
        """

        def claim(connection: duckdb.DuckDBPyConnection) -> None:
            row = connection.execute("SELECT value FROM meta.facts WHERE name = 'site_kind'").fetchone()
            if row is not None and row[0] == site_kind:
                return
            if row is None or not _has_pages(connection):
                put_fact(connection, "site_kind", site_kind)
            else:
                raise WarehouseError(
                    f"it was filled from a {row[0]} site and takes no pages of a {site_kind} one",
                    where=self.place,
                    remedy="Set EXPOSURE_SITES as it was, or EXPOSURE_HOME to another folder.",
                )

        self.transact(claim)

    def tidy(self) -> None:
        """Of what machines share, merge small files and forget what is long past; the file needs no such care."""
        if self.shared is not None:
            self._lake().tidy(self.wait_s)

    def _lake(self) -> Lake:
        """The lake that this process keeps, its tables those of today."""
        from exposure_dagster.store.lake import lake_of

        assert self.shared is not None
        lake = lake_of(self.shared)
        if not lake.is_current:
            with lake.cursor() as cursor:
                lake.is_current = self._is_current(cursor)  # a look waits for nobody's turn
        if not lake.is_current:
            with lake.transaction(self.wait_s, self._brought_up_to_date):
                pass
        return lake

    def _brought_up_to_date(self, connection: duckdb.DuckDBPyConnection) -> None:
        """In this machine's turn: nobody else changes the tables meanwhile."""
        from exposure_dagster.store.lake import add_blank_rows, remove_blank_rows

        if not self._is_current(connection):
            add_blank_rows(connection)
            bring_up_to_date(connection, self.place, first=remove_blank_rows)

    def _bring_up_to_date(self) -> None:
        if not os.access(self.path, os.W_OK):
            raise WarehouseError(
                "another version of the project wrote it, and this user has no right to bring it up to date",
                where=str(self.path),
                remedy="Have its owner run `exposure status` once, or set EXPOSURE_HOME to another folder.",
            )
        with self.connect():
            pass

    def _change(self, connection: duckdb.DuckDBPyConnection) -> None:
        with _CHANGING:
            if not self._is_current(connection):
                bring_up_to_date(connection, str(self.path), self.path)

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            if not read_only:
                make_private(self.path.parent)
            for attempt in Retrying(
                retry=retry_if_exception(_is_locked),
                wait=wait_random_exponential(multiplier=0.02, max=1.0),
                stop=stop_after_delay(self.wait_s),
                retry_error_callback=self._give_up,
            ):
                with attempt, _OPENING:
                    is_joined = _HELD[str(self.path)] > 0
                    connection = duckdb.connect(str(self.path), read_only=read_only and not is_joined)
                    # Else DuckDB draws a bar into the output of a process that runs no file, as Dagster's steps do.
                    connection.execute("SET enable_progress_bar = false")
                    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
                    return connection
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(
                f"it cannot be opened ({_first_line(error)})",
                where=str(self.path),
                remedy="Set EXPOSURE_HOME to a folder that can be written, or restore the file from a copy.",
            ) from error
        raise AssertionError("unreachable: the retry either returns or raises")

    def _give_up(self, state: RetryCallState) -> None:
        raise WarehouseError(
            f"another process has held it for {self.wait_s:.0f} seconds",
            where=str(self.path),
            remedy="Close the program that has it open (a DuckDB shell or notebook, perhaps) and run again.",
        )

    def _is_current(self, connection: duckdb.DuckDBPyConnection) -> bool:
        try:
            facts = dict(connection.execute("SELECT name, value FROM meta.facts").fetchall())
        except duckdb.CatalogException:
            return False
        found = format_of(facts)
        if found > WAREHOUSE_VERSION:
            raise WarehouseError(
                f"a newer version of the project wrote it (format {found}, this one knows {WAREHOUSE_VERSION})",
                where=self.place,
                remedy="Upgrade the project, or set EXPOSURE_HOME to another folder.",
            )
        return all(facts.get(name) == value for name, value in stamps().items())


@dataclass(frozen=True)
class _Snapshot(Warehouse):
    """A warehouse whose reads share a connection that is open already."""

    _connection: duckdb.DuckDBPyConnection = field(kw_only=True)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        if not read_only:
            raise AssertionError("a snapshot is for reading: write when its block has ended")
        yield self._connection

    @contextmanager
    def snapshot(self) -> Iterator[Warehouse]:
        yield self

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.connect() as connection:
            yield connection


@contextmanager
def _counted(path: str) -> Iterator[None]:
    with _OPENING:
        _HELD[path] += 1
    try:
        yield
    finally:
        with _OPENING:
            _HELD[path] -= 1


def _has_pages(connection: duckdb.DuckDBPyConnection) -> bool:
    raw = (table for table in TABLES.values() if table.schema == "raw" and "body" in table.column_names)
    return any(connection.execute(f"SELECT 1 FROM {table.full_name} LIMIT 1").fetchone() for table in raw)


def put_fact(connection: duckdb.DuckDBPyConnection, name: str, value: str | None) -> None:
    """Within the caller's transaction: remember something about the warehouse itself; None forgets it."""
    connection.execute("DELETE FROM meta.facts WHERE name = ?", [name])
    if value is not None:
        connection.execute("INSERT INTO meta.facts VALUES (?, ?)", [name, value])


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    frame: pd.DataFrame,
    *,
    where: Mapping[str, object] | None = None,
) -> None:
    """Within the caller's transaction: delete the rows that match `where`, insert those of `frame`."""
    if table.is_append_only:
        raise AssertionError(f"{table.full_name} is append-only")
    condition = " AND ".join(f"{name} = ?" for name in where) if where else "true"
    connection.execute(f"DELETE FROM {table.full_name} WHERE {condition}", list((where or {}).values()))
    insert_rows(connection, table, frame)


def insert_rows(connection: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame) -> None:
    """Within the caller's transaction: insert the rows of `frame`, matched by column name.

    Columns that the frame lacks become null; a column that the table lacks is an error of ours.
    """
    unknown = [name for name in frame.columns if name not in table.column_names]
    if unknown:
        raise AssertionError(f"{table.full_name} has no column {', '.join(unknown)}")
    if len(frame) == 0:
        return
    casts = ", ".join(
        f"{column.name}::{column.type} AS {column.name}" for column in table.columns if column.name in frame.columns
    )
    connection.register("incoming", frame)
    try:
        connection.execute(f"INSERT INTO {table.full_name} BY NAME SELECT {casts} FROM incoming")
    finally:
        connection.unregister("incoming")


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, duckdb.Error) and _LOCKED.search(str(error)) is not None


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
