"""The resilience ranking: composite, ceiling, floor, signals, final ranking."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.growth import GrowthCategory
from exposure_dagster.prompts.formula import ResilienceFormula
from exposure_dagster.prompts.model import RankedAttribute, RankingDefinition
from exposure_dagster.ranking.rankings import estimate_errors
from exposure_dagster.ranking.resilience import (
    composite,
    final_ranking,
    growth_signal,
    openings_signal,
    rank_resilience,
    rounded,
)

BLOCK: dict[str, Any] = {
    "scale": (1, 5),
    "defensive": {
        "share": 0.65,
        "weights": {"a1": 1.5, "a2": 1.0, "a3": 1.5, "a4": 1.5, "a5": 1.0, "a6": 0.7, "a7": 0.7, "a8": 1.0},
    },
    "offensive": {"share": 0.35, "weights": {"a9": 1.0, "a10": 1.0}},
    "ceiling": {"attributes": ("a1", "a3", "a4"), "at_most": 2, "score": 2.5},
    "floor": {"attributes": ("a9", "a10"), "at_least": 5, "score": 3.0},
    "signals": {"score": 0.50, "growth": 0.30, "openings": 0.20},
    "growth_categories": {
        "Decline": 0,
        "Little or no change": 0.2,
        "Slower than average": 0.4,
        "Average": 0.6,
        "Faster than average": 0.8,
        "Much faster than average": 1,
    },
}
FORMULA = ResilienceFormula.model_validate(BLOCK)
KEYS = FORMULA.attributes

properties = settings(deadline=None, max_examples=50)

Answer = dict[str, float]
answers = st.fixed_dictionaries({key: st.integers(1, 5).map(float) for key in KEYS})
means_of_samples = st.fixed_dictionaries({key: st.integers(4, 20).map(lambda fourths: fourths / 4) for key in KEYS})


def frame_of(*rows: Answer) -> pd.DataFrame:
    return pd.DataFrame(list(rows), index=pd.Index([f"row {number}" for number in range(len(rows))]))


def score_of(answer: Answer, formula: ResilienceFormula = FORMULA) -> float:
    return float(composite(frame_of(answer), formula)["ai_proof_score"].iloc[0])


def all_at(value: float, **others: float) -> Answer:
    return {key: float(others.get(key, value)) for key in KEYS}


def without_rules() -> ResilienceFormula:
    return ResilienceFormula.model_validate({**BLOCK, "ceiling": None, "floor": None})


# --- composite


def test_the_attributes_are_in_the_order_of_their_numbers() -> None:
    assert KEYS == ("a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10")


def test_the_example_of_the_documentation_comes_out_as_by_hand() -> None:
    answer = dict(zip(KEYS, map(float, (4, 5, 4, 5, 4, 3, 2, 3, 4, 3)), strict=True))
    (row,) = composite(frame_of(answer), FORMULA).to_dict("records")
    # 1.5·4 + 1·5 + 1.5·4 + 1.5·5 + 1·4 + .7·3 + .7·2 + 1·3 = 35, over 8.9
    assert row["defensive"] == pytest.approx(35 / 8.9)
    assert row["offensive"] == pytest.approx(3.5)
    assert row["ai_proof_score"] == 3.8


@properties
@given(means_of_samples)
def test_the_score_stays_on_the_scale(answer: Answer) -> None:
    (row,) = composite(frame_of(answer), FORMULA).to_dict("records")
    assert all(1 <= row[name] <= 5 for name in ("defensive", "offensive", "ai_proof_score"))


@properties
@given(means_of_samples, st.sampled_from(KEYS), st.floats(0, 4))
def test_a_higher_attribute_never_lowers_the_score(answer: Answer, key: str, by: float) -> None:
    assert score_of({**answer, key: min(5.0, answer[key] + by)}) >= score_of(answer)


@properties
@given(means_of_samples)
def test_the_score_has_one_decimal(answer: Answer) -> None:
    assert score_of(answer) == round(score_of(answer), 1)


@properties
@given(st.integers(1, 5))
def test_equal_attributes_give_their_own_value(value: int) -> None:
    assert score_of(all_at(value), without_rules()) == value


def test_halves_are_rounded_up_whatever_binary_fractions_make_of_them() -> None:
    values = pd.Series([2.25, 2.35, 0.65 * 3 + 0.35 * 2, 2.2499, None])
    assert list(rounded(values, 1).dropna()) == [2.3, 2.4, 2.7, 2.2]


# --- ceiling and floor


@properties
@given(answers)
def test_the_ceiling_holds_where_presence_judgment_and_accountability_are_all_low(answer: Answer) -> None:
    answer |= {"a1": min(answer["a1"], 2), "a3": min(answer["a3"], 2), "a4": min(answer["a4"], 2)}
    answer |= {"a9": min(answer["a9"], 4), "a10": min(answer["a10"], 4)}
    assert score_of(answer) == min(2.5, score_of(answer, without_rules()))


@properties
@given(answers, st.sampled_from(["a1", "a3", "a4"]))
def test_one_of_the_three_above_the_bound_is_enough_to_lift_the_ceiling(answer: Answer, key: str) -> None:
    answer |= {key: max(answer[key], 3), "a9": min(answer["a9"], 4), "a10": min(answer["a10"], 4)}
    assert score_of(answer) == score_of(answer, without_rules())


@properties
@given(answers, st.sampled_from(["a9", "a10"]))
def test_the_floor_holds_where_either_offensive_attribute_is_at_the_top(answer: Answer, key: str) -> None:
    answer |= {key: 5.0, "a1": max(answer["a1"], 3)}
    assert score_of(answer) == max(3.0, score_of(answer, without_rules()))


@properties
@given(answers, st.sampled_from(["a9", "a10"]))
def test_where_both_rules_hold_the_floor_wins(answer: Answer, key: str) -> None:
    assert score_of({**answer, "a1": 1.0, "a3": 2.0, "a4": 2.0, key: 5.0}) == 3.0


def test_a_mean_of_samples_just_below_the_top_does_not_reach_the_floor() -> None:
    answer = all_at(1, a1=3, a9=4.9)
    assert score_of(answer) == score_of(answer, without_rules())


# --- answers that cannot be


@pytest.mark.parametrize("value", [0, 0.99, 5.01, 6])
def test_an_attribute_outside_the_scale_is_refused_with_its_place(value: float) -> None:
    with pytest.raises(ScoringError, match=rf"^row 1: attribute a7 is {value:g}, outside the scale 1 to 5"):
        composite(frame_of(all_at(3), all_at(3, a7=value)), FORMULA)


def test_an_answer_that_lacks_an_attribute_is_refused() -> None:
    with pytest.raises(ScoringError, match=r"^row 0: the answer lacks attribute a10"):
        composite(frame_of(all_at(3, a10=math.nan)), FORMULA)


def test_no_answer_at_all_is_no_score() -> None:
    assert composite(frame_of(all_at(math.nan), all_at(3)), FORMULA)["ai_proof_score"].isna().tolist() == [True, False]


# --- signals


def occupations(*rows: dict[str, Any]) -> pd.DataFrame:
    default = {
        "is_scoreable": True,
        "job_zone": 3,
        "median_wage_annual": 50_000,
        "growth_category": "Average",
        "employment_change_pct": 3.0,
        "openings": 1_000,
        "projection_match": "exact",
        "sample_titles": ("Someone",),
    }
    return pd.DataFrame(
        [{"onet_code": f"11-10{number}.00", "title": f"T{number}", **default, **row} for number, row in enumerate(rows)]
    )


def test_growth_is_the_signed_logarithm_put_between_the_lowest_and_the_highest() -> None:
    growth = growth_signal(occupations(*({"employment_change_pct": percent} for percent in (-3.0, 0.0, 7.0))), FORMULA)
    low, high = -math.log(4), math.log(8)
    assert growth["growth_norm"].tolist() == pytest.approx([0, -low / (high - low), 1])
    assert set(growth["growth_source"]) == {"percent"}


def test_specialties_and_combined_codes_take_the_value_of_their_category() -> None:
    frame = occupations(
        {"employment_change_pct": -3.0},
        {"employment_change_pct": 9.0},
        {"growth_category": "Much faster than average", "projection_match": "specialty", "employment_change_pct": 50.0},
        {"growth_category": "Faster than average", "projection_match": "combined"},
        {"growth_category": "Average", "projection_match": "specialty"},
    )
    growth = growth_signal(frame, FORMULA)
    assert growth["growth_norm"].tolist() == [0, 1, 1, 0.8, 0.6]
    assert growth["growth_source"].tolist() == ["percent", "percent", "category", "category", "category"]


def test_growth_without_percentage_or_category_is_missing() -> None:
    frame = occupations({}, {"growth_category": None, "employment_change_pct": None, "projection_match": None})
    growth = growth_signal(frame, FORMULA)
    assert growth.iloc[1].isna().all()


def test_openings_are_logarithms_and_none_at_all_is_missing() -> None:
    assert openings_signal(pd.Series([100, 1_000, 10_000])).tolist() == pytest.approx([0, 0.5, 1])
    assert openings_signal(pd.Series([100, 0, None, 10_000])).isna().tolist() == [False, True, True, False]


def test_signals_that_do_not_vary_say_nothing() -> None:
    assert openings_signal(pd.Series([500, 500])).tolist() == [0, 0]


@properties
@given(st.lists(st.floats(-60, 60), min_size=2), st.data())
def test_growth_signals_lie_between_0_and_1_and_keep_the_order(percents: list[float], data: st.DataObject) -> None:
    frame = occupations(*({"employment_change_pct": percent} for percent in percents))
    norms = growth_signal(frame, FORMULA)["growth_norm"].tolist()
    assert all(0 <= norm <= 1 for norm in norms)
    one, other = (data.draw(st.integers(0, len(percents) - 1)) for _ in range(2))
    assert percents[one] > percents[other] or norms[one] <= norms[other]


# --- final ranking


def ranking_of(score: float, growth: float | None, openings: float | None) -> float:
    row = pd.DataFrame({"score": [score], "growth": [growth], "openings": [openings]}, dtype="float64")
    return float(final_ranking(row["score"], row["growth"], row["openings"], FORMULA).iloc[0])


def test_score_growth_and_openings_are_weighed() -> None:
    assert ranking_of(3.8, 0.75, 0.5) == pytest.approx(0.5 * 0.7 + 0.3 * 0.75 + 0.2 * 0.5)


def test_a_missing_signal_adds_nothing() -> None:
    assert ranking_of(5, None, None) == 0.5


def test_without_a_score_there_is_no_ranking() -> None:
    assert math.isnan(ranking_of(math.nan, 1, 1))


norms = st.none() | st.floats(0, 1)


@properties
@given(st.floats(1, 5), norms, norms)
def test_the_ranking_lies_between_0_and_1(score: float, growth: float | None, openings: float | None) -> None:
    assert 0 <= ranking_of(score, growth, openings) <= 1


@properties
@given(st.floats(1, 5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_of_anything_never_lowers_the_ranking(score: float, growth: float, openings: float, by: float) -> None:
    before = ranking_of(score, growth, openings)
    assert ranking_of(min(5, score + by), growth, openings) >= before
    assert ranking_of(score, min(1, growth + by), openings) >= before
    assert ranking_of(score, growth, min(1, openings + by)) >= before


def test_the_category_table_tells_fast_from_average_growth() -> None:
    """A published ranking counts both kinds of fast growth as average: the gap is 0.06 and 0.12."""
    frame = occupations(
        {"employment_change_pct": -3.0, "openings": 100},
        {"employment_change_pct": 9.0, "openings": 10_000},
        {"growth_category": "Faster than average", "projection_match": "specialty"},
        {"growth_category": "Much faster than average", "projection_match": "specialty"},
    )
    as_average = {**BLOCK["growth_categories"], "Faster than average": 0.6, "Much faster than average": 0.6}
    flawed = ResilienceFormula.model_validate({**BLOCK, "growth_categories": as_average})
    scores, openings = pd.Series([3.0] * 4), openings_signal(frame["openings"])
    ours = final_ranking(scores, growth_signal(frame, FORMULA)["growth_norm"], openings, FORMULA)
    theirs = final_ranking(scores, growth_signal(frame, flawed)["growth_norm"], openings, flawed)
    assert ours.tolist() == [0.25, 0.75, 0.59, 0.65]
    assert (ours - theirs).round(3).tolist() == [0, 0, 0.06, 0.12]


# --- the table


def scores(**answers_by_code: Answer) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"onet_code": code, **answer, "key_drivers": "Because.", "scorer": "baseline"}
            for code, answer in answers_by_code.items()
        ]
    )


FOUR = occupations(
    {"employment_change_pct": -3.0, "openings": 10},
    {"employment_change_pct": 1.0, "openings": 100},
    {"employment_change_pct": 1.0, "openings": 100},
    {"employment_change_pct": 9.0, "openings": 1_000},
)


def test_every_occupation_has_a_row_best_first_and_those_without_a_score_last() -> None:
    table = rank_resilience(
        scores(**{"11-100.00": all_at(2), "11-101.00": all_at(4), "11-102.00": all_at(4)}), FOUR, FORMULA
    )
    assert table["onet_code"].tolist() == ["11-101.00", "11-102.00", "11-100.00", "11-103.00"]
    assert table["rank"].astype(object).where(table["rank"].notna(), None).tolist() == [1, 1, 3, None]
    assert table["key_drivers"].iloc[0] == "Because."
    assert table["scorer"].iloc[0] == "baseline"


def test_the_table_holds_all_that_is_needed_to_recompute_it() -> None:
    table = rank_resilience(scores(**{"11-101.00": all_at(4)}), FOUR, FORMULA)
    assert table.columns.tolist() == [
        *("onet_code", "title", "job_zone", *KEYS, "defensive", "offensive", "ai_proof_score"),
        *("growth_norm", "openings_norm", "growth_source", "final_ranking", "rank", "key_drivers"),
        *("median_wage_annual", "growth_category", "employment_change_pct", "openings", "sample_titles", "scorer"),
    ]
    percent = table["employment_change_pct"]
    signed = percent.map(lambda value: math.copysign(math.log1p(abs(value)), value))
    assert table["growth_norm"].tolist() == pytest.approx(
        ((signed - signed.min()) / (signed.max() - signed.min())).tolist()
    )


def test_scoring_a_few_ranks_them_as_scoring_all_would() -> None:
    answers_of_all = {f"11-10{number}.00": all_at(value) for number, value in enumerate((2, 4, 3, 5))}
    every = rank_resilience(scores(**answers_of_all), FOUR, FORMULA).set_index("onet_code")["final_ranking"]
    one = rank_resilience(scores(**{"11-102.00": all_at(3)}), FOUR, FORMULA).set_index("onet_code")["final_ranking"]
    assert one["11-102.00"] == every["11-102.00"]


def test_answers_about_occupations_that_are_gone_are_left_out() -> None:
    table = rank_resilience(scores(**{"99-9999.00": all_at(4)}), FOUR, FORMULA)
    assert "99-9999.00" not in table["onet_code"].tolist()


def test_an_answer_out_of_range_names_the_occupation() -> None:
    with pytest.raises(ScoringError, match=r"^11-101\.00: attribute a2 is 9"):
        rank_resilience(scores(**{"11-101.00": all_at(4, a2=9)}), FOUR, FORMULA)


# --- the formula's own check


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        ResilienceFormula.model_validate({**BLOCK, **changes})
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"signals": {"score": 0.5, "growth": 0.3, "openings": 0.3}}, "must add up to 1; 0.5 + 0.3 + 0.3 is 1.1"),
        ({"offensive": {"share": 0.3, "weights": {"a9": 1}}}, "must add up to 1; 0.65 + 0.3 is 0.95"),
        ({"offensive": {"share": 0.35, "weights": {"a1": 1}}}, "either defensive or offensive, not both: a1"),
        ({"offensive": {"share": 0.35, "weights": {"a9": 0}}}, "greater than 0"),
        ({"offensive": {"share": 0.35, "weights": {}}}, "at least 1 item"),
        ({"ceiling": {"attributes": ("b1",), "at_most": 2, "score": 2.5}}, "names no attribute of the formula: b1"),
        ({"floor": {"attributes": ("a9",), "at_least": 6, "score": 3}}, "floor: 6 leaves the scale 1 to 5"),
        ({"ceiling": {"attributes": ("a1",), "at_most": 2, "score": 0}}, "ceiling: 0 leaves the scale 1 to 5"),
        ({"scale": (5, 1)}, "5 does not lie below 1"),
        ({"growth_categories": {"Average": 0.5}}, "growth_categories lacks Decline, Little or no change"),
        (
            {"growth_categories": {**BLOCK["growth_categories"], "Decline": 0.5}},
            "Decline stands above Little or no change",
        ),
        ({"growth_categories": {**BLOCK["growth_categories"], "Booming": 1}}, "Booming"),
        ({"bonus": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_formula_that_does_not_hang_together_is_refused(changes: dict[str, Any], what: str) -> None:
    assert what in refusal(**changes)


def test_the_categories_of_the_formula_are_those_of_the_projections() -> None:
    assert set(FORMULA.growth_categories) == set(GrowthCategory)


def test_the_error_of_an_estimate_is_that_of_its_groups_by_their_shares() -> None:
    formula = ResilienceFormula(**BLOCK)
    definition = RankingDefinition(
        title="Resilience",
        description=None,
        scale_low=1,
        scale_high=5,
        attributes=tuple(RankedAttribute(key=key, title=key, level_labels=(), weight=1) for key in formula.attributes),
        tiers=(),
        resilience=formula,
    )
    errors = {key: 1.0 if key in formula.defensive.weights else 2.0 for key in formula.attributes}
    rows = pd.DataFrame(
        {
            "doc_id": ["d"],
            "status": ["ok"],
            "score": [None],
            "attributes": [json.dumps(dict.fromkeys(formula.attributes, 3))],
            "standard_errors": [json.dumps(errors)],
        }
    )
    assert list(estimate_errors(rows, definition)) == [pytest.approx(0.65 * 1 + 0.35 * 2)]
