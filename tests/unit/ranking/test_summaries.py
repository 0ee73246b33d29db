"""Jobs, wages and means by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure_dagster.corpora.terms import (
    EDUCATION_ORDER,
    OUTLOOK_ORDER,
    SEVERAL_GROUPS,
    SOC_MAJOR_GROUPS,
    soc_major_group,
)
from exposure_dagster.parsing.education import EDUCATION_LEVELS
from exposure_dagster.prompts.model import RankedAttribute, RankingDefinition, Tier
from exposure_dagster.ranking.pay import PAY_BANDS, band_labels, bands_of, currency_of, sign_of
from exposure_dagster.ranking.rankings import FACT_COLUMNS, rank_documents
from exposure_dagster.ranking.summaries import summarize
from exposure_dagster.tables import SUMMARIES

drawn = settings(max_examples=20, deadline=None, derandomize=True)

GROUPINGS = ["all", "tier", "pay_band", "education", "category", "outlook", "soc_major_group", "score_threshold"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A scored document, as far as groups go by it."""

    score: float | None = 5.0
    jobs: int | None = 1_000
    median_pay_annual: float | None = 50_000
    entry_education: str | None = "Bachelor's degree"
    outlook_desc: str | None = "Decline"
    category: str | None = "legal"
    soc_major_group: str | None = "Legal"


def definition(low: float = 0, high: float = 10, tiers: tuple[Tier, ...] | None = None) -> RankingDefinition:
    return RankingDefinition(
        title="Exposure",
        description=None,
        scale_low=low,
        scale_high=high,
        attributes=(RankedAttribute(key="score", title="Score", level_labels=(), weight=1),),
        tiers=tiers or (Tier(label="low", range=(0, 4)), Tier(label="high", range=(5, 10))),
    )


def rankings(rows: Sequence[Row], how: RankingDefinition) -> pd.DataFrame:
    ids = [f"d{n}" for n in range(len(rows))]
    frame = pd.DataFrame([vars(row) for row in rows], columns=list(Row.__dataclass_fields__)).assign(doc_id=ids)
    frame["jobs"] = frame["jobs"].astype("Int64")
    facts = frame.drop(columns="score").reindex(columns=list(FACT_COLUMNS)).assign(title=ids)
    scores = frame[["doc_id", "score"]].assign(
        score=frame["score"].astype("float64"),
        status=["failed" if row.score is None else "ok" for row in rows],
        **dict.fromkeys(("score_sd", "attributes", "rationale", "scorer", "model", "prompt_hash", "scored_at"), None),
    )
    return rank_documents("p", scores, facts, how)


def summary(*rows: Row, how: RankingDefinition | None = None) -> pd.DataFrame:
    how = how or definition()
    return summarize("p", rankings(rows, how), how, pd.Series(dtype=float))


def groups(frame: pd.DataFrame, grouping: str) -> pd.DataFrame:
    return frame[frame["grouping"] == grouping].sort_values("group_order").set_index("group_label")


def labels(frame: pd.DataFrame, grouping: str) -> list[str]:
    return list(groups(frame, grouping).index)


# All


def test_a_summary_counts_documents_jobs_and_wages_and_takes_means() -> None:
    frame = summary(Row(score=2, jobs=3_000, median_pay_annual=10_000), Row(score=8, jobs=1_000))
    assert tuple(frame.columns) == SUMMARIES.column_names
    total = groups(frame, "all").loc["All"]
    assert (total["occupations"], total["scored"], total["jobs"], total["wages"]) == (2, 2, 4_000, 80_000_000)
    assert (total["mean_score"], total["job_weighted_mean"]) == (5.0, 3.5)


def test_a_document_without_a_score_is_counted_and_not_averaged() -> None:
    total = groups(summary(Row(score=2), Row(score=None, jobs=7_000)), "all").loc["All"]
    assert (total["occupations"], total["scored"], total["jobs"], total["mean_score"]) == (2, 1, 8_000, 2.0)
    assert total["job_weighted_mean"] == 2.0


def test_a_document_without_jobs_has_no_weight_and_one_without_pay_no_wages() -> None:
    total = groups(summary(Row(score=2, jobs=None), Row(score=6, median_pay_annual=None)), "all").loc["All"]
    assert (total["mean_score"], total["job_weighted_mean"], total["wages"]) == (4.0, 6.0, 0.0)


def test_a_group_without_a_single_score_has_no_mean() -> None:
    total = groups(summary(Row(score=None)), "all").loc["All"]
    assert total[["mean_score", "job_weighted_mean"]].isna().all()


# Groups


@pytest.mark.parametrize(
    ("pay", "band"),
    [
        (5_000, "below $35K"),
        (34_999, "below $35K"),
        (35_000, "$35K to $50K"),
        (49_999.99, "$35K to $50K"),
        (50_000, "$50K to $75K"),
        (75_000, "$75K to $100K"),
        (100_000, "$100K and more"),
        (239_200, "$100K and more"),
    ],
)
def test_a_pay_band_includes_its_lower_bound(pay: float, band: str) -> None:
    assert list(band_labels(pd.Series([pay]), PAY_BANDS)) == [band]


def test_bands_of_another_currency_hold_a_fifth_of_the_documents_each() -> None:
    pay = pd.Series([310_000.0, 385_500.0, 420_000.0, 505_000.0, 612_000.0, 780_000.0, 830_000.0, None])
    bands = bands_of("NOK", pay)
    assert [label for label, _, _ in bands] == [
        "below NOK 390K",
        "NOK 390K to NOK 450K",
        "NOK 450K to NOK 570K",
        "NOK 570K to NOK 750K",
        "NOK 750K and more",
    ]
    assert band_labels(pay, bands).iloc[-1] is None or pd.isna(band_labels(pay, bands).iloc[-1])
    assert bands_of("NOK", pd.Series([None, None], dtype="float64")) == ()


def test_the_currency_is_that_of_most_documents_with_pay() -> None:
    pay = pd.Series([1.0, 1.0, 1.0, None])
    assert currency_of(pd.Series(["EUR", "EUR", None, "NOK"]), pay) == "EUR"
    assert currency_of(pd.Series(["EUR", None, None, None]), pay) == "USD"
    assert currency_of(pd.Series(["EUR"]), pd.Series([None])) is None
    assert [sign_of(code) for code in ("USD", "EUR", "NOK")] == ["$", "€", "NOK "]


@pytest.mark.parametrize(
    ("grouping", "lacking", "own_group"),
    [
        ("tier", Row(score=None), "No tier"),
        ("pay_band", Row(median_pay_annual=None), "No annual pay"),
        ("education", Row(entry_education=None), "No education given"),
        ("category", Row(category=None), "No category"),
        ("outlook", Row(outlook_desc=None), "No outlook given"),
        ("soc_major_group", Row(soc_major_group=None), "No SOC code"),
    ],
)
def test_documents_without_the_figure_are_a_group_of_their_own_and_stand_last(
    grouping: str, lacking: Row, own_group: str
) -> None:
    frame = summary(lacking, Row(), lacking)
    assert labels(frame, grouping)[-1] == own_group
    assert groups(frame, grouping).loc[own_group, "occupations"] == 2


def test_groups_stand_in_their_own_order_and_not_by_the_alphabet() -> None:
    rows = [
        Row(entry_education=education, outlook_desc=outlook, score=score)
        for education, outlook, score in [
            ("Master's degree", "Much faster than average", 9),
            ("No formal educational credential", "Decline", 1),
            ("Bachelor's degree", "As fast as average", 5),
        ]
    ]
    frame = summary(*rows)
    assert labels(frame, "education") == ["No formal educational credential", "Bachelor's degree", "Master's degree"]
    assert labels(frame, "outlook") == ["Decline", "As fast as average", "Much faster than average"]
    assert labels(frame, "tier") == ["low", "high"]


def test_levels_that_onet_names_stand_among_those_of_bls() -> None:
    names = ("Bachelor's degree", "High school diploma", "Doctoral degree", "No formal educational credential")
    names = (*names, "Less than a high school diploma", "Post-secondary certificate", "Some college, no degree")
    order = groups(summary(*(Row(entry_education=name) for name in names)), "education")["group_order"]
    assert list(order.index) == [
        *("No formal educational credential", "Less than a high school diploma", "High school diploma"),
        *("Post-secondary certificate", "Some college, no degree", "Bachelor's degree", "Doctoral degree"),
    ]


def test_the_levels_of_each_source_keep_the_order_that_it_gives_them() -> None:
    of_onet = list(EDUCATION_LEVELS.values())
    assert [name for name in EDUCATION_ORDER if name in of_onet] == of_onet
    of_bls = [
        *("No formal educational credential", "High school diploma or equivalent", "Some college, no degree"),
        *("Postsecondary nondegree award", "Associate's degree", "Bachelor's degree", "Master's degree"),
        "Doctoral or professional degree",
    ]
    assert [name for name in EDUCATION_ORDER if name in of_bls] == of_bls
    assert set(EDUCATION_ORDER) == {*of_onet, *of_bls}


def test_a_label_that_nobody_foresaw_is_a_group_as_well() -> None:
    frame = summary(Row(), Row(entry_education="Micro-credential"))
    assert labels(frame, "education") == ["Bachelor's degree", "Micro-credential"]


def test_two_tiers_of_one_name_are_counted_once() -> None:
    tiers = (Tier(label="edge", range=(0, 2)), Tier(label="middle", range=(3, 7)), Tier(label="edge", range=(8, 10)))
    frame = summary(Row(score=1), Row(score=5), Row(score=9), how=definition(tiers=tiers))
    assert dict(groups(frame, "tier")["occupations"]) == {"edge": 2, "middle": 1}


# Thresholds


def test_the_upper_part_of_the_scale_is_counted_from_seven_and_from_eight() -> None:
    frame = summary(Row(score=6.99), Row(score=7), Row(score=7.5), Row(score=8), Row(score=None))
    assert dict(groups(frame, "score_threshold")["occupations"]) == {"score ≥ 7": 3, "score ≥ 8": 1}


def test_on_another_scale_the_thresholds_lie_at_the_same_shares_of_it() -> None:
    how = definition(low=1, high=5, tiers=(Tier(label="any", range=(1, 5)),))
    assert labels(summary(Row(score=3.8), how=how), "score_threshold") == ["score ≥ 3.8", "score ≥ 4.2"]


def test_a_threshold_that_nobody_reaches_is_shown_with_nobody() -> None:
    threshold = groups(summary(Row(score=1)), "score_threshold").loc["score ≥ 8"]
    assert (threshold["occupations"], threshold["jobs"], threshold["wages"]) == (0, 0, 0)


def test_without_documents_only_the_thresholds_stand() -> None:
    assert set(summary()["grouping"]) == {"score_threshold"}


# What must hold of any table

ROWS = st.builds(
    Row,
    score=st.none() | st.integers(0, 100).map(lambda tenth: tenth / 10),
    jobs=st.none() | st.integers(0, 4_000_000),
    median_pay_annual=st.none() | st.integers(20_000, 239_200).map(float),
    entry_education=st.none() | st.sampled_from(EDUCATION_ORDER),
    outlook_desc=st.none() | st.sampled_from(OUTLOOK_ORDER),
    category=st.none() | st.sampled_from(["legal", "math"]),
    soc_major_group=st.none() | st.sampled_from([*SOC_MAJOR_GROUPS.values(), SEVERAL_GROUPS]),
)


@drawn
@given(rows=st.lists(ROWS, min_size=1, max_size=25))
def test_the_groups_of_every_grouping_add_up_to_all_documents(rows: list[Row]) -> None:
    frame = summary(*rows)
    assert frame["grouping"].drop_duplicates().tolist() == GROUPINGS
    assert not frame.duplicated(list(SUMMARIES.key)).any()
    for grouping in GROUPINGS[:-1]:
        members = groups(frame, grouping)
        assert members["occupations"].sum() == len(rows)
        assert members["scored"].sum() == sum(row.score is not None for row in rows)
        assert members["jobs"].sum() == sum(row.jobs or 0 for row in rows)
        wages = sum((row.jobs or 0) * (row.median_pay_annual or 0) for row in rows)
        assert members["wages"].sum() == pytest.approx(wages)
        assert members["group_order"].tolist() == list(range(1, len(members) + 1))


@drawn
@given(rows=st.lists(ROWS, min_size=1, max_size=25))
def test_means_lie_within_the_scores_and_a_higher_threshold_holds_no_more(rows: list[Row]) -> None:
    frame = summary(*rows)
    scores = [row.score for row in rows if row.score is not None]
    for column in ("mean_score", "job_weighted_mean"):
        means = frame[column].dropna().astype("float64")
        assert means.empty or min(scores) - 1e-9 <= means.min() <= means.max() <= max(scores) + 1e-9
    seven, eight = groups(frame, "score_threshold")["occupations"]
    assert eight <= seven <= len(scores)


# SOC major groups


@pytest.mark.parametrize(
    ("code", "codes", "group"),
    [
        ("29-1141", ["29-1141"], "Healthcare practitioners and technical"),
        ("35-2010", ["35-2011", "35-2012"], "Food preparation and serving related"),
        (None, ["47-2061", "47-3011"], "Construction and extraction"),
        (None, ["15-1252", "13-1161"], SEVERAL_GROUPS),
        ("11-1011", ["11-1011", "13-1161"], "Management"),
        (None, [], None),
        ("99-9999", ["99-9999"], None),
    ],
)
def test_a_page_is_in_the_major_group_of_its_own_code_or_of_all_it_covers(
    code: str | None, codes: list[str], group: str | None
) -> None:
    assert soc_major_group(code, codes) == group
