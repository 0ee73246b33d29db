"""How runs that are under way at once share the limits that hold for all of them together.

Each run writes down what it holds of the day's budget and of the requests that may be under way. A run
that dies lets go of its share: its entry counts only while its lock is held.

    spent in the last 24 hours (ledger) + what all live runs hold  ≤  the day's budget
    places that all live runs hold                                 ≤  EXPOSURE_CONCURRENCY
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from exposure_dagster.errors import ScoringError
from exposure_dagster.scoring.locks import holding, is_held

_WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Share:
    """What one run holds: USD that it may still add to the ledger, and requests that it may have under way."""

    usd: float = 0.0
    places: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a run asks for. It gets no less than the least, which it holds already."""

    least_usd: float
    wanted_usd: float
    least_places: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a run got. `fair_places` is what it should come down to where it holds more."""

    usd: float
    places: int
    fair_places: int
    other_runs: int
    spent_today_usd: float


@dataclass(frozen=True)
class SharedLimits:
    """The book of shares in `folder`, as one run sees it. `run_lock` is the lock that shows it is alive."""

    folder: Path
    run_lock: Path
    day_usd: float
    concurrency: int

    def update(self, demand: Demand, spent_today: Callable[[], float]) -> Grant:
        """Trade the run's share for a new one.

        `spent_today` is called while nobody else can change the book; it returns the ledger's cost of the
        last 24 hours and may write to the ledger first. Raises ScoringError where the book cannot be written.
        """
        with self._others() as others:
            spent = spent_today()
            left = self.day_usd - spent - sum(share.usd for share in others.values())
            usd = max(demand.least_usd, min(demand.wanted_usd, left))
            fair = max(1, self.concurrency // (len(others) + 1))
            free = self.concurrency - sum(share.places for share in others.values())
            places = max(demand.least_places, min(fair, free))
            self._write({**others, self.run_lock.name: Share(usd, places)})
        return Grant(usd, places, fair, len(others), spent)

    def leave(self) -> None:
        """Let go of the run's share."""
        with self._others() as others:
            self._write(others)

    @contextmanager
    def _others(self) -> Iterator[dict[str, Share]]:
        with holding(self.folder / "shares.lock", wait_seconds=_WAIT_SECONDS):
            yield {
                name: share
                for name, share in self._read().items()
                if name != self.run_lock.name and is_held(self.folder / name)
            }

    def _read(self) -> dict[str, Share]:
        """The book; an empty one where a lost power left none that can be read."""
        try:
            content = json.loads((self.folder / "shares.json").read_text())
            return {name: Share(**share) for name, share in content.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}

    def _write(self, shares: dict[str, Share]) -> None:
        draft = self.folder / "shares.json.new"
        try:
            draft.write_text(json.dumps({name: asdict(share) for name, share in shares.items()}))
            draft.replace(self.folder / "shares.json")
        except OSError as error:
            raise ScoringError(
                f"it cannot be written ({error.strerror})",
                where=str(draft),
                remedy="Make room on the disk, and run again: what was answered before is kept.",
            ) from error
