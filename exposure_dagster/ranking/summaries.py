"""Jobs, wages and mean scores by group.

A document that lacks the figure by which it would be grouped is counted in a group of its own, so
that the groups of every grouping but score_threshold add up to all documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from exposure_dagster.corpora.terms import EDUCATION_ORDER, OUTLOOK_ORDER, SOC_MAJOR_GROUPS
from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.ranking.pay import USD, band_labels, bands_of, currency_of
from exposure_dagster.reliability.uncertainty import (
    ERROR_CORRELATIONS,
    MOST_DRAWN,
    draw_scores,
    expected_share,
    expected_share_of_many,
    interval90,
    weighted_mean_error,
)
from exposure_dagster.tables import SUMMARIES

GROUPINGS_THAT_ADD_UP = ("all", "tier", "pay_band", "education", "category", "outlook", "soc_major_group")
"""Every grouping but score_threshold: its groups hold each document once. So do quadrants, where there are any."""

THRESHOLD_SHARES = (0.7, 0.8)
"""Where the scale's upper part begins: scores of at least 7 and at least 8 on a 0–10 scale."""


@dataclass(frozen=True)
class Grouping:
    """How documents are divided: a label a document (null: not known), and the labels' order."""

    name: str
    labels: pd.Series
    order: Sequence[str]
    unknown_label: str


def summarize(
    prompt: str,
    rankings: pd.DataFrame,
    definition: RankingDefinition,
    errors: pd.Series,
    education_levels: Sequence[str] = EDUCATION_ORDER,
) -> pd.DataFrame:
    """Rows of ranked.summaries for one prompt, from its rankings. `education_levels` are in order, lowest first.

    `errors` are the standard errors of the scores by doc_id; without one for every score that counts, a group's figures
    have no interval.
    """
    rankings = rankings.assign(error=rankings["doc_id"].map(errors).astype("float64"))
    pay = rankings["median_pay_annual"]
    currency = currency_of(rankings["pay_currency"], pay)
    bands = bands_of(currency or USD, pay)
    groupings = [
        Grouping("all", pd.Series("All", index=rankings.index), ("All",), "Not known"),
        Grouping("tier", rankings["tier"], [tier.label for tier in definition.tiers], "No tier"),
        Grouping("pay_band", band_labels(pay, bands), [label for label, _, _ in bands], "No annual pay"),
        Grouping("education", rankings["entry_education"], education_levels, "No education given"),
        Grouping("category", rankings["category"], (), "No category"),
        Grouping("outlook", rankings["outlook_desc"], OUTLOOK_ORDER, "No outlook given"),
        Grouping("soc_major_group", rankings["soc_major_group"], tuple(SOC_MAJOR_GROUPS.values()), "No SOC code"),
    ]
    if definition.quadrants is not None:
        order = definition.quadrants.labels.in_order
        groupings.insert(2, Grouping("quadrant", rankings["quadrant"], order, "No quadrant"))
    thresholds = [
        definition.scale_low + share * (definition.scale_high - definition.scale_low) for share in THRESHOLD_SHARES
    ]
    documents = rankings[["score", "error", "jobs", "wages", "soc_major_group"]]
    documents = documents.assign(place=rankings["doc_id"].rank(method="first"))
    rows = [row for grouping in groupings for row in _rows_of_grouping(documents, grouping, thresholds[0])]
    everybody = _weighted(documents)
    for position, threshold in enumerate(thresholds, start=1):
        members = documents[documents["score"].round(9) >= round(threshold, 9)]
        of_all = _expected_share(everybody, threshold)
        rows.append(_row("score_threshold", f"score ≥ {threshold:g}", position, members, _weighted(members)) | of_all)
    summary = pd.DataFrame(rows)
    summary.insert(0, "prompt", prompt)
    summary["pay_currency"] = pd.Series(currency, index=summary.index, dtype="object")
    return summary[list(SUMMARIES.column_names)]


def _rows_of_grouping(documents: pd.DataFrame, grouping: Grouping, threshold: float) -> list[dict[str, object]]:
    labels = grouping.labels.where(grouping.labels.notna(), grouping.unknown_label)
    known = [label for label in grouping.order if (labels == label).any()]
    rest = sorted(set(labels) - set(known) - {grouping.unknown_label})
    unknown = [grouping.unknown_label] if (labels == grouping.unknown_label).any() else []
    return [
        _row(grouping.name, label, position, members, weighted) | _expected_share(weighted, threshold)
        for position, label in enumerate(dict.fromkeys([*known, *rest, *unknown]), start=1)
        for members in [documents[labels == label]]
        for weighted in [_weighted(members)]
    ]


def _row(grouping: str, label: str, position: int, members: pd.DataFrame, weighted: pd.DataFrame) -> dict[str, object]:
    scores = members["score"].dropna()
    jobs = weighted["jobs"].astype("float64")
    mean = float(np.average(weighted["score"], weights=jobs)) if len(weighted) else None
    independent, middle, correlated = (
        weighted_mean_error(jobs, weighted["error"], list(weighted["soc_major_group"]), correlation)
        for correlation in ERROR_CORRELATIONS
    )
    low, high = (None, None) if mean is None or middle is None else map(float, interval90(mean, middle))
    return {
        "grouping": grouping,
        "group_label": label,
        "group_order": position,
        "occupations": len(members),
        "scored": len(scores),
        "jobs": int(members["jobs"].sum()),
        "wages": float(members["wages"].sum()),
        "mean_score": float(scores.mean()) if len(scores) else None,
        "job_weighted_mean": mean,
        "se": middle,
        "se_independent": independent,
        "se_correlated": correlated,
        "lo90": low,
        "hi90": high,
    }


def _weighted(members: pd.DataFrame) -> pd.DataFrame:
    """Those that have a score and jobs, by doc_id."""
    has_both = members["score"].notna() & members["jobs"].notna() & (members["jobs"] > 0)
    return members[has_both].sort_values("place")


def _expected_share(weighted: pd.DataFrame, threshold: float) -> dict[str, object]:
    """The share of these jobs that is expected at or above the threshold; nothing where a score has no error."""
    if not len(weighted) or weighted["error"].isna().any():
        return {"expected_share": None, "share_lo": None, "share_hi": None}
    scores, errors, jobs = weighted["score"], weighted["error"], weighted["jobs"].astype("float64")
    groups, correlation = list(weighted["soc_major_group"]), ERROR_CORRELATIONS[1]
    if len(weighted) > MOST_DRAWN:
        share = expected_share_of_many(scores, errors, jobs, threshold, groups=groups, correlation=correlation)
    else:
        drawn = draw_scores(scores, errors, groups=groups, correlation=correlation)
        share = expected_share(drawn, jobs, threshold)
    if share is None:
        return {"expected_share": None, "share_lo": None, "share_hi": None}
    return {"expected_share": share.value, "share_lo": share.low, "share_hi": share.high}
