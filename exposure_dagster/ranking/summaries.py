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
    education_levels: Sequence[str] = EDUCATION_ORDER,
) -> pd.DataFrame:
    """Rows of ranked.summaries for one prompt, from its rankings. `education_levels` are in order, lowest first."""
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
    rows = [row for grouping in groupings for row in _rows_of_grouping(rankings, grouping)]
    span = definition.scale_high - definition.scale_low
    for position, share in enumerate(THRESHOLD_SHARES, start=1):
        threshold = definition.scale_low + share * span
        members = rankings[rankings["score"].round(9) >= round(threshold, 9)]
        rows.append(_row("score_threshold", f"score ≥ {threshold:g}", position, members))
    summary = pd.DataFrame(rows)
    summary.insert(0, "prompt", prompt)
    summary["pay_currency"] = pd.Series(currency, index=summary.index, dtype="object")
    return summary[list(SUMMARIES.column_names)]


def _rows_of_grouping(rankings: pd.DataFrame, grouping: Grouping) -> list[dict[str, object]]:
    labels = grouping.labels.where(grouping.labels.notna(), grouping.unknown_label)
    known = [label for label in grouping.order if (labels == label).any()]
    rest = sorted(set(labels) - set(known) - {grouping.unknown_label})
    unknown = [grouping.unknown_label] if (labels == grouping.unknown_label).any() else []
    return [
        _row(grouping.name, label, position, rankings[labels == label])
        for position, label in enumerate(dict.fromkeys([*known, *rest, *unknown]), start=1)
    ]


def _row(grouping: str, label: str, position: int, members: pd.DataFrame) -> dict[str, object]:
    scored = members[members["score"].notna()]
    weighted = scored[scored["jobs"].notna() & (scored["jobs"] > 0)]
    jobs = weighted["jobs"].astype("float64")
    return {
        "grouping": grouping,
        "group_label": label,
        "group_order": position,
        "occupations": len(members),
        "scored": len(scored),
        "jobs": int(members["jobs"].sum()),
        "wages": float(members["wages"].sum()),
        "mean_score": float(scored["score"].mean()) if len(scored) else None,
        "job_weighted_mean": float(np.average(weighted["score"], weights=jobs)) if len(weighted) else None,
    }
