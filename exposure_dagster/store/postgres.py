"""Sessions at the PostgreSQL server that machines share.

A session ends with its connection, and with it what it held: so that nobody waits for a machine that is gone, both
sides look whether the other is still there, the client sooner than the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exposure_dagster.core.errors import ExposureError, ScoringError
from exposure_dagster.core.shared import NAME, SharedStore

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 15

_CLIENT_LOOKS: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
"""A run whose machine is cut off knows within 11 seconds, ..."""

_SERVER_LOOKS = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
    " SET tcp_user_timeout = 25000; SET idle_session_timeout = 0;"
)
"""... and the server within 25, when it lets go of what the session held. A session that only holds a lock is idle."""

_WRITTEN = (
    "Write EXPOSURE_DATABASE_URL as in postgresql://user:password@host:5432/name, with %40 for an @ in the password and"
    " the like for / : # and %."
)

UNREACHABLE = "Look whether the server runs and takes connections from here, and at EXPOSURE_DATABASE_URL."


def open_session(
    shared: SharedStore,
    settings: str = "",
    *,
    raises: type[ExposureError] = ScoringError,
    within_seconds: int = CONNECT_SECONDS,
    **options: Any,
) -> psycopg.Connection:
    """A new connection in autocommit, with `settings` (SQL) in force. Raises `raises` where there is none."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise raises(
            "the driver of PostgreSQL is not installed",
            where="EXPOSURE_DATABASE_URL",
            remedy='Install the extra: pip install "exposure-dagster[distributed]".',
        ) from None
    try:
        if "@" in str(conninfo_to_dict(shared.database_url).get("host", "")):
            raise psycopg.ProgrammingError  # a password with an @ of its own, of which the host would show the rest
        connection: psycopg.Connection = psycopg.connect(
            shared.database_url,
            autocommit=True,
            connect_timeout=within_seconds,
            application_name=NAME,
            client_encoding="utf8",
            **_CLIENT_LOOKS,
            **options,
        )
        try:
            connection.execute(_SERVER_LOOKS + settings)
        except psycopg.Error:
            connection.close()
            raise
    except psycopg.OperationalError as error:
        problem, remedy = said(error), UNREACHABLE
    except psycopg.Error as error:
        if error.sqlstate is None:  # of the address: what the driver says of it may be a part of the password
            problem, remedy = "its address is not understood", _WRITTEN
        else:
            problem, remedy = said(error), "Have who looks after the server see what it refuses."
    else:
        return connection
    # Raised here, so that the driver's own error, which may name more than is to be shown, hangs on nothing.
    raise raises(f"the database cannot be reached ({problem})", where=shared.shown, remedy=remedy)


def is_alive(connection: psycopg.Connection) -> bool:
    """Whether the session still stands, as far as has come through. Asks the server nothing."""
    import psycopg

    try:
        for _ in range(2):  # the first may read a last word, the second that nothing follows
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return not connection.closed


def said(error: BaseException) -> str:
    """The first line of what the driver says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
