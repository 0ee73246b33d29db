"""Coefficients of agreement, against published examples and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from exposure_dagster.reliability.agreement import (
    Level,
    bias,
    bottom_decile_overlap,
    cohen_kappa,
    concordance,
    kendall_b,
    krippendorff_alpha,
    mean_absolute_error,
    pearson,
    share_in_ranges,
    spearman,
    spearman_interval,
    top_decile_overlap,
)

NO = np.nan
KRIPPENDORFF_2011 = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
        [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
    ]
).T
"""Twelve units by four coders, section C of Computing Krippendorff's Alpha-Reliability."""


@pytest.mark.parametrize(
    ("level", "published"),
    [(Level.NOMINAL, 0.743), (Level.ORDINAL, 0.815), (Level.INTERVAL, 0.849), (Level.RATIO, 0.797)],
)
def test_alpha_is_that_of_krippendorffs_example(level: Level, published: float) -> None:
    assert krippendorff_alpha(KRIPPENDORFF_2011, level) == pytest.approx(published, abs=0.0005)


@pytest.mark.parametrize("level", Level)
def test_alpha_does_not_depend_on_the_order_of_scorers_and_documents(level: Level) -> None:
    turned = KRIPPENDORFF_2011[::-1, [2, 0, 3, 1]]
    assert krippendorff_alpha(turned, level) == pytest.approx(krippendorff_alpha(KRIPPENDORFF_2011, level))


def test_alpha_is_one_for_scorers_who_agree_and_below_zero_for_those_who_avoid_each_other() -> None:
    assert krippendorff_alpha([[1, 1], [2, 2], [5, 5]], Level.ORDINAL) == pytest.approx(1)
    against = krippendorff_alpha([[1, 2], [2, 1]], Level.NOMINAL)
    assert against is not None
    assert against < 0


@pytest.mark.parametrize("ratings", [[[3, 3], [3, 3]], [[1, NO], [NO, 2]], np.empty((0, 2)), [[1], [2]]])
def test_alpha_is_not_defined_where_nothing_differs_or_can_be_compared(ratings: object) -> None:
    assert krippendorff_alpha(ratings, Level.INTERVAL) is None  # type: ignore[arg-type]


def test_kappa_by_hand() -> None:
    ours = ["yes"] * 25 + ["no"] * 25
    theirs = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(ours, theirs, ["no", "yes"]) == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_quadratic_weights_forgive_near_misses_more_than_far_ones() -> None:
    truth = [0, 1, 2, 3] * 5
    near = [*truth[:-1], 2]
    far = [*truth[:-1], 0]
    plain = [cohen_kappa(truth, other, range(4)) for other in (near, far)]
    weighted = [cohen_kappa(truth, other, range(4), quadratic=True) for other in (near, far)]
    assert plain[0] == pytest.approx(plain[1], abs=0.01)
    assert weighted[0] == pytest.approx(1 - 0.05 / np.mean([(a - b) ** 2 for a in truth for b in near]))
    assert weighted[1] is not None
    assert weighted[0] > weighted[1]


def test_kappa_leaves_out_what_is_no_category_and_is_not_defined_where_all_is_one() -> None:
    assert cohen_kappa(["a", "b", None], ["a", "b", "a"], ["a", "b"]) == 1
    assert cohen_kappa(["a", "a"], ["a", "a"], ["a", "b"]) is None
    assert cohen_kappa([None], ["a"], ["a", "b"]) is None


def test_concordance_falls_where_one_scorer_is_higher_throughout() -> None:
    ours = np.array([1.0, 2, 3, 4, 5])
    assert concordance(ours, ours) == 1
    assert concordance(ours, ours + 2) == pytest.approx(2 * 2 / (2 + 2 + 4))  # population variance 2, shift 2
    assert pearson(ours, ours + 2) == pytest.approx(1)


def test_errors_are_ours_less_theirs_over_the_pairs_that_are_there() -> None:
    ours, theirs = [5, 7, NO, 4], [4, 9, 3, NO]
    assert mean_absolute_error(ours, theirs) == 1.5
    assert bias(ours, theirs) == -0.5
    assert bias([NO], [1]) is None


def test_rank_correlations_take_ties_at_their_mean_rank() -> None:
    ours, theirs = [1, 2, 2, 4], [1, 3, 2, 4]
    assert spearman(ours, theirs) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert kendall_b(ours, theirs) == pytest.approx(5 / np.sqrt(5 * 6))


@pytest.mark.parametrize("coefficient", [spearman, pearson, kendall_b, spearman_interval])
def test_a_scorer_that_gives_one_score_correlates_with_nobody(coefficient: object) -> None:
    assert coefficient([5, 5, 5, 5], [1, 2, 3, 4]) is None  # type: ignore[operator]
    assert coefficient([], []) is None  # type: ignore[operator]


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        spearman([1, 2, 3], [1, 2])


def test_the_bootstrap_interval_holds_the_figure_repeats_itself_and_narrows_with_more_pairs() -> None:
    random = np.random.default_rng(4)

    def pairs(n: int) -> tuple[object, object]:
        truth = random.normal(size=n)
        return truth + random.normal(size=n), truth + random.normal(size=n)

    few, many = pairs(40), pairs(1000)
    wide, again = (spearman_interval(*few, seed=7) for _ in range(2))  # type: ignore[arg-type]
    narrow = spearman_interval(*many, seed=7)  # type: ignore[arg-type]
    assert wide is not None
    assert narrow is not None
    assert wide == again
    assert wide.low < wide.value < wide.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2


def test_deciles_are_of_the_pairs_that_are_there() -> None:
    ours = np.arange(40.0)
    assert top_decile_overlap(ours, ours) == 1
    assert bottom_decile_overlap(ours, ours) == 1
    assert top_decile_overlap(ours, -ours) == 0
    theirs = np.where(ours == 39, NO, ours)  # 39 pairs: 4 of them, and 38 is the highest
    assert top_decile_overlap(ours, theirs) == 1
    assert top_decile_overlap([1, 2, 3, 4], [1, 2, 3, 4]) is None


def test_documents_that_tie_share_the_places_that_are_left() -> None:
    theirs = np.arange(20.0)
    ours = np.where(theirs >= 16, 9.0, 1.0)  # four documents for two places: each has half of one
    assert top_decile_overlap(ours, theirs) == pytest.approx((0.5 + 0.5) / 2)
    assert top_decile_overlap([5] * 20, theirs) == pytest.approx(0.1)  # as chance has it


def test_the_share_in_their_own_range_counts_what_is_missing_as_outside() -> None:
    assert share_in_ranges([1, 3.5, 10, NO], [0, 2, 4, 0], [1, 3, 5, 10]) == 0.25
    assert share_in_ranges([1, 3.5, 10, NO], [0, 2, 4, 0], [1, 3, 5, 10], slack=1) == 0.5
    assert share_in_ranges([], [], []) is None
