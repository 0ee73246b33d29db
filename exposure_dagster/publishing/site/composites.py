"""What a composite comes to: layers of the site weighed into one number for each document of their set.

The page does the same sum for a mix of one's own (`web/src/mix.js`), so that a mix can be kept as a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from exposure_dagster.prompts.composites import Composite

LOW, HIGH = 0, 10
_OUTLOOK = (-20.0, 20.0)
"""The scale of the projected change, in percent, as the page colours it."""


def composite_rows(
    document: Mapping[str, Any], composites: Iterable[Composite]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of the table of composites, and why those are left out that cannot be made of what is published.

    `document` is the site's data without composites. A document that lacks one of the values has no composite.
    """
    layers = {layer["id"]: layer for layer in document["layers"]}
    frames, left_out = [], []
    for composite in composites:
        unknown = [name for name in composite.weights if name not in layers]
        sets = {layers[name]["set"] for name in composite.weights if name in layers}
        if composite.name in layers:
            left_out.append(f"{composite.name}: a prompt has this name")
        elif unknown:
            left_out.append(f"{composite.name}: nothing published is called {', '.join(unknown)}")
        elif len(sets) > 1:
            left_out.append(
                f"{composite.name}: its layers are of {' and '.join(sorted(sets))}, which share no documents"
            )
        else:
            documents = next(one for one in document["sets"] if one["name"] == next(iter(sets)))
            frames.append(_rows(composite, layers, documents))
    return (pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()), tuple(left_out)


def _rows(composite: Composite, layers: Mapping[str, Any], documents: Mapping[str, Any]) -> pd.DataFrame:
    weighed = [(_positions(layers[name], documents), weight) for name, weight in composite.weights.items()]
    total = sum(abs(weight) for _, weight in weighed)

    def mean(at: int) -> float | None:
        parts = [(positions[at], weight) for positions, weight in weighed]
        if any(place is None for place, _ in parts):
            return None
        shares = (abs(weight) * (place if weight > 0 else 1 - place) for place, weight in parts if place is not None)
        return round(LOW + (HIGH - LOW) * sum(shares) / total, 6)

    scores = pd.Series([mean(at) for at in range(len(documents["id"]))], dtype="float64")
    rows = pd.DataFrame(
        {
            "composite": composite.name,
            "rank": scores.rank(method="min", ascending=False).astype("Int64"),
            "doc_id": documents["id"],
            "title": [title or doc_id for title, doc_id in zip(documents["title_of"], documents["id"], strict=True)],
            "score": scores,
            "jobs": pd.Series(documents["jobs"], dtype="Int64"),
        }
    )
    return rows.sort_values(["rank", "title", "doc_id"], na_position="last", ignore_index=True)


def _positions(layer: Mapping[str, Any], documents: Mapping[str, Any]) -> Sequence[float | None]:
    """Where each value lies on the layer's scale, 0 to 1: pay by its logarithm, education by its place in the order."""
    if layer["kind"] != "figure":
        return [_between(value, layer["low"], layer["high"]) for value in layer["value"]]
    column = documents[layer["column"]]
    if layer["unit"] == "education":
        return [_between(place, 0, len(column["names"]) - 1) for place in column["at"]]
    if layer["unit"] == "percent":
        return [_between(value, *_OUTLOOK) for value in column]
    low, high = documents["money"]["low"], documents["money"]["high"]
    logs = [None if value is None else math.log(max(value, 1)) for value in column]
    return [_between(value, math.log(low), math.log(high)) for value in logs]


def _between(value: float | None, low: float, high: float) -> float | None:
    return None if value is None else min(1.0, max(0.0, (value - low) / ((high - low) or 1)))
