"""What one run works with, from beginning to end."""

from __future__ import annotations

from dataclasses import dataclass, field

from exposure_dagster.core.money import Budget
from exposure_dagster.core.progress import Progress
from exposure_dagster.providers.provider import Endpoint
from exposure_dagster.scoring.asking import Asking
from exposure_dagster.scoring.job import ScoringJob
from exposure_dagster.scoring.ledger import Ledger
from exposure_dagster.scoring.tally import Tally
from exposure_dagster.scoring.watchdog import IDLE_SECONDS
from exposure_dagster.store.locks import Lock


@dataclass(frozen=True)
class Patience:
    """How long and how often a request is tried.

    `attempts` bounds what is asked for one request; being told to come back later does not count, but time
    does: `request_seconds` from the first sending on. Several documents are asked about together
    `attempts_together` times; then each goes alone. As long as the API has not answered at all, there are
    `opening_seconds`, and `opening_connections` attempts to reach it. One attempt may take `attempt_seconds`
    and `seconds_per_token` for each token that it may write; `retry-after` is honoured up to `wait_seconds` at a
    time; without one, the wait is drawn from an interval that doubles up to `backoff_seconds`. Where nothing at all
    is under way for `idle_seconds`, the run ends with an error.

    A batch that the API does not know, or does not show, is looked for again for `batch_look_seconds`, one that it
    may not have taken `batch_list_seconds` from when it was sent, before it counts as lost.
    """

    attempts: int = 10
    attempts_together: int = 4
    request_seconds: float = 600.0
    opening_seconds: float = 150.0
    opening_connections: int = 5
    attempt_seconds: float = 30.0
    seconds_per_token: float = 0.01
    wait_seconds: float = 60.0
    backoff_seconds: float = 20.0
    idle_seconds: float = IDLE_SECONDS
    batch_look_seconds: float = 300.0
    batch_list_seconds: float = 60.0

    def of_attempt(self, max_tokens: int) -> float:
        """Seconds that one attempt may take."""
        return self.attempt_seconds + max_tokens * self.seconds_per_token


WITH_A_SERVER_OF_ONES_OWN = Patience(request_seconds=3600.0, opening_seconds=900.0, attempt_seconds=300.0)
"""It may load its model first, and write a few tokens a second."""


@dataclass(frozen=True)
class Limits:
    """What a run keeps to: money, requests under way (of all runs together), and how often it tries."""

    budget: Budget
    concurrency: int = 16
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """A run's job and means. `lock` is held; `scorer` is how the ledger names the way of asking.

    `was_answered_before`: the ledger holds answers to this version of the prompt, so key and model did then.
    With `is_batched` requests go in batches; `cancels_batches` says what becomes of one when the run is cancelled.
    """

    job: ScoringJob
    endpoint: Endpoint
    asking: Asking
    ledger: Ledger
    lock: Lock
    limits: Limits
    scorer: str
    tally: Tally
    progress: Progress
    was_answered_before: bool = False
    is_batched: bool = False
    cancels_batches: bool = False
