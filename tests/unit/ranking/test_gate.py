"""What is looked at before scores are published."""

from __future__ import annotations

import pandas as pd
import pytest

from exposure_dagster.gates import CHECKS, ESSENTIAL, EXAMPLES, PROBES, STABILITY, Gate
from exposure_dagster.ranking import gate
from exposure_dagster.ranking.gate import Expected


def expected(*values: float | None, low: float = 2, high: float = 4) -> list[Expected]:
    return [Expected(f"Document {n}", "score", low, high, value) for n, value in enumerate(values)]


def test_examples_a_step_outside_their_level_are_still_where_they_belong() -> None:
    found = gate.known_groups(EXAMPLES, expected(1, 2, 3, 4, 5), step=1, fewest=5)
    assert (found.has_passed, found.value) == (True, 1)


def test_a_question_whose_examples_lie_elsewhere_is_named_with_them() -> None:
    found = gate.known_groups(EXAMPLES, expected(3, 3, 3, 9, None), step=1, fewest=5)
    assert (found.has_passed, found.value, found.n) == (False, 0.6, 5)
    assert found.description == (
        "3 of 5 examples within 1 of their range (Document 3 scores 9, not 2 to 4; Document 4 has no score, not 2 to 4)"
    )


def test_few_examples_tell_nothing_and_one_probe_does() -> None:
    assert gate.known_groups(EXAMPLES, expected(9, 9), step=1, fewest=5).has_passed
    assert not gate.known_groups(PROBES, expected(9), step=1, fewest=1).has_passed
    assert gate.known_groups(PROBES, [], step=1, fewest=1).has_passed
    misspelt = gate.known_groups(PROBES, expected(3), step=1, fewest=1, unknown=["Bakerz"])
    assert misspelt.description == "1 of 1 probes within 1 of their range; no document is called Bakerz"


@pytest.mark.parametrize(("same", "is_good"), [(30, False), (28, True)])
def test_scores_that_hardly_differ_are_no_scores(same: int, is_good: bool) -> None:
    values = pd.DataFrame({"near": range(30), "far": [5.0] * same + [1.0] * (30 - same)})
    assert gate.variation(values).has_passed is is_good


def test_agreement_is_held_against_the_band_of_each_index_and_too_much_of_it_is_told_too() -> None:
    rows = pd.DataFrame(
        [
            {
                "reference": name,
                "subset": "all",
                "spearman": value,
                "lo": value - 0.05,
                "hi": value + 0.05,
                "expected_low": 0.6,
                "expected_high": 0.9,
            }
            for name, value in (("low", 0.2), ("good", 0.7), ("copied", 0.99))
        ]
    )
    found = gate.agreement(rows)
    assert not found.has_passed
    assert "low (all) 0.20, not 0.60 to 0.90" in found.description
    assert "copied (all) 0.99" in found.description
    assert "good" not in found.description
    assert gate.agreement(rows.assign(expected_low=None)).has_passed
    assert gate.agreement(rows.assign(lo=-0.5, hi=1.0)).has_passed  # so few documents tell nothing


def test_a_mean_that_moved_and_ranks_that_did_are_drift() -> None:
    before = pd.Series([float(n % 11) for n in range(40)])
    changes = pd.DataFrame({"score_before": before, "score_after": before})
    assert gate.drift(changes, 10).has_passed
    assert not gate.drift(changes.assign(score_after=before + 1.5), 10).has_passed
    assert not gate.drift(changes.assign(score_after=before[::-1].to_numpy()), 10).has_passed
    assert gate.drift(changes.head(3), 10).has_passed


def test_unsure_tiers_count_by_their_jobs() -> None:
    uncertain = pd.DataFrame({"doc_id": ["a", "b", "c"], "p_tier": [0.5, 0.9, None]})
    assert not gate.stability(uncertain, pd.Series({"a": 30, "b": 70, "c": 900})).has_passed
    assert gate.stability(uncertain, pd.Series({"a": 10, "b": 90, "c": 900})).has_passed
    assert gate.stability(uncertain.assign(p_tier=None), pd.Series({"a": 10})).value is None


def test_attributes_that_say_the_same_are_named() -> None:
    near = pd.Series(range(20), dtype=float)
    found = gate.attributes(pd.DataFrame({"near": near, "far": near * 2, "other": near % 3}))
    assert not found.has_passed
    assert found.description == "far and near correlate by 1.00"
    assert gate.attributes(pd.DataFrame({"near": near})).has_passed
    assert gate.attributes(pd.DataFrame({"near": near, "flat": 1.0})).has_passed


def test_models_that_disagree_and_places_that_matter_are_found() -> None:
    columns = ["attribute", "facet", "statistic", "n", "k", "value", "lo", "hi"]
    rows = pd.DataFrame(
        [
            ("score", "model", "ICC(A,k)", 30, 2, 0.4, 0.2, 0.6),
            ("score", "position", "slope", 90, 5, -1.0, -1.3, -0.7),
        ],
        columns=columns,
    )
    assert [one.has_passed for one in gate.reliability(rows)] == [False, False]
    good = rows.assign(value=[0.9, 0.1], lo=[0.8, -0.2], hi=[0.95, 0.4])
    assert [one.has_passed for one in gate.reliability(good)] == [True, True]
    assert [one.has_passed for one in gate.reliability(rows.head(0))] == [True, True]


def test_what_a_failed_check_stops_is_said_by_one_setting() -> None:
    assert {check for check in CHECKS if Gate.ESSENTIAL.stops_at(check)} == ESSENTIAL
    assert all(Gate.BLOCK.stops_at(check) for check in CHECKS)
    assert not any(Gate.WARN.stops_at(check) for check in CHECKS)
    assert not Gate.ESSENTIAL.stops_at(STABILITY)
