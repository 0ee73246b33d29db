"""What must hold of a ledger, whatever happened to the runs that wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from exposure_dagster.scoring.ledger import Ledger
from exposure_dagster.scoring.ledger_store import Connection


@dataclass(frozen=True)
class LedgerPromise:
    """Something that must hold of a table of the ledger, and how many rows break it."""

    name: str
    table: str
    description: str
    broken: int


PROMISES = (
    (
        "one_accepted_answer_a_key",
        "responses",
        "at most one accepted answer stands for a request key",
        "SELECT count(*) FROM (SELECT request_key FROM responses WHERE is_accepted GROUP BY 1 HAVING count(*) > 1)"
        " AS doubled",
    ),
    (
        "attempts_are_numbered",
        "responses",
        "attempts at a key are numbered from 1 without a gap",
        "SELECT count(*) FROM (SELECT request_key FROM responses GROUP BY 1"
        " HAVING min(attempt) <> 1 OR max(attempt) <> count(*)) AS gaps",
    ),
    (
        "accepted_answers_are_valid",
        "responses",
        "an accepted answer has status ok and numbers",
        "SELECT count(*) FROM responses WHERE is_accepted AND (status <> 'ok' OR attributes IS NULL)",
    ),
    (
        "figures_are_possible",
        "responses",
        "no count of tokens and no cost is below zero",
        "SELECT count(*) FROM responses WHERE input_tokens < 0 OR output_tokens < 0 OR cache_read_tokens < 0"
        " OR cache_write_tokens < 0 OR cost_nano_usd < 0",
    ),
    (
        "costs_add_up",
        "runs",
        "what a run that came to its end says it cost is what its attempts cost, corrections aside",
        "SELECT count(*) FROM runs r WHERE r.outcome IN ('complete', 'incomplete', 'stopped')"
        " AND r.scorer <> 'baseline' AND r.cost_nano_usd > ("
        # a nano-dollar a row aside, by which costs of 0.1.0, counted in floats, were rounded
        "  SELECT coalesce(sum(l.cost_nano_usd), 0) + count(*) FROM responses l WHERE l.prompt_hash = r.prompt_hash"
        ") AND NOT EXISTS (SELECT 1 FROM corrections c JOIN responses l"
        "  ON l.request_key = c.request_key AND l.attempt = c.attempt WHERE l.prompt_hash = r.prompt_hash)",
    ),
)
"""Name, table, what must hold, and a query that counts what breaks it."""


def promises(ledger: Ledger) -> list[LedgerPromise]:
    """Every promise, and how often it is broken. Raises ScoringError where the file cannot be read."""
    with ledger.store.reading() as connection:
        found = _kept(connection)
        damage = ledger.store.damage(connection)
    return [*found, LedgerPromise("file_is_whole", "ledger", f"{ledger.store.wholeness}{_shown(damage)}", len(damage))]


def promises_of_rows(ledger: Ledger) -> list[LedgerPromise]:
    """The same without the file's own soundness, which takes a look at every page of it."""
    with ledger.store.reading() as connection:
        return _kept(connection)


def _kept(connection: Connection) -> list[LedgerPromise]:
    return [
        LedgerPromise(name, table, description, connection.execute(query).fetchall()[0][0])
        for name, table, description, query in PROMISES
    ]


def _shown(damage: list[str]) -> str:
    return f" ({damage[0].splitlines()[0]})" if damage else ""
