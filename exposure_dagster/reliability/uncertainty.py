"""How sure a score is, and what is made of scores: intervals, ranks, tiers, means and shares.

Errors are taken to be normal, with a variance that is shrunk towards the one that all documents share: two samples
that happen to agree are no proof that a third would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from exposure_dagster.reliability.agreement import Interval
from exposure_dagster.reliability.arrays import Floats, Ints, floats

PRIOR_SAMPLES = 4
"""Degrees of freedom that the variance shared by all documents counts for beside a document's own."""

ERROR_CORRELATIONS = (0.0, 0.2, 0.4)
"""How much errors within a SOC major group may go together: nobody knows, so all three are shown."""

DRAWS = 1000

MOST_DRAWN = 20_000
"""Documents whose scores are drawn. Of more, what draws would come to is worked out: draws would take gigabytes, and
a rank among so many hangs on a document's own error alone."""

_GRID = 4_001
_DIFFERENT = 2_000
_TAILS = (0.05, 0.95)


def pooled_variance(answers: Sequence[npt.ArrayLike]) -> float | None:
    """The variance of repeated answers that all documents share: sums of squares over degrees of freedom.

    `answers` holds the answers of each document, any number of them. None where none has two.
    """
    squares, degrees = _squares(answers)
    return float(squares.sum() / degrees.sum()) if degrees.sum() else None


def shrunk_variances(answers: Sequence[npt.ArrayLike], prior: float = PRIOR_SAMPLES) -> Floats | None:
    """Each document's variance of repeated answers, shrunk to the pooled one: (prior·pooled + SS) / (prior + df).

    Shape (documents,). A document with one answer has the pooled variance. The form is that of Smyth (2004), Linear
    models and empirical Bayes methods, with `prior` set rather than fitted. None where no document has two answers.
    """
    pooled = pooled_variance(answers)
    if pooled is None:
        return None
    squares, degrees = _squares(answers)
    return np.asarray((prior * pooled + squares) / (prior + degrees))


def _squares(answers: Sequence[npt.ArrayLike]) -> tuple[Floats, Floats]:
    """Sum of squares about the mean, and degrees of freedom, of each document."""
    known = [values[~np.isnan(values)] for values in map(floats, answers)]
    squares = [float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0 for values in known]
    return np.array(squares), np.array([max(len(values) - 1, 0) for values in known], dtype=float)


def document_uncertainty(answers: pd.DataFrame, scale: tuple[float, float] | None = None) -> pd.DataFrame:
    """What repeated answers say of each document's mean: a row a document, indexed by `doc_id`.

    `answers` has the columns doc_id, variant (model, wording or effort) and score, a row an answer. Columns of the
    result, in the scale's unit: `mean` (of the variants' means), `answers`, `variants`, `sd_sample` (of one answer
    within its variant), `sd_variant` (of one variant's mean, sampling taken off), `se` (of the mean), `lo90`, `hi90`
    (cut off at the ends of the `scale`). With σ² the variance of samples, τ² that of variants, V of them with m_v
    answers each: se² = τ²/V + σ²·Σ(1/m_v)/V². A document with one variant has no part of τ² in it: its interval holds
    for that model and wording alone. Without a second answer anywhere, spreads and interval are missing.
    """
    known = answers[answers["score"].notna()]
    cells = known.groupby(["doc_id", "variant"], sort=True)["score"].agg(["mean", "size", "var"]).reset_index()
    cells["squares"] = cells["var"].fillna(0) * (cells["size"] - 1)
    cells["inverse"] = 1 / cells["size"]
    by_document = cells.groupby("doc_id", sort=True)
    result = by_document.agg(
        mean=("mean", "mean"), answers=("size", "sum"), variants=("size", "count"), squares=("squares", "sum")
    )
    of_variants, inverse = by_document["mean"].var(), by_document["inverse"].sum()
    df_sample, df_variant = result["answers"] - result["variants"], result["variants"] - 1
    sample = _shrunk(result["squares"], df_sample)
    sampling = sample.fillna(0) * inverse / result["variants"]
    variant = _shrunk((of_variants - sampling).fillna(0) * df_variant, df_variant).clip(lower=0)
    variant = variant.where(df_variant > 0)
    square = variant.fillna(0) / result["variants"] + sampling / result["variants"]
    is_known = sample.notna() | variant.notna()
    result["sd_sample"], result["sd_variant"] = np.sqrt(sample), np.sqrt(variant)
    result["se"] = np.sqrt(square.where(is_known))
    half = result["se"] * _student(PRIOR_SAMPLES + df_sample + df_variant)
    low, high = scale or (-np.inf, np.inf)
    result["lo90"] = (result["mean"] - half).clip(low, high)
    result["hi90"] = (result["mean"] + half).clip(low, high)
    return result.drop(columns="squares")


def _shrunk(squares: pd.Series, degrees: pd.Series) -> pd.Series:
    total = float(degrees.sum())
    pooled = float(squares.sum()) / total if total else np.nan
    return (PRIOR_SAMPLES * pooled + squares) / (PRIOR_SAMPLES + degrees)


def _student(degrees: npt.ArrayLike) -> Floats:
    from scipy.special import stdtrit  # what scipy.stats asks, which takes half a second to import

    return np.asarray(stdtrit(degrees, _TAILS[1]))


def interval90(mean: npt.ArrayLike, error: npt.ArrayLike, degrees: npt.ArrayLike = np.inf) -> tuple[Floats, Floats]:
    """Bounds of the 90 % interval of means with standard errors of so many degrees of freedom."""
    half = floats(error) * _student(degrees)
    return floats(mean) - half, floats(mean) + half


def effective_number(weights: npt.ArrayLike) -> float | None:
    """1/Σw²: how many documents of equal weight would average out as well (Kish 1965). None without weight."""
    shares = _shares(weights)
    return None if shares is None else float(1 / (shares**2).sum())


def weighted_mean_error(
    weights: npt.ArrayLike, deviations: npt.ArrayLike, groups: Sequence[object], correlation: float
) -> float | None:
    """Standard error of a weighted mean whose errors go together within groups by `correlation`.

    √[(1−r)Σ(wσ)² + rΣ_g(Σ_{i∈g} wσ)²] with w the shares of `weights`, σ the standard errors of the scores (one for all,
    or one each), g as in SOC major groups. None without weight, or where a document of some weight has no error.
    """
    shares = _shares(weights)
    if shares is None:
        return None
    parts = shares * np.where(shares > 0, np.broadcast_to(floats(deviations), shares.shape), 0)
    if np.isnan(parts).any():
        return None
    by_group = pd.Series(parts).groupby(np.asarray([str(group) for group in groups])).sum().to_numpy()
    return float(np.sqrt((1 - correlation) * (parts**2).sum() + correlation * (by_group**2).sum()))


def _shares(weights: npt.ArrayLike) -> Floats | None:
    values = np.nan_to_num(floats(weights))
    total = values.sum()
    return values / total if total > 0 else None


def draw_scores(
    mean: npt.ArrayLike,
    error: npt.ArrayLike,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    groups: Sequence[object] | None = None,
    correlation: float = 0,
) -> Floats:
    """What the scores could as well have been: shape (draws, documents), normal about each mean.

    Errors of documents of one of the `groups` go together by `correlation`. A document without an error stays where
    it is. The same arguments give the same draws; documents count by their order, so hand them in by their ids.
    """
    centers, spread = floats(mean), np.nan_to_num(floats(error))
    random = np.random.default_rng(seed)
    noise = random.standard_normal((draws, len(centers)))
    if groups is not None and correlation > 0:
        codes, _ = pd.factorize(np.asarray([str(group) for group in groups]))
        common = random.standard_normal((draws, int(codes.max(initial=0)) + 1))[:, codes]
        noise = np.sqrt(1 - correlation) * noise + np.sqrt(correlation) * common
    return np.asarray(centers + noise * spread)


@dataclass(frozen=True)
class _Alike:
    """Documents of the same mean and error, to a thousandth, and of one group; what those of a kind weigh together."""

    mean: Floats
    error: Floats
    group: Ints
    weight: Floats
    squares: Floats

    @classmethod
    def of(cls, mean: Floats, error: Floats, weight: Floats, group: Ints) -> _Alike:
        different, places = np.unique(
            np.column_stack([np.round(mean, 3), np.round(np.nan_to_num(error), 3), group]), axis=0, return_inverse=True
        )
        places = places.ravel()
        weights, squares = (floats(np.bincount(places, one, len(different))) for one in (weight, weight**2))
        return cls(different[:, 0], different[:, 1], different[:, 2].astype(np.int64), weights, squares)

    def portions(self) -> Iterator[_Alike]:
        for start in range(0, len(self.mean), _DIFFERENT):
            some = slice(start, start + _DIFFERENT)
            yield _Alike(self.mean[some], self.error[some], self.group[some], self.weight[some], self.squares[some])

    def above(self, value: Floats, shift: Floats | float = 0.0, share: float = 1.0) -> Floats:
        """P(score ≥ value) of each kind of document (columns), where its error is so much of what it was, and its mean
        shifted."""
        with np.errstate(divide="ignore", invalid="ignore"):
            deviations = (self.mean + shift - value) / (share * self.error)
        exact = np.where(self.mean + shift >= value, np.inf, -np.inf)
        return _normal(np.where(share * self.error > 0, deviations, exact))


def _normal(deviations: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(deviations))


@dataclass(frozen=True)
class Ranks:
    """The 90 % interval of each document's rank, 1 for the highest score."""

    low: Ints
    high: Ints


def rank_intervals(drawn: Floats) -> Ranks:
    """Between which ranks each document lies in nine of ten of the draws (shape draws × documents)."""
    order = np.argsort(-drawn, axis=1, kind="stable")
    ranks = np.empty(drawn.shape, dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(1, drawn.shape[1] + 1, dtype=np.int32)[None, :], axis=1)
    low = np.quantile(ranks, _TAILS[0], axis=0, method="lower")
    high = np.quantile(ranks, _TAILS[1], axis=0, method="higher")
    return Ranks(low.astype(np.int64), high.astype(np.int64))


def rank_intervals_of_many(mean: npt.ArrayLike, error: npt.ArrayLike) -> Ranks:
    """The same of so many documents that how many of the others lie above a score hardly varies.

    Then a document's rank follows from its own score: one more than the others are expected to lie above it, at either
    end of its interval.
    """
    centers, spread = floats(mean), np.nan_to_num(floats(error))
    alike = _Alike.of(centers, spread, np.ones(len(centers)), np.zeros(len(centers), dtype=np.int64))
    low, high = interval90(centers, spread)
    grid = np.linspace(low.min(), high.max(), _GRID)
    above = np.zeros(_GRID)
    for part in alike.portions():
        above += part.above(grid[:, None]) @ part.weight
    best, worst = (np.interp(bound, grid, above) for bound in (high, low))
    count = len(centers)
    return Ranks(
        np.clip(np.floor(best) + 1, 1, count).astype(np.int64), np.clip(np.ceil(worst), 1, count).astype(np.int64)
    )


def tier_kept_by_error(mean: npt.ArrayLike, error: npt.ArrayLike, edges: npt.ArrayLike) -> Floats:
    """By document, the probability that it stays in the tier that its score is in."""
    centers, spread = floats(mean), np.nan_to_num(floats(error))
    bounds = np.concatenate([[-np.inf], floats(edges), [np.inf]])
    now = np.searchsorted(floats(edges), centers, side="right")
    with np.errstate(divide="ignore", invalid="ignore"):
        below, above = (_normal((bounds[now + side] - centers) / spread) for side in (0, 1))
    return np.where(spread > 0, above - below, 1.0)


def at_least_by_error(mean: npt.ArrayLike, error: npt.ArrayLike, threshold: float) -> Floats:
    """By document, P(score ≥ threshold)."""
    centers, spread = floats(mean), np.nan_to_num(floats(error))
    with np.errstate(divide="ignore", invalid="ignore"):
        probability = _normal((centers - threshold) / spread)
    return np.where(spread > 0, probability, centers >= threshold)


def tier_kept(drawn: Floats, scores: npt.ArrayLike, edges: npt.ArrayLike) -> Floats:
    """By document, in what share of the draws it stays in the tier that its score is in."""
    bounds = floats(edges)
    now = np.searchsorted(bounds, floats(scores), side="right")
    return np.asarray((np.searchsorted(bounds, drawn, side="right") == now).mean(axis=0))


def at_least(drawn: Floats, threshold: float) -> Floats:
    """By document, P(score ≥ threshold): the share of the draws that reach it."""
    return np.asarray((drawn >= threshold).mean(axis=0))


def expected_share(drawn: Floats, weights: npt.ArrayLike, threshold: float) -> Interval | None:
    """The share of the weight (jobs) at or above a threshold: Σ w·P(score ≥ t), with the 90 % interval of the draws.

    Unlike the share of those whose score reaches it now, it does not jump when a score just below goes just above.
    None without weight.
    """
    shares = _shares(weights)
    return None if shares is None else _share_of_draws((drawn >= threshold) @ shares)


def expected_share_of_many(
    mean: npt.ArrayLike,
    error: npt.ArrayLike,
    weights: npt.ArrayLike,
    threshold: float,
    *,
    groups: Sequence[object],
    correlation: float,
    seed: int = 0,
    draws: int = DRAWS,
) -> Interval | None:
    """The same of many documents. What errors have in common is drawn, as `draw_scores` does; given that, the share of
    documents that are alike is what it is expected to be, and what is left of chance is normal."""
    shares = _shares(weights)
    if shares is None:
        return None
    codes, _ = pd.factorize(np.asarray(groups, dtype=object).astype(str))
    alike = _Alike.of(floats(mean), floats(error), shares, codes.astype(np.int64))
    random = np.random.default_rng(seed)
    common = np.sqrt(correlation) * random.standard_normal((draws, int(codes.max(initial=0)) + 1))
    by_draw, variance = np.zeros(draws), np.zeros(draws)
    for part in alike.portions():
        above = part.above(np.asarray(threshold), common[:, part.group] * part.error, float(np.sqrt(1 - correlation)))
        by_draw += above @ part.weight
        variance += (above * (1 - above)) @ part.squares
    return _share_of_draws(by_draw + np.sqrt(variance) * random.standard_normal(draws))


def _share_of_draws(by_draw: Floats) -> Interval:
    low, high = np.quantile(by_draw, _TAILS)
    mean = float(by_draw.mean())  # of few large documents the draws are skewed, and it may lie in a tail of them
    return Interval(mean, min(float(low), mean), max(float(high), mean))
