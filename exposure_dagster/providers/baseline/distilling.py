"""Which documents a model is asked about where it is not asked about all, and what the answers say of the whole."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

_ALMOST = 1e-9


def choose(jobs: Mapping[str, float | None], wanted: int, *, seed: str) -> dict[str, float]:
    """So many documents, each with the chance that it had of being chosen.

    Half of a document's chance is its share of the jobs, so that totals over jobs are sure. The other half is the same
    for all, since an estimate is as unsure of one document as of another: how far its parts disagree does not tell how
    far it errs. Documents whose jobs are not known have the even half alone.

    It is a sequential Poisson sample (Ohlsson 1998) by numbers that a digest of seed and ids gives: the same documents
    each time, and where more are wanted the same and others.
    """
    if not jobs:
        return {}
    total = math.fsum(count or 0.0 for count in jobs.values())
    sizes = {
        doc_id: 0.5 / len(jobs) + (0.5 * (count or 0.0) / total if total else 0.0) for doc_id, count in jobs.items()
    }
    chances = _chances(sizes, min(wanted, len(jobs)))
    first = sorted(chances, key=lambda one: (chances[one] < 1, _drawn(seed, one) / chances[one], one))
    return {doc_id: chances[doc_id] for doc_id in first[:wanted]}


def _drawn(seed: str, doc_id: str) -> float:
    """A number between 0 and 1, as if by chance."""
    return (int.from_bytes(hashlib.sha256(f"{seed}\n{doc_id}".encode()).digest()[:6], "big") + 0.5) / 2**48


def _chances(sizes: Mapping[str, float], wanted: int) -> dict[str, float]:
    """In proportion to the sizes, adding up to `wanted`, none above 1."""
    certain: set[str] = set()
    while True:
        rest = {doc_id: size for doc_id, size in sizes.items() if doc_id not in certain}
        left, total = wanted - len(certain), math.fsum(rest.values())
        over = {doc_id for doc_id, size in rest.items() if left * size >= total - _ALMOST}
        if not over:
            return {doc_id: 1.0 if doc_id in certain else left * sizes[doc_id] / total for doc_id in sizes}
        certain |= over


@dataclass(frozen=True)
class Mean:
    """A weighted mean over all documents; `standard_error` is None where the answers are too few to tell."""

    value: float
    standard_error: float | None


def difference_estimate(
    weights: Mapping[str, float],
    estimates: Mapping[str, float],
    answers: Mapping[str, float],
    chances: Mapping[str, float],
) -> Mean:
    """The mean of what a model would answer about all documents, by weight.

    That of the estimates, and what these missed where it was asked, each by its chance of having been:
    (Σ wᵢeᵢ + Σ wᵢ (aᵢ − eᵢ) / πᵢ) / Σ wᵢ. This is the difference estimator of survey sampling (Särndal, Swensson and
    Wretman 1992), lately prediction-powered inference (Angelopoulos et al. 2023). It is unbiased however bad the
    estimates are, if those of asked documents are made without their own answers. The variance is Hájek's.
    """
    total = sum(weights.values())
    missed = {
        doc_id: weights[doc_id] / total * (answer - estimates[doc_id]) / chances[doc_id]
        for doc_id, answer in answers.items()
    }
    value = sum(weight / total * estimates[doc_id] for doc_id, weight in weights.items()) + sum(missed.values())
    by_chance = [doc_id for doc_id in missed if chances[doc_id] < 1]
    if not by_chance:
        return Mean(value, 0.0 if len(answers) == len(weights) else None)
    if len(by_chance) < 2:
        return Mean(value, None)
    shares = {doc_id: 1 - chances[doc_id] for doc_id in by_chance}
    center = sum(shares[doc_id] * missed[doc_id] for doc_id in by_chance) / sum(shares.values())
    squares = sum(shares[doc_id] * (missed[doc_id] - center) ** 2 for doc_id in by_chance)
    return Mean(value, (len(by_chance) / (len(by_chance) - 1) * squares) ** 0.5)
