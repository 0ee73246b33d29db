"""The file that the ledger lies in: SQLite, one transaction a write, on disk before a write returns.

Readers never wait for a writer, nor a writer for readers. A connection is closed at the end of each block; only
a run keeps one for its writes (see `recording`). The SQL here and in the modules that use it is of the kind that
PostgreSQL takes as well: only how a connection comes about belongs to SQLite.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.private import make_private
from exposure_dagster.store.locks import holding

LEDGER_VERSION = 3
"""Raised when a table changes; a file of an earlier format is brought up to it by `_MIGRATIONS`."""

WAIT_SECONDS = 60.0
"""How long a write waits for others that write."""

_log = logging.getLogger(__name__)

_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
    CREATE TABLE responses (
      request_key TEXT NOT NULL, attempt BIGINT NOT NULL, is_accepted BOOLEAN NOT NULL, prompt TEXT NOT NULL,
      prompt_hash TEXT NOT NULL, doc_id TEXT NOT NULL, text_sha256 TEXT NOT NULL, scorer TEXT, model TEXT,
      sample BIGINT NOT NULL, epoch BIGINT NOT NULL, status TEXT NOT NULL, attributes TEXT, rationale TEXT,
      input_tokens BIGINT, output_tokens BIGINT, cache_read_tokens BIGINT, cache_write_tokens BIGINT,
      cost_nano_usd BIGINT, request_id TEXT, batch_id TEXT, latency_ms DOUBLE PRECISION, created_at TIMESTAMP NOT NULL,
      error TEXT, note TEXT, revision BIGINT NOT NULL, endpoint TEXT, answered_by TEXT,
      position BIGINT, request_group TEXT,
      PRIMARY KEY (request_key, attempt)
    )
    """,
    "CREATE UNIQUE INDEX one_accepted_answer_a_key ON responses (request_key) WHERE is_accepted",
    "CREATE INDEX responses_of_prompt ON responses (prompt_hash, epoch)",
    "CREATE INDEX responses_by_time ON responses (created_at, cost_nano_usd)",
    "CREATE INDEX responses_of_batch ON responses (batch_id) WHERE batch_id IS NOT NULL",
    "CREATE INDEX responses_by_revision ON responses (revision)",
    """
    CREATE TABLE batches (
      token TEXT PRIMARY KEY, batch_id TEXT, prompt TEXT NOT NULL, prompt_hash TEXT NOT NULL, epoch BIGINT NOT NULL,
      created_at TIMESTAMP NOT NULL, is_collected BOOLEAN NOT NULL, worst_nano_usd BIGINT NOT NULL,
      requests TEXT NOT NULL, note TEXT, revision BIGINT NOT NULL, endpoint TEXT
    )
    """,
    "CREATE INDEX batches_not_collected ON batches (prompt_hash) WHERE NOT is_collected",
    """
    CREATE TABLE runs (
      run_id TEXT NOT NULL, prompt TEXT NOT NULL, prompt_hash TEXT, scorer TEXT, epoch BIGINT,
      started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, asked BIGINT, reused BIGINT, refused BIGINT, failed BIGINT,
      cost_nano_usd BIGINT, outcome TEXT, error TEXT, revision BIGINT NOT NULL, PRIMARY KEY (run_id, prompt)
    )
    """,
    """
    CREATE TABLE corrections (
      request_key TEXT NOT NULL, attempt BIGINT NOT NULL, corrected_at TIMESTAMP NOT NULL, reason TEXT NOT NULL,
      before TEXT NOT NULL, after TEXT NOT NULL, revision BIGINT NOT NULL
    )
    """,
    # What may have been charged for answers that never reached us. It counts as spent for a day.
    """
    CREATE TABLE assumed_costs (
      prompt TEXT NOT NULL, prompt_hash TEXT NOT NULL, cost_nano_usd BIGINT NOT NULL, created_at TIMESTAMP NOT NULL,
      reason TEXT NOT NULL
    )
    """,
    # What runs that are alive hold for requests under way. A run is alive while its lock is held.
    """
    CREATE TABLE reservations (
      prompt_hash TEXT PRIMARY KEY, prompt TEXT NOT NULL, reserved_nano_usd BIGINT NOT NULL, requests BIGINT NOT NULL
    )
    """,
)


_MIGRATIONS = {
    2: (
        "ALTER TABLE responses ADD COLUMN endpoint TEXT",
        "ALTER TABLE responses ADD COLUMN answered_by TEXT",
        "ALTER TABLE batches ADD COLUMN endpoint TEXT",
    ),
    3: (
        "ALTER TABLE responses ADD COLUMN position BIGINT",
        "ALTER TABLE responses ADD COLUMN request_group TEXT",
    ),
}
"""By the format that they lead to. Version 0.1.0 wrote format 1, in which no row says who was asked; in format 2 none
says where in its request the document stood."""


@dataclass(frozen=True)
class LedgerFile:
    """A ledger's SQLite file. Raises ScoringError where it cannot be opened, read or written."""

    path: Path

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def create(self) -> None:
        """Make the file with its tables, unless it is there."""
        with self.connect() as connection, _transaction(connection, self.path):
            pass

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection, closed at the end of the block. It may be handed to another thread, not used by two."""
        connection = self._open(read_only)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot for the length of the block."""
        with self.connect(read_only=True) as connection, _readable(self.path):
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def transaction(self, connection: sqlite3.Connection | None = None) -> Iterator[sqlite3.Connection]:
        """All of the block's changes are kept, on disk, or none. Uses `connection` where one is given."""
        if connection is not None:
            with _transaction(connection, self.path):
                yield connection
            return
        with self.connect() as own, _transaction(own, self.path):
            yield own

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


def next_revision(connection: sqlite3.Connection) -> int:
    """Within a transaction: the number that what it writes carries. The warehouse follows by it."""
    connection.execute("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'revision'")
    return revision(connection)


def revision(connection: sqlite3.Connection) -> int:
    """The number of the latest write."""
    return int(_meta(connection, "revision"))


def ledger_id(connection: sqlite3.Connection) -> str:
    """What tells this ledger from every other."""
    return _meta(connection, "ledger_id")


def _meta(connection: sqlite3.Connection, name: str) -> str:
    ((value,),) = connection.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchall()
    return str(value)


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> bool:
    """Make the tables of a new file, and bring an earlier format up to date; returns whether that is still to do."""
    if not read_only:
        connection.execute("PRAGMA synchronous = FULL")
    try:
        found = int(_meta(connection, "version"))
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error) or read_only:
            raise
        connection.execute("PRAGMA journal_mode = WAL")
        with _transaction(connection, path):
            _make_tables(connection)
        return False
    if found > LEDGER_VERSION:
        raise ScoringError(
            f"a newer version of the project wrote it (format {found}, this one knows {LEDGER_VERSION})",
            where=str(path),
            remedy="Upgrade the project, or set EXPOSURE_HOME to another folder.",
        )
    if found < LEDGER_VERSION and not read_only:
        _migrate(connection, path)
    return found < LEDGER_VERSION


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file up to date in one transaction, after a copy of it was made. Others that open it meanwhile wait."""
    with holding(path.parent / "locks" / "ledger-format.lock"):
        found = int(_meta(connection, "version"))
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
            for number in range(found + 1, LEDGER_VERSION + 1):
                for statement in _MIGRATIONS[number]:
                    connection.execute(statement)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", [str(LEDGER_VERSION)])
    _log.warning("%s is brought up to format %d; as it was before it is kept in %s", path, LEDGER_VERSION, copy.name)


def _make_tables(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return  # another process was first
    for statement in _TABLES:
        connection.execute(statement)
    facts = {"version": str(LEDGER_VERSION), "ledger_id": uuid.uuid4().hex, "revision": "0"}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())


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
