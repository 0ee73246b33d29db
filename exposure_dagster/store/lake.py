"""The shared tables: DuckLake, with its catalog in the PostgreSQL database and its files where every machine reaches.

To attach it costs more than most of what a step reads: an instance is kept for the process, and each connection is a
cursor of it. What it keeps open is an idle connection to the catalog, which holds nothing and shuts nobody out.

DuckLake knows no unique keys, and takes two inserts of one row from two machines: who writes has its turn, one after
the other, as with the file.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import duckdb

from exposure_dagster.core.errors import SettingError, WarehouseError
from exposure_dagster.core.private import make_private
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.core.tables import ColumnType
from exposure_dagster.store.database import connected, make_schema, turn
from exposure_dagster.store.migrations import KEPT_DAYS, MEMORY_LIMIT, make_facts, make_table
from exposure_dagster.store.postgres import is_alive
from exposure_dagster.tables import TABLES

if TYPE_CHECKING:
    import psycopg

NAME = "lake"
"""What the attached tables are called in SQL."""

CATALOG = "exposure_lake"
"""Schema of DuckLake's catalog in the database."""

TABLES_FOLDER = "tables"

INLINED_ROWS = 200
"""Inserts and deletes of so few rows stay in the catalog until they are flushed, instead of a file each."""

WRITING = "writing tables"
"""The turn of who writes."""

_SCHEMA_VERSION = f"SELECT schema_version FROM {CATALOG}.ducklake_snapshot ORDER BY snapshot_id DESC LIMIT 1"
"""Changes whenever a table is made, changed or dropped."""

_IS_MADE = f"SELECT to_regclass('{CATALOG}.ducklake_metadata') IS NOT NULL"
_DATA_PATH = f"SELECT value FROM {CATALOG}.ducklake_metadata WHERE key = 'data_path' AND scope IS NULL"

_HAS_OLD = f"SELECT min(snapshot_time) < now() - INTERVAL '{KEPT_DAYS + 1} days' FROM {CATALOG}.ducklake_snapshot"
_HAS_MANY = (
    f"SELECT max(files) > 16 FROM (SELECT count(*) AS files FROM {CATALOG}.ducklake_data_file"
    " WHERE end_snapshot IS NULL GROUP BY table_id) AS of_table"
)
"""Whether a table consists of so many files that they are to be merged."""

_OVERFULL = (
    f"SELECT s.schema_name, t.table_name FROM {CATALOG}.ducklake_inlined_data_tables i JOIN pg_stat_user_tables p"
    f" ON p.schemaname = '{CATALOG}' AND p.relname = i.table_name JOIN {CATALOG}.ducklake_table t"
    f" ON t.table_id = i.table_id AND t.end_snapshot IS NULL JOIN {CATALOG}.ducklake_schema s"
    " ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL WHERE p.n_live_tup > 5000"
)
"""The tables of which the catalog holds so many rows that a file is read faster."""

_HAS_BLANK_ROW = "table with a blank row"
_BLANKS: dict[ColumnType, str] = {
    **dict.fromkeys(("VARCHAR", "BLOB"), "''"),
    **dict.fromkeys(("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"), "0"),
    **dict.fromkeys(("DATE", "TIMESTAMP"), "'2000-01-01'"),
    "VARCHAR[]": "[]",
    "JSON": "'{}'",
}

_EXTENSIONS = ("postgres_scanner", "ducklake")
_AWAY = (duckdb.IOException, duckdb.HTTPException, duckdb.ConnectionException)

_lock = threading.Lock()
_lakes: dict[SharedStore, Lake] = {}
_of_the_parent: list[object] = []
"""Instances that a fork left here: they are the parent's, and to close one here would end its connections there."""


def _forget_after_fork() -> None:
    global _lock, _lakes
    _of_the_parent.append(_lakes)
    _lock, _lakes = threading.Lock(), {}


os.register_at_fork(after_in_child=_forget_after_fork)


def lake_of(shared: SharedStore) -> Lake:
    """The instance that this process keeps, attached when it is asked for first.

    Raises WarehouseError where the tables cannot be reached.
    """
    with _lock:
        lake = _lakes.get(shared)
        if lake is None:
            lake = _lakes[shared] = Lake(shared)
        return lake


def is_there(shared: SharedStore) -> bool:
    """Whether there are tables already; makes none."""
    if shared in _lakes:
        return True
    with connected(shared) as connection:
        ((found,),) = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{CATALOG}.ducklake_table"]).fetchall()
        return bool(found) and bool(
            connection.execute(
                f"SELECT 1 FROM {CATALOG}.ducklake_table WHERE table_name = 'facts' AND end_snapshot IS NULL"
            ).fetchall()
        )


def state_of(shared: SharedStore) -> int | None:
    """Changes with every write to the tables, whoever made it; None where there are none. Attaches nothing."""
    with connected(shared) as connection:
        from psycopg.errors import UndefinedTable

        try:
            rows = connection.execute(f"SELECT max(snapshot_id) FROM {CATALOG}.ducklake_snapshot").fetchall()
        except UndefinedTable:
            return None
    return None if rows[0][0] is None else int(rows[0][0])


class Lake:
    """One DuckDB instance with the shared tables attached. `is_current` is kept by the warehouse: whether the tables
    were seen to be those of today."""

    def __init__(self, shared: SharedStore) -> None:
        self.shared = shared
        self.is_current = False
        self._seen_schema: int | None = None
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._guard = threading.Lock()
        self._instance = self._attached()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of the block's own, in which the shared tables go by their plain names."""
        with self._guard:
            cursor = self._idle.pop() if self._idle else None
        try:
            if cursor is None:
                with self._guard:
                    cursor = self._instance.cursor()
                cursor.execute(f"USE {NAME}")
            yield cursor
        except _AWAY as error:
            if cursor is not None and self._answers(error):
                cursor.close()
                raise  # it is about what the query named
            self._forget()
            raise self._unreachable(error) from None
        except BaseException:
            if cursor is not None:
                cursor.close()
            raise
        with self._guard:
            self._idle.append(cursor)

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that sees one state of the tables for the length of the block, and cannot change them."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
            cursor.rollback()

    @contextmanager
    def transaction(
        self, wait_s: float, bring_up_to_date: Callable[[duckdb.DuckDBPyConnection], None]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A writing connection in one transaction, in this machine's turn.

        Before that the tables are brought up to date where another version may have changed them since the last look.
        """
        with turn(self.shared, WRITING, wait_s=wait_s) as database, self.cursor() as cursor:
            if not self.is_current or _one(database, _SCHEMA_VERSION) != self._seen_schema:
                bring_up_to_date(cursor)
                self._seen_schema = _one(database, _SCHEMA_VERSION)
                self.is_current = True
            cursor.begin()
            try:
                yield cursor
            except BaseException:
                cursor.rollback()
                raise
            if not is_alive(database):  # then the turn is over, and another may be writing
                cursor.rollback()
                raise WarehouseError(
                    "the connection that held this machine's turn to write broke, and nothing was written",
                    where=self.shared.shown,
                    remedy="See that the database can be reached, and run again.",
                )
            cursor.commit()

    def tidy(self, wait_s: float) -> None:
        """Forget states of more than `KEPT_DAYS` ago, make files of what the catalog holds too much of, merge small
        files, and remove those that nobody can read any more. Where there is little to do it only looks."""
        with turn(self.shared, WRITING, wait_s=wait_s) as database:
            has_old, has_many = _one(database, _HAS_OLD), _one(database, _HAS_MANY)
            overfull = database.execute(_OVERFULL).fetchall()
            if not (has_old or has_many or overfull):
                return
            past = f"older_than => now() - INTERVAL '{KEPT_DAYS} days'"
            with self.cursor() as cursor:
                cursor.execute(f"CALL ducklake_expire_snapshots('{NAME}', {past})")  # first: what is past makes no file
                for schema, table in overfull:
                    which = f"schema_name => '{schema}', table_name => '{table}'"
                    cursor.execute(f"CALL ducklake_flush_inlined_data('{NAME}', {which})")
                cursor.execute(f"CALL ducklake_rewrite_data_files('{NAME}', delete_threshold => 0.5)")
                cursor.execute(f"CALL ducklake_merge_adjacent_files('{NAME}')")
                cursor.execute(f"CALL ducklake_cleanup_old_files('{NAME}', {past})")

    def _attached(self) -> duckdb.DuckDBPyConnection:
        shared = self.shared
        place = f"{shared.data_url}/{TABLES_FOLDER}/"
        with connected(shared) as database:
            is_made = _one(database, _IS_MADE)
            for (there,) in database.execute(_DATA_PATH).fetchall() if is_made else ():
                _refuse_another_place(shared, there, place)
            if not is_made:
                make_schema(database, CATALOG)
        if "://" not in place:
            _make_folder(Path(place))
        instance = duckdb.connect(
            ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        extensions = _EXTENSIONS if "://" not in place else (*_EXTENSIONS, "httpfs")
        for name in extensions:
            instance.load_extension(str(_extension_file(name)))
        # Else DuckDB draws a bar into the output of a process that runs no file, as Dagster's steps do.
        instance.execute("SET enable_progress_bar = false")
        instance.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        instance.execute("SET temp_directory = ?", [f"{gettempdir()}/exposure-duckdb-{os.getpid()}"])
        instance.execute(f"SET ducklake_default_data_inlining_row_limit = {INLINED_ROWS}")
        if "httpfs" in extensions:
            _tell_bucket(instance, shared.data_url)
        _tell_catalog(instance, shared, place)
        try:
            if is_made:
                instance.execute(f"ATTACH 'ducklake:{NAME}' AS {NAME}")
            else:
                with turn(shared, WRITING, wait_s=60.0):  # two that attach at once would both make the catalog
                    instance.execute(f"ATTACH 'ducklake:{NAME}' AS {NAME}")
        except duckdb.Error as error:
            instance.close()
            raise self._unreachable(error) from None
        return instance

    def _answers(self, error: duckdb.Error) -> bool:
        """Whether the error is of something else than the shared tables, which are still there."""
        if self.shared.data_url in str(error):
            return False
        try:
            self._instance.execute(f"SELECT 1 FROM {NAME}.meta.facts LIMIT 1").fetchall()
        except duckdb.Error:
            return False
        return True

    def _forget(self) -> None:
        """Have the next connection attach anew."""
        with _lock:
            if _lakes.get(self.shared) is self:
                del _lakes[self.shared]

    def _unreachable(self, error: duckdb.Error) -> WarehouseError:
        return WarehouseError(
            f"the shared tables cannot be used ({self.shared.said(error)})",
            where=f"{self.shared.shown}, {self.shared.data_url}",
            remedy="Look whether the database and the place of the data can be reached from here.",
        )


def add_blank_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are missing, each with one row that `remove_blank_rows` takes away.

    Of a table that never had a row DuckLake keeps no statistics, and looks for them in the catalog up to eight times a
    query: a read costs four times as much. Until the tables are stamped as those of today nobody reads them.
    """
    there = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database()"
        ).fetchall()
    }
    missing = [table for table in TABLES.values() if table.full_name not in there]
    connection.begin()
    make_facts(connection)
    for table in missing:
        make_table(connection, table)
        values = ", ".join(f"{_BLANKS[column.type]}::{column.type}" for column in table.columns)
        connection.execute(f"INSERT INTO {table.full_name} VALUES ({values})")
        connection.execute("INSERT INTO meta.facts VALUES (?, ?)", [_HAS_BLANK_ROW, table.full_name])
    connection.commit()


def remove_blank_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Within the caller's transaction: take them away, those of a start that was cut short too."""
    for (table,) in connection.execute("SELECT value FROM meta.facts WHERE name = ?", [_HAS_BLANK_ROW]).fetchall():
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DELETE FROM meta.facts WHERE name = ?", [_HAS_BLANK_ROW])


def is_conflict(error: duckdb.Error) -> bool:
    """Whether another transaction changed the same table first."""
    return "conflict" in str(error).lower()


def _one(database: psycopg.Connection, query: str) -> Any:
    """The one value that the query gives."""
    ((value,),) = database.execute(query).fetchall()
    return value


def _refuse_another_place(shared: SharedStore, there: str, place: str) -> None:
    if there != place:
        raise WarehouseError(
            f"the tables of this database lie in {there}, not in {place}",
            where=shared.shown,
            remedy="Set EXPOSURE_DATA_URL as it was, or EXPOSURE_DATABASE_URL to another database.",
        )


def _extension_file(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise SettingError(
            f"DuckDB's extension {name} is not installed",
            where="EXPOSURE_DATABASE_URL",
            remedy="Install the project with its extra: pip install 'exposure-dagster[distributed]'.",
        )
    file = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        raise SettingError(
            f"DuckDB's extension {name} is of another release than DuckDB {duckdb.__version__}",
            where=str(file.parent.parent),
            remedy="Install both as requirements.lock has them.",
        )
    return file


def _tell_catalog(instance: duckdb.DuckDBPyConnection, shared: SharedStore, place: str) -> None:
    """As secrets, by parameters: the password stands in no statement, and DuckDB shows none of it."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    said = conninfo_to_dict(shared.database_url)
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
    known = {names[name]: str(said.pop(name)) for name in names if said.get(name) is not None}
    rest = make_conninfo("application_name='exposure, tables'", **said)
    given = ", ".join(f"{name} ?" for name in known)
    instance.execute(f"CREATE SECRET catalog (TYPE postgres, {given})", list(known.values()))
    instance.execute(
        f"CREATE SECRET {NAME} (TYPE ducklake, METADATA_PATH ?, DATA_PATH ?, METADATA_SCHEMA '{CATALOG}',"
        " METADATA_PARAMETERS MAP {'TYPE': 'postgres', 'SECRET': 'catalog'})",
        [rest, place],
    )


def _tell_bucket(instance: duckdb.DuckDBPyConnection, data_url: str) -> None:
    """The credentials of AWS's usual variables, for this bucket alone."""
    values = {
        "KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID"),
        "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN"),
        "REGION": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
    }
    if not values["KEY_ID"] or not values["SECRET"]:
        raise SettingError(
            "the bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            where="EXPOSURE_DATA_URL",
            remedy="Set both (and AWS_REGION, and AWS_ENDPOINT_URL for a server that speaks as S3 does).",
        )
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    if endpoint.netloc:
        values |= {"ENDPOINT": endpoint.netloc, "URL_STYLE": "path", "USE_SSL": str(endpoint.scheme == "https")}
    given = {name: value for name, value in values.items() if value}
    instance.execute(
        f"CREATE SECRET bucket (TYPE s3, SCOPE ?, {', '.join(f'{name} ?' for name in given)})",
        [data_url, *given.values()],
    )


def _make_folder(folder: Path) -> None:
    try:
        make_private(folder)
    except OSError as error:
        raise SettingError(
            f"the place of the shared data cannot be made ({error.strerror or error})",
            where=str(folder),
            remedy="Make room and give the right to write there, or set EXPOSURE_DATA_URL to another place.",
        ) from error
