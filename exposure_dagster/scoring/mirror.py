"""The ledger of a home and its copy in the warehouse: scored.responses, .batches, .runs and .corrections.

What is asked and paid is decided by the ledger alone. The copy is for everyone who reads tables; it is brought up to
date when a run ends. Each row of the ledger carries the number of the write that made or changed it: the copy takes
what is newer than it is.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.money import NANO_PER_USD
from exposure_dagster.core.private import make_private
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.core.tables import Table
from exposure_dagster.scoring.ledger import Ledger, as_text
from exposure_dagster.scoring.ledger_database import LedgerDatabase
from exposure_dagster.scoring.ledger_file import LedgerFile
from exposure_dagster.scoring.ledger_store import Connection, ledger_id, next_revision, revision
from exposure_dagster.scoring.taking_over import add_attempts, copy_as_file, from_warehouse, settle, take_over_file
from exposure_dagster.store.locks import holding
from exposure_dagster.store.migrations import copy_before, copy_open_file
from exposure_dagster.store.warehouse import Warehouse, insert_rows, put_fact
from exposure_dagster.tables import BATCHES, CORRECTIONS, RESPONSES, RUNS

if TYPE_CHECKING:
    import pandas as pd

LEDGER_NAME = "ledger.sqlite"

_ID_FACT = "ledger_id"
_REVISION_FACT = "ledger_revision"
_PORTION = 20_000

_log = logging.getLogger(__name__)


def ledger_path(warehouse: Warehouse) -> Path:
    """Where the ledger of a warehouse's home lies."""
    return warehouse.path.parent / LEDGER_NAME


def open_ledger(warehouse: Warehouse) -> Ledger:
    """The ledger of a warehouse's home, made where it is missing, with what the warehouse holds of one.

    That is how the ledger of a warehouse of version 0.1.0, where it was a table, comes into a file of its own: once,
    and after the warehouse was copied. Where machines share a database the ledger is theirs, with what the file of this
    home held before. Raises ScoringError where it cannot be made.
    """
    path = ledger_path(warehouse)
    if warehouse.shared is not None:
        return _shared_ledger(warehouse.shared, LedgerFile(path))
    if not path.exists():
        with holding(path.parent / "locks" / "ledger.lock"):
            if not path.exists():
                _make(warehouse, path)
    return Ledger(LedgerFile(path))


_ready: set[tuple[SharedStore, Path]] = set()
"""Databases that this process has found to hold a ledger, with that of the home."""


def _shared_ledger(shared: SharedStore, file: LedgerFile) -> Ledger:
    ledger = Ledger(LedgerDatabase(shared))
    if (shared, file.path) not in _ready:
        ledger.store.create()
        if file.exists and (added := take_over_file(file, ledger)) is not None:
            _log.warning(
                "the ledger of this home comes to those who share %s: %s attempts are added from %s, which stays as "
                "it is",
                ledger.store.shown,
                f"{added:,}",
                file.path,
            )
        _ready.add((shared, file.path))
    return ledger


def _make(warehouse: Warehouse, path: Path) -> None:
    draft = LedgerFile(path.with_name(path.name + ".new"))
    for leftover in draft.path.parent.glob(draft.path.name + "*"):
        leftover.unlink()
    draft.create()
    rows = _copied_rows(warehouse)
    if rows:
        kept = _kept_copy(warehouse)
        _log.warning(
            "the ledger moves into a file of its own, %s: %s attempts are taken over from %s, of which %s is a copy",
            path,
            f"{rows:,}",
            warehouse.path,
            kept,
        )
        _take_over(warehouse, Ledger(draft))
    settle(draft)
    draft.path.rename(path)
    if rows:
        with warehouse.transaction() as connection:
            put_fact(connection, _ID_FACT, _id(Ledger(LedgerFile(path))))
            put_fact(connection, _REVISION_FACT, None)


def _copied_rows(warehouse: Warehouse) -> int:
    """Rows of the ledger that a warehouse holds."""
    if not warehouse.exists:
        return 0
    with warehouse.connect(read_only=True) as connection:
        return sum(
            int(count)
            for table in (RESPONSES, BATCHES, RUNS)
            for (count,) in connection.execute(f"SELECT count(*) FROM {table.full_name}").fetchall()
        )


def _kept_copy(warehouse: Warehouse) -> Path:
    before = copy_before(warehouse.path)
    if before.exists() and not warehouse.rows("SELECT 1 FROM meta.facts WHERE name = ?", [_ID_FACT]):
        return before  # made just now, when the warehouse was brought up to date; its ledger has not changed since
    folder = warehouse.path.parent / "backups"
    make_private(folder)
    target = folder / f"{warehouse.path.stem}-{utc_now():%Y%m%dT%H%M%S}{warehouse.path.suffix}"
    copy_warehouse(warehouse, target)
    return target


def copy_warehouse(warehouse: Warehouse, target: Path) -> None:
    """A whole copy of the file. Raises OSError."""
    with warehouse.connect() as connection:  # while it is open nobody else writes
        connection.execute("CHECKPOINT")
        copy_open_file(warehouse.path, target)


def copy_ledger(ledger: Ledger, target: Path) -> None:
    """A whole copy, as a file, of what it holds at one moment; runs may go on writing meanwhile."""
    draft = target.with_name(target.name + ".new")
    draft.unlink(missing_ok=True)
    if isinstance(ledger.store, LedgerFile):
        with ledger.store.connect(read_only=True) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        draft.chmod(0o600)
    else:
        copy_as_file(ledger, draft)
    draft.rename(target)


def _take_over(warehouse: Warehouse, ledger: Ledger) -> None:
    with warehouse.connect(read_only=True) as source, ledger.store.transaction() as target:
        add_attempts(target, from_warehouse(source.execute(f"SELECT * FROM {RESPONSES.full_name} ORDER BY created_at")))
        number = next_revision(target)
        batches = source.execute(
            "SELECT batch_id, coalesce(prompt, ''), coalesce(prompt_hash, ''), coalesce(epoch, 0),"
            " coalesce(created_at, TIMESTAMP '1970-01-01'), coalesce(is_collected, false), worst_usd,"
            f" coalesce(requests, '[]') FROM {BATCHES.full_name}"
        ).fetchall()
        for batch_id, prompt, prompt_hash, epoch, created_at, is_collected, worst, requests in batches:
            token, is_named = _token_of(batch_id, requests)
            nano = round((worst or 0) * NANO_PER_USD)
            named = batch_id if is_named else None
            target.execute(
                "INSERT INTO batches (token, batch_id, prompt, prompt_hash, epoch, created_at, is_collected,"
                " worst_nano_usd, requests, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [token, named, prompt, prompt_hash, epoch, as_text(created_at), is_collected, nano, requests, number],
            )
        _take_over_runs(source, target, number)
        for key, attempt, corrected_at, *rest in source.execute(
            f"SELECT request_key, attempt, corrected_at, coalesce(reason, ''), coalesce(before, '{{}}'),"
            f" coalesce(after, '{{}}') FROM {CORRECTIONS.full_name} WHERE corrected_at IS NOT NULL"
        ).fetchall():
            which = [key, attempt, as_text(corrected_at)]
            same = "request_key = ? AND attempt = ? AND corrected_at = ?"
            if not target.execute(f"SELECT 1 FROM corrections WHERE {same}", which).fetchone():
                target.execute("INSERT INTO corrections VALUES (?, ?, ?, ?, ?, ?, ?)", [*which, *rest, number])


def _take_over_runs(source: duckdb.DuckDBPyConnection, target: Connection, number: int) -> None:
    runs = source.execute(
        "SELECT run_id, prompt, prompt_hash, scorer, epoch, started_at, finished_at, asked, reused, refused, failed,"
        f" cost_usd, outcome, error FROM {RUNS.full_name} WHERE started_at IS NOT NULL"
    ).fetchall()
    for *before, started_at, finished_at, asked, reused, refused, failed, cost, outcome, error in runs:
        times = [as_text(started_at), None if finished_at is None else as_text(finished_at)]
        counts = [asked, reused, refused, failed, None if cost is None else round(cost * NANO_PER_USD)]
        target.execute(
            "INSERT INTO runs (run_id, prompt, prompt_hash, scorer, epoch, started_at, finished_at, asked, reused,"
            " refused, failed, cost_nano_usd, outcome, error, revision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [*before, *times, *counts, outcome, error, number],
        )


def _token_of(batch_id: str, requests: str) -> tuple[str, bool]:
    """The token of a batch of version 0.1.0, by the ids of its requests, and whether the API's id of it is known."""
    named = json.loads(requests)
    token = named[0]["custom_id"].rsplit("-", 1)[0] if named else batch_id
    return token, not batch_id.startswith("sending-")


@dataclass(frozen=True)
class _Copied:
    """How a table of the warehouse is filled from the ledger; `names` tell its rows apart."""

    table: Table
    query: str
    names: tuple[str, ...]


_COST = f"cost_nano_usd / {NANO_PER_USD}.0 AS cost_usd"

_COPIES = (
    _Copied(
        RESPONSES,
        "SELECT request_key, attempt, is_accepted, prompt, prompt_hash, doc_id, text_sha256, scorer, model, sample,"
        " epoch, status, attributes, rationale, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        f" {_COST}, request_id, batch_id, latency_ms, created_at, error, note, endpoint, answered_by,"
        " position, request_group FROM responses",
        ("request_key", "attempt"),
    ),
    _Copied(
        BATCHES,
        "SELECT token, coalesce(batch_id, 'sending-' || token) AS batch_id, prompt, prompt_hash, epoch, created_at,"
        f" is_collected, worst_nano_usd / {NANO_PER_USD}.0 AS worst_usd, requests, note FROM batches",
        ("token",),
    ),
    _Copied(
        RUNS,
        "SELECT run_id, prompt, prompt_hash, scorer, epoch, started_at, finished_at, asked, reused, refused, failed,"
        f" {_COST}, outcome, error FROM runs",
        ("run_id", "prompt"),
    ),
    _Copied(
        CORRECTIONS,
        "SELECT request_key, attempt, corrected_at, reason, before, after FROM corrections",
        ("request_key", "attempt", "corrected_at"),
    ),
)


def copy_to_warehouse(ledger: Ledger, warehouse: Warehouse, *, is_made_anew: bool = False) -> None:
    """Bring the warehouse's copy of the ledger up to date, in one transaction, or make it anew.

    Where the copy is of another ledger, what that holds and this one lacks is taken over first: nothing that was
    paid for is overwritten.
    """
    with holding(ledger.store.lock("copy.lock")):  # two at once would both change the same rows
        try:
            if is_made_anew or _is_of_another(ledger, warehouse):
                if not is_made_anew:
                    _log.warning("%s is of another ledger: what it has beyond this one is added", warehouse.place)
                _take_over(warehouse, ledger)
                warehouse.transact(lambda connection: put_fact(connection, _ID_FACT, None))
            _copy(ledger, warehouse)
        except duckdb.Error as error:
            raise WarehouseError(
                f"the copy of the ledger cannot be brought up to date ({str(error).splitlines()[0]})",
                where=warehouse.place,
                remedy="Make room on the disk or mend the file. Nothing is lost: the ledger itself is in "
                f"{ledger.store.shown}.",
            ) from error


def bring_back(ledger: Ledger, warehouse: Warehouse) -> None:
    """Before anything is asked: take over what the warehouse's copy holds and a ledger from a backup lacks."""
    if warehouse.exists and _is_of_another(ledger, warehouse):
        copy_to_warehouse(ledger, warehouse)


def _is_of_another(ledger: Ledger, warehouse: Warehouse) -> bool:
    """Whether the warehouse's copy is of another ledger, or of this one at a later time than a backup brought back."""
    facts = dict(warehouse.rows("SELECT name, value FROM meta.facts"))
    with ledger.store.reading() as connection:
        is_this = facts.get(_ID_FACT) == ledger_id(connection)
        is_later = int(facts.get(_REVISION_FACT, -1)) > revision(connection)
    return (not is_this or is_later) and _copied_rows(warehouse) > 0


def _copy(ledger: Ledger, warehouse: Warehouse) -> None:
    import pandas as pd

    def write(target: duckdb.DuckDBPyConnection) -> None:
        with ledger.store.reading() as source:  # begun in this turn: who waits for it keeps no transaction open
            facts = dict(target.execute("SELECT name, value FROM meta.facts").fetchall())
            since = int(facts.get(_REVISION_FACT, -1)) if facts.get(_ID_FACT) == ledger_id(source) else -1
            for copied in _COPIES:
                if since < 0:
                    target.execute(f"DELETE FROM {copied.table.full_name}")
                cursor = ledger.store.stream(source, f"{copied.query} WHERE revision > ? ORDER BY revision", [since])
                names = [column[0] for column in cursor.description]
                while rows := cursor.fetchmany(_PORTION):
                    _put(target, copied, pd.DataFrame(rows, columns=names, dtype=object))
            put_fact(target, _ID_FACT, ledger_id(source))
            put_fact(target, _REVISION_FACT, str(revision(source)))

    warehouse.transact(write)


def _put(connection: duckdb.DuckDBPyConnection, copied: _Copied, rows: pd.DataFrame) -> None:
    types = {column.name: column.type for column in copied.table.columns}
    frame = rows.astype({name: _DTYPES.get(types[name], "string") for name in rows.columns})
    same = " AND ".join(f"t.{name} = c.{name}::{types[name]}" for name in copied.names)
    connection.register("changed", frame[list(copied.names)])
    connection.execute(f"DELETE FROM {copied.table.full_name} t USING changed c WHERE {same}")
    connection.unregister("changed")
    insert_rows(connection, copied.table, frame)


_DTYPES = {"BIGINT": "Int64", "DOUBLE": "float64", "BOOLEAN": "boolean"}


def state_of_ledger(warehouse: Warehouse) -> tuple[str, int]:
    """Changes with every write to the ledger, whoever made it."""
    with open_ledger(warehouse).store.reading() as connection:
        return ledger_id(connection), revision(connection)


def _id(ledger: Ledger) -> str:
    with ledger.store.reading() as connection:
        return ledger_id(connection)


@dataclass(frozen=True)
class Difference:
    """A figure in which the ledger and its copy in the warehouse differ."""

    table: str
    figure: str
    ledger: float
    warehouse: float


_COMPARED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "responses": (
        ("rows", "count(*)", "count(*)"),
        ("accepted answers", "count(CASE WHEN is_accepted THEN 1 END)", "count(*) FILTER (is_accepted)"),
        ("nano-dollars", "coalesce(sum(cost_nano_usd), 0)", "coalesce(sum(round(cost_usd * 1e9)::HUGEINT), 0)"),
        ("tokens written", "coalesce(sum(output_tokens), 0)", "coalesce(sum(output_tokens), 0)"),
    ),
    "batches": (("rows", "count(*)", "count(*)"),),
    "runs": (("rows", "count(*)", "count(*)"),),
    "corrections": (("rows", "count(*)", "count(*)"),),
}


def _has_moved_on(connection: Connection, table: str, until: int) -> bool:
    changed = "corrections" if table == "responses" else table
    return connection.execute(f"SELECT 1 FROM {changed} WHERE revision > ? LIMIT 1", [until]).fetchone() is not None


def differences(ledger: Ledger, warehouse: Warehouse) -> list[Difference]:
    """Where the warehouse's copy differs from the ledger, up to the write that the copy has come to."""
    found = []
    with ledger.store.reading() as source, warehouse.connect(read_only=True) as target:
        facts = dict(target.execute("SELECT name, value FROM meta.facts").fetchall())
        if facts.get(_ID_FACT) != ledger_id(source):
            return [Difference("all", "the ledger it is a copy of", 1, 0)]
        until = int(facts.get(_REVISION_FACT, -1))
        for table, figures in _COMPARED.items():
            if _has_moved_on(source, table, until):
                continue  # another run goes on with rows that the copy holds in an earlier state
            for name, in_ledger, in_warehouse in figures:
                ((ours,),) = source.execute(f"SELECT {in_ledger} FROM {table} WHERE revision <= ?", [until]).fetchall()
                ((theirs,),) = target.execute(f"SELECT {in_warehouse} FROM scored.{table}").fetchall()
                if ours != theirs:
                    found.append(Difference(f"scored.{table}", name, float(ours), float(theirs)))
    return found
