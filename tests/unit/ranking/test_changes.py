"""What moved between two versions of answers."""

from __future__ import annotations

import pandas as pd
import pytest

from exposure_dagster.ranking.changes import compare_versions, summarize_changes


def version(**scores: float | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "doc_id": list(scores),
            "title": [name.title() for name in scores],
            "score": pd.Series(list(scores.values()), dtype="float64"),
            "rationale": [f"because of {name}" for name in scores],
        }
    )


def test_documents_are_counted_as_up_down_same_added_and_gone() -> None:
    changes = compare_versions(version(a=1, b=5, c=7, d=2), version(a=3, b=4, c=7, e=9))
    summary = summarize_changes(changes)
    assert (summary.up, summary.down, summary.same, summary.added, summary.gone) == (1, 1, 1, 1, 1)
    assert summary.compared == 3
    assert summary.mean_shift == pytest.approx((2 - 1 + 0) / 3)


def test_the_largest_movers_come_first_with_both_reasons() -> None:
    changes = compare_versions(version(a=1, b=5), version(a=2, b=1))
    assert changes["doc_id"].tolist() == ["b", "a"]
    assert changes.loc[0, "shift"] == -4
    assert changes.loc[0, "rationale_before"] == changes.loc[0, "rationale_after"] == "because of b"


def test_a_document_whose_answer_was_lost_counts_as_gone() -> None:
    summary = summarize_changes(compare_versions(version(a=1), version(a=None)))
    assert (summary.gone, summary.compared, summary.mean_shift) == (1, 0, None)


def test_a_document_without_a_score_in_either_version_counts_nowhere() -> None:
    summary = summarize_changes(compare_versions(version(a=None), version(a=None)))
    assert (summary.up, summary.down, summary.same, summary.added, summary.gone) == (0, 0, 0, 0, 0)


def test_rank_correlation_is_one_for_the_same_order_and_minus_one_for_the_reverse() -> None:
    ascending = version(a=1, b=2, c=3, d=4)
    assert summarize_changes(compare_versions(ascending, version(a=2, b=5, c=6, d=9))).rank_correlation == 1
    reverse = summarize_changes(compare_versions(ascending, version(a=4, b=3, c=2, d=1)))
    assert reverse.rank_correlation == pytest.approx(-1)


def test_without_spread_there_is_no_rank_correlation() -> None:
    assert summarize_changes(compare_versions(version(a=1, b=1, c=1), version(a=1, b=2, c=3))).rank_correlation is None
