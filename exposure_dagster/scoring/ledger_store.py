"""What every place has in common that a ledger can lie in, and its tables.

The SQL here and in the modules that use it is of the kind that SQLite and PostgreSQL both take, with `?` for a value.
Moments come as text (see `as_text`), yes and no as what is true or false, whole numbers as int. What differs between
the two stands in `ledger_file` and `ledger_database`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, ClassVar, Protocol

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.store.locks import Lock

LEDGER_VERSION = 3
"""Raised when a table changes; a ledger of an earlier format is brought up to it by `MIGRATIONS`."""

WAIT_SECONDS = 60.0
"""How long a write waits for others that write."""


class Rows(Protocol):
    """What a statement found."""

    @property
    def description(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def fetchone(self) -> Any: ...

    def fetchmany(self, size: int, /) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection, within a transaction or a snapshot. It may be handed to another thread, not used by two."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object: ...


class LedgerStore(Protocol):
    """Where a ledger lies. Raises ScoringError where it cannot be opened, read or written.

    `wholeness` says what `damage` looks for.
    """

    wholeness: ClassVar[str]

    @property
    def shown(self) -> str:
        """Where it is, for people."""

    def create(self) -> None:
        """Make the ledger with its tables, unless it is there; bring one of an earlier format up to date."""

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[Any]:
        """A connection for the length of the block."""

    def reading(self) -> AbstractContextManager[Any]:
        """One snapshot for the length of the block."""

    def transaction(self, connection: Any = None) -> AbstractContextManager[Any]:
        """All of the block's changes are kept, on disk, or none; meanwhile nobody else writes.

        Uses `connection` where one is given.
        """

    def stream(self, connection: Any, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """Within a snapshot: a query whose rows are fetched as they are wanted, for what may be large."""

    def ahead(self, connection: Any) -> timedelta:
        """Within a transaction or a snapshot: how far the ledger's clock, by which budgets go, is ahead of ours."""

    def lock(self, name: str) -> Lock:
        """A lock between all who have this ledger."""

    def is_held(self, name: str, connection: Any) -> bool:
        """Whether anybody holds that lock."""

    def damage(self, connection: Any) -> list[str]:
        """What is wrong with the store itself; nothing where it is whole."""


TABLES = (
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


MIGRATIONS = {
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


def next_revision(connection: Connection) -> int:
    """Within a transaction: the number that what it writes carries. The warehouse follows by it."""
    connection.execute("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'revision'")
    return revision(connection)


def revision(connection: Connection) -> int:
    """The number of the latest write."""
    return int(meta(connection, "revision"))


def ledger_id(connection: Connection) -> str:
    """What tells this ledger from every other."""
    return meta(connection, "ledger_id")


def meta(connection: Connection, name: str) -> str:
    """A fact about the ledger itself."""
    ((value,),) = connection.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchall()
    return str(value)


def make_tables(connection: Connection) -> None:
    """Within a transaction: the tables of a new ledger."""
    for statement in TABLES:
        connection.execute(statement)
    facts = {"version": str(LEDGER_VERSION), "ledger_id": uuid.uuid4().hex, "revision": "0"}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", list(facts.items()))


def migrate(connection: Connection, found: int) -> None:
    """Within a transaction: bring a ledger of the format `found` up to date."""
    for number in range(found + 1, LEDGER_VERSION + 1):
        for statement in MIGRATIONS[number]:
            connection.execute(statement)
    connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", [str(LEDGER_VERSION)])


def refuse_newer(found: int, where: str, remedy: str) -> None:
    """Raises ScoringError where a ledger's format is newer than this version of the project."""
    if found > LEDGER_VERSION:
        raise ScoringError(
            f"a newer version of the project wrote it (format {found}, this one knows {LEDGER_VERSION})",
            where=where,
            remedy=remedy,
        )
