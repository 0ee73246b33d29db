"""How a prompt says which documents are worth another answer. No arrays here: prompt files are read at every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class SamplingTarget(StrEnum):
    """What the answers are for: the tier of every document, or totals and means weighted by jobs."""

    TIERS = "tiers"
    TOTALS = "totals"


@dataclass(frozen=True)
class SamplingRule:
    """At least `minimum` and at most `maximum` answers a document. Raises ValueError where these do not fit."""

    minimum: int
    maximum: int
    target: SamplingTarget

    def __post_init__(self) -> None:
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError(f"sampling needs 1 ≤ min ≤ max, not min {self.minimum} and max {self.maximum}")


def tier_edges(ranges: Sequence[tuple[float, float]]) -> list[float]:
    """The points of the scale at which one tier ends and the next begins, from the tiers' ranges.

    Where all bounds are whole numbers a score belongs to the tier of its rounded value, halves up: the edge between
    0–1 and 2–3 is 1.5. Otherwise a tier reaches up to where the next begins.
    """
    is_whole = all(float(bound).is_integer() for bounds in ranges for bound in bounds)
    return [low - (0.5 if is_whole else 0) for low in sorted(low for low, _ in ranges)[1:]]
