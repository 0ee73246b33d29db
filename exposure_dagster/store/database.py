"""The shared PostgreSQL database, for what machines agree on besides the ledger: turns, the publication, owners.

Connections are kept for the process. One that is idle holds nothing, so that it may outlast a call over the network; a
turn is a session's advisory lock, which ends with its connection.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.shared import NAME, SharedStore
from exposure_dagster.store.advisory_locks import key_of
from exposure_dagster.store.postgres import UNREACHABLE, is_alive, open_session

if TYPE_CHECKING:
    import psycopg

SCHEMA = NAME
"""Schema of the project's own small tables."""

_lock = threading.Lock()
_idle: dict[SharedStore, list[psycopg.Connection]] = {}
_of_the_parent: list[object] = []
"""Connections that a fork left here: they are the parent's, and to close one here would end it there."""


def _forget_after_fork() -> None:
    global _lock, _idle
    _of_the_parent.append(_idle)
    _lock, _idle = threading.Lock(), {}


os.register_at_fork(after_in_child=_forget_after_fork)


@contextmanager
def connected(shared: SharedStore) -> Iterator[psycopg.Connection]:
    """A connection in autocommit, for the block. Raises WarehouseError where the server cannot be reached, or goes."""
    connection = _take(shared)
    import psycopg

    try:
        is_sound = False
        try:
            yield connection
            is_sound = not connection.broken
        finally:
            _give_back(shared, connection, is_sound=is_sound)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise WarehouseError(
            f"the shared database cannot be used ({shared.said(error)})", where=shared.shown, remedy=UNREACHABLE
        ) from None  # the driver's own error may show the address


@contextmanager
def turn(shared: SharedStore, what: str, *, wait_s: float) -> Iterator[psycopg.Connection]:
    """For the block nobody else, on whichever machine, has the turn of that name. Not for two in one another.

    Raises WarehouseError where another has had it for longer than `wait_s`.
    """
    import psycopg

    key = key_of(what)
    with connected(shared) as connection:
        try:
            connection.execute(f"SET lock_timeout = {max(1, round(wait_s * 1000))}")
            connection.execute("SELECT pg_advisory_lock(%s)", [key])
        except psycopg.errors.LockNotAvailable:
            raise WarehouseError(
                f"another program has had its turn ({what}) for {wait_s:.0f} seconds",
                where=shared.shown,
                remedy="See in pg_stat_activity who it is, end it if it hangs, and run again.",
            ) from None
        try:
            yield connection
        finally:
            with suppress(psycopg.OperationalError):  # the turn ended with its connection; what was done in it stands
                connection.execute("SELECT pg_advisory_unlock(%s)", [key])


def owner_of(shared: SharedStore, what: str, claimant: str) -> str:
    """Who owns it: the claimant, where nobody did until now."""
    with connected(shared) as connection:
        make_schema(connection)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS exposure.owners (what TEXT PRIMARY KEY, owner TEXT NOT NULL,"
            " since TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        connection.execute(
            "INSERT INTO exposure.owners (what, owner) VALUES (%s, %s) ON CONFLICT DO NOTHING", [what, claimant]
        )
        ((owner,),) = connection.execute("SELECT owner FROM exposure.owners WHERE what = %s", [what]).fetchall()
        return str(owner)


def make_schema(connection: psycopg.Connection, name: str = SCHEMA) -> None:
    """Make a schema where it is missing; two that make it at once are no error."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('exposure: schemas'))")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")


def _take(shared: SharedStore) -> psycopg.Connection:
    while True:
        with _lock:
            idle = _idle.get(shared)
            connection = idle.pop() if idle else None
        if connection is None:
            return open_session(shared, raises=WarehouseError)
        if is_alive(connection):
            return connection
        connection.close()  # the server was started again meanwhile


def _give_back(shared: SharedStore, connection: psycopg.Connection, *, is_sound: bool) -> None:
    if not is_sound:
        connection.close()
        return
    with _lock:
        _idle.setdefault(shared, []).append(connection)
