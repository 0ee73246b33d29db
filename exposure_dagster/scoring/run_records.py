"""The record of scoring runs: scored.runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from exposure_dagster.scoring.ledger import Ledger, as_text
from exposure_dagster.scoring.ledger_store import Connection, next_revision


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A row of scored.runs. `outcome` is running, complete, incomplete, stopped or failed."""

    run_id: str
    prompt: str
    prompt_hash: str
    scorer: str
    epoch: int | None
    started_at: datetime
    finished_at: datetime | None = None
    asked: int = 0
    reused: int = 0
    refused: int = 0
    failed: int = 0
    cost_nano_usd: int = 0
    outcome: str = "running"
    error: str | None = None

    def at(self, ahead: timedelta) -> RunRow:
        """The row by a clock that is so far ahead of this machine's."""
        finished_at = None if self.finished_at is None else self.finished_at + ahead
        return replace(self, started_at=self.started_at + ahead, finished_at=finished_at)


def record_run(ledger: Ledger, row: RunRow) -> None:
    """Write a run's row in the place of an earlier one."""
    with ledger.store.transaction() as connection:
        _replace(connection, row.at(ledger.store.ahead(connection)))


def begin_run(ledger: Ledger, row: RunRow) -> None:
    """Write the row of a run that begins, and close those of runs whose process is gone.

    The caller holds the run's lock, so that of the same prompt version no other run can be alive.
    """
    with ledger.store.transaction() as connection:
        row = row.at(ledger.store.ahead(connection))
        under_way = connection.execute(
            "SELECT run_id, prompt, prompt_hash FROM runs WHERE outcome = 'running' AND scorer <> 'baseline'"
        ).fetchall()
        for run_id, prompt, prompt_hash in under_way:
            if prompt_hash == row.prompt_hash or not ledger.is_asked_now(prompt_hash, connection):
                _close_orphan(connection, run_id, prompt, row.started_at)
        _replace(connection, row)


def _close_orphan(connection: Connection, run_id: str, prompt: str, now: datetime) -> None:
    connection.execute(
        "UPDATE runs SET outcome = 'failed', finished_at = ?, error = 'its process ended before the run did',"
        " revision = ?, cost_nano_usd = ("
        "  SELECT coalesce(sum(l.cost_nano_usd), 0) FROM responses l"
        "  WHERE l.prompt_hash = runs.prompt_hash AND l.created_at BETWEEN runs.started_at AND ?"
        ") WHERE run_id = ? AND prompt = ? AND outcome = 'running'",
        [as_text(now), next_revision(connection), as_text(now), run_id, prompt],
    )


def _replace(connection: Connection, row: RunRow) -> None:
    values = asdict(row) | {
        "started_at": as_text(row.started_at),
        "finished_at": None if row.finished_at is None else as_text(row.finished_at),
        "revision": next_revision(connection),
    }
    connection.execute("DELETE FROM runs WHERE run_id = ? AND prompt = ?", [row.run_id, row.prompt])
    connection.execute(
        f"INSERT INTO runs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values())
    )
