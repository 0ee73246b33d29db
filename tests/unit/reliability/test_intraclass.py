"""Intraclass correlations, against Shrout and Fleiss (1979) and by their own laws."""

from __future__ import annotations

import numpy as np
import pytest

from exposure_dagster.reliability.intraclass import IntraclassForm, intraclass, spearman_brown

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
"""Six targets by four judges: table 2 of Intraclass correlations: uses in assessing rater reliability."""


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [
        (IntraclassForm.ONE_SINGLE, 0.17, -0.13, 0.72),
        (IntraclassForm.AGREEMENT_SINGLE, 0.29, 0.02, 0.76),
        (IntraclassForm.CONSISTENCY_SINGLE, 0.71, 0.34, 0.95),
        (IntraclassForm.ONE_MEAN, 0.44, -0.88, 0.91),
        (IntraclassForm.AGREEMENT_MEAN, 0.62, 0.07, 0.93),
        (IntraclassForm.CONSISTENCY_MEAN, 0.91, 0.68, 0.99),
    ],
)
def test_the_example_of_shrout_and_fleiss(form: IntraclassForm, value: float, low: float, high: float) -> None:
    found = intraclass(SHROUT_FLEISS, form)
    assert found is not None
    assert (round(found.value, 2), round(found.low, 2), round(found.high, 2)) == (value, low, high)
    assert (found.n, found.k) == (6, 4)


def test_a_scorer_who_is_higher_throughout_counts_against_agreement_and_not_against_consistency() -> None:
    table = np.array([[1, 4], [3, 6], [5, 8], [7, 10]], float)
    consistency = intraclass(table, IntraclassForm.CONSISTENCY_SINGLE)
    agreement = intraclass(table, IntraclassForm.AGREEMENT_SINGLE)
    assert consistency is not None
    assert agreement is not None
    assert (consistency.value, consistency.low, consistency.high) == (1, 1, 1)
    assert agreement.value == pytest.approx((20 / 3) / (20 / 3 + 4.5))  # variance of documents, and of the shift


def test_where_scorers_are_the_same_two_way_leaves_out_documents_with_a_gap() -> None:
    table = np.vstack([SHROUT_FLEISS, [1, np.nan, 9, 9]])
    assert intraclass(table, IntraclassForm.AGREEMENT_MEAN) == intraclass(SHROUT_FLEISS, IntraclassForm.AGREEMENT_MEAN)


def test_one_way_uses_every_answer_that_there_is() -> None:
    random = np.random.default_rng(1)
    table = random.normal(size=(4000, 1)) + random.normal(scale=0.5, size=(4000, 5))
    thinned = np.where(np.arange(5) < random.integers(1, 6, (4000, 1)), table, np.nan)
    found = intraclass(thinned, IntraclassForm.ONE_SINGLE)
    assert found is not None
    assert found.n == 4000
    assert 1 < found.k < 5
    assert found.value == pytest.approx(1 / 1.25, abs=0.02)
    assert found.low < 0.8 < found.high


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    for form in (IntraclassForm.ONE_SINGLE, IntraclassForm.AGREEMENT_SINGLE):
        shift = 0.4 if form is IntraclassForm.AGREEMENT_SINGLE else 0.0
        truth = 1 / (1 + 0.25 + shift**2)
        hits = 0
        for _ in range(300):
            table = random.normal(size=(30, 1)) + random.normal(scale=0.5, size=(30, 4))
            found = intraclass(table + random.normal(scale=shift, size=(1, 4)), form)
            assert found is not None
            hits += found.low <= truth <= found.high
        assert 0.91 <= hits / 300 <= 0.99


@pytest.mark.parametrize("form", IntraclassForm)
@pytest.mark.parametrize(
    "table", [np.full((5, 3), 7.0), np.full((5, 3), np.nan), np.array([[1.0, 2.0]]), np.array([[1.0], [2.0]])]
)
def test_it_is_not_defined_where_nothing_differs_or_can_be_compared(form: IntraclassForm, table: object) -> None:
    assert intraclass(table, form) is None  # type: ignore[arg-type]


def test_the_mean_of_many_scores_is_more_reliable_than_one() -> None:
    assert spearman_brown(0.5, 1) == 0.5
    assert spearman_brown(0.5, 3) == 0.75
