"""Which documents are worth another answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from exposure_dagster.reliability.arrays import Flags, Floats, Ints, floats
from exposure_dagster.reliability.sampling_rule import SamplingRule, SamplingTarget
from exposure_dagster.reliability.uncertainty import PRIOR_SAMPLES, interval90, shrunk_variances


def wanted_answers(
    rule: SamplingRule,
    answers: Sequence[npt.ArrayLike],
    *,
    edges: npt.ArrayLike = (),
    weights: npt.ArrayLike | None = None,
) -> Ints:
    """How many answers each document should have by now; where that is more than it has, it is asked again.

    `answers` holds the scores each document has. For TIERS one more where its tier is not sure, `edges` being the
    points of the scale at which tiers meet; for TOTALS what Neyman's allocation gives by `weights` (jobs). Call it
    again with the new answers until it wants no more. Before anything is asked it says what TOTALS will take.
    """
    given = np.array([int((~np.isnan(floats(values))).sum()) for values in answers], dtype=np.int64)
    if rule.target is SamplingTarget.TIERS:
        more = (given < rule.maximum) & ~is_tier_sure(answers, edges)
        wanted = np.where(more, given + 1, given)
    else:
        variances = shrunk_variances(answers)
        deviations = np.ones(len(given)) if variances is None else np.sqrt(variances)
        wanted = neyman_allocation(np.ones(len(given)) if weights is None else weights, deviations, rule)
    return np.asarray(np.maximum(given, np.clip(wanted, rule.minimum, rule.maximum)), dtype=np.int64)


def is_tier_sure(answers: Sequence[npt.ArrayLike], edges: npt.ArrayLike) -> Flags:
    """By document, whether the 90 % interval of its mean holds no edge of a tier.

    The variance is the document's own, shrunk to the pooled one. Nothing is sure of a document without an answer, nor
    of any as long as none has two.
    """
    known = [values[~np.isnan(values)] for values in map(floats, answers)]
    counts = np.array([len(values) for values in known])
    variances = shrunk_variances(known)
    if variances is None:
        return np.zeros(len(known), dtype=bool)
    means = np.array([values.mean() if len(values) else np.nan for values in known])
    counted = np.maximum(counts, 1)
    low, high = interval90(means, np.sqrt(variances / counted), PRIOR_SAMPLES + counted - 1)
    bounds = floats(edges)
    holds_none = np.searchsorted(bounds, low, side="right") == np.searchsorted(bounds, high, side="right")
    return np.asarray(holds_none & (counts > 0))


def neyman_allocation(weights: npt.ArrayLike, deviations: npt.ArrayLike, rule: SamplingRule) -> Ints:
    """Answers a document, as its weight × standard deviation (Neyman 1934), between the bounds of the rule.

    As few as give the total the standard error that it would have with (min + max) / 2 answers for every document.
    """
    shares = np.nan_to_num(floats(weights))
    parts = shares * floats(deviations)
    if not parts.sum() > 0:
        return np.full(len(parts), rule.minimum, dtype=np.int64)
    aim = float((parts**2).sum()) * 2 / (rule.minimum + rule.maximum)

    def allocated(factor: float) -> Floats:
        return np.clip(np.ceil(factor * parts - 1e-9), rule.minimum, rule.maximum)

    few, many = 0.0, rule.maximum / float(parts[parts > 0].min())
    for _ in range(60):
        middle = (few + many) / 2
        if float((parts**2 / allocated(middle)).sum()) <= aim:
            many = middle
        else:
            few = middle
    return allocated(many).astype(np.int64)
