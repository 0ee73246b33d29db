"""How sure a layer's scores are, and how far they agree with indices: as small as it can be said.

A column that is the same for every document with a score is written once, as a number: the page tells it from a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from exposure_dagster.core.columns import coded, column, plain
from exposure_dagster.publishing.content import PublishedPrompt
from exposure_dagster.ranking.how_sure import how_sure

DECIMALS = 3
FIGURES = 3
"""Significant figures of an index's values: a chart shows no more."""

_AGREEMENT = (
    *("reference", "n", "coverage", "spearman", "lo", "hi", "expected_low", "expected_high"),
    *("top_decile", "bottom_decile", "mae", "bias"),
)


def sureness(prompt: PublishedPrompt, uncertainty: pd.DataFrame, ids: list[str]) -> dict[str, Any]:
    """What the page needs to show intervals of a prompt's scores, in the order of `ids`.

    `uncertainty` are its rows of ranked.uncertainty. `half` is the interval's half width before it is cut off at the
    ends of the scale, `rank` the two bounds of the rank's, `kept` the percentage of draws in which the tier is kept,
    `shares` what ranked.summaries says of thresholds: threshold, share and its bounds.
    """
    scored = prompt.rankings[prompt.rankings["score"].notna()][["doc_id", "scorer"]]
    told = scored.merge(uncertainty, on="doc_id", how="left")
    notes = how_sure(told)
    rows = told.set_index("doc_id").reindex(ids)
    is_scored = rows.index.isin(scored["doc_id"])
    if not rows["se"].notna().any():
        return {"notes": notes}
    half = (rows["hi90"] - rows["mean"]).combine(rows["mean"] - rows["lo90"], max)
    ranks = [_once(rows[name], is_scored) for name in ("rank_lo90", "rank_hi90")]
    kept = (100 * rows["p_tier"]).round() if prompt.definition.tiers else pd.Series(np.nan, index=rows.index)
    return {
        "notes": notes,
        "method": _coded_once(rows["method"], is_scored),
        "answers": _once(rows["answers"], is_scored),
        "se": _once(rows["se"].round(DECIMALS), is_scored),
        "half": _once(half.round(DECIMALS), is_scored),
        "rank": ranks if rows["rank_lo90"].notna().any() else None,
        "kept": _once(kept, is_scored) if kept.notna().any() else None,
        "shares": _shares(prompt),
    }


def error_groups(prompts: Sequence[PublishedPrompt], ids: list[str]) -> list[int]:
    """By document the place of its SOC major group among those there are: errors within one go together."""
    known = pd.concat([prompt.rankings[["doc_id", "soc_major_group"]] for prompt in prompts])
    groups = known.drop_duplicates("doc_id").set_index("doc_id")["soc_major_group"].reindex(ids)
    return [int(place) for place in pd.factorize(np.asarray([str(group) for group in groups]))[0]]


def index_columns(values: pd.DataFrame, ids: list[str]) -> dict[str, list[Any]]:
    """What each index says of the documents, by its name. `values` are rows of one corpus: index, doc_id, value."""
    return {
        str(name): [_to_figures(value) for value in rows.set_index("doc_id")["value"].reindex(ids)]
        for name, rows in values.groupby("index", sort=True)
    }


def agreement_rows(agreement: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of ranked.agreement of one prompt and subset, by the name of the index."""
    ordered = agreement.sort_values("reference")
    return [{name: plain(row[name]) for name in _AGREEMENT} for row in ordered.to_dict("records")]


def _once(values: pd.Series, is_scored: np.ndarray[Any, Any]) -> Any:
    """The one value of all documents with a score, or a list with a value for each; None where none has one."""
    known = values[is_scored]
    if known.isna().all():
        return None
    if known.notna().all() and known.nunique() == 1:
        return plain(known.iloc[0])
    return column(pd.DataFrame({"values": values.astype("float64")}), "values")


def _coded_once(values: pd.Series, is_scored: np.ndarray[Any, Any]) -> Any:
    known = values[is_scored]
    if known.notna().all() and known.nunique() == 1:
        return str(known.iloc[0])
    return coded(values)


def _shares(prompt: PublishedPrompt) -> list[list[Any]]:
    rows = prompt.summaries[prompt.summaries["grouping"] == "score_threshold"]
    rows = rows[rows["expected_share"].notna()]
    return [
        [
            float(str(row["group_label"]).removeprefix("score ≥ ")),
            *(round(float(row[name]), DECIMALS) for name in ("expected_share", "share_lo", "share_hi")),
        ]
        for row in rows.to_dict("records")
    ]


def _to_figures(value: float) -> Any:
    return None if pd.isna(value) else plain(float(f"{value:.{FIGURES}g}"))
