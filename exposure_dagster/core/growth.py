"""The growth categories of BLS's employment projections: by percent, and by the words that O*NET prints.

| rounded percent | category |
|---|---|
| −1 or lower | Decline |
| 0 | Little or no change |
| 1 to 2 | Slower than average |
| 3 to 4 | Average |
| 5 to 6 | Faster than average |
| 7 or higher | Much faster than average |

The bounds move with the average of all occupations (3.1 percent in the 2024–34 edition), so they
belong to an edition and have to be looked at with the next one.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum


class GrowthCategory(StrEnum):
    """A category under the words that are stored and shown."""

    DECLINE = "Decline"
    LITTLE_OR_NO_CHANGE = "Little or no change"
    SLOWER = "Slower than average"
    AVERAGE = "Average"
    FASTER = "Faster than average"
    MUCH_FASTER = "Much faster than average"


_HIGHEST_PERCENT = (
    (-1, GrowthCategory.DECLINE),
    (0, GrowthCategory.LITTLE_OR_NO_CHANGE),
    (2, GrowthCategory.SLOWER),
    (4, GrowthCategory.AVERAGE),
    (6, GrowthCategory.FASTER),
)

# Matched from the first word on: "faster than average" also ends "much faster than average".
_WORDS = re.compile("|".join(rf"({re.escape(category)})\b" for category in GrowthCategory), re.IGNORECASE)


def growth_category(change_pct: float) -> GrowthCategory:
    """The category of a projected change in percent, which is rounded first (halves go up)."""
    rounded = math.floor(change_pct + 0.5)
    return next((category for highest, category in _HIGHEST_PERCENT if rounded <= highest), GrowthCategory.MUCH_FASTER)


def named_growth_category(words: str) -> GrowthCategory | None:
    """The category that words begin with, as in "Faster than average (5% to 6%)"; None if with none."""
    match = _WORDS.match(words.strip())
    return None if match is None else list(GrowthCategory)[(match.lastindex or 0) - 1]
