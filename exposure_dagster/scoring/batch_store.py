"""Batches that were sent, in the ledger before they are sent: a run that ends early loses none of them.

Each carries a token of ours, with which the ids of its requests begin: by it, and by nothing else, a batch at the
API is known as ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from exposure_dagster.scoring.job import DocumentRef, Question
from exposure_dagster.scoring.ledger import Ledger, as_text
from exposure_dagster.scoring.ledger_store import Connection, next_revision


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request of a batch, and the questions it asks, in the order of its documents."""

    custom_id: str
    questions: Sequence[Question]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBatch:
    """A batch of which not all that came is in the ledger yet. `worst_nano_usd` is what it can cost at most.

    `batch_id` is the API's; None where it is not known whether the API took the batch. `created_at` is by this
    machine's clock, as the API's times are held against it.
    """

    token: str
    batch_id: str | None
    prompt: str
    prompt_hash: str
    epoch: int
    created_at: datetime
    requests: Sequence[BatchRequest]
    worst_nano_usd: int
    endpoint: str | None = None

    @property
    def shown(self) -> str:
        """What people know it by."""
        return self.batch_id or f"sending-{self.token}"


def add_batch(connection: Connection, batch: SentBatch, now: datetime) -> None:
    """Within a transaction: remember a batch that is about to be sent, `now` by the ledger's clock."""
    requests = [{"custom_id": one.custom_id, "questions": [asdict(q) for q in one.questions]} for one in batch.requests]
    connection.execute(
        "INSERT INTO batches (token, batch_id, prompt, prompt_hash, epoch, created_at, is_collected, worst_nano_usd,"
        " requests, revision, endpoint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            batch.token,
            batch.batch_id,
            batch.prompt,
            batch.prompt_hash,
            batch.epoch,
            as_text(now),
            False,
            batch.worst_nano_usd,
            json.dumps(requests),
            next_revision(connection),
            batch.endpoint,
        ],
    )


@dataclass(frozen=True)
class BatchStore:
    """The batches of a ledger, as runs of one prompt version and epoch see them."""

    ledger: Ledger
    prompt_hashes: tuple[str, ...]
    epoch: int

    def uncollected(self) -> list[SentBatch]:
        """Batches whose results are not all in the ledger yet, oldest first."""
        with self.ledger.store.reading() as connection:
            rows = connection.execute(
                "SELECT token, batch_id, prompt, prompt_hash, epoch, created_at, requests, worst_nano_usd FROM batches"
                f" WHERE prompt_hash IN ({', '.join('?' * len(self.prompt_hashes))}) AND epoch = ?"
                " AND NOT is_collected ORDER BY created_at",
                [*self.prompt_hashes, self.epoch],
            ).fetchall()
            ahead = self.ledger.store.ahead(connection)
        return [
            SentBatch(
                token=token,
                batch_id=batch_id,
                prompt=prompt,
                prompt_hash=prompt_hash,
                epoch=epoch,
                created_at=datetime.fromisoformat(created_at) - ahead,
                requests=_requests(content),
                worst_nano_usd=worst,
            )
            for token, batch_id, prompt, prompt_hash, epoch, created_at, content, worst in rows
        ]

    def name(self, token: str, batch_id: str) -> None:
        """The API took the batch and calls it so."""
        self._update("batch_id = ?", token, batch_id)

    def release(self, token: str) -> None:
        """The batch that was taken for this one is another."""
        self._update("batch_id = ?", token, None)

    def forget(self, token: str) -> None:
        """The API refused the batch: it never came to be."""
        with self.ledger.store.transaction() as connection:
            connection.execute("DELETE FROM batches WHERE token = ?", [token])

    def mark_collected(self, token: str) -> None:
        """All that came of the batch is in the ledger."""
        self._update("is_collected = ?", token, True)

    def give_up(self, token: str, note: str) -> None:
        """Nothing will come of the batch any more; `note` says why."""
        self._update("is_collected = ?, note = ?", token, True, note)

    def entered(self, batch_id: str) -> dict[str, int]:
        """Request keys of which the ledger holds what came of them in the batch, with their cost in nano-dollars."""
        with self.ledger.store.reading() as connection:
            return dict(
                connection.execute(
                    "SELECT request_key, sum(coalesce(cost_nano_usd, 0)) FROM responses WHERE batch_id = ? GROUP BY 1",
                    [batch_id],
                ).fetchall()
            )

    def known_ids(self) -> set[str]:
        """Every batch that was ever sent with this ledger and whose id is known."""
        with self.ledger.store.reading() as connection:
            return {
                batch_id
                for (batch_id,) in connection.execute("SELECT batch_id FROM batches WHERE batch_id IS NOT NULL")
            }

    def _update(self, what: str, token: str, *values: object) -> None:
        with self.ledger.store.transaction() as connection:
            connection.execute(
                f"UPDATE batches SET {what}, revision = ? WHERE token = ?", [*values, next_revision(connection), token]
            )


def _requests(content: str) -> list[BatchRequest]:
    return [
        BatchRequest(
            one["custom_id"],
            [Question(q["key"], DocumentRef(**q["document"]), q["sample"], q["attempts"]) for q in one["questions"]],
        )
        for one in json.loads(content)
    ]
