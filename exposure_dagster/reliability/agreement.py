"""How far two or more scorers agree: coefficients for categories, for scales, and for ranks.

Pairs in which either value is missing are left out everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from exposure_dagster.reliability.arrays import Floats, complete_pairs, floats, varies

_MOST_CELLS_AT_ONCE = 1_000_000


class Level(StrEnum):
    """What differences between values mean, for Krippendorff's alpha."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its interval."""

    value: float
    low: float
    high: float


def krippendorff_alpha(ratings: npt.ArrayLike, level: Level) -> float | None:
    """Krippendorff's alpha of `ratings`, shape (documents, scorers), missing cells as `nan`.

    1 is agreement, 0 is what chance gives. Documents with fewer than two values are left out. None where no two
    values can be compared, and where all are the same. Krippendorff (2011), Computing Krippendorff's
    Alpha-Reliability. Needs memory for the square of the number of different values.
    """
    table = floats(ratings)
    if table.ndim != 2:
        raise ValueError(f"ratings are a table of documents by scorers, not of shape {table.shape}")
    table = table[(~np.isnan(table)).sum(axis=1) > 1]
    values = np.unique(table[~np.isnan(table)])
    if len(values) < 2:
        return None
    counts = np.zeros((len(table), len(values)))  # how often a document got a value
    rows, columns = np.nonzero(~np.isnan(table))
    np.add.at(counts, (rows, np.searchsorted(values, table[rows, columns])), 1)
    weights = 1 / (counts.sum(axis=1) - 1)
    coincidences = (counts * weights[:, None]).T @ counts - np.diag(weights @ counts)
    totals = coincidences.sum(axis=1)
    distances = _squared_distances(values, totals, level)
    expected = float(totals @ distances @ totals)
    return 1 - (float(totals.sum()) - 1) * float((coincidences * distances).sum()) / expected


def _squared_distances(values: Floats, totals: Floats, level: Level) -> Floats:
    one, other = values[:, None], values[None, :]
    match level:
        case Level.NOMINAL:
            return np.not_equal(one, other).astype(float)
        case Level.ORDINAL:
            middles = np.cumsum(totals) - totals / 2
            return np.asarray((middles[:, None] - middles[None, :]) ** 2)
        case Level.INTERVAL:
            return np.asarray((one - other) ** 2)
        case Level.RATIO:
            sums = one + other
            return np.asarray(np.divide(one - other, sums, out=np.zeros_like(sums), where=sums != 0) ** 2)


def cohen_kappa(
    ours: Sequence[object], theirs: Sequence[object], categories: Sequence[object], *, quadratic: bool = False
) -> float | None:
    """Cohen's kappa of two scorers over `categories`, in their order where `quadratic` weights them by distance.

    Cohen (1960) and (1968). Values that are no category are missing. None where nothing can be compared and where
    both gave one and the same category throughout.
    """
    places = {category: place for place, category in enumerate(categories)}
    pairs = [(places[a], places[b]) for a, b in zip(ours, theirs, strict=True) if a in places and b in places]
    if not pairs:
        return None
    size = len(categories)
    observed = np.zeros((size, size))
    np.add.at(observed, tuple(np.array(pairs).T), 1 / len(pairs))
    steps = np.arange(size)
    distances = (steps[:, None] - steps[None, :]) ** 2 if quadratic else steps[:, None] != steps[None, :]
    expected = float((np.outer(observed.sum(axis=1), observed.sum(axis=0)) * distances).sum())
    return None if expected == 0 else 1 - float((observed * distances).sum()) / expected


def concordance(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Lin's concordance correlation (1989, population variances): 1 only where both give the same figures."""
    one, other = complete_pairs(ours, theirs)
    if not len(one):
        return None
    below = one.var() + other.var() + (one.mean() - other.mean()) ** 2
    return None if below == 0 else float(2 * ((one - one.mean()) * (other - other.mean())).mean() / below)


def mean_absolute_error(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Mean distance, in the unit of the scale that both share."""
    one, other = complete_pairs(ours, theirs)
    return float(np.abs(one - other).mean()) if len(one) else None


def bias(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Mean of ours − theirs, in the unit of the scale that both share."""
    one, other = complete_pairs(ours, theirs)
    return float((one - other).mean()) if len(one) else None


def pearson(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Pearson's correlation; None where either does not vary."""
    one, other = complete_pairs(ours, theirs)
    return float(np.corrcoef(one, other)[0, 1]) if varies(one) and varies(other) else None


def spearman(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; None where either does not vary."""
    from scipy.stats import rankdata

    one, other = complete_pairs(ours, theirs)
    return pearson(rankdata(one), rankdata(other))


def kendall_b(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Kendall's tau-b, which corrects for ties; None where either does not vary."""
    from scipy.stats import kendalltau

    one, other = complete_pairs(ours, theirs)
    return float(kendalltau(one, other).statistic) if varies(one) and varies(other) else None


def spearman_interval(
    ours: npt.ArrayLike, theirs: npt.ArrayLike, *, seed: int = 0, draws: int = 1000, confidence: float = 0.95
) -> Interval | None:
    """Spearman's correlation with the percentile interval of `draws` bootstrap samples of the pairs.

    The same pairs in the same order give the same interval. Draws in which either does not vary say nothing.
    """
    one, other = complete_pairs(ours, theirs)
    value = spearman(one, other)
    if value is None:
        return None
    random = np.random.default_rng(seed)
    chunk = max(1, _MOST_CELLS_AT_ONCE // len(one))
    correlations = [
        _rank_correlations(one[picked], other[picked])
        for start in range(0, draws, chunk)
        for picked in [random.integers(0, len(one), (min(chunk, draws - start), len(one)))]
    ]
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(np.concatenate(correlations), [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def _rank_correlations(ours: Floats, theirs: Floats) -> Floats:
    """Spearman's correlation of each row, `nan` where either does not vary."""
    from scipy.stats import rankdata

    one, other = (rankdata(rows, axis=1) for rows in (ours, theirs))
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    spread = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return floats(np.divide((one * other).sum(axis=1), spread, out=np.full(len(one), np.nan), where=spread > 0))


def top_decile_overlap(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """Share of the k = round(n/10) highest of ours that are among the k highest of theirs; chance gives a tenth.

    Documents that tie for the last places share them: each counts for the part of a place that it would get if lots
    were drawn, on either side by itself. None below five pairs, of which a tenth is nobody.
    """
    one, other = complete_pairs(ours, theirs)
    k = round(len(one) / 10)
    return float((_places(one, k) * _places(other, k)).sum() / k) if k else None


def bottom_decile_overlap(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> float | None:
    """The same of the lowest."""
    return top_decile_overlap(-floats(ours), -floats(theirs))


def _places(values: Floats, k: int) -> Floats:
    """Each document's part of the k highest places; they add up to k."""
    last = np.sort(values)[-k]
    above, level = values > last, values == last
    return np.where(above, 1.0, np.where(level, (k - above.sum()) / level.sum(), 0.0))


def share_in_ranges(scores: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, slack: float = 0) -> float | None:
    """Share of the scores that lie in their own range, give or take `slack` on the scale: known groups, held against.

    The three are of shape (n,); a missing score counts as outside, for it was not put where it belongs.
    """
    values = floats(scores)
    if not len(values):
        return None
    is_inside = (values >= floats(low) - slack - 1e-9) & (values <= floats(high) + slack + 1e-9)
    return float(is_inside.mean())
