"""Which documents are worth another answer."""

from __future__ import annotations

import numpy as np
import pytest

from exposure_dagster.reliability.sampling import is_tier_sure, neyman_allocation, wanted_answers
from exposure_dagster.reliability.sampling_rule import SamplingRule, SamplingTarget

EDGES = [1.5, 3.5, 5.5, 7.5]
FOR_TIERS = SamplingRule(2, 6, SamplingTarget.TIERS)
FOR_TOTALS = SamplingRule(1, 5, SamplingTarget.TOTALS)


def test_a_document_in_the_middle_of_its_tier_is_left_and_one_at_the_edge_is_asked_again() -> None:
    answers = [[4.5, 4.6], [5.4, 5.5], [4.4, 4.5], [2.5, 2.6]]
    assert is_tier_sure(answers, EDGES).tolist() == [True, False, True, True]
    assert wanted_answers(FOR_TIERS, answers, edges=EDGES).tolist() == [2, 3, 2, 2]


def test_everyone_gets_the_least_and_nobody_more_than_the_most() -> None:
    answers = [[], [5.5], [5.4, 5.6] * 3, [5.4, 5.6] * 4]
    assert wanted_answers(FOR_TIERS, answers, edges=EDGES).tolist() == [2, 2, 6, 8]  # what is answered stays


def test_answers_that_agree_by_chance_do_not_make_a_tier_sure_where_others_spread() -> None:
    alone = [[5.0, 5.0]]
    spread = [[2.0, 5.0], [3.0, 7.0], [1.0, 4.0]]
    assert is_tier_sure(alone, EDGES)[0]
    assert not is_tier_sure([*alone, *spread], EDGES)[0]


def test_nothing_is_sure_before_a_document_has_two_answers() -> None:
    assert not is_tier_sure([[4.5], [2.5]], EDGES).any()


def test_totals_ask_most_where_most_jobs_and_most_spread_are() -> None:
    wanted = wanted_answers(FOR_TOTALS, [[]] * 4, weights=[1000, 100, 10, 0])
    assert wanted.tolist() == sorted(wanted, reverse=True)
    assert wanted[0] >= 4
    assert wanted[-1] == 1
    spread = neyman_allocation([100, 100], [1.0, 0.2], FOR_TOTALS)
    assert spread[0] > spread[1]


def test_totals_are_as_sure_as_with_the_middle_of_the_bounds_for_everyone_at_fewer_answers() -> None:
    weights = np.random.default_rng(6).lognormal(sigma=1.5, size=400)
    counts = neyman_allocation(weights, np.ones(400), SamplingRule(1, 9, SamplingTarget.TOTALS))
    evenly = float((weights**2 / 5).sum())
    assert float((weights**2 / counts).sum()) <= evenly
    assert counts.sum() < 5 * 400 / 2


def test_without_weight_everyone_gets_the_least() -> None:
    assert wanted_answers(FOR_TOTALS, [[], []], weights=[0, np.nan]).tolist() == [1, 1]


@pytest.mark.parametrize(("least", "most"), [(0, 3), (4, 3)])
def test_bounds_that_do_not_fit_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="min ≤ max"):
        SamplingRule(least, most, SamplingTarget.TIERS)
