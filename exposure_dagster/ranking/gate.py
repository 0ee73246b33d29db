"""What is looked at before scores are published: whether they are where the question itself says of its examples that
they belong, whether they say anything at all, and how far they can be trusted.

Limits are this project's own. That of examples was measured: of published scores 100 % lie within a step of their
level, of random answers 33 %, and 68 % at the 99.9th percentile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from exposure_dagster.core.checks import first_of
from exposure_dagster.gates import AGREEMENT, ATTRIBUTES, DRIFT, EXAMPLES, MODELS, POSITION, STABILITY, VARIATION
from exposure_dagster.reliability.agreement import share_in_ranges, spearman
from exposure_dagster.reliability.intraclass import IntraclassForm

SHARE_IN_RANGE = 0.8
FEWEST_EXAMPLES = 5
SAME_SCORE_SHARE = 0.95
DRIFT_SHARE = 0.1
DRIFT_RANKS = 0.9
LEAST_AGREEMENT = 0.75
LEAST_SURE = 0.75
UNSURE_JOBS = 0.2
ATTRIBUTE_CORRELATION = 0.9
_FEWEST_DOCUMENTS = 10


@dataclass(frozen=True)
class Finding:
    """What one check found: a figure, the limit it is held against, and how many documents it is of (null: it could not
    be looked at, and `description` says why)."""

    check_name: str
    has_passed: bool
    description: str
    value: float | None = None
    bound: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Expected:
    """A document whose place on the scale of an attribute is known; `value` is what it scores, None without."""

    title: str
    attribute: str
    low: float
    high: float
    value: float | None


def known_groups(
    check: str, expected: Sequence[Expected], *, step: float, fewest: int, unknown: Sequence[str] = ()
) -> Finding:
    """Whether documents score within a step of where they are expected. What no document is called is told."""
    what = "examples" if check == EXAMPLES else "probes"
    not_found = f"; no document is called {first_of(unknown)}" if unknown else ""
    if len(expected) < fewest:
        few = f"{len(expected)} {what} among the documents: too few to tell{not_found}"
        return Finding(check, True, few, n=len(expected))
    values = [float("nan") if one.value is None else one.value for one in expected]
    share = share_in_ranges(values, [one.low for one in expected], [one.high for one in expected], step)
    assert share is not None
    outside = [one for one in expected if one.value is None or not one.low - step <= one.value <= one.high + step]
    told = first_of(f"{one.title} {_shown(one.value)}, not {one.low:g} to {one.high:g}" for one in outside)
    description = f"{len(expected) - len(outside)} of {len(expected)} {what} within {step:g} of their range"
    return Finding(
        check,
        share >= SHARE_IN_RANGE,
        f"{description}{f' ({told})' if outside else ''}{not_found}",
        share,
        SHARE_IN_RANGE,
        len(expected),
    )


def variation(values: pd.DataFrame) -> Finding:
    """Whether the scores differ; `values` has a column for each attribute."""
    worst, named = 0.0, ""
    for name in values:
        known = values[name].dropna()
        share = float(known.value_counts(normalize=True).max()) if len(known) >= _FEWEST_DOCUMENTS else 0.0
        if share >= worst:
            worst, named = share, str(name)
    description = f"{worst:.0%} of the documents have the same {named}" if worst else "too few documents to tell"
    return Finding(VARIATION, worst < SAME_SCORE_SHARE, description, worst, SAME_SCORE_SHARE, len(values))


def agreement(rows: pd.DataFrame) -> Finding:
    """Whether agreement with published indices is what it usually is; `rows` are those of ranked.agreement."""
    held = rows[rows["expected_low"].notna() & rows["spearman"].notna()]
    if held.empty:
        return Finding(AGREEMENT, True, "no published index to hold the scores against (EXPOSURE_INDICES)")
    out = held[(held["hi"] < held["expected_low"]) | (held["lo"] > held["expected_high"])]  # not by chance
    told = first_of(
        f"{row['reference']} ({row['subset']}) {row['spearman']:.2f}, not {row['expected_low']:.2f} to "
        f"{row['expected_high']:.2f}"
        for row in out.to_dict("records")
    )
    lowest = float((held["spearman"] - held["expected_low"]).min())
    return Finding(AGREEMENT, out.empty, told or f"{len(held)} as expected", lowest, 0.0, len(held))


def drift(changes: pd.DataFrame, span: float) -> Finding:
    """How far scores moved since the version before; `changes` is ranked.changes of the prompt."""
    both = changes[changes["score_before"].notna() & changes["score_after"].notna()]
    if len(both) < _FEWEST_DOCUMENTS:
        return Finding(DRIFT, True, "there is no version before to compare with")
    moved = float((both["score_after"] - both["score_before"]).mean())
    ranks = spearman(both["score_before"], both["score_after"])
    is_small = abs(moved) < DRIFT_SHARE * span and (ranks is None or ranks >= DRIFT_RANKS)
    shown = "" if ranks is None else f", ranks correlate by {ranks:.2f}"
    return Finding(DRIFT, is_small, f"the mean moved by {moved:+.2f}{shown}", abs(moved), DRIFT_SHARE * span, len(both))


def reliability(rows: pd.DataFrame) -> Iterator[Finding]:
    """Whether models agree, and whether places matter; `rows` are those of ranked.reliability."""
    models = rows[(rows["facet"] == "model") & (rows["statistic"] == IntraclassForm.AGREEMENT_MEAN.value)]
    if models.empty:
        yield Finding(MODELS, True, "one model answers: how far another would agree is not known")
    else:
        worst = models.sort_values("value").to_dict("records")[0]
        value = float(worst["value"])
        described = f"{worst['attribute']}: ICC(A,k) {value:.2f}"
        yield Finding(MODELS, value >= LEAST_AGREEMENT, described, value, LEAST_AGREEMENT, int(worst["n"]))
    places = rows[(rows["facet"] == "position") & rows["lo"].notna()]
    if places.empty:
        yield Finding(POSITION, True, "no document stood in several places of a request")
        return
    found = places[(places["lo"] > 0) | (places["hi"] < 0)]
    told = first_of(
        f"{row['attribute']}: {row['value']:+.2f} from the first place to the last" for row in found.to_dict("records")
    )
    yield Finding(POSITION, found.empty, told or "none is found", float(places["value"].abs().max()), 0.0, len(places))


def stability(uncertain: pd.DataFrame, jobs: pd.Series) -> Finding:
    """How many jobs are in occupations whose tier is not sure; `jobs` by doc_id."""
    known = uncertain[uncertain["p_tier"].notna()]
    weights = known["doc_id"].map(jobs).fillna(0).astype(float)
    if known.empty or not weights.sum() > 0:
        return Finding(STABILITY, True, "a single answer a document: how sure its tier is is not known")
    share = float(weights[known["p_tier"] < LEAST_SURE].sum() / weights.sum())
    described = f"{share:.0%} of the jobs in tiers that are not sure"
    return Finding(STABILITY, share <= UNSURE_JOBS, described, share, UNSURE_JOBS, len(known))


def attributes(values: pd.DataFrame) -> Finding:
    """Whether attributes say different things."""
    correlations = values.corr().to_numpy(copy=True)
    if values.shape[1] < 2 or len(values) < _FEWEST_DOCUMENTS:
        return Finding(ATTRIBUTES, True, "one number is asked for" if values.shape[1] < 2 else "too few documents")
    pairs = [
        (float(correlations[first, second]), f"{values.columns[first]} and {values.columns[second]}")
        for first in range(len(correlations))
        for second in range(first)
        if correlations[first, second] == correlations[first, second]
    ]
    if not pairs:
        return Finding(ATTRIBUTES, True, "attributes do not vary")
    worst, named = max(pairs)
    described = f"{named} correlate by {worst:.2f}"
    return Finding(ATTRIBUTES, worst < ATTRIBUTE_CORRELATION, described, worst, ATTRIBUTE_CORRELATION, len(values))


def _shown(value: float | None) -> str:
    return "has no score" if value is None else f"scores {round(value, 2):g}"
