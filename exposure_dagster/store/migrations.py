"""How a warehouse of an earlier declaration of the tables becomes one of today's.

What a run makes again at no cost is dropped and made empty where its declaration changed. What is kept for ever changes
by a numbered migration alone. Either way the file is copied first, and all of it is one transaction. A column that may
be empty is added, or may become empty, without any of this: nothing is lost by it.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from exposure_dagster import __version__
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.tables import Column, Table
from exposure_dagster.tables import TABLES, WAREHOUSE_VERSION, registry_digest

COPY_MARGIN_BYTES = 64 * 1024**2
"""What has to be free beside a copy, for the change itself."""

MEMORY_LIMIT = "1500MB"
"""Of DuckDB in a process, beside what Python holds: more is put on disk. Its own limit is most of a machine's memory,
which several runs at once would each take to be theirs."""

KEPT_DAYS = 7
"""How long earlier states of tables that machines share can be read, and their files stay."""

_log = logging.getLogger(__name__)


class UpgradeError(WarehouseError):
    """The file could not be brought up to date, and is as it was. That it is damaged does not follow."""


@dataclass(frozen=True)
class Migration:
    """Brings a file from format `number - 1` to `number`. `does` is a clause that its user reads.

    Columns of today that may be empty are there before it runs. DuckDB alters no table of which the same transaction
    changed rows: a migration that needs both makes the table anew beside the old one, and drops that.
    """

    number: int
    does: str
    run: Callable[[duckdb.DuckDBPyConnection], None]


def _batches_get_tokens(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "UPDATE scored.batches SET token = coalesce(regexp_replace(requests->0->>'custom_id', '-[^-]*$', ''), batch_id)"
        " WHERE token IS NULL"
    )


MIGRATIONS = (
    Migration(
        2,
        "what was asked and paid moves into ledger.sqlite beside it, of which scored.responses, .batches and .runs are "
        "a copy from now on",
        _batches_get_tokens,  # the rows are taken over when the ledger is opened first (scoring/mirror.py)
    ),
)
"""In order. Each is left as it is once it was released; the last one's number is WAREHOUSE_VERSION."""

NEW = 0
"""The format of a file without tables."""


def format_of(facts: Mapping[str, str]) -> int:
    """The format that a file says it is of."""
    return int(facts.get("warehouse_version", NEW))


_WRITTEN_BY = "project_version"


def is_of_newer_project(facts: Mapping[str, str]) -> bool:
    """Whether a newer version of the project declared tables that this one does not know as they are: it would make
    them anew, and empty."""
    if facts.get("registry") in (None, registry_digest()):
        return False
    return _numbers(facts.get(_WRITTEN_BY, "0")) > _numbers(__version__)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def stamps() -> dict[str, str]:
    """What a file that is up to date says of itself."""
    return {"warehouse_version": str(WAREHOUSE_VERSION), "registry": registry_digest()}


def copy_before(path: Path) -> Path:
    """Where a file is copied to before it becomes one of today's declaration."""
    return path.with_name(f"{path.name}.before-{WAREHOUSE_VERSION}-{registry_digest()[:8]}")


def bring_up_to_date(
    connection: duckdb.DuckDBPyConnection,
    place: str,
    file: Path | None = None,
    first: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> None:
    """Make of what the connection holds, which may be new, a warehouse of today's declaration, or leave it as it was.

    `first` is called at the beginning of the transaction. A `file` is copied before; of what machines share earlier
    states can be read for some days. Raises UpgradeError where there is no room for the copy, where the change fails,
    and where a table that is kept differs from its declaration and no migration says how to go on.
    """
    columns = _columns_of(connection)
    format_there = _format_there(connection, columns)
    due = [one for one in MIGRATIONS if NEW < format_there < one.number]
    misfits = [table for table in TABLES.values() if not table.is_kept and misfit(table, columns)]
    rebuilt = [table for table in TABLES.values() if _is_rebuilt(table, misfits)]
    copy = _copy(connection, file) if file is not None and (due or rebuilt) else None
    try:
        connection.begin()
        make_facts(connection)
        if first is not None:
            first(connection)
        _add_what_is_missing(connection)
        for migration in due:
            migration.run(connection)
        for table in rebuilt:
            connection.execute(f"DROP TABLE IF EXISTS {table.full_name}")
        _add_what_is_missing(connection)
        for table in rebuilt:  # what says that its rows were made from what there is now
            connection.execute("DELETE FROM meta.made_from WHERE table_name = ?", [table.full_name])
        _refuse_misfits(connection, place)
        for name, value in {**stamps(), _WRITTEN_BY: __version__}.items():
            connection.execute("DELETE FROM meta.facts WHERE name = ?", [name])
            connection.execute("INSERT INTO meta.facts VALUES (?, ?)", [name, value])
        connection.commit()
    except duckdb.Error as error:
        raise UpgradeError(
            f"it could not be brought up to date, and is as it was ({str(error).splitlines()[0]})",
            where=place,
            remedy="Make room on the disk, and run again.",
        ) from error
    if format_there != NEW and (due or rebuilt):
        _say(place, copy, format_there, due, rebuilt)


def make_facts(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of what is known of the warehouse itself, where it is missing."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS meta")
    connection.execute("CREATE TABLE IF NOT EXISTS meta.facts (name VARCHAR, value VARCHAR)")


def misfit(table: Table, columns: Mapping[str, Mapping[str, tuple[str, bool]]]) -> str | None:
    """In which way a table of the file cannot take the rows of today; None where it can, or is not there.

    `columns` are those of the file: by table and name their types, and whether they may be empty.
    """
    there = columns.get(table.full_name)
    if there is None:
        return None
    for column in table.columns:
        if column.name not in there:
            if not column.is_nullable:
                return f"there is no {table.full_name}.{column.name}"
            continue
        type_there, is_nullable = there[column.name]
        if type_there != column.type:
            return f"{table.full_name}.{column.name} is {type_there}, not {column.type}"
        if is_nullable and not column.is_nullable:
            return f"{table.full_name}.{column.name} may be empty"
    strange = {name: is_nullable for name, (_, is_nullable) in there.items() if name not in table.column_names}
    in_the_way = [name for name, is_nullable in strange.items() if not (table.is_kept and is_nullable)]
    return f"{table.full_name}.{in_the_way[0]} is not known any more" if in_the_way else None


def _is_rebuilt(table: Table, misfits: list[Table]) -> bool:
    """Tables that are filled together are made anew together: the rows of one say what of the others is there."""
    if table.is_kept or not misfits:
        return False
    return any(
        table is one or (one.filled_with or one.full_name) == (table.filled_with or table.full_name) for one in misfits
    )


def _columns_of(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[str, bool]]]:
    columns: dict[str, dict[str, tuple[str, bool]]] = {}
    for schema, table, name, data_type, is_nullable in connection.execute(
        "SELECT table_schema, table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns"
        " WHERE table_catalog = current_database()"
    ).fetchall():
        columns.setdefault(f"{schema}.{table}", {})[name] = (data_type, is_nullable)
    return columns


def _format_there(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, object]) -> int:
    if "meta.facts" not in columns:
        return NEW
    return format_of(dict(connection.execute("SELECT name, value FROM meta.facts").fetchall()))


def _add_what_is_missing(connection: duckdb.DuckDBPyConnection) -> None:
    columns = _columns_of(connection)
    for table in TABLES.values():
        make_table(connection, table)
        for column in table.columns if table.full_name in columns else ():
            _add(connection, table, column, columns[table.full_name])


def make_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Make the table, and its schema, where it is missing."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
    connection.execute(table.ddl())


def _add(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column, there: Mapping[str, tuple[str, bool]]
) -> None:
    if not column.is_nullable:
        return
    if column.name not in there:
        connection.execute(f"ALTER TABLE {table.full_name} ADD COLUMN {column.name} {column.type}")
    elif not there[column.name][1]:
        connection.execute(f"ALTER TABLE {table.full_name} ALTER COLUMN {column.name} DROP NOT NULL")


def _refuse_misfits(connection: duckdb.DuckDBPyConnection, place: str) -> None:
    columns = _columns_of(connection)
    for table in TABLES.values():
        if found := misfit(table, columns):
            connection.rollback()
            raise UpgradeError(
                f"{found}, and this version of the project cannot change that without losing what is kept",
                where=place,
                remedy="Use the version that wrote it, and report this, or set EXPOSURE_HOME to another folder.",
            )


def _copy(connection: duckdb.DuckDBPyConnection, path: Path) -> Path:
    target = copy_before(path)
    try:
        connection.execute("CHECKPOINT")
        free, wanted = shutil.disk_usage(path.parent).free, path.stat().st_size + COPY_MARGIN_BYTES
        if free < wanted:
            raise UpgradeError(
                f"it has to be copied before it is brought up to date, and {free / 1e6:,.0f} MB are free of the "
                f"{wanted / 1e6:,.0f} MB that this takes",
                where=str(path),
                remedy="Make room on the disk, and run again.",
            )
        copy_open_file(path, target)
    except (OSError, duckdb.Error) as error:
        raise UpgradeError(
            f"it has to be copied before it is brought up to date, and the copy cannot be made "
            f"({str(error).splitlines()[0]})",
            where=str(target),
            remedy="Make room there, and run again.",
        ) from error
    return target


def copy_open_file(path: Path, target: Path) -> None:
    """Copy a file that a connection of this process holds; the copy takes its name once it is whole.

    Another process reads it: were it opened and closed in this one, the lock of the connection would be gone. Raises
    OSError.
    """
    draft = target.with_name(target.name + ".new")
    copying = (
        "import os, shutil, sys; os.umask(0o077); shutil.copyfile(*sys.argv[1:]);"
        " os.fsync(os.open(sys.argv[2], os.O_RDONLY))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", copying, str(path), str(draft)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        draft.unlink(missing_ok=True)
        raise OSError((done.stderr.strip().splitlines() or ["it was ended"])[-1])
    draft.rename(target)


def _say(place: str, copy: Path | None, format_there: int, due: list[Migration], rebuilt: list[Table]) -> None:
    for migration in due:
        _log.warning(
            "%s is brought from format %d to %d: %s", place, migration.number - 1, migration.number, migration.does
        )
    if rebuilt:
        _log.warning(
            "%s: made anew, and empty, since the declaration changed: %s; `exposure run` fills it from what is kept",
            place,
            ", ".join(table.full_name for table in rebuilt),
        )
    if copy is not None:
        _log.warning("%s is as it was before, and may be removed", copy)
