"""Corrections of the ledger by hand: what a request cost after all, and why. What stood before stays on record."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import in_usd, nano_usd
from exposure_dagster.scoring.ledger import Ledger, as_text
from exposure_dagster.scoring.ledger_store import Connection, next_revision

LONGEST_REASON = 500

_ATTEMPT = re.compile(r"([0-9a-f]{64}):(\d+)")


@dataclass(frozen=True)
class Correction:
    """What a correction changed: rows of the ledger, and their cost in USD before and after."""

    rows: int
    before_usd: float | None
    after_usd: float


def correct_cost(ledger: Ledger, which: str, *, cost_usd: float, reason: str) -> Correction:
    """Enter what a request cost after all, spread over its rows as evenly as whole nano-dollars go.

    `which` is the provider's id of the request, or `request_key:attempt` where it gave none. Raises ScoringError where
    there is no such row, the cost is no amount of money, or no reason is given.
    """
    if not math.isfinite(cost_usd) or not 0 <= cost_usd <= 1_000_000:
        raise ScoringError(f"{cost_usd} is no cost in USD", where="--cost-usd", remedy="Give an amount from 0 up.")
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise ScoringError(
            "a correction needs a reason, which stays in the ledger",
            where="--reason",
            remedy=f"Say in up to {LONGEST_REASON} characters where the right figure is from.",
        )
    cost = nano_usd(cost_usd)
    with ledger.store.transaction() as connection:
        rows = _rows(connection, which)
        if not rows:
            raise ScoringError(
                f"it holds no request {which}",
                where=ledger.store.shown,
                remedy="Give the provider's id of the request as `exposure explain` prints it, or request_key:attempt.",
            )
        number, now = next_revision(connection), as_text(ledger.now(connection))
        for place, (key, attempt, before) in enumerate(rows):
            after = cost // len(rows) + (place < cost % len(rows))
            connection.execute(
                "UPDATE responses SET cost_nano_usd = ?, revision = ? WHERE request_key = ? AND attempt = ?",
                [after, number, key, attempt],
            )
            connection.execute(
                "INSERT INTO corrections (request_key, attempt, corrected_at, reason, before, after, revision)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [key, attempt, now, reason.strip(), _as_json(before), _as_json(after), number],
            )
    known = [before for *_, before in rows if before is not None]
    return Correction(len(rows), in_usd(sum(known)) if known else None, in_usd(cost))


def _rows(connection: Connection, which: str) -> list[tuple[str, int, int | None]]:
    attempt = _ATTEMPT.fullmatch(which)
    where = "request_key = ? AND attempt = ?" if attempt else "request_id = ?"
    return connection.execute(
        f"SELECT request_key, attempt, cost_nano_usd FROM responses WHERE {where} ORDER BY doc_id, request_key",
        [attempt[1], int(attempt[2])] if attempt else [which],
    ).fetchall()


def _as_json(cost: int | None) -> str:
    return json.dumps({"cost_usd": None if cost is None else in_usd(cost)})
