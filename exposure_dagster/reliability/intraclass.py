"""Intraclass correlation: how much of what scores differ by lies in the documents, and not in who scored.

Forms and names are those of McGraw and Wong (1996), Forming inferences about some intraclass correlation coefficients,
Psychological Methods 1(1); ICC(1,1), ICC(A,1) and ICC(C,1) are the ICC(1,1), ICC(2,1) and ICC(3,1) of Shrout and Fleiss
(1979), Psychological Bulletin 86(2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from exposure_dagster.reliability.arrays import Floats, floats


class IntraclassForm(StrEnum):
    """Of a single score (1) or of the mean of k of them (k).

    ONE: scores of a document are interchangeable, as samples of one model are. AGREEMENT and CONSISTENCY: the same
    scorers (models, wordings) scored every document; AGREEMENT counts it against them where one scores higher
    throughout, CONSISTENCY does not.
    """

    ONE_SINGLE = "ICC(1,1)"
    ONE_MEAN = "ICC(1,k)"
    AGREEMENT_SINGLE = "ICC(A,1)"
    AGREEMENT_MEAN = "ICC(A,k)"
    CONSISTENCY_SINGLE = "ICC(C,1)"
    CONSISTENCY_MEAN = "ICC(C,k)"


@dataclass(frozen=True)
class Intraclass:
    """A coefficient and its confidence interval, of `n` documents by `k` scores (not whole where some are missing)."""

    form: IntraclassForm
    value: float
    low: float
    high: float
    n: int
    k: float


@dataclass(frozen=True)
class _MeanSquares:
    """Of rows (documents), columns (scorers; 0 where they are interchangeable) and of what is left."""

    rows: float
    columns: float
    rest: float
    n: int
    k: float
    df_rest: float


def intraclass(ratings: npt.ArrayLike, form: IntraclassForm, confidence: float = 0.95) -> Intraclass | None:
    """The coefficient of `ratings`, shape (documents, scores), with its F-based interval.

    Missing cells: ICC(1,·) uses every score there is, with the harmonic mean of their numbers as k (unweighted means,
    Thomas and Hultquist 1978); the others need the same scorers throughout and leave out rows with a gap. None where
    fewer than two documents or two scores are left, and where no score differs from another.
    """
    table = floats(ratings)
    if table.ndim != 2:
        raise ValueError(f"ratings are a table of documents by scores, not of shape {table.shape}")
    is_one_way = form in (IntraclassForm.ONE_SINGLE, IntraclassForm.ONE_MEAN)
    squares = _one_way(table) if is_one_way else _two_way(table)
    if squares is None:
        return None
    is_agreement = form in (IntraclassForm.AGREEMENT_SINGLE, IntraclassForm.AGREEMENT_MEAN)
    between_columns = squares.k * (squares.columns - squares.rest) / squares.n if is_agreement else 0.0
    single = _ratio(squares.rows - squares.rest, squares.rows + (squares.k - 1) * squares.rest + between_columns)
    if single is None:
        return None
    bounds = _agreement_bounds if is_agreement else _consistency_bounds
    low, high = bounds(squares, single, confidence)
    if form in (IntraclassForm.ONE_MEAN, IntraclassForm.AGREEMENT_MEAN, IntraclassForm.CONSISTENCY_MEAN):
        single, low, high = (spearman_brown(value, squares.k) for value in (single, low, high))
    return Intraclass(form, single, low, high, squares.n, squares.k)


def spearman_brown(single: float, k: float) -> float:
    """The reliability of the mean of k scores, from that of a single one."""
    return k * single / (1 + (k - 1) * single) if 1 + (k - 1) * single > 0 else -np.inf


def _one_way(table: Floats) -> _MeanSquares | None:
    counts = (~np.isnan(table)).sum(axis=1)
    table, counts = table[counts > 0], counts[counts > 0]
    n, df_rest = len(table), float((counts - 1).sum())
    if n < 2 or df_rest < 1:
        return None
    means = np.nanmean(table, axis=1)
    k = n / float((1 / counts).sum())
    rest = float(np.nansum((table - means[:, None]) ** 2)) / df_rest
    return _MeanSquares(k * float(means.var(ddof=1)), 0.0, rest, n, k, df_rest)


def _two_way(table: Floats) -> _MeanSquares | None:
    table = table[~np.isnan(table).any(axis=1)]
    n, k = table.shape
    if n < 2 or k < 2:
        return None
    rows, columns, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
    left = table - rows[:, None] - columns[None, :] + mean
    df_rest = float((n - 1) * (k - 1))
    return _MeanSquares(
        k * float(rows.var(ddof=1)), n * float(columns.var(ddof=1)), float((left**2).sum()) / df_rest, n, k, df_rest
    )


def _consistency_bounds(squares: _MeanSquares, _single: float, confidence: float) -> tuple[float, float]:
    if squares.rest <= 0:
        return 1.0, 1.0
    from scipy.special import fdtri

    tail = (1 + confidence) / 2
    observed, df_rows = squares.rows / squares.rest, squares.n - 1
    low = observed / fdtri(df_rows, squares.df_rest, tail)
    high = observed * fdtri(squares.df_rest, df_rows, tail)
    return tuple(float((f - 1) / (f + squares.k - 1)) for f in (low, high))  # type: ignore[return-value]


def _agreement_bounds(squares: _MeanSquares, single: float, confidence: float) -> tuple[float, float]:
    """McGraw and Wong, table 7. Satterthwaite's degrees of freedom for columns and rest taken together."""
    if single >= 1:
        return 1.0, 1.0
    from scipy.special import fdtri

    n, k, tail = squares.n, squares.k, (1 + confidence) / 2
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    columns, rest = a * squares.columns, b * squares.rest
    together = columns**2 / (k - 1) + rest**2 / squares.df_rest
    df = (columns + rest) ** 2 / together if together > 0 else squares.df_rest
    wide = k * squares.columns + (k * n - k - n) * squares.rest
    upper, lower = fdtri(n - 1, df, tail), fdtri(df, n - 1, tail)
    low = n * (squares.rows - upper * squares.rest) / (upper * wide + n * squares.rows)
    high = n * (lower * squares.rows - squares.rest) / (wide + n * lower * squares.rows)
    return float(low), float(high)


def _ratio(above: float, below: float) -> float | None:
    return above / below if below > 0 else None
