"""What moved between two versions of a prompt's answers.

A version is a frame of standing answers, one row a document: `doc_id, title, score, rationale`
(score float64, null where there is none).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

SAME_WITHIN = 1e-9
"""Scores closer than this count as the same."""


@dataclass(frozen=True)
class ChangeSummary:
    """Counts of documents, the mean of the shifts on the scale, and Spearman's rank correlation.

    Documents that have a score in both versions are compared; `mean_shift` and `rank_correlation` are
    null where there are none (for the correlation: fewer than three, or no spread).
    """

    compared: int
    up: int
    down: int
    same: int
    added: int
    gone: int
    mean_shift: float | None
    rank_correlation: float | None


def compare_versions(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """One row a document of either version: both scores, both rationales, the shift and its kind.

    Columns: `doc_id, title, change, score_before, score_after, shift, rank_before, rank_after,
    rationale_before, rationale_after`. `change` is up, down, same, added or gone; a document whose score
    came or went counts as added or gone. Largest shifts come first.
    """
    merged = before.merge(after, on="doc_id", how="outer", suffixes=("_before", "_after"))
    merged["title"] = merged["title_after"].fillna(merged["title_before"])
    merged["shift"] = merged["score_after"] - merged["score_before"]
    for when in ("before", "after"):
        merged[f"rank_{when}"] = merged[f"score_{when}"].rank(method="min", ascending=False).astype("Int64")
    merged["change"] = "same"
    merged.loc[merged["shift"] > SAME_WITHIN, "change"] = "up"
    merged.loc[merged["shift"] < -SAME_WITHIN, "change"] = "down"
    merged.loc[merged["score_before"].isna() & merged["score_after"].notna(), "change"] = "added"
    merged.loc[merged["score_before"].notna() & merged["score_after"].isna(), "change"] = "gone"
    merged["size"] = merged["shift"].abs().fillna(-1.0)
    ordered = merged.sort_values(["size", "doc_id"], ascending=[False, True], ignore_index=True)
    columns = ["doc_id", "title", "change"]
    columns += ["score_before", "score_after", "shift", "rank_before", "rank_after"]
    return ordered[[*columns, "rationale_before", "rationale_after"]]


def summarize_changes(changes: pd.DataFrame) -> ChangeSummary:
    """The figures of a comparison that `compare_versions` made."""
    counts = changes["change"].value_counts()
    both = changes[changes["shift"].notna()]
    has_spread = len(both) > 2 and both["score_before"].nunique() > 1 and both["score_after"].nunique() > 1
    before, after = both["score_before"].rank(), both["score_after"].rank()
    return ChangeSummary(
        compared=len(both),
        up=int(counts.get("up", 0)),
        down=int(counts.get("down", 0)),
        same=int((both["change"] == "same").sum()),
        added=int(counts.get("added", 0)),
        gone=int(counts.get("gone", 0)),
        mean_shift=float(both["shift"].mean()) if len(both) else None,
        rank_correlation=float(before.corr(after)) if has_spread else None,
    )
