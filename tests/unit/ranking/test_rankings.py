"""Ranks, percentiles, tiers and wages."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from math import floor

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure_dagster.prompts.model import QuadrantLabels, Quadrants, RankedAttribute, RankingDefinition, Tier
from exposure_dagster.ranking.rankings import (
    FACT_COLUMNS,
    assign_tiers,
    composite_scores,
    estimate_errors,
    rank_documents,
)
from exposure_dagster.tables import RANKINGS

drawn = settings(max_examples=30, deadline=None, derandomize=True)

TIERS = (
    Tier(label="Minimal", range=(0, 1)),
    Tier(label="Low", range=(2, 3)),
    Tier(label="Moderate", range=(4, 5)),
    Tier(label="High", range=(6, 7)),
    Tier(label="Very high", range=(8, 9)),
    Tier(label="Maximum", range=(10, 10)),
)


def definition(weights: Sequence[float] = (1.0,), tiers: tuple[Tier, ...] = TIERS) -> RankingDefinition:
    return RankingDefinition(
        title="Exposure",
        description=None,
        scale_low=0,
        scale_high=10,
        attributes=tuple(
            RankedAttribute(key=f"a{n}", title=f"A{n}", level_labels=(), weight=weight)
            for n, weight in enumerate(weights, start=1)
        ),
        tiers=tiers,
    )


def answers(scores: Sequence[float | None], **columns: object) -> pd.DataFrame:
    """Rows of scored.scores: documents d0, d1, … ; a document without a score failed."""
    frame = pd.DataFrame(
        {
            "doc_id": [f"d{n}" for n in range(len(scores))],
            "score": pd.Series(scores, dtype="float64"),
            "status": ["failed" if score is None else "ok" for score in scores],
            **dict.fromkeys(
                ("score_sd", "attributes", "rationale", "scorer", "model", "prompt_hash", "scored_at"), None
            ),
        }
    )
    return frame.assign(**columns)


def facts(doc_ids: Sequence[str], **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame({"doc_id": list(doc_ids), "title": [f"Title {doc_id}" for doc_id in doc_ids]})
    return frame.reindex(columns=list(FACT_COLUMNS)).assign(**columns)


def ranked(scores: Sequence[float | None], **fact_columns: object) -> pd.DataFrame:
    rows = answers(scores)
    return rank_documents("p", rows, facts(rows["doc_id"], **fact_columns), definition())


def by_document(frame: pd.DataFrame, column: str) -> dict[str, object]:
    values = frame[column].astype("object").where(frame[column].notna(), None)
    return dict(zip(frame["doc_id"], values, strict=True))


# Ranks


def test_the_highest_score_comes_first() -> None:
    assert by_document(ranked([2, 9, 5]), "rank") == {"d1": 1, "d2": 2, "d0": 3}


def test_ties_share_the_lowest_rank_of_their_group_and_stand_by_title() -> None:
    frame = ranked([7, 9, 7, 3, 7], title=["Welders", "Actors", "Bakers", "Cooks", "Judges"])
    assert list(zip(frame["rank"], frame["title"], strict=True)) == [
        (1, "Actors"),
        (2, "Bakers"),
        (2, "Judges"),
        (2, "Welders"),
        (5, "Cooks"),
    ]


def test_a_document_without_a_score_comes_last_without_rank_percentile_or_tier() -> None:
    frame = ranked([None, 4])
    assert list(frame["doc_id"]) == ["d1", "d0"]
    assert frame.loc[1, ["rank", "score", "percentile", "tier"]].isna().all()
    assert frame.loc[0, "percentile"] == 100


def test_an_answer_that_is_not_ok_has_no_score_whatever_stands_there() -> None:
    rows = answers([4, 9]).assign(status=["ok", "refused"])
    frame = rank_documents("p", rows, facts(rows["doc_id"]), definition())
    assert by_document(frame, "rank") == {"d0": 1, "d1": None}


def test_a_document_of_which_nothing_is_known_is_ranked_under_its_id() -> None:
    frame = rank_documents("p", answers([4, 5]), facts(["d0"]), definition())
    assert by_document(frame, "title") == {"d1": "d1", "d0": "Title d0"}


def test_where_nothing_is_scored_there_is_a_table_without_rows() -> None:
    frame = ranked([])
    assert len(frame) == 0
    assert tuple(frame.columns) == RANKINGS.column_names


def test_facts_of_documents_that_were_not_asked_about_are_left_out() -> None:
    frame = rank_documents("p", answers([4]), facts(["d0", "another"]), definition())
    assert list(frame["doc_id"]) == ["d0"]


SCORES = st.lists(
    st.none() | st.integers(0, 10).map(float) | st.integers(0, 30).map(lambda third: third / 3), max_size=40
)


@drawn
@given(scores=SCORES)
def test_every_document_has_a_row_and_every_score_a_rank_by_what_lies_above_it(scores: list[float | None]) -> None:
    frame = ranked(scores)
    known = [score for score in scores if score is not None]
    assert sorted(frame["doc_id"]) == sorted(f"d{n}" for n in range(len(scores)))
    assert by_document(frame, "rank") == {
        f"d{n}": None if score is None else 1 + sum(other > score for other in known) for n, score in enumerate(scores)
    }
    assert frame["rank"].dropna().is_monotonic_increasing


@drawn
@given(scores=SCORES)
def test_a_percentile_is_the_share_of_scores_that_are_not_higher(scores: list[float | None]) -> None:
    known = [score for score in scores if score is not None]
    found = by_document(ranked(scores), "percentile")
    for n, score in enumerate(scores):
        if score is None:
            assert found[f"d{n}"] is None
        else:
            share = Fraction(100 * sum(other <= score for other in known), len(known))
            assert found[f"d{n}"] == pytest.approx(float(share))


# Tiers


@pytest.mark.parametrize(
    ("score", "tier"),
    [
        (0, "Minimal"),
        (1, "Minimal"),
        (1.49, "Minimal"),
        (1.5, "Low"),
        (3.4, "Low"),
        (3.5, "Moderate"),
        (5.5, "High"),
        (7.5, "Very high"),
        (9.49, "Very high"),
        (9.5, "Maximum"),
        (10, "Maximum"),
    ],
)
def test_a_fractional_score_belongs_to_the_tier_of_its_rounded_value(score: float, tier: str) -> None:
    assert list(assign_tiers(pd.Series([score]), TIERS)) == [tier]


def test_a_half_that_arithmetic_missed_by_a_hair_goes_up_as_well() -> None:
    assert list(assign_tiers(pd.Series([1.5 - 1e-12]), TIERS)) == ["Low"]


@drawn
@given(thirds=st.lists(st.integers(0, 30), max_size=20))
def test_every_score_on_the_scale_has_exactly_the_tier_that_covers_its_rounded_value(thirds: list[int]) -> None:
    labels = assign_tiers(pd.Series([third / 3 for third in thirds], dtype="float64"), TIERS)
    for third, label in zip(thirds, labels, strict=True):
        rounded = floor(Fraction(third, 3) + Fraction(1, 2))
        assert [label] == [tier.label for tier in TIERS if tier.range[0] <= rounded <= tier.range[1]]


def test_tiers_with_fractional_bounds_take_the_score_as_it_is() -> None:
    tiers = (Tier(label="lower", range=(1, 2.49)), Tier(label="upper", range=(2.5, 5)))
    assert list(assign_tiers(pd.Series([2.4, 2.5, 2.6]), tiers)) == ["lower", "upper", "upper"]


@pytest.mark.parametrize(
    ("score", "tier"),
    [(1, "lower"), (1.9, "lower"), (1.94, "lower"), (1.9999, "lower"), (2, "middle"), (2.95, "middle"), (3, "upper")],
)
def test_a_score_between_two_fractional_tiers_belongs_to_the_lower_one(score: float, tier: str) -> None:
    tiers = (
        Tier(label="upper", range=(3, 5)),
        Tier(label="lower", range=(1, 1.9)),
        Tier(label="middle", range=(2, 2.9)),
    )
    assert list(assign_tiers(pd.Series([score]), tiers)) == [tier]


def test_fractional_tiers_cover_nothing_below_the_first_and_above_the_last() -> None:
    tiers = (Tier(label="lower", range=(0.2, 0.49)), Tier(label="upper", range=(0.5, 0.8)))
    labels = assign_tiers(pd.Series([0.1, 0.8, 0.81, 0.1 + 0.7, 0.5 - 1e-12]), tiers)
    assert labels.where(labels.notna(), None).tolist() == [None, "upper", None, "upper", "upper"]


def test_a_score_that_no_tier_covers_has_none() -> None:
    labels = assign_tiers(pd.Series([0.0, 5.0, None]), TIERS[1:3])
    assert labels.isna().tolist() == [True, False, True]


def test_without_tiers_there_are_none() -> None:
    assert assign_tiers(pd.Series([3.0]), ()).isna().all()


# Composites


def attributes(*values: float) -> str:
    return json.dumps({f"a{n}": value for n, value in enumerate(values, start=1)})


def test_several_attributes_are_combined_by_their_weights() -> None:
    rows = answers([None, None], status="ok", attributes=[attributes(5, 1), attributes(1, 5)])
    assert list(composite_scores(rows, definition(weights=(3, 1)))) == [4.0, 2.0]


def test_an_attribute_without_weight_does_not_count() -> None:
    rows = answers([None], status="ok", attributes=[attributes(2, 5)])
    assert list(composite_scores(rows, definition(weights=(1, 0)))) == [2.0]


def test_a_composite_without_answers_is_no_number() -> None:
    rows = answers([None, None], status=["ok", "failed"], attributes=[None, attributes(2, 5)])
    assert composite_scores(rows, definition(weights=(1, 1))).isna().all()


@drawn
@given(values=st.lists(st.integers(1, 5), min_size=4, max_size=4))
def test_the_same_answers_in_another_order_share_a_rank(values: list[int]) -> None:
    orders = list(permutations(values))
    rows = answers([None] * len(orders), status="ok", attributes=[attributes(*order) for order in orders])
    frame = rank_documents("p", rows, facts(rows["doc_id"]), definition(weights=(0.7,) * 4))
    assert set(frame["rank"]) == {1}


@drawn
@given(values=st.lists(st.integers(1, 5), min_size=3, max_size=3), weights=st.permutations([1.5, 1.0, 0.7]))
def test_a_composite_lies_between_its_lowest_and_its_highest_attribute(values: list[int], weights: list[float]) -> None:
    rows = answers([None], status="ok", attributes=[attributes(*values)])
    (score,) = composite_scores(rows, definition(weights=weights))
    assert min(values) <= score <= max(values)


# Errors of estimates


def errors_of(
    *errors: dict[str, float] | None, weights: Sequence[float] = (1.0,), **columns: object
) -> list[float | None]:
    rows = answers([None] * len(errors), status="ok", attributes=attributes(*(5.0 for _ in weights)))
    rows = rows.assign(standard_errors=[None if one is None else json.dumps(one) for one in errors], **columns)
    found = estimate_errors(rows, definition(weights=weights))
    return [None if math.isnan(error) else error for error in found]


def test_the_error_of_an_estimate_is_its_attributes_by_their_weights() -> None:
    """As of one error: attributes are estimated from the same words."""
    assert errors_of({"a1": 1.0, "a2": 2.0}, weights=(3, 1)) == [1.25]


def test_an_attribute_without_weight_adds_no_error() -> None:
    assert errors_of({"a1": 1.5}, weights=(1, 0)) == [1.5]


def test_where_an_attribute_that_counts_has_no_error_the_estimate_has_none() -> None:
    assert errors_of({"a1": 1.5}, {}, None, weights=(1, 1)) == [None, None, None]


def test_what_has_no_score_has_no_error() -> None:
    assert errors_of({"a1": 1.5}, {"a1": 1.5}, status=["ok", "failed"]) == [1.5, None]


# Wages


def test_wages_are_jobs_times_annual_pay_and_unknown_where_either_is() -> None:
    frame = ranked(
        [9, 8, 7],
        jobs=pd.Series([1_000, None, 500], dtype="Int64"),
        median_pay_annual=pd.Series([50_000, 60_000, None], dtype="float64"),
    )
    assert by_document(frame, "wages") == {"d0": 50_000_000.0, "d1": None, "d2": None}


def test_hourly_pay_is_never_made_into_wages() -> None:
    frame = ranked([5], jobs=[57_000], median_pay_annual=[None], pay_basis=["hourly_only"])
    assert frame["wages"].isna().all()


# Quadrants

QUADRANTS = Quadrants(
    x="a1",
    y="a2",
    x_cut_off=5,
    y_cut_off=6,
    labels=QuadrantLabels(both="Both", x_only="First", y_only="Second", neither="Neither"),
)


def quadrants_of(*values: tuple[float, float] | None) -> list[str | None]:
    """The quadrants of answers with those two attributes; None is a document without an answer."""
    rows = answers([None] * len(values)).assign(
        status=["failed" if value is None else "ok" for value in values],
        attributes=[None if value is None else json.dumps({"a1": value[0], "a2": value[1]}) for value in values],
    )
    how = definition(weights=(1, 1)).model_copy(update={"quadrants": QUADRANTS})
    named = by_document(rank_documents("p", rows, facts(rows["doc_id"]), how), "quadrant")
    return [named[f"d{n}"] for n in range(len(values))]  # type: ignore[misc]


def test_two_attributes_place_every_document_in_one_of_four_quadrants() -> None:
    assert quadrants_of((9, 9), (9, 1), (1, 9), (1, 1)) == ["Both", "First", "Second", "Neither"]


def test_a_value_at_its_cut_off_is_high_and_one_just_below_is_not() -> None:
    assert quadrants_of((5, 6), (4.9, 6), (5, 5.9), (4.999999, 5.999999)) == ["Both", "Second", "First", "Neither"]
    assert quadrants_of((5 - 1e-12, 6 - 1e-12)) == ["Both"]


def test_a_document_without_an_answer_is_in_no_quadrant() -> None:
    assert quadrants_of(None, (9, 9)) == [None, "Both"]


def test_without_quadrants_the_column_is_empty() -> None:
    assert ranked([3.0, None])["quadrant"].isna().all()
