"""Money is counted in whole nano-dollars, so that what was added and taken away again leaves nothing behind.

USD, as floats, are for people, for tables and for settings.
"""

from __future__ import annotations

from dataclasses import dataclass

NANO_PER_USD = 1_000_000_000


def nano_usd(usd: float) -> int:
    """The nearest whole number of nano-dollars."""
    return round(usd * NANO_PER_USD)


def in_usd(nano: int) -> float:
    """USD of so many nano-dollars."""
    return nano / NANO_PER_USD


@dataclass(frozen=True)
class Budget:
    """Limits in USD: of one run, and of all runs of 24 hours together."""

    run_usd: float
    day_usd: float
