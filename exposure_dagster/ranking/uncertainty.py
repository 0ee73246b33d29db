"""How sure each ranked score is, and what is summed up of them.

Shapes: `rankings` is ranked.rankings of one prompt, `answers` every accepted answer that stands behind it (columns
doc_id, wording, variant, score: a variant or none, that and who was asked, and the number that is ranked), the
result is ranked.uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd

from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.ranking.summaries import THRESHOLD_SHARES
from exposure_dagster.reliability.arrays import Floats
from exposure_dagster.reliability.sampling_rule import tier_edges
from exposure_dagster.reliability.uncertainty import (
    MOST_DRAWN,
    Ranks,
    at_least,
    at_least_by_error,
    document_uncertainty,
    draw_scores,
    interval90,
    rank_intervals,
    rank_intervals_of_many,
    tier_kept,
    tier_kept_by_error,
)
from exposure_dagster.tables import UNCERTAINTY


class Method(StrEnum):
    """By what an interval is known; `NONE` where a single answer is all there is."""

    SAMPLES = "samples"
    MODELS = "models"
    WORDINGS = "wordings"
    LEFT_OUT = "left-out examples"
    LEFT_OUT_ANSWERS = "left-out answers"
    NONE = "none"


def uncertainty(
    prompt: str,
    rankings: pd.DataFrame,
    answers: pd.DataFrame,
    definition: RankingDefinition,
    estimate_errors: pd.Series,
    *,
    most_drawn: int = MOST_DRAWN,
) -> pd.DataFrame:
    """Rows of ranked.uncertainty: one for each document that has a score, by doc_id.

    `estimate_errors` are the standard errors of estimates by doc_id: the baseline's from its examples, or, where a
    model answered about some documents, from its answers. A score stands where it is ranked; its interval is as wide as
    its answers say. The threshold is that of ranked.summaries, the upper 30 % of the scale.
    """
    scored = rankings[rankings["score"].notna()].sort_values("doc_id", ignore_index=True)
    scale = (definition.scale_low, definition.scale_high)
    by_answers = document_uncertainty(answers, scale).reindex(scored["doc_id"]).reset_index(drop=True)
    estimated = estimate_errors.reindex(scored["doc_id"]).reset_index(drop=True)
    error = by_answers["se"].where(by_answers["se"].notna(), estimated)
    low, high = (pd.Series(bound).clip(*scale) for bound in interval90(scored["score"], estimated))
    is_known = error.notna()
    is_ranked_by_score = definition.resilience is None
    edges = tier_edges([tier.range for tier in definition.tiers])
    ranks, kept, reached = _as_drawn(scored["score"], error, edges, threshold(definition), most_drawn)
    wordings = answers.groupby("doc_id")["wording"].nunique().reindex(scored["doc_id"]).reset_index(drop=True)
    method = np.select(
        [estimated.notna(), wordings > 1, by_answers["variants"] > 1, by_answers["se"].notna()],
        [Method.LEFT_OUT if answers.empty else Method.LEFT_OUT_ANSWERS, Method.WORDINGS, Method.MODELS, Method.SAMPLES],
        Method.NONE,
    )
    # an interval of the answers lies about the mean of the models' means, which is the score but for its rounding
    shift = scored["score"] - by_answers["mean"]
    rows = pd.DataFrame(
        {
            "prompt": prompt,
            "doc_id": scored["doc_id"],
            "mean": scored["score"],
            "answers": by_answers["answers"].astype("Int64"),
            "sd_sample": by_answers["sd_sample"],
            "sd_variant": by_answers["sd_variant"],
            "se": error,
            "lo90": (by_answers["lo90"] + shift).where(by_answers["lo90"].notna(), low).clip(*scale),
            "hi90": (by_answers["hi90"] + shift).where(by_answers["hi90"].notna(), high).clip(*scale),
            "rank_lo90": pd.Series(ranks.low).where(is_known & is_ranked_by_score).astype("Int64"),
            "rank_hi90": pd.Series(ranks.high).where(is_known & is_ranked_by_score).astype("Int64"),
            "p_tier": pd.Series(kept).where(is_known),
            "p_ge_threshold": pd.Series(reached).where(is_known),
            "method": method,
        }
    )
    return rows[list(UNCERTAINTY.column_names)]


def _as_drawn(
    scores: pd.Series, error: pd.Series, edges: Sequence[float], bound: float, most_drawn: int
) -> tuple[Ranks, Floats, Floats]:
    """Between which ranks each score lies, how surely in its tier, and how surely at or above a bound."""
    if len(scores) > most_drawn:
        return (
            rank_intervals_of_many(scores, error),
            tier_kept_by_error(scores, error, edges),
            at_least_by_error(scores, error, bound),
        )
    drawn = draw_scores(scores, error)
    return rank_intervals(drawn), tier_kept(drawn, scores, edges), at_least(drawn, bound)


def threshold(definition: RankingDefinition) -> float:
    """Where the upper part of the scale begins, as ranked.summaries has it first: 7 on a scale from 0 to 10."""
    return definition.scale_low + THRESHOLD_SHARES[0] * (definition.scale_high - definition.scale_low)
