"""How sure scores are, and how well repeated answers agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exposure_dagster.prompts.model import RankedAttribute, RankingDefinition, Tier
from exposure_dagster.ranking.reliability import reliability
from exposure_dagster.ranking.uncertainty import Method, uncertainty

TIERS = (Tier(label="low", range=(0, 4)), Tier(label="high", range=(5, 10)))
SCORE = RankedAttribute(key="score", title="Score", level_labels=(), weight=1.0)
DEFINITION = RankingDefinition(
    title="Exposure", description=None, scale_low=0, scale_high=10, attributes=(SCORE,), tiers=TIERS
)
NOTHING = pd.Series(dtype=float)


def answers_of(by_document: dict[str, dict[str, list[float]]]) -> pd.DataFrame:
    """Answers by document and model, in the order of their samples."""
    rows = [
        {"doc_id": doc, "model": model, "wording": "", "variant": model, "sample": number, "score": score}
        for doc, models in by_document.items()
        for model, scores in models.items()
        for number, score in enumerate(scores, start=1)
    ]
    return pd.DataFrame(rows, columns=["doc_id", "model", "wording", "variant", "sample", "score"])


def uncertain(by_document: dict[str, dict[str, list[float]]], errors: pd.Series = NOTHING) -> pd.DataFrame:
    answers = answers_of(by_document)
    means = answers.groupby(["doc_id", "model"])["score"].mean().groupby("doc_id").mean()
    rankings = means.reset_index()
    return uncertainty("p", rankings, answers, DEFINITION, errors).set_index("doc_id")


def test_one_answer_has_no_interval_and_says_so() -> None:
    rows = uncertain({"a": {"m": [3]}, "b": {"m": [8]}})
    assert set(rows["method"]) == {Method.NONE}
    assert rows[["se", "lo90", "hi90", "rank_lo90", "rank_hi90", "p_tier", "p_ge_threshold"]].isna().all(axis=None)
    assert list(rows["mean"]) == [3, 8]


def test_samples_that_differ_more_give_a_wider_interval_and_all_lie_on_the_scale() -> None:
    rows = uncertain({"sure": {"m": [5, 5, 5]}, "unsure": {"m": [1, 5, 9]}, "top": {"m": [10, 10, 9]}})
    assert set(rows["method"]) == {Method.SAMPLES}
    width = rows["hi90"] - rows["lo90"]
    assert width["unsure"] > width["sure"] > 0  # that three agree is no proof that a fourth would
    assert rows["lo90"].min() >= 0
    assert rows["hi90"].max() == 10
    assert (rows["lo90"] <= rows["mean"]).all()
    assert (rows["mean"] <= rows["hi90"]).all()


def test_models_that_disagree_are_told_from_samples_that_do() -> None:
    rows = uncertain({"a": {"m": [2, 2], "n": [8, 8]}, "b": {"m": [5, 5], "n": [5, 6]}})
    assert set(rows["method"]) == {Method.MODELS}
    assert rows.loc["a", "sd_variant"] > rows.loc["a", "sd_sample"]
    assert list(rows["answers"]) == [4, 4]


def test_an_estimate_is_as_sure_as_its_left_out_examples_say() -> None:
    rankings = pd.DataFrame({"doc_id": ["a", "b"], "score": [4.0, 9.5]})
    errors = pd.Series({"a": 1.0, "b": 1.0})
    rows = uncertainty("p", rankings, answers_of({}), DEFINITION, errors).set_index("doc_id")
    assert set(rows["method"]) == {Method.LEFT_OUT}
    assert rows.loc["a", "lo90"] == pytest.approx(4 - 1.645, abs=0.001)
    assert rows.loc["b", "hi90"] == 10
    assert rows.loc["a", "p_ge_threshold"] < 0.01
    assert rows.loc["b", "p_ge_threshold"] > 0.98
    assert 0.6 < rows.loc["a", "p_tier"] < 0.76  # the edge lies at 4.5: half a standard error away


def test_ranks_are_as_sure_as_the_scores_behind_them() -> None:
    rankings = pd.DataFrame({"doc_id": list("abcd"), "score": [9.0, 8.9, 8.8, 1.0]})
    rows = uncertainty("p", rankings, answers_of({}), DEFINITION, pd.Series(0.5, index=list("abcd"))).set_index(
        "doc_id"
    )
    assert (rows.loc["a", "rank_lo90"], rows.loc["a", "rank_hi90"]) == (1, 3)
    assert (rows.loc["d", "rank_lo90"], rows.loc["d", "rank_hi90"]) == (4, 4)


def test_the_same_answers_in_another_order_give_the_same_rows() -> None:
    there = {"a": {"m": [2.0, 4.0]}, "b": {"m": [5.0, 5.0]}, "c": {"m": [7.0, 9.0]}}
    back = dict(reversed(there.items()))
    pd.testing.assert_frame_equal(uncertain(there), uncertain(back))


def test_documents_without_a_score_have_no_row() -> None:
    rankings = pd.DataFrame({"doc_id": ["a", "b"], "score": [4.0, None]})
    assert list(uncertainty("p", rankings, answers_of({}), DEFINITION, NOTHING)["doc_id"]) == ["a"]


def reliable(answers: pd.DataFrame, **columns: object) -> pd.DataFrame:
    rows = reliability("p", answers.assign(**{"position": 1, "together": 1, **columns}), ["score"])
    return rows.set_index(["facet", "statistic"])


def test_one_sample_of_one_model_says_nothing_of_another() -> None:
    assert reliable(answers_of({"a": {"m": [3]}, "b": {"m": [8]}})).empty


def test_samples_that_agree_are_reliable_and_random_ones_are_not() -> None:
    draw = np.random.default_rng(1)
    agreeing = reliable(answers_of({f"d{n}": {"m": [n, n, n]} for n in range(10)}))
    random = reliable(answers_of({f"d{n}": {"m": list(draw.integers(0, 11, 3))} for n in range(60)}))
    assert agreeing.loc[("sample", "alpha, ordinal"), "value"] == 1
    assert agreeing.loc[("sample", "ICC(1,1)"), "value"] == pytest.approx(1)
    row = random.loc[("sample", "ICC(1,1)")]
    assert row["lo"] < 0 < row["hi"]
    assert abs(random.loc[("sample", "alpha, ordinal"), "value"]) < 0.2


def test_a_model_that_always_scores_higher_counts_against_agreement_between_models() -> None:
    rows = reliable(answers_of({f"d{n}": {"m": [n, n], "n": [n + 4, n + 4]} for n in range(7)}))
    assert rows.loc[("model", "ICC(A,1)"), "value"] < 0.6
    assert rows.loc[("sample of m", "ICC(1,1)"), "value"] == pytest.approx(1)
    assert rows.loc[("sample of n", "ICC(1,1)"), "value"] == pytest.approx(1)


def test_a_place_in_the_request_that_matters_is_measured_and_one_that_does_not_is_not_found() -> None:
    draw = np.random.default_rng(2)
    rows = [
        {
            "doc_id": f"d{doc}",
            "model": "m",
            "wording": "",
            "variant": "m",
            "sample": sample,
            "position": place,
            "together": 5,
        }
        for doc in range(40)
        for sample, place in enumerate(draw.permutation(5)[:3] + 1, start=1)
    ]
    frame = pd.DataFrame(rows)
    level, noise = frame["doc_id"].str[1:].astype(float) / 5, draw.normal(0, 0.3, len(frame))
    drifting = reliability("p", frame.assign(score=level + noise - (frame["position"] - 1) / 4), ["score"])
    steady = reliability("p", frame.assign(score=level + noise), ["score"])
    found = drifting.set_index("facet").loc["position"]
    assert found["lo"] < -1 < found["hi"] < 0
    unfound = steady.set_index("facet").loc["position"]
    assert unfound["lo"] < 0 < unfound["hi"]


def test_of_many_documents_it_is_worked_out_what_draws_of_few_come_to() -> None:
    chance = np.random.default_rng(4)
    ids = [f"d{number:04}" for number in range(600)]
    rankings = pd.DataFrame({"doc_id": ids, "score": chance.normal(5, 1.6, 600).clip(0, 10).round(1)})
    errors = pd.Series(chance.choice([0.5, 0.9, np.nan], 600), index=ids)
    few, many = (
        uncertainty("p", rankings, answers_of({}), DEFINITION, errors, most_drawn=most).set_index("doc_id")
        for most in (600, 599)
    )
    drawn = ["rank_lo90", "rank_hi90", "p_tier", "p_ge_threshold"]
    assert few.drop(columns=drawn).equals(many.drop(columns=drawn))
    assert few[drawn].isna().equals(many[drawn].isna())
    apart = (few[drawn].astype(float) - many[drawn].astype(float)).abs()
    assert apart[["rank_lo90", "rank_hi90"]].max(axis=None) < 0.06 * 600  # what a thousand draws leave to chance
    assert apart[["p_tier", "p_ge_threshold"]].max(axis=None) < 0.07
    assert many["rank_lo90"].min() >= 1
    assert many["rank_hi90"].max() <= 600
