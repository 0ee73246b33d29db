"""What one ledger holds comes into another: from a warehouse's copy, a folder, a backup, or the file of a home.

Nothing is doubled, whatever is taken over how often, and nothing that was paid for is lost.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import NANO_PER_USD
from exposure_dagster.scoring.ledger import Ledger, as_text
from exposure_dagster.scoring.ledger_file import LedgerFile
from exposure_dagster.scoring.ledger_store import Connection, Rows, ledger_id, next_revision, revision
from exposure_dagster.store.locks import holding, is_held

if TYPE_CHECKING:
    import duckdb

_PORTION = 20_000
_KEYS_AT_ONCE = 500

_SAME_ATTEMPT = ("request_key", "created_at", "status", "sample", "request_id", "doc_id")
"""What tells one attempt from another on whichever machine it was made; its number may differ."""

_BESIDE = ("batches", "runs", "corrections", "assumed_costs")
_OF_RUN = re.compile(r"[0-9a-f]{32,64}")
"""Names of the locks of runs: hashes of prompts."""

_TRUE_OR_FALSE = ("is_accepted", "is_collected")


def take_over_file(file: LedgerFile, ledger: Ledger) -> int | None:
    """Add what the ledger of a home holds beyond what came from it before; returns how many attempts were new, None
    where it holds nothing beyond.

    What its runs held for requests under way counts as spent for a day. Others may write between two portions. Raises
    ScoringError while a run writes to the file.
    """
    with file.reading() as source:
        if _known(ledger, source).revision >= revision(source):
            return None
    with holding(ledger.store.lock("ledger.lock")), file.reading() as source:
        known = _known(ledger, source)
        if known.revision >= revision(source):
            return None  # another process was first
        _refuse_while_asked(file)
        newer = f"revision > {known.revision}"
        attempts = source.execute(f"SELECT * FROM responses WHERE {newer} ORDER BY created_at, attempt")
        added = 0
        for portion in portions(attempts):
            with ledger.store.transaction() as target:
                added += add_attempts(target, [_with_booleans(portion)])
                target.execute("ANALYZE responses")  # of a table that was just filled the database knows no sizes
        with ledger.store.transaction() as target:
            number, now = next_revision(target), as_text(ledger.now(target))
            for table in _BESIDE:
                which = newer if table != "assumed_costs" else f"created_at > '{known.taken_at}'"
                for portion in portions(source.execute(f"SELECT * FROM {table} WHERE {which}")):
                    _insert(target, table, [_numbered(row, number) for row in _with_booleans(portion)])
            for prompt, prompt_hash, nano in source.execute(
                "SELECT prompt, prompt_hash, reserved_nano_usd FROM reservations WHERE reserved_nano_usd > 0"
            ).fetchall():
                target.execute(
                    "INSERT INTO assumed_costs (prompt, prompt_hash, cost_nano_usd, created_at, reason)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [prompt, prompt_hash, nano, now, "it was under way when its ledger was taken over"],
                )
            name = _fact(source)
            target.execute("DELETE FROM meta WHERE name = ?", [name])
            target.execute("INSERT INTO meta VALUES (?, ?)", [name, f"{revision(source)} {as_text(utc_now())}"])
    return added


@dataclass(frozen=True)
class _Known:
    """What came from a file before: up to which of its writes, and when by the clock of its machine."""

    revision: int = -1
    taken_at: str = ""


def _fact(source: Connection) -> str:
    return f"holds {ledger_id(source)}"


def _known(ledger: Ledger, source: Connection) -> _Known:
    with ledger.store.reading() as there:
        if ledger_id(there) == ledger_id(source):
            return _Known(revision(source))  # a copy of that ledger itself
        found = there.execute("SELECT value FROM meta WHERE name = ?", [_fact(source)]).fetchone()
    if found is None:
        return _Known()
    number, _, taken_at = str(found[0]).partition(" ")
    return _Known(int(number), taken_at)


def _refuse_while_asked(file: LedgerFile) -> None:
    for path in (file.path.parent / "locks").glob("*.lock"):
        if _OF_RUN.fullmatch(path.stem) and is_held(path):
            raise ScoringError(
                "a run is under way that writes to the ledger of this home, which is about to be taken over",
                where=str(file.path),
                remedy="Wait for it or end it, and run again; it was begun without EXPOSURE_DATABASE_URL.",
            )


def copy_as_file(ledger: Ledger, path: Path) -> None:
    """Write a ledger, as it is at one moment, into a new file of the kind that a home has."""
    file = LedgerFile(path)
    file.create()
    with ledger.store.reading() as source, file.transaction() as target:
        target.execute("DELETE FROM meta")
        for table in ("meta", "responses", *_BESIDE, "reservations"):
            for portion in portions(ledger.store.stream(source, f"SELECT * FROM {table}")):
                _insert(target, table, portion)
    settle(file)


def settle(file: LedgerFile) -> None:
    """Put all that is in the log of a new ledger into its file, which alone takes the ledger's name."""
    with file.connect() as connection:
        ((is_busy, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    log = file.path.with_name(file.path.name + "-wal")
    if is_busy or (log.exists() and log.stat().st_size):
        raise ScoringError(
            "the new ledger could not be written whole", where=str(file.path), remedy="Make room on the disk."
        )


def _with_booleans(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a file, which knows 0 and 1 only."""
    return [
        {name: bool(value) if name in _TRUE_OR_FALSE else _plain(value) for name, value in row.items()} for row in rows
    ]


def _numbered(row: dict[str, Any], number: int) -> dict[str, Any]:
    return row | {"revision": number} if "revision" in row else row


def _insert(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({', '.join('?' * len(rows[0]))})"
            " ON CONFLICT DO NOTHING",
            [list(row.values()) for row in rows],
        )


def portions(cursor: duckdb.DuckDBPyConnection | Rows) -> Iterator[list[dict[str, Any]]]:
    """The rows of a query, by column name, a portion at a time."""
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(_PORTION):
        yield [dict(zip(names, row, strict=True)) for row in rows]


def add_attempts(connection: Connection, portions: Iterable[Sequence[dict[str, Any]]]) -> int:
    """Within a transaction: add attempts as a ledger holds them, and no attempt twice; returns how many.

    They follow in number those that are here; of two accepted answers to one key the one that is here stands.
    """
    number = next_revision(connection)
    added = 0
    for rows in portions:
        there = _attempts_there(connection, {row["request_key"] for row in rows})
        new = []
        for values in rows:
            known = there.setdefault(values["request_key"], _AtKey())
            attempt = tuple(values[name] for name in _SAME_ATTEMPT)
            if attempt in known.attempts:
                continue
            values["is_accepted"] = bool(values["is_accepted"]) and not known.has_answer
            known.attempts.add(attempt)
            known.newest += 1
            known.has_answer |= values["is_accepted"]
            new.append(values | {"attempt": known.newest, "revision": number})
        _insert(connection, "responses", new)
        added += len(new)
    return added


@dataclass
class _AtKey:
    """What there is at a request key: its attempts, the number of the newest, and whether one was accepted."""

    attempts: set[tuple[Any, ...]] = field(default_factory=set)
    newest: int = 0
    has_answer: bool = False


def _attempts_there(connection: Connection, keys: Collection[str]) -> dict[str, _AtKey]:
    found: dict[str, _AtKey] = {}
    asked = sorted(keys)
    for start in range(0, len(asked), _KEYS_AT_ONCE):
        some = asked[start : start + _KEYS_AT_ONCE]
        for attempt, is_accepted, *same in connection.execute(
            f"SELECT attempt, is_accepted, {', '.join(_SAME_ATTEMPT)} FROM responses"
            f" WHERE request_key IN ({', '.join('?' * len(some))})",
            some,
        ):
            known = found.setdefault(same[0], _AtKey())
            known.attempts.add(tuple(same))
            known.newest = max(known.newest, attempt)
            known.has_answer |= bool(is_accepted)
    return found


def from_warehouse(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[dict[str, Any]]]:
    """Rows of scored.responses as a ledger holds them, a portion at a time."""
    return ([_as_ledger(row) for row in portion] for portion in portions(cursor))


def _as_ledger(row: dict[str, Any]) -> dict[str, Any]:
    values = {name: _plain(_WHERE_UNKNOWN.get(name) if value is None else value) for name, value in row.items()}
    del values["cost_usd"]
    cost = row.get("cost_usd")
    values["cost_nano_usd"] = None if cost is None or cost != cost else round(cost * NANO_PER_USD)  # noqa: PLR0124  NaN
    return values


_WHERE_UNKNOWN: dict[str, Any] = {
    "request_key": "",
    "is_accepted": False,
    "prompt": "",
    "prompt_hash": "",
    "doc_id": "",
    "text_sha256": "",
    "sample": 1,
    "epoch": 0,
    "status": "failed",
    "created_at": "1970-01-01 00:00:00.000000",
}
"""What stands for a cell that an older ledger, or one that was moved by hand, left empty and this one cannot."""


def _plain(value: Any) -> Any:
    """A value as every kind of ledger takes it; PostgreSQL keeps a NUL in no text."""
    match value:
        case datetime():
            return as_text(value)
        case str():
            return value.replace("\x00", "")
    return value
