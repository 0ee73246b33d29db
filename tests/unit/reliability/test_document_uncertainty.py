"""How sure a score is, and what is made of scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exposure_dagster.reliability.sampling_rule import tier_edges
from exposure_dagster.reliability.uncertainty import (
    PRIOR_SAMPLES,
    at_least,
    document_uncertainty,
    draw_scores,
    effective_number,
    expected_share,
    expected_share_of_many,
    pooled_variance,
    rank_intervals,
    shrunk_variances,
    tier_kept,
    weighted_mean_error,
)

TIERS = [(0.0, 1.0), (2.0, 3.0), (4.0, 10.0)]


def answers(by_document: dict[str, list[list[float]]]) -> pd.DataFrame:
    """A row an answer, from the answers of each variant of each document."""
    return pd.DataFrame(
        [
            {"doc_id": document, "variant": f"variant {place}", "score": score}
            for document, variants in by_document.items()
            for place, scores in enumerate(variants)
            for score in scores
        ]
    )


def test_variance_is_pooled_by_degrees_of_freedom_and_shrunk_to_the_pool() -> None:
    samples = [[4.0, 6.0], [5.0, 5.0, 5.0], [7.0]]  # squares 2 and 0, degrees 1 and 2
    assert pooled_variance(samples) == pytest.approx(2 / 3)
    shrunk = shrunk_variances(samples)
    assert shrunk is not None
    pool = PRIOR_SAMPLES * 2 / 3
    assert shrunk == pytest.approx([(pool + 2) / 5, pool / 6, 2 / 3])


def test_without_a_second_answer_nothing_is_known_of_the_variance() -> None:
    assert pooled_variance([[4.0], [5.0]]) is None
    assert shrunk_variances([[4.0], [np.nan]]) is None
    found = document_uncertainty(answers({"a": [[4]], "b": [[5]]}))
    assert found[["sd_sample", "sd_variant", "se", "lo90", "hi90"]].isna().all(axis=None)
    assert found["mean"].tolist() == [4, 5]


def test_samples_of_one_variant_say_how_sure_its_own_mean_is() -> None:
    found = document_uncertainty(answers({"a": [[4, 6]], "b": [[5, 5, 5]]}), scale=(0, 10))
    assert found["answers"].tolist() == [2, 3]
    assert found["sd_variant"].isna().all()
    assert found["se"].tolist() == pytest.approx(found["sd_sample"] / np.sqrt([2, 3]))
    assert (found["lo90"] < found["mean"]).all()
    assert found["se"]["b"] > 0  # three that agree do not prove that there is no spread


def test_variants_add_what_they_differ_by_and_not_the_sampling_in_it() -> None:
    random = np.random.default_rng(3)
    documents = {}
    for number in range(2000):
        level = random.uniform(3, 7)
        documents[f"{number:04}"] = [
            list(level + random.normal(scale=0.6) + random.normal(scale=0.4, size=3)) for _ in range(3)
        ]
    found = document_uncertainty(answers(documents))
    assert np.sqrt((found["sd_sample"] ** 2).mean()) == pytest.approx(0.4, rel=0.03)
    assert np.sqrt((found["sd_variant"] ** 2).mean()) == pytest.approx(0.6, rel=0.05)
    assert np.sqrt((found["se"] ** 2).mean()) == pytest.approx(np.sqrt(0.36 / 3 + 0.16 / 9), rel=0.05)


@pytest.mark.parametrize("spread", [0.0, 0.4, 0.6])
def test_the_interval_holds_the_truth_in_nine_of_ten_documents_or_a_few_more(spread: float) -> None:
    random = np.random.default_rng(5)
    truth, sds = random.uniform(2, 8, 3000), random.uniform(0.7 - spread, 0.7 + spread, 3000)
    documents = {f"{n:04}": [list(truth[n] + random.normal(scale=sds[n], size=3))] for n in range(3000)}
    found = document_uncertainty(answers(documents))
    assert 0.89 <= ((found["lo90"] <= truth) & (truth <= found["hi90"])).mean() <= 0.95


def test_single_answers_of_several_variants_have_an_interval_too() -> None:
    found = document_uncertainty(answers({"a": [[4], [6]], "b": [[5], [5]]}))
    assert found["sd_sample"].isna().all()
    assert found["se"].tolist() == pytest.approx(found["sd_variant"] / np.sqrt(2))


def test_intervals_end_where_the_scale_does() -> None:
    found = document_uncertainty(answers({"a": [[10, 8]], "b": [[0, 2]]}), scale=(0, 10))
    assert found["hi90"]["a"] == 10
    assert found["lo90"]["b"] == 0


def test_the_error_of_a_weighted_mean_grows_with_what_errors_have_in_common() -> None:
    weights, groups = [2, 1, 1], ["11", "11", "29"]
    assert effective_number(weights) == pytest.approx(1 / (0.25 + 2 / 16))
    assert weighted_mean_error(weights, 0.8, groups, 0) == pytest.approx(0.8 * np.sqrt(0.375))
    assert weighted_mean_error(weights, 0.8, groups, 1) == pytest.approx(0.8 * np.sqrt(0.75**2 + 0.25**2))
    assert weighted_mean_error(weights, [0.8] * 3, groups, 0.2) == weighted_mean_error(weights, 0.8, groups, 0.2)


def test_what_has_no_weight_needs_no_error_and_what_has_some_needs_one() -> None:
    assert weighted_mean_error([1, 1, 0], [0.5, 0.5, np.nan], "aab", 0.2) is not None
    assert weighted_mean_error([1, 1, 1], [0.5, 0.5, np.nan], "aab", 0.2) is None
    assert weighted_mean_error([0, np.nan], 0.5, "ab", 0) is None
    assert effective_number([]) is None


def test_draws_repeat_themselves_and_leave_alone_what_has_no_error() -> None:
    drawn = draw_scores([3, 5], [0.5, np.nan], seed=9)
    assert drawn.shape == (1000, 2)
    assert (drawn == draw_scores([3, 5], [0.5, np.nan], seed=9)).all()
    assert (drawn[:, 1] == 5).all()
    assert drawn[:, 0].std() == pytest.approx(0.5, rel=0.1)


def test_errors_of_one_group_go_together_as_far_as_is_said() -> None:
    drawn = draw_scores([0] * 3, 1, groups=["11", "11", "29"], correlation=0.4, draws=20_000)
    together = np.corrcoef(drawn.T)
    assert together[0, 1] == pytest.approx(0.4, abs=0.03)
    assert together[0, 2] == pytest.approx(0, abs=0.03)
    assert drawn.std(axis=0) == pytest.approx(1, abs=0.03)


def test_ranks_are_sure_as_far_as_scores_lie_apart() -> None:
    ranks = rank_intervals(draw_scores([9, 5, 5.1, 1], 0.3))
    assert ranks.low.tolist() == [1, 2, 2, 4]
    assert ranks.high.tolist() == [1, 3, 3, 4]


def test_edges_lie_where_a_score_changes_its_tier() -> None:
    assert tier_edges(TIERS) == [1.5, 3.5]  # whole numbers: by the rounded score
    assert tier_edges([(0, 2.5), (2.5, 10)]) == [2.5]
    assert tier_edges([(0, 10)]) == []


def test_a_tier_is_kept_surely_in_its_middle_and_half_the_time_at_its_edge() -> None:
    scores = [2.5, 3.5, 8.0]
    kept = tier_kept(draw_scores(scores, 0.3), scores, tier_edges(TIERS))
    assert kept == pytest.approx([1, 0.5, 1], abs=0.05)


def test_the_expected_share_does_not_jump_at_the_threshold() -> None:
    below, above = (draw_scores([score, 2.0], 0.5) for score in (6.99, 7.01))
    shares = [expected_share(drawn, [60, 40], 7) for drawn in (below, above)]
    assert shares[0] is not None
    assert shares[1] is not None
    assert shares[0].value == pytest.approx(0.3, abs=0.03)
    assert shares[1].value == pytest.approx(shares[0].value, abs=0.02)
    assert (shares[0].low, shares[0].high) == (0, 0.6)
    assert shares[0].value == pytest.approx(float(at_least(below, 7) @ [0.6, 0.4]))
    assert expected_share(below, [0, 0], 7) is None


def test_the_expected_share_lies_in_its_interval_where_one_document_is_nearly_all_of_the_weight() -> None:
    drawn = draw_scores([5.0, 2.0], 1.0)
    share = expected_share(drawn, [1000, 1], 6.8)  # in one draw of thirty
    assert share is not None
    assert share.low <= share.value <= share.high
    assert np.quantile((drawn >= 6.8) @ np.array([1000, 1]) / 1001, 0.95) < share.value


def test_of_many_documents_the_expected_share_is_what_draws_of_few_come_to() -> None:
    chance = np.random.default_rng(5)
    scores, errors = chance.normal(5, 1.6, 800).round(1), chance.choice([0.0, 0.5, 0.9], 800)
    jobs, groups = chance.lognormal(3, 1.5, 800), [f"g{number % 9}" for number in range(800)]
    drawn = expected_share(draw_scores(scores, errors, groups=groups, correlation=0.2), jobs, 7)
    worked_out = expected_share_of_many(scores, errors, jobs, 7, groups=groups, correlation=0.2)
    assert drawn is not None
    assert worked_out is not None
    for name in ("value", "low", "high"):
        assert getattr(worked_out, name) == pytest.approx(getattr(drawn, name), abs=0.015)
    assert expected_share_of_many([5.0], [1.0], [0], 7, groups=["g"], correlation=0.2) is None
