"""A warehouse with a few documents, a prompt to ask about them, and a model that answers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from exposure_dagster.core.money import Budget
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.prompts.model import AskedPrompt, Attribute, Level, PromptFile, Scale
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.providers.prices import ModelPrice, load_prices
from exposure_dagster.scoring.context import Limits, Patience
from exposure_dagster.scoring.job import DocumentRef, ScoringJob, WarehouseTexts
from exposure_dagster.scoring.ledger import Ledger
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.scoring.run import ScoringResult, score_with_model
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TEXTS
from tests.endpoints import prices_at
from tests.integration.scoring.faulty_model import FaultyModel

MODEL = "claude-haiku-5-5"
PROVIDERS = {"ANTHROPIC": MODEL, "OPENAI": "openai/gpt-5-mini", "EXPOSURE": "local/gemma"}
"""Who is asked in tests, by what the variable of its key begins with, and a model of each."""
TEXT = "Text of document {}, of some length."
QUICK = Patience(
    attempt_seconds=60.0, seconds_per_token=0, opening_seconds=30.0, request_seconds=300.0, backoff_seconds=0.1
)
"""Repeats at once, and gives nothing up that a busy machine only delays."""

IMPATIENT = replace(QUICK, attempt_seconds=1.0, opening_seconds=5.0)
"""Where an answer is not to come. What else is asked may then be asked twice: its answer may be late as well."""


def asked_prompt(**changes: Any) -> AskedPrompt:
    """A prompt with one scale from 0 to 10, or as changed."""
    level = Level(label="any", range=(0, 10), description="As much as the text shows.")
    fields: dict[str, Any] = {
        "title": "Exposure",
        "corpus": "test",
        "model": MODEL,
        "effort": "low",
        "scale": Scale(min=0, max=10),
        "levels": (level,),
        "instruction": "Judge how much of the work could be done at a desk.",
    }
    return asked_part(PromptFile(**{**fields, **changes}))


def two_attributes() -> dict[str, Any]:
    """Changes that make a prompt ask for two attributes."""
    scale = Scale(min=1, max=5)
    levels = (Level(label="any", range=(1, 5), description="As the text shows."),)
    attributes = tuple(
        Attribute(key=key, title=key, question=f"How {key}?", scale=scale, levels=levels) for key in ("near", "far")
    )
    return {"attributes": attributes, "scale": None, "levels": None}


@dataclass
class Scene:
    """Ten documents `doc-000` … in a warehouse of their own, asked about through `score`."""

    folder: Path
    model: FaultyModel
    documents: int = 10
    asked: AskedPrompt = field(default_factory=asked_prompt)
    provider: str = "ANTHROPIC"
    shared: SharedStore | None = None
    warehouse: Warehouse = field(init=False)
    refs: list[DocumentRef] = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = Warehouse(self.folder / "exposure.duckdb", shared=self.shared)
        self.refs = self.add(range(self.documents))

    @property
    def price(self) -> ModelPrice:
        """What the prompt's model costs."""
        return prices_at(self.model.url, provider=self.provider).of(self.asked.model)

    def prompt(self, **changes: Any) -> AskedPrompt:
        """The prompt, with these changes."""
        return asked_prompt(**{"model": PROVIDERS[self.provider], **changes})

    def add(self, numbers: Sequence[int], text: str = TEXT) -> list[DocumentRef]:
        """Put documents into parsed.texts."""
        return self.add_texts([text.format(number) for number in numbers], numbers)

    def add_texts(self, texts: Sequence[str], numbers: Sequence[int] | None = None) -> list[DocumentRef]:
        """Put documents with these texts, numbered from 0 or as given, into parsed.texts."""
        refs = [_ref(number, text) for number, text in zip(numbers or range(len(texts)), texts, strict=True)]
        rows = [{"text_sha256": ref.text_sha256, "text": text} for ref, text in zip(refs, texts, strict=True)]
        self.warehouse.append(TEXTS, pd.DataFrame(rows))
        return refs

    @staticmethod
    def refs_of(numbers: Sequence[int], text: str = TEXT) -> list[DocumentRef]:
        """Documents as `add` makes them."""
        return [_ref(number, text.format(number)) for number in numbers]

    def score(
        self,
        *,
        budget: Budget | None = None,
        concurrency: int = 4,
        patience: Patience = QUICK,
        progress: Progress = NO_PROGRESS,
        key: str | None = "a-key",
        url: str | None = None,
        epoch: int = 0,
        prompt: str = "exposure",
        weights: Mapping[str, float] | None = None,
    ) -> ScoringResult:
        """One run over all documents. With the key None the provider itself would be asked; with "" a server that needs
        no key."""
        at = prices_at(url or self.model.url, key or None, provider=self.provider)
        prices = load_prices() if key is None else at
        return score_with_model(
            ScoringJob(
                "run-1", prompt, self.asked, self.refs, WarehouseTexts(self.warehouse), epoch, weights=weights or {}
            ),
            warehouse=self.warehouse,
            prices=prices,
            limits=Limits(budget or Budget(100, 100), concurrency, patience),
            progress=progress,
        )

    @property
    def ledger(self) -> Ledger:
        """The ledger of this home."""
        return open_ledger(self.warehouse)

    def rows(self, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of the ledger."""
        return self.sql(f"SELECT {columns} FROM responses WHERE {where} ORDER BY doc_id, attempt")

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """A query of the ledger, or a change to it."""
        with self.ledger.store.transaction() as connection:
            found = connection.execute(statement, values)
            return found.fetchall() if found.description else []

    def statuses(self) -> Counter[str]:
        """Ledger rows by status."""
        return Counter(status for (status,) in self.rows("status"))


def _ref(number: int, text: str) -> DocumentRef:
    return DocumentRef(f"doc-{number:03}", f"Occupation {number}", hashlib.sha256(text.encode()).hexdigest())


def by_status(result: ScoringResult) -> dict[str, list[str]]:
    """Documents by how they stand."""
    found: dict[str, list[str]] = {}
    for standing in result.standings:
        found.setdefault(standing.status.value, []).append(standing.doc_id)
    return found
