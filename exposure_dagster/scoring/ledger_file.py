"""The file that the ledger lies in: SQLite, one transaction a write, on disk before a write returns.

Readers never wait for a writer, nor a writer for readers. A connection is closed at the end of each block; only
a run keeps one for its writes (see `recording`).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.private import make_private
from exposure_dagster.scoring.ledger_store import (
    LEDGER_VERSION,
    WAIT_SECONDS,
    Connection,
    Rows,
    make_tables,
    meta,
    migrate,
    refuse_newer,
)
from exposure_dagster.store.locks import FileLock, holding, is_held

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LedgerFile:
    """A ledger's SQLite file. Fulfils `LedgerStore`."""

    wholeness: ClassVar[str] = "the file is whole"

    path: Path

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    @property
    def shown(self) -> str:
        return str(self.path)

    def create(self) -> None:
        """Make the file with its tables, unless it is there."""
        with self.connect() as connection, _transaction(connection, self.path):
            pass

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
        connection = self._open(read_only)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self.connect(read_only=True) as connection, _readable(self.path):
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def transaction(self, connection: Connection | None = None) -> Iterator[sqlite3.Connection]:
        if connection is not None:
            assert isinstance(connection, sqlite3.Connection)
            with _transaction(connection, self.path):
                yield connection
            return
        with self.connect() as own, _transaction(own, self.path):
            yield own

    @staticmethod
    def stream(connection: Connection, sql: str, parameters: Sequence[object] = ()) -> Rows:
        return connection.execute(sql, parameters)

    @staticmethod
    def ahead(connection: Connection) -> timedelta:
        return timedelta(0)  # all who have the file have one clock

    def lock(self, name: str) -> FileLock:
        return FileLock(self.path.parent / "locks" / name)

    def is_held(self, name: str, connection: Connection) -> bool:
        return is_held(self.lock(name).path)

    @staticmethod
    def damage(connection: Connection) -> list[str]:
        return [row[0] for row in connection.execute("PRAGMA integrity_check(20)").fetchall() if row[0] != "ok"]

    def _open(self, read_only: bool) -> sqlite3.Connection:
        with _readable(self.path):
            if not read_only:
                make_private(self.path.parent)
                # made with this mode, since it holds what documents say; the log beside it inherits it
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            try:
                return self._connected("mode=ro" if read_only else "mode=rw", read_only=read_only)
            except sqlite3.OperationalError as error:
                if not (read_only and _cannot_write_beside(error)) or self._log.exists():
                    raise
                # Nobody writes, and who reads may not make the files that would show it if somebody did.
                return self._connected("immutable=1", read_only=True)

    @property
    def _log(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _connected(self, how: str, *, read_only: bool) -> sqlite3.Connection:
        address = f"{self.path.resolve().as_uri()}?{how}"
        connection = sqlite3.connect(
            address, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            if _prepare(connection, self.path, read_only=read_only) and read_only:
                with self.connect():  # who may write brings it up to date
                    pass
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> bool:
    """Make the tables of a new file, and bring an earlier format up to date; returns whether that is still to do."""
    if not read_only:
        connection.execute("PRAGMA synchronous = FULL")
    try:
        found = int(meta(connection, "version"))
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error) or read_only:
            raise
        connection.execute("PRAGMA journal_mode = WAL")
        with _transaction(connection, path):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                make_tables(connection)  # else another process was first
        return False
    refuse_newer(found, str(path), "Upgrade the project, or set EXPOSURE_HOME to another folder.")
    if found < LEDGER_VERSION and not read_only:
        _migrate(connection, path)
    return found < LEDGER_VERSION


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file up to date in one transaction, after a copy of it was made. Others that open it meanwhile wait."""
    with holding(path.parent / "locks" / "ledger-format.lock"):
        found = int(meta(connection, "version"))
        if found >= LEDGER_VERSION:
            return  # another process was first
        copy = path.with_name(f"{path.name}.before-{LEDGER_VERSION}")
        if copy.exists():  # of an earlier upgrade, before an older file was brought back
            copy = copy.with_name(f"{copy.name}-{utc_now():%Y%m%dT%H%M%S}")
        draft = copy.with_name(copy.name + ".new")
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as target:
            connection.backup(target)
        draft.chmod(0o600)
        draft.rename(copy)
        with _transaction(connection, path):
            migrate(connection, found)
    _log.warning("%s is brought up to format %d; as it was before it is kept in %s", path, LEDGER_VERSION, copy.name)


@contextmanager
def _transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    with _readable(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the disk as errors that a user can read."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise ScoringError(f"the ledger cannot be used ({error})", where=str(path), remedy=_remedy(error)) from error
    except OSError as error:
        raise ScoringError(
            f"the ledger cannot be opened ({error.strerror})",
            where=str(path),
            remedy="Set EXPOSURE_HOME to a folder on a local disk that can be written.",
        ) from error


def _cannot_write_beside(error: sqlite3.OperationalError) -> bool:
    return _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _code(error: sqlite3.DatabaseError) -> int | None:
    """SQLite's primary error code; None where the error is not SQLite's own."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_corrupt(error: sqlite3.DatabaseError) -> bool:
    """Whether the file's content is at fault."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _remedy(error: sqlite3.DatabaseError) -> str:
    match _code(error):
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return "Make room on the disk, and run again: what was answered before is kept."
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "Close the program that has it open for writing, and run again."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "Set EXPOSURE_HOME to a folder on a local disk that this user can write."
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return "See what is left of it with `exposure check`, and restore it from a backup."
    return "See `exposure check`."
