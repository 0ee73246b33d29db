"""Batches that were sent, on disk before they are asked after: a run that ends early loses none of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import pandas as pd

from exposure_dagster.scoring.job import DocumentRef, Question
from exposure_dagster.tables import BATCHES
from exposure_dagster.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request of a batch, and the questions it asks, in the order of its documents."""

    custom_id: str
    questions: Sequence[Question]


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch that was sent and whose results are not yet in the ledger. `worst_usd` is what it can cost at most."""

    batch_id: str
    created_at: datetime
    requests: Sequence[BatchRequest]
    worst_usd: float


@dataclass(frozen=True)
class BatchStore:
    """scored.batches, as runs of one prompt version and epoch see it."""

    warehouse: Warehouse
    prompt: str
    prompt_hash: str
    epoch: int

    def save(self, batch: SentBatch) -> None:
        """Remember a batch that is about to be sent."""
        row = {
            "batch_id": batch.batch_id,
            "prompt": self.prompt,
            "prompt_hash": self.prompt_hash,
            "epoch": self.epoch,
            "created_at": batch.created_at,
            "is_collected": False,
            "worst_usd": batch.worst_usd,
            "requests": json.dumps(
                [
                    {"custom_id": one.custom_id, "questions": [asdict(q) for q in one.questions]}
                    for one in batch.requests
                ]
            ),
        }
        self.warehouse.append(BATCHES, pd.DataFrame([row]))

    def uncollected(self) -> list[SentBatch]:
        """Batches whose results are not in the ledger yet, oldest first."""
        rows = self.warehouse.rows(
            "SELECT batch_id, created_at, requests, coalesce(worst_usd, 0) FROM scored.batches"
            " WHERE prompt_hash = ? AND epoch = ? AND NOT is_collected ORDER BY created_at",
            [self.prompt_hash, self.epoch],
        )
        return [
            SentBatch(batch_id, created_at, _requests(content), worst) for batch_id, created_at, content, worst in rows
        ]

    def rename(self, known_as: str, batch_id: str) -> None:
        """The API took the batch and gave it an id."""
        with self.warehouse.transaction() as connection:
            connection.execute("UPDATE scored.batches SET batch_id = ? WHERE batch_id = ?", [batch_id, known_as])

    def forget(self, batch_id: str) -> None:
        """The batch never came to be."""
        with self.warehouse.transaction() as connection:
            connection.execute("DELETE FROM scored.batches WHERE batch_id = ?", [batch_id])

    def entered(self, batch_id: str) -> dict[str, float]:
        """Request keys of which the ledger holds what came of them in the batch, each with its cost in USD."""
        return dict(
            self.warehouse.rows(
                "SELECT request_key, sum(coalesce(cost_usd, 0)) FROM scored.responses WHERE batch_id = ? GROUP BY 1",
                [batch_id],
            )
        )

    def known_ids(self) -> set[str]:
        """Every batch that was ever sent from this warehouse."""
        return {batch_id for (batch_id,) in self.warehouse.rows("SELECT batch_id FROM scored.batches")}

    def mark_collected(self, batch_id: str) -> None:
        """All that came of the batch is in the ledger."""
        with self.warehouse.transaction() as connection:
            connection.execute("UPDATE scored.batches SET is_collected = true WHERE batch_id = ?", [batch_id])


def _requests(content: str) -> list[BatchRequest]:
    return [
        BatchRequest(
            one["custom_id"],
            [Question(q["key"], DocumentRef(**q["document"]), q["sample"], q["attempts"]) for q in one["questions"]],
        )
        for one in json.loads(content)
    ]
