"""What must hold of a ledger, whatever happened to the runs that wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from exposure_dagster.scoring.ledger import Ledger


@dataclass(frozen=True)
class LedgerPromise:
    """Something that must hold of the ledger, and how many rows break it."""

    name: str
    description: str
    broken: int


_PROMISES = (
    (
        "one_accepted_answer_a_key",
        "at most one accepted answer stands for a request key",
        "SELECT count(*) FROM (SELECT request_key FROM responses WHERE is_accepted GROUP BY 1 HAVING count(*) > 1)"
        " AS doubled",
    ),
    (
        "attempts_are_numbered",
        "attempts at a key are numbered from 1 without a gap",
        "SELECT count(*) FROM (SELECT request_key FROM responses GROUP BY 1"
        " HAVING min(attempt) <> 1 OR max(attempt) <> count(*)) AS gaps",
    ),
    (
        "accepted_answers_are_valid",
        "an accepted answer has status ok and numbers",
        "SELECT count(*) FROM responses WHERE is_accepted AND (status <> 'ok' OR attributes IS NULL)",
    ),
    (
        "figures_are_possible",
        "no count of tokens and no cost is below zero",
        "SELECT count(*) FROM responses WHERE input_tokens < 0 OR output_tokens < 0 OR cache_read_tokens < 0"
        " OR cache_write_tokens < 0 OR cost_nano_usd < 0",
    ),
    (
        "costs_add_up",
        "what a run that came to its end says it cost is what its attempts cost, corrections aside",
        "SELECT count(*) FROM runs r WHERE r.outcome IN ('complete', 'incomplete', 'stopped')"
        " AND r.scorer <> 'baseline' AND r.cost_nano_usd > ("
        # a nano-dollar a row aside, by which costs of 0.1.0, counted in floats, were rounded
        "  SELECT coalesce(sum(l.cost_nano_usd), 0) + count(*) FROM responses l WHERE l.prompt_hash = r.prompt_hash"
        ") AND NOT EXISTS (SELECT 1 FROM corrections c JOIN responses l"
        "  ON l.request_key = c.request_key AND l.attempt = c.attempt WHERE l.prompt_hash = r.prompt_hash)",
    ),
)


def promises(ledger: Ledger) -> list[LedgerPromise]:
    """Every promise, and how often it is broken. Raises ScoringError where the file cannot be read."""
    with ledger.file.reading() as connection:
        found = [
            LedgerPromise(name, description, connection.execute(query).fetchall()[0][0])
            for name, description, query in _PROMISES
        ]
        damage = [row[0] for row in connection.execute("PRAGMA integrity_check(20)").fetchall() if row[0] != "ok"]
    return [*found, LedgerPromise("file_is_whole", f"the file is whole{_shown(damage)}", len(damage))]


def _shown(damage: list[str]) -> str:
    return f" ({damage[0].splitlines()[0]})" if damage else ""
