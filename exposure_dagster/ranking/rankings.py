"""From standing answers to ranks, percentiles, tiers and wages.

Shapes: `scores` is scored.scores of one prompt, `facts` one row a document of the prompt's corpus
(see `FACT_COLUMNS`), the result is ranked.rankings.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from exposure_dagster.prompts.model import Quadrants, RankingDefinition, Tier
from exposure_dagster.ranking.resilience import composite
from exposure_dagster.tables import RANKINGS

FACT_COLUMNS = (
    "doc_id",
    "title",
    "category",
    "jobs",
    "median_pay_annual",
    "pay_currency",
    "pay_basis",
    "pay_is_top_coded",
    "outlook_pct",
    "outlook_desc",
    "entry_education",
    "soc_code",
    "soc_major_group",
    "url",
)
"""What is known about a document besides its answers; null where the corpus does not say."""


def rank_documents(
    prompt: str,
    scores: pd.DataFrame,
    facts: pd.DataFrame,
    definition: RankingDefinition,
    *,
    ranked_by: pd.Series | None = None,
) -> pd.DataFrame:
    """Rows of ranked.rankings, best first, documents without a score last.

    Ranked by the score, or by `ranked_by`: a number by doc_id. Ties share the lowest rank of their group.
    percentile is the share (0–100) of scored documents whose number is lower or equal.
    wages = jobs × median_pay_annual in pay_currency per year.
    """
    ranked = scores.merge(facts, on="doc_id", how="left", validate="one_to_one")
    ranked["prompt"] = prompt
    ranked["ranking_hash"] = definition.ranking_hash
    ranked["title"] = ranked["title"].fillna(ranked["doc_id"])
    ranked = ranked.assign(**ranks(ranked, definition, ranked_by=ranked_by))
    ranked["wages"] = ranked["jobs"].astype("Float64") * ranked["median_pay_annual"].astype("Float64")
    ranked = ranked.sort_values(["rank", "title", "doc_id"], na_position="last", ignore_index=True)
    return ranked[list(RANKINGS.column_names)]


def ranks(
    scores: pd.DataFrame, definition: RankingDefinition, *, ranked_by: pd.Series | None = None
) -> dict[str, pd.Series]:
    """What ranking says of each row of `scores` (doc_id, status, score, attributes): the columns of ranked.rankings
    that hang on the answers, without any text."""
    score = composite_scores(scores, definition)
    order = score if ranked_by is None else scores["doc_id"].map(ranked_by).where(score.notna())
    return {
        "score": score,
        "rank": order.rank(method="min", ascending=False).astype("Int64"),
        "percentile": order.rank(method="max", pct=True) * 100,
        "tier": assign_tiers(score, definition.tiers),
        "quadrant": assign_quadrants(scores["attributes"].where(score.notna()), definition.quadrants),
    }


def composite_scores(scores: pd.DataFrame, definition: RankingDefinition) -> pd.Series:
    """The one number that is ranked, as float64, null unless status is ok.

    It is the score itself, the score of the prompt's resilience formula, or the weighted mean of the
    attributes: Σ wᵢaᵢ / Σ wᵢ, to nine decimals, so that the order of adding up parts no ties. Null as well
    where an answer lacks an attribute: it answered a version of the prompt that did not ask for it.
    """
    is_ok = scores["status"] == "ok"
    if definition.resilience is not None:
        by_document = attribute_frame(scores, definition).set_axis(scores["doc_id"])
        return composite(by_document, definition.resilience)["ai_proof_score"].set_axis(scores.index)
    weights = {attribute.key: attribute.weight for attribute in definition.attributes}
    total = sum(weights.values())

    def weighted_mean(attributes: object) -> float:
        if not isinstance(attributes, str):
            return float("nan")
        values = json.loads(attributes)
        if not weights.keys() <= values.keys():
            return float("nan")
        return round(float(sum(weight * values[key] for key, weight in weights.items()) / total), 9)

    means = scores["attributes"].map(weighted_mean).astype("float64")
    return means.where(scores["attributes"].notna(), scores["score"].astype("float64")).where(is_ok)


def estimate_errors(scores: pd.DataFrame, definition: RankingDefinition) -> pd.Series:
    """The standard error of each score that is the baseline's, by the examples that were left out, as float64.

    Null for a model's answers, without a score, and where an attribute that counts has too few examples to tell.
    The errors of several attributes are taken to go together, Σ wᵢeᵢ / Σ wᵢ, and not to cancel out: they come from the
    same words of the same text. Ceilings and floors of a resilience formula are passed over.
    """
    weights = _linear_weights(definition)
    total = sum(weights.values())

    def weighted_mean(errors: object) -> float:
        known = json.loads(errors) if isinstance(errors, str) else {}
        if not weights.keys() <= known.keys():
            return float("nan")
        return float(sum(weight * known[key] for key, weight in weights.items()) / total)

    errors = scores["standard_errors"].map(weighted_mean).astype("float64")
    return errors.where(composite_scores(scores, definition).notna())


def _linear_weights(definition: RankingDefinition) -> dict[str, float]:
    """What each attribute adds to the score, without those that add nothing."""
    if definition.resilience is None:
        return {one.key: one.weight for one in definition.attributes if one.weight > 0}
    return definition.resilience.linear_weights


def attribute_frame(scores: pd.DataFrame, definition: RankingDefinition) -> pd.DataFrame:
    """A column (float64) for each attribute, by the index of `scores`; all null unless status is ok."""
    answered = scores["attributes"].where(scores["status"] == "ok")
    values = [json.loads(text) if isinstance(text, str) else {} for text in answered]
    keys = [attribute.key for attribute in definition.attributes]
    return pd.DataFrame(values, index=scores.index, columns=keys, dtype="float64")


def assign_tiers(scores: pd.Series, tiers: Sequence[Tier]) -> pd.Series:
    """The label of each score's tier; null without a score or where no tier covers it.

    Where the tiers are given in whole numbers, a fractional score belongs to the tier of its rounded value
    (halves go up). Otherwise a tier reaches up to where the next one begins, and the last to its upper bound.
    """
    labels = pd.Series(None, index=scores.index, dtype="object")
    known = scores.round(9)
    if all(float(bound).is_integer() for tier in tiers for bound in tier.range):
        rounded = np.floor(known + 0.5)
        for tier in tiers:
            labels[rounded.between(*tier.range)] = tier.label
        return labels
    ordered = sorted(tiers, key=lambda tier: tier.range)
    for position, tier in enumerate(ordered, start=1):
        low, high = (round(bound, 9) for bound in tier.range)
        is_below_end = known < round(ordered[position].range[0], 9) if position < len(ordered) else known <= high
        labels[(known >= low) & is_below_end] = tier.label
    return labels


def assign_quadrants(attributes: pd.Series, quadrants: Quadrants | None) -> pd.Series:
    """The label of each document's quadrant; null without quadrants or without an answer.

    `attributes` holds JSON, as in scored.scores. A value at its cut-off is high, to nine decimals.
    """
    if quadrants is None:
        return pd.Series(None, index=attributes.index, dtype="object")
    named = {
        (True, True): quadrants.labels.both,
        (True, False): quadrants.labels.x_only,
        (False, True): quadrants.labels.y_only,
        (False, False): quadrants.labels.neither,
    }

    def label(text: object) -> str | None:
        if not isinstance(text, str):
            return None
        values = json.loads(text)
        if not {quadrants.x, quadrants.y} <= values.keys():
            return None
        is_x_high = round(values[quadrants.x], 9) >= quadrants.x_cut_off
        is_y_high = round(values[quadrants.y], 9) >= quadrants.y_cut_off
        return named[is_x_high, is_y_high]

    return attributes.map(label).astype("object")
