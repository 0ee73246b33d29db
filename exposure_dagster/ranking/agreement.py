"""How far a prompt's scores agree with published indices, and where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from exposure_dagster.indices.expected import Band, expected_band
from exposure_dagster.reliability import agreement as statistics
from exposure_dagster.tables import AGREEMENT, DISAGREEMENTS

ALL, ROLLED_UP = "all", "rolled_up"
"""The documents themselves; occupations whose tasks were scored."""

FEWEST_PAIRS = 10
"""Fewer have no interval: three documents in one order would be given one without any width."""

DRAWS = 1000
_FEWER_DRAWS = 200
_MANY_PAIRS = 5000
"""Of so many pairs the interval is a few hundredths wide: a fifth of the draws finds it as well."""


@dataclass(frozen=True)
class Compared:
    """Scores (doc_id, title, score) beside what indices say of the same documents (index, doc_id, value)."""

    subset: str
    scores: pd.DataFrame
    values: pd.DataFrame


@dataclass(frozen=True)
class Agreement:
    """Rows of ranked.agreement and of ranked.disagreements."""

    agreement: pd.DataFrame
    disagreements: pd.DataFrame


def agree(prompt: str, compared: Iterable[Compared], scale: Band, scales: Mapping[str, Band | None]) -> Agreement:
    """Hold a prompt's scores, on its `scale`, against every index that speaks of a scored document.

    `scales` are those of the indices: mean error and bias are said only where an index is on the prompt's own.
    """
    rows: list[dict[str, object]] = []
    places = []
    for one in compared:
        scored = one.scores[one.scores["score"].notna()]
        for index, values in one.values[one.values["value"].notna()].groupby("index", sort=True):
            pairs = scored.merge(values[["doc_id", "value"]], on="doc_id").sort_values("doc_id", ignore_index=True)
            if pairs.empty:
                continue
            subject = {"prompt": prompt, "reference": str(index), "subset": one.subset}
            is_one_scale = scales.get(str(index)) == scale
            rows.append({**subject, **_figures(pairs, len(scored), is_one_scale), **_expected(prompt, str(index))})
            places.append(_places(pairs).assign(**subject))
    columns = list(DISAGREEMENTS.column_names)
    return Agreement(
        pd.DataFrame(rows, columns=list(AGREEMENT.column_names)),
        pd.concat(places)[columns] if places else pd.DataFrame(columns=columns),
    )


def _figures(pairs: pd.DataFrame, scored: int, is_one_scale: bool) -> dict[str, float | int | None]:
    ours, theirs = pairs["score"], pairs["value"]
    interval = None
    if len(pairs) >= FEWEST_PAIRS:
        interval = statistics.spearman_interval(ours, theirs, draws=DRAWS if len(pairs) < _MANY_PAIRS else _FEWER_DRAWS)
    return {
        "n": len(pairs),
        "coverage": len(pairs) / scored,
        "spearman": statistics.spearman(ours, theirs),
        "lo": None if interval is None else interval.low,
        "hi": None if interval is None else interval.high,
        "kendall_b": statistics.kendall_b(ours, theirs),
        "pearson": statistics.pearson(ours, theirs),
        "top_decile": statistics.top_decile_overlap(ours, theirs),
        "bottom_decile": statistics.bottom_decile_overlap(ours, theirs),
        "mae": statistics.mean_absolute_error(ours, theirs) if is_one_scale else None,
        "bias": statistics.bias(ours, theirs) if is_one_scale else None,
    }


def _expected(prompt: str, index: str) -> dict[str, float | None]:
    low, high = expected_band(prompt, index) or (None, None)
    return {"expected_low": low, "expected_high": high}


def _places(pairs: pd.DataFrame) -> pd.DataFrame:
    """Percentiles among the pairs, the widest gap first."""
    ours, theirs = (100 * pairs[name].rank(pct=True) for name in ("score", "value"))
    found = pairs.assign(percentile_ours=ours, percentile_theirs=theirs, gap=(ours - theirs).round(9))
    order = found["gap"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order]
