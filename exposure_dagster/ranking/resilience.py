"""The resilience ranking: from ten attributes a score, and with two signals of the labour market a rank.

    defensive, offensive = weighted means of their attributes
    ai_proof_score = share · defensive + share · offensive, to one decimal; then the ceiling, then the floor
    final_ranking  = w · (score − low) / (high − low) + w · growth_norm + w · openings_norm, to three decimals

Weights, rules and category values are a `ResilienceFormula`. Halves are rounded up. A signal that is
missing adds nothing. Signals are put to 0–1 over all occupations of the list that can be scored, scored
or not, so that scoring three of them gives the ranking values that scoring all of them would.
"""

from __future__ import annotations

import math

import pandas as pd

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.prompts.formula import AttributeGroup, ResilienceFormula

SCORE_DECIMALS = 1
RANKING_DECIMALS = 3

_OWN_ROW = "exact"
_REMEDY = "Score it again, or bring the attributes and the scale of the prompt's ranking in line with what it asks."
_CARRIED = ("median_wage_annual", "growth_category", "employment_change_pct", "openings", "sample_titles")
"""Columns of an occupation that stand beside its rank."""


def rank_resilience(scores: pd.DataFrame, occupations: pd.DataFrame, formula: ResilienceFormula) -> pd.DataFrame:
    """Every scoreable occupation with its score and rank, best first, those without a score last.

    `scores` has `onet_code`, a column for each attribute (all null where there is no answer) and
    `key_drivers`; further columns are handed on. `occupations` are those that can be scored, with the figures of
    parsed.document_facts. Ties share the
    lowest rank of their group. Scores of codes that are not in `occupations` are left out.

    Raises ScoringError where an attribute lies outside the scale, or an answer lacks one.
    """
    keys = list(formula.attributes)
    growth = growth_signal(occupations, formula)
    ranked = occupations.assign(
        growth_norm=growth["growth_norm"],
        growth_source=growth["growth_source"],
        openings_norm=openings_signal(occupations["openings"]),
    ).merge(scores, on="onet_code", how="left", validate="one_to_one")
    ranked = ranked.assign(**composite(ranked.set_index("onet_code")[keys], formula).reset_index(drop=True))
    ranked["final_ranking"] = final_ranking(
        ranked["ai_proof_score"], ranked["growth_norm"], ranked["openings_norm"], formula
    )
    ranked["rank"] = ranked["final_ranking"].rank(method="min", ascending=False).astype("Int64")
    ranked = ranked.sort_values(["rank", "title", "onet_code"], na_position="last", ignore_index=True)
    columns = [
        *("onet_code", "title", "job_zone", *keys, "defensive", "offensive", "ai_proof_score"),
        *("growth_norm", "openings_norm", "growth_source", "final_ranking", "rank", "key_drivers", *_CARRIED),
    ]
    return ranked[[*columns, *(name for name in scores.columns if name not in columns)]]


def composite(attributes: pd.DataFrame, formula: ResilienceFormula) -> pd.DataFrame:
    """Columns `defensive`, `offensive` (unrounded means) and `ai_proof_score` (one decimal), by the frame's index.

    `attributes` has a column for each attribute of the formula; rows without any value have no score.
    Raises ScoringError where a value lies outside the scale, or only some are there; the index names the row.
    """
    keys = list(formula.attributes)
    values = attributes[keys].astype("float64")
    _check_attributes(values, formula)
    defensive, offensive = _mean(values, formula.defensive), _mean(values, formula.offensive)
    score = rounded(formula.defensive.share * defensive + formula.offensive.share * offensive, SCORE_DECIMALS)
    if (ceiling := formula.ceiling) is not None:
        is_low = (values[list(ceiling.attributes)] <= ceiling.at_most).all(axis="columns")
        score = score.mask(is_low, score.clip(upper=ceiling.score))
    if (floor := formula.floor) is not None:
        is_high = (values[list(floor.attributes)] >= floor.at_least).any(axis="columns")
        score = score.mask(is_high, score.clip(lower=floor.score))
    return pd.DataFrame({"defensive": defensive, "offensive": offensive, "ai_proof_score": score})


def growth_signal(occupations: pd.DataFrame, formula: ResilienceFormula) -> pd.DataFrame:
    """Columns `growth_norm` (0–1, null where nothing is known) and `growth_source` (percent, category or null).

    An occupation whose own row the projections have (`projection_match` exact) takes its percentage x as
    sign(x) · ln(1 + |x|), put to 0–1 over all such occupations; any other its category's value.
    """
    is_own = (occupations["projection_match"] == _OWN_ROW) & occupations["employment_change_pct"].notna()
    percent = occupations["employment_change_pct"].astype("float64").where(is_own)
    by_percent = _min_max(percent.map(_signed_log))
    by_category = occupations["growth_category"].map(
        {str(category): value for category, value in formula.growth_categories.items()}
    )
    source = pd.Series(None, index=occupations.index, dtype=object)
    source = source.mask(by_category.notna(), "category").mask(is_own, "percent")
    norm = by_percent.where(is_own, by_category.astype("float64"))
    return pd.DataFrame({"growth_norm": norm, "growth_source": source})


def openings_signal(openings: pd.Series) -> pd.Series:
    """ln(openings), put to 0–1 over all occupations with any; null where there are none or none are known."""
    openings = openings.astype("float64")
    return _min_max(openings.where(openings > 0).map(math.log))


def final_ranking(
    ai_proof_score: pd.Series, growth_norm: pd.Series, openings_norm: pd.Series, formula: ResilienceFormula
) -> pd.Series:
    """The number that is ranked, 0–1 to three decimals; null where there is no score."""
    low, high = formula.scale
    weights = formula.signals
    return rounded(
        weights.score * (ai_proof_score - low) / (high - low)
        + weights.growth * growth_norm.fillna(0)
        + weights.openings * openings_norm.fillna(0),
        RANKING_DECIMALS,
    )


def rounded(values: pd.Series, decimals: int) -> pd.Series:
    """Rounded half up, in decimal: 2.25, which sums of weights reach as 2.2499999999, becomes 2.3."""
    factor = 10**decimals
    return values.map(lambda value: math.floor(value * factor + 0.5 + 1e-9) / factor, na_action="ignore")


def _signed_log(percent: float) -> float:
    return math.copysign(math.log1p(abs(percent)), percent)


def _mean(values: pd.DataFrame, group: AttributeGroup) -> pd.Series:
    weights = pd.Series(group.weights)
    return (values[list(group.weights)] * weights).sum(axis="columns", skipna=False) / weights.sum()


def _min_max(values: pd.Series) -> pd.Series:
    """To 0–1 by the lowest and the highest value; all 0 where these are one."""
    spread = values.max() - values.min()
    return (values - values.min()) / spread if spread > 0 else 0 * values


def _check_attributes(values: pd.DataFrame, formula: ResilienceFormula) -> None:
    low, high = formula.scale
    is_answered = values.notna().any(axis="columns")
    for key, column in values.items():
        outside = column[(column < low) | (column > high)]
        if len(outside):
            what = f"attribute {key} is {outside.iloc[0]:g}, outside the scale {low:g} to {high:g}"
            raise ScoringError(what, where=str(outside.index[0]), remedy=_REMEDY)
        lacking = column[column.isna() & is_answered]
        if len(lacking):
            raise ScoringError(f"the answer lacks attribute {key}", where=str(lacking.index[0]), remedy=_REMEDY)
