"""The ledger: every attempt at an answer, on disk before it counts.

Rows are only ever added. At most one accepted answer stands for a request key, whoever writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum

import duckdb
import pandas as pd

from exposure_dagster.errors import ScoringError
from exposure_dagster.prompts.model import content_hash
from exposure_dagster.sources.fetching import utc_now
from exposure_dagster.tables import RESPONSES
from exposure_dagster.warehouse import Warehouse, insert_rows

PROVIDER = "claude"
"""Provider family in a request key: `claude` and `claude-batch` are one."""

_ROWS_AT_ONCE = 5000

_QUICK_COMMITS = ("PRAGMA disable_checkpoint_on_shutdown", "SET checkpoint_threshold = '256KB'")
"""A commit is on disk once it is in the write-ahead log. Rewriting the file itself each time doubles its cost."""


class Status(StrEnum):
    """What became of an attempt at one document, or how a document stands."""

    OK = "ok"
    INVALID = "invalid"
    REFUSED = "refused"
    FAILED = "failed"


def request_key(prompt_hash: str, doc_id: str, text_sha256: str, sample: int, epoch: int) -> str:
    """Identity of a question: what is never paid for twice."""
    return content_hash([PROVIDER, prompt_hash, doc_id, text_sha256, sample, epoch])


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One attempt at one document: a row of scored.responses. Token counts and cost are its share."""

    request_key: str
    attempt: int
    is_accepted: bool
    prompt: str
    prompt_hash: str
    doc_id: str
    text_sha256: str
    scorer: str
    model: str
    sample: int
    epoch: int
    status: Status
    attributes: Mapping[str, float] | None
    rationale: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    request_id: str | None
    batch_id: str | None
    latency_ms: float | None
    created_at: datetime
    error: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the ledger knows of a request key: its last attempt, and whether there is nothing left to ask."""

    attempts: int
    status: Status

    @property
    def is_settled(self) -> bool:
        return self.status in (Status.OK, Status.REFUSED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands for a request key: its accepted answer, or its last attempt where there is none."""

    request_key: str
    status: Status
    numbers: Mapping[str, float]
    rationale: str | None
    model: str
    created_at: datetime
    error: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Spending:
    """USD of the last 24 hours, and what batches that are not collected yet can cost at most, by prompt hash."""

    usd: float
    in_batches: Mapping[str, float]


@dataclass(frozen=True)
class Ledger:
    """The ledger in a warehouse. Each call opens and closes the file."""

    warehouse: Warehouse

    def records(self, prompt_hash: str, epoch: int) -> dict[str, KeyRecord]:
        """What is known of every request key of a prompt version and epoch."""
        rows = self.warehouse.rows(
            "SELECT request_key, max(attempt), bool_or(is_accepted), bool_or(status = 'refused')"
            " FROM scored.responses WHERE prompt_hash = ? AND epoch = ? GROUP BY request_key",
            [prompt_hash, epoch],
        )
        return {
            key: KeyRecord(attempts, Status.OK if is_accepted else Status.REFUSED if is_refused else Status.FAILED)
            for key, attempts, is_accepted, is_refused in rows
        }

    def outcomes(self, prompt_hash: str, epoch: int) -> Iterator[Outcome]:
        """What stands for every request key of a prompt version and epoch. Reads in portions."""
        with self.warehouse.connect(read_only=True) as connection:
            cursor = connection.execute(
                "SELECT request_key, is_accepted, status, attributes, rationale, model, created_at, error, note"
                " FROM scored.responses WHERE prompt_hash = ? AND epoch = ?"
                " QUALIFY row_number() OVER"
                " (PARTITION BY request_key ORDER BY is_accepted DESC, status = 'refused' DESC, attempt DESC) = 1",
                [prompt_hash, epoch],
            )
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                for key, is_accepted, status, attributes, *rest in rows:
                    stands = Status.OK if is_accepted else Status(status)
                    yield Outcome(
                        key,
                        stands if stands in (Status.OK, Status.REFUSED) else Status.FAILED,
                        json.loads(attributes) if attributes else {},
                        *rest,
                    )

    def commit(self, rows: Sequence[LedgerRow]) -> Spending:
        """Add rows in one transaction; returns what the last 24 hours cost, these included.

        An answer to a key that has an accepted one is kept but does not count. Raises ScoringError where
        it cannot be written; then none of the rows is.
        """
        try:
            with self.warehouse.transaction() as connection:
                for setting in _QUICK_COMMITS:
                    connection.execute(setting)
                insert_rows(connection, RESPONSES, _frame(_once_accepted(connection, rows)))
                return _spent_today(connection)
        except (duckdb.Error, OSError) as error:
            raise ScoringError(
                f"answers cannot be written to the ledger ({str(error).splitlines()[0]})",
                where=str(self.warehouse.path),
                remedy="Make room on the disk or mend the file, and run again: what was answered before is kept.",
            ) from error

    def spent_today(self) -> Spending:
        """What the last 24 hours cost, all prompts together."""
        with self.warehouse.connect(read_only=True) as connection:
            return _spent_today(connection)


def newest_epochs(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """By prompt version, the highest epoch that it was asked in; versions that never were are left out.

    Epochs below 0 are those of rehearsals that asked again.
    """
    return dict(
        connection.execute(
            "SELECT prompt_hash, max(epoch) FROM scored.responses WHERE epoch >= 0 GROUP BY 1"
        ).fetchall()
    )


def unfinished_epochs(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Prompt versions of which everything was begun to be asked again, by a run that did not come to its end."""
    rows = connection.execute(
        "SELECT prompt_hash, max(epoch) AS epoch FROM scored.responses GROUP BY 1 HAVING max(epoch) > 0"
        " EXCEPT SELECT prompt_hash, epoch FROM scored.runs WHERE outcome IN ('complete', 'incomplete')"
    ).fetchall()
    return frozenset(prompt_hash for prompt_hash, _ in rows)


def epoch_to_ask(warehouse: Warehouse, prompt_hash: str, *, is_asked_again: bool) -> int:
    """The newest epoch, or one more where everything is asked again; an unfinished one is brought to its end first."""
    with warehouse.connect(read_only=True) as connection:
        newest = newest_epochs(connection).get(prompt_hash, 0)
        return newest + int(is_asked_again and prompt_hash not in unfinished_epochs(connection))


def rehearsal_epoch(warehouse: Warehouse, prompt_hash: str, *, is_asked_again: bool) -> int:
    """The newest epoch, whose answers a rehearsal uses and adds to; asking again takes one of its own, below 0."""
    with warehouse.connect(read_only=True) as connection:
        if not is_asked_again:
            return newest_epochs(connection).get(prompt_hash, 0)
        row = connection.execute(
            "SELECT least(min(epoch), 0) FROM scored.responses WHERE prompt_hash = ?", [prompt_hash]
        ).fetchone()
    return (row[0] if row and row[0] is not None else 0) - 1


def _spent_today(connection: duckdb.DuckDBPyConnection) -> Spending:
    row = connection.execute(
        "SELECT coalesce(sum(cost_usd), 0) FROM scored.responses WHERE created_at > ?",
        [utc_now() - timedelta(hours=24)],
    ).fetchone()
    assert row is not None
    batches = connection.execute(
        "SELECT prompt_hash, sum(worst_usd) FROM scored.batches WHERE NOT is_collected GROUP BY prompt_hash"
    ).fetchall()
    return Spending(float(row[0]), {prompt_hash: worst or 0.0 for prompt_hash, worst in batches})


def _once_accepted(connection: duckdb.DuckDBPyConnection, rows: Sequence[LedgerRow]) -> list[LedgerRow]:
    keys = [row.request_key for row in rows if row.is_accepted]
    found = connection.execute(
        "SELECT request_key FROM scored.responses WHERE is_accepted AND request_key IN (SELECT unnest(?))", [keys]
    ).fetchall()
    stands = {key for (key,) in found}
    result = []
    for row in rows:
        is_second = row.is_accepted and row.request_key in stands
        if row.is_accepted:
            stands.add(row.request_key)
        result.append(replace(row, is_accepted=False, error="another answer stands") if is_second else row)
    return result


_COLUMNS = tuple(field.name for field in fields(LedgerRow))


def _frame(rows: Sequence[LedgerRow]) -> pd.DataFrame:
    columns = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
    columns["status"] = [row.status.value for row in rows]
    columns["attributes"] = [None if row.attributes is None else json.dumps(dict(row.attributes)) for row in rows]
    return pd.DataFrame(columns)
