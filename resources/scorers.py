"""Who answers, and how much may be spent on it."""

from __future__ import annotations

from pathlib import Path

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.core.money import Budget
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.scores import ModelMeans
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.scoring.context import Limits
from exposure_dagster.scoring.run import Batching
from exposure_dagster.settings import ScorerName, load_settings


class ScorerResource(ConfigurableResource[ScorerChoice]):
    """The scorer in force and its limits. Keys stay in the environment, where they are read when something is asked."""

    scorer: str = Field(description="`model`, `model-batch` or `baseline`.")
    is_explicit: bool = Field(description="False where the scorer follows from which models can be asked.")
    max_cost_usd: float = Field(25.0, description="A run stops before it would spend more, in USD.")
    max_cost_usd_per_day: float = Field(
        100.0, description="All runs of 24 hours stop before they would spend more, USD."
    )
    concurrency: int = Field(16, description="Requests under way at once.")
    cancel_batches: bool = Field(False, description="A cancelled run cancels its batch, instead of leaving it.")
    ask_again: bool = Field(False, description="Ask every question anew, on purpose, whatever the ledger holds.")
    prices: str | None = Field(None, description="File of model prices that adds to the bundled table.")

    @property
    def choice(self) -> ScorerChoice:
        """Who answers. Keys and addresses are read from the environment here and now, and kept nowhere."""
        return ScorerChoice(ScorerName(self.scorer), self.is_explicit, load_settings().endpoints)

    def means(self, *, ask_again: bool = False) -> ModelMeans:
        """What asking a model takes."""
        return ModelMeans(
            prices=load_prices(Path(self.prices) if self.prices else None, load_settings().endpoints),
            limits=Limits(
                budget=Budget(run_usd=self.max_cost_usd, day_usd=self.max_cost_usd_per_day),
                concurrency=self.concurrency,
            ),
            batching=Batching(self.cancel_batches) if self.scorer == ScorerName.MODEL_BATCH else None,
            is_asked_again=self.ask_again or ask_again,
        )
