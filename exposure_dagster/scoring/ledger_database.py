"""The ledger of several machines: a schema of the PostgreSQL database that they share.

Writers take turns, as they do at the file: what is written is numbered in the order in which it comes to stand there,
and a reservation sees all others. Time is the database's, so that no machine's clock decides what a day is.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.shared import NAME, SharedStore
from exposure_dagster.scoring.ledger_store import (
    LEDGER_VERSION,
    WAIT_SECONDS,
    Rows,
    make_tables,
    meta,
    migrate,
    refuse_newer,
)
from exposure_dagster.store.advisory_locks import IS_HELD, AdvisoryLock, halves, key_of
from exposure_dagster.store.postgres import UNREACHABLE, is_alive, open_session, said

if TYPE_CHECKING:
    import psycopg

SCHEMA = NAME

_ROWS_AT_ONCE = 5000

_SETTINGS = (
    f"SET search_path TO {SCHEMA}; SET lock_timeout = {int(WAIT_SECONDS * 1000)}; SET timezone TO 'UTC';"
    " SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""What counts as paid is on the server's disk, whatever the server does by default."""

_CLOCK = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"
_BEGIN_READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_CLOCK}"
_BEGIN_WRITING = (
    f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({key_of('ledger writes')});"
    f" SET LOCAL idle_in_transaction_session_timeout = {int(WAIT_SECONDS * 500)}; {_CLOCK}"
)
"""A process that is stopped in its turn gives it up while others still wait for theirs."""

_INDEXES = (
    "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'responses'::regclass AND indisunique"
    " AND indisvalid"
)
_UNIQUE = {"one_accepted_answer_a_key", "responses_pkey"}


@dataclass
class LedgerSession:
    """A session at the database. Fulfils `Connection`; `ahead` is that of its last transaction."""

    session: psycopg.Connection
    ahead: timedelta = timedelta(0)

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Rows:
        return self.session.execute(_numbered(sql), parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        with self.session.cursor() as cursor:
            cursor.executemany(_numbered(sql), rows)


_cursor_numbers = itertools.count()

_KEPT_IDLE = 2

_idle: dict[tuple[int, SharedStore], list[LedgerSession]] = {}
"""Sessions that a process (by its id) keeps for who wants one next: to open one costs as much as many queries."""


@dataclass(frozen=True)
class LedgerDatabase:
    """A ledger in the database that machines share. Fulfils `LedgerStore`."""

    wholeness: ClassVar[str] = "what keeps one answer a key is in force (of the server's own files pg_amcheck knows)"

    shared: SharedStore

    @property
    def shown(self) -> str:
        return self.shared.shown

    def create(self) -> None:
        with self.connect(read_only=True) as connection, self._said():
            ((encoding,),) = connection.execute("SHOW server_encoding").fetchall()
            if encoding != "UTF8":
                raise ScoringError(
                    f"the database keeps text as {encoding}, in which not every answer can be written",
                    where=self.shown,
                    remedy="Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that.",
                )
            if self._format(connection) == LEDGER_VERSION:
                return  # which a user may see who has no right to make any
        with self.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('exposure: schemas'))")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            found = self._format(connection)
            if found is None:
                make_tables(connection)
            elif found < LEDGER_VERSION:
                migrate(connection, found)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[LedgerSession]:
        idle = _idle.setdefault((os.getpid(), self.shared), [])
        connection = _taken(idle) or _opened(self.shared)
        try:
            yield connection
        finally:
            if len(idle) < _KEPT_IDLE and _is_idle(connection.session):
                idle.append(connection)
            else:
                connection.session.close()

    @contextmanager
    def reading(self) -> Iterator[LedgerSession]:
        with self.connect(read_only=True) as connection, self._said(), _ended(connection):
            _begin(connection, _BEGIN_READING)
            yield connection

    @contextmanager
    def transaction(self, connection: LedgerSession | None = None) -> Iterator[LedgerSession]:
        if connection is None:
            with self.connect() as own, self.transaction(own):
                yield own
            return
        with self._said(), _ended(connection):
            _begin(connection, _BEGIN_WRITING)
            yield connection

    @staticmethod
    def stream(connection: LedgerSession, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        import psycopg

        cursor = psycopg.RawServerCursor(connection.session, f"portions_{next(_cursor_numbers)}")
        cursor.itersize = _ROWS_AT_ONCE
        return cursor.execute(_numbered(sql), parameters)

    @staticmethod
    def ahead(connection: LedgerSession) -> timedelta:
        return connection.ahead

    def lock(self, name: str) -> AdvisoryLock:
        return AdvisoryLock(self.shared, name)

    @staticmethod
    def is_held(name: str, connection: LedgerSession) -> bool:
        ((is_held,),) = connection.execute(IS_HELD, halves(name)).fetchall()
        return bool(is_held)

    @staticmethod
    def damage(connection: LedgerSession) -> list[str]:
        missing = _UNIQUE - {name for (name,) in connection.execute(_INDEXES)}
        return [f"the index {name} is missing or not valid" for name in sorted(missing)]

    def _format(self, connection: LedgerSession) -> int | None:
        ((there,),) = connection.execute("SELECT to_regclass(?)", [f"{SCHEMA}.meta"]).fetchall()
        if there is None:
            return None
        found = int(meta(connection, "version"))
        refuse_newer(found, self.shown, "Upgrade the project on this machine as on the one that did.")
        return found

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Errors of the driver as errors that a user can read."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise ScoringError(
                f"the ledger cannot be used ({said(error)})", where=self.shown, remedy=_remedy(error)
            ) from error


def _begin(connection: LedgerSession, how: str) -> None:
    """Begin a transaction, in one message to the server, whose last result is what time it is there."""
    cursor = connection.session.execute(how.encode(), prepare=False)
    while cursor.nextset():
        pass
    ((now,),) = cursor.fetchall()
    connection.ahead = datetime.fromisoformat(now) - utc_now()


@contextmanager
def _ended(connection: LedgerSession) -> Iterator[None]:
    """The transaction that the block begins comes to its end with it."""
    import psycopg

    try:
        yield
        connection.session.execute("COMMIT")
    except BaseException:
        with suppress(psycopg.Error):
            connection.session.execute("ROLLBACK")
        raise


def _taken(idle: list[LedgerSession]) -> LedgerSession | None:
    while idle:
        with suppress(IndexError):  # another thread was first
            connection = idle.pop()
            if is_alive(connection.session):
                return connection
    return None


@cache
def _numbered(sql: str) -> bytes:
    """A statement with `?` for its values as PostgreSQL takes it, with $1, $2, …"""
    first, *rest = sql.split("?")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))).encode()


def _opened(shared: SharedStore) -> LedgerSession:
    import psycopg

    return LedgerSession(open_session(shared, _SETTINGS, context=_adapters(), cursor_factory=psycopg.RawCursor))


@cache
def _adapters() -> Any:
    """How values come and go: as at SQLite, where a moment is text and a sum a whole number."""
    import psycopg
    from psycopg.adapt import AdaptersMap, Loader

    class Moment(Loader):
        def load(self, data: Any) -> str:
            seconds, _, fraction = bytes(data).decode().partition(".")
            return f"{seconds}.{fraction:0<6}"

    class Number(Loader):
        def load(self, data: Any) -> int | float:
            text = bytes(data).decode()
            return float(text) if "." in text else int(text)

    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_loader("timestamp", Moment)
    adapters.register_loader("numeric", Number)
    return adapters


def _is_idle(session: psycopg.Connection) -> bool:
    import psycopg

    return not session.closed and session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def _remedy(error: psycopg.Error) -> str:
    import psycopg

    match error:
        case psycopg.errors.LockNotAvailable():
            return "Others have written all the time: run again, and see in pg_stat_activity who holds the database."
        case psycopg.errors.InsufficientPrivilege():
            return f"Give the user of EXPOSURE_DATABASE_URL all rights on the schema {SCHEMA}."
        case psycopg.errors.DiskFull():
            return "Make room on the server's disk, and run again: what was answered before is kept."
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return f"{UNREACHABLE} Run again: what was answered before is kept."
    return "See `exposure check`."
