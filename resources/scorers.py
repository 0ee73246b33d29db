"""Who answers, and how much may be spent on it."""

from __future__ import annotations

from pathlib import Path

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.scores import ModelMeans
from exposure_dagster.scoring.context import Limits
from exposure_dagster.scoring.exchange import Access
from exposure_dagster.scoring.money import Budget
from exposure_dagster.scoring.prices import load_prices
from exposure_dagster.scoring.run import Batching
from exposure_dagster.settings import ScorerName, load_settings


class ScorerResource(ConfigurableResource[ScorerChoice]):
    """The scorer in force and its limits. The key itself stays in the environment, where the SDK reads it."""

    scorer: str = Field(description="`claude`, `claude-batch` or `baseline`.")
    is_explicit: bool = Field(description="False where the scorer follows from there being no key.")
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
        return ScorerChoice(ScorerName(self.scorer), self.is_explicit)

    def means(self, *, ask_again: bool = False) -> ModelMeans:
        """What asking a model takes. The key is read from the environment here and now, and kept nowhere."""
        settings = load_settings()
        key = settings.anthropic_api_key
        return ModelMeans(
            access=Access(key, settings.anthropic_base_url) if key else None,
            prices=load_prices(Path(self.prices) if self.prices else None),
            limits=Limits(
                budget=Budget(run_usd=self.max_cost_usd, day_usd=self.max_cost_usd_per_day),
                concurrency=self.concurrency,
            ),
            batching=Batching(self.cancel_batches) if self.choice.name is ScorerName.CLAUDE_BATCH else None,
            is_asked_again=self.ask_again or ask_again,
        )
