"""The record of scoring runs: scored.runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from exposure_dagster.scoring.locks import is_held
from exposure_dagster.tables import RUNS
from exposure_dagster.warehouse import Warehouse, replace_rows


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
    cost_usd: float = 0.0
    outcome: str = "running"
    error: str | None = None


def run_lock_path(warehouse: Warehouse, prompt_hash: str) -> Path:
    """The lock that a run holds which asks a model about this prompt version."""
    return locks_folder(warehouse) / f"{prompt_hash}.lock"


def locks_folder(warehouse: Warehouse) -> Path:
    """Where runs of one warehouse meet."""
    return warehouse.path.parent / "locks"


def record_run(warehouse: Warehouse, row: RunRow) -> None:
    """Write a run's row in the place of an earlier one."""
    with warehouse.transaction() as connection:
        _replace(connection, row)


def begin_run(warehouse: Warehouse, row: RunRow) -> None:
    """Write the row of a run that begins, and close those of runs whose process is gone.

    The caller holds the run's lock, so that of the same prompt version no other run can be alive.
    """
    with warehouse.transaction() as connection:
        under_way = connection.execute(
            "SELECT run_id, prompt, prompt_hash FROM scored.runs WHERE outcome = 'running' AND scorer != 'baseline'"
        ).fetchall()
        for run_id, prompt, prompt_hash in under_way:
            if prompt_hash == row.prompt_hash or not is_held(run_lock_path(warehouse, prompt_hash)):
                _close_orphan(connection, run_id, prompt, row.started_at)
        _replace(connection, row)


def _close_orphan(connection: duckdb.DuckDBPyConnection, run_id: str, prompt: str, now: datetime) -> None:
    connection.execute(
        "UPDATE scored.runs r SET outcome = 'failed', finished_at = $now, error = $error, cost_usd ="
        " (SELECT coalesce(sum(l.cost_usd), 0) FROM scored.responses l"
        "  WHERE l.prompt_hash = r.prompt_hash AND l.created_at BETWEEN r.started_at AND $now)"
        " WHERE run_id = $run_id AND prompt = $prompt AND outcome = 'running'",
        {"now": now, "error": "its process ended before the run did", "run_id": run_id, "prompt": prompt},
    )


def _replace(connection: duckdb.DuckDBPyConnection, row: RunRow) -> None:
    replace_rows(connection, RUNS, pd.DataFrame([asdict(row)]), where={"run_id": row.run_id, "prompt": row.prompt})
