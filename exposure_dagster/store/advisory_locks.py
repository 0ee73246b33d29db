"""Locks between machines: advisory locks of PostgreSQL, each held by a session of its own and gone with it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.shared import NAME, SharedStore
from exposure_dagster.store.postgres import CONNECT_SECONDS, UNREACHABLE, is_alive, open_session, said

if TYPE_CHECKING:
    import psycopg


def key_of(name: str) -> int:
    """The number by which the database knows a lock."""
    return int.from_bytes(bytes.fromhex(content_hash([NAME, name]))[:8], "big", signed=True)


class AdvisoryLock:
    """A lock of a database, by name. Fulfils `Lock`."""

    loss = (
        "the connection that held the run's lock broke",
        "See that the database can be reached, and run again: only what is missing is asked.",
    )

    def __init__(self, shared: SharedStore, name: str, *, connect_within_seconds: int = CONNECT_SECONDS) -> None:
        self.name = name
        self._connect_within_seconds = connect_within_seconds
        self._shared = shared
        self._session: psycopg.Connection | None = None
        self._is_ours = False

    @property
    def shown(self) -> str:
        return f"{self._shared.shown}, {self.name}"

    def try_acquire(self) -> bool:
        import psycopg

        try:
            if self._session is None:  # kept while somebody waits for the lock
                self._session = open_session(self._shared, within_seconds=self._connect_within_seconds)
            ((self._is_ours,),) = self._session.execute(
                "SELECT pg_try_advisory_lock(%s)", [key_of(self.name)]
            ).fetchall()
        except psycopg.Error as error:
            problem = said(error)
        else:
            return self._is_ours
        self.release()
        raise ScoringError(
            f"the database did not answer when a lock was asked for ({problem})", where=self.shown, remedy=UNREACHABLE
        )

    def release(self) -> None:
        import psycopg

        session, was_ours = self._session, self._is_ours
        self._session, self._is_ours = None, False
        if session is None:
            return
        if was_ours:
            with suppress(psycopg.Error):  # the end of the session frees it too, a moment after it is closed here
                session.execute("SELECT pg_advisory_unlock(%s)", [key_of(self.name)])
        session.close()

    def is_lost(self) -> bool:
        return self._session is None or not self._is_ours or not is_alive(self._session)


IS_HELD = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = ? AND objid = ?)"
)
"""Whether any session holds the lock of which these are the halves: a look that takes it from nobody."""


def halves(name: str) -> tuple[int, int]:
    """The upper and the lower half of a lock's number, as PostgreSQL lists them."""
    return divmod(key_of(name) % 2**64, 2**32)
