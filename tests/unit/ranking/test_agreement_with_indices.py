"""Scores held against indices."""

from __future__ import annotations

import pandas as pd
import pytest

from exposure_dagster.ranking.agreement import ALL, ROLLED_UP, Agreement, Compared, agree

SCORES = pd.DataFrame(
    {
        "doc_id": [f"d{number:02}" for number in range(22)],
        "title": "Any",
        "score": [*map(float, range(20)), None, 3.0],
    }
)


def of(index: str, values: dict[str, float | None]) -> pd.DataFrame:
    return pd.DataFrame({"index": index, "doc_id": list(values), "value": list(values.values())})


def held(*values: pd.DataFrame, subset: str = ALL, scale_of_index: tuple[float, float] | None = None) -> Agreement:
    scales = dict.fromkeys(("same", "turned"), scale_of_index)
    return agree("exposure", [Compared(subset, SCORES, pd.concat(values))], (0.0, 20.0), scales)


SAME = of("same", {f"d{number:02}": number + 1.0 for number in range(20)} | {"d20": 5.0, "elsewhere": 1.0})
TURNED = of("turned", {f"d{number:02}": -float(number) for number in range(10)} | {"d21": None})


def test_each_index_is_compared_over_the_documents_that_both_speak_of() -> None:
    found = held(SAME, TURNED).agreement.set_index("reference")
    assert found["n"].to_dict() == {"same": 20, "turned": 10}
    assert found["coverage"].to_dict() == pytest.approx({"same": 20 / 21, "turned": 10 / 21})
    assert found["spearman"].to_dict() == pytest.approx({"same": 1, "turned": -1})
    assert found["kendall_b"].to_dict() == pytest.approx({"same": 1, "turned": -1})
    assert found["top_decile"].to_dict() == {"same": 1, "turned": 0}
    assert (found["lo"] <= found["spearman"]).all()


def test_errors_are_said_on_one_scale_alone() -> None:
    apart = held(SAME, scale_of_index=(0.0, 1.0)).agreement
    assert apart[["mae", "bias"]].isna().all(axis=None)
    together = held(SAME, scale_of_index=(0.0, 20.0)).agreement
    assert together[["mae", "bias"]].iloc[0].tolist() == [1.0, -1.0]


def test_the_widest_gaps_come_first() -> None:
    gaps = held(TURNED).disagreements
    assert gaps["gap"].abs().is_monotonic_decreasing
    first = gaps.iloc[0]
    assert (first["doc_id"], first["percentile_ours"], first["percentile_theirs"]) == ("d00", 10, 100)
    assert first["gap"] == -90


def test_the_same_scores_give_the_same_rows_whatever_their_order() -> None:
    turned = agree("exposure", [Compared(ALL, SCORES[::-1], SAME[::-1])], (0.0, 20.0), {})
    pd.testing.assert_frame_equal(held(SAME).agreement, turned.agreement)
    assert held(SAME).disagreements["doc_id"].tolist() == turned.disagreements["doc_id"].tolist()


def test_what_is_expected_stands_beside_what_was_found() -> None:
    found = agree("exposure", [Compared(ROLLED_UP, SCORES, of("webb", {"d00": 1.0, "d01": 2.0}))], (0.0, 20.0), {})
    assert found.agreement[["subset", "expected_low", "expected_high"]].iloc[0].tolist() == ["rolled_up", 0.0, 0.4]


def test_an_index_that_speaks_of_nothing_that_is_scored_has_no_row() -> None:
    found = held(of("same", {"elsewhere": 1.0, "d20": 2.0}))
    assert found.agreement.empty
    assert found.disagreements.empty


def test_a_few_pairs_have_a_correlation_and_no_interval() -> None:
    found = held(of("same", {f"d{number:02}": float(number) for number in range(9)})).agreement.iloc[0]
    assert found["spearman"] == pytest.approx(1)
    assert pd.isna(found[["lo", "hi"]]).all()


def test_a_single_pair_has_no_correlation() -> None:
    found = held(of("same", {"d00": 1.0})).agreement.iloc[0]
    assert found["n"] == 1
    assert pd.isna(found["spearman"])
    assert pd.isna(found["top_decile"])
