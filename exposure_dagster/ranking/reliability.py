"""How well repeated answers agree: by sample, by model, and by place in a request.

Shapes: `answers` has a row for each accepted answer that stands behind a prompt's scores (doc_id, model, wording,
sample, position) and a column for each attribute; the result is ranked.reliability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from exposure_dagster.reliability.agreement import Level, krippendorff_alpha
from exposure_dagster.reliability.intraclass import IntraclassForm, intraclass
from exposure_dagster.tables import RELIABILITY

SAMPLE, MODEL, WORDING, POSITION = "sample", "model", "wording", "position"
_SAMPLE_FORMS = (IntraclassForm.ONE_SINGLE, IntraclassForm.ONE_MEAN)
_MODEL_FORMS = (IntraclassForm.AGREEMENT_SINGLE, IntraclassForm.AGREEMENT_MEAN)
_Z95 = 1.959963984540054


def reliability(prompt: str, answers: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """Rows of ranked.reliability. A facet that was not varied has none: one sample says nothing of another.

    Samples of one model are interchangeable: ICC(1,1) of one, ICC(1,k) of their mean (Shrout and Fleiss 1979). Models
    and wordings are not: ICC(A,1) and ICC(A,k) of their means (McGraw and Wong 1996). For all of them Krippendorff's
    alpha (2011), ordinal.
    Of positions it is the change of an answer, in units of the scale, from the first place in a request to the last.
    """
    rows = [row for key in attributes for row in _of_attribute(answers, key)]
    frame = pd.DataFrame(rows, columns=[name for name in RELIABILITY.column_names if name != "prompt"])
    frame.insert(0, "prompt", prompt)
    return frame[list(RELIABILITY.column_names)]


def _of_attribute(answers: pd.DataFrame, key: str) -> Iterator[dict[str, Any]]:
    every = answers[answers[key].notna()]
    known = every[every["wording"] == ""]
    for model, of_model in known.groupby("model", sort=True):
        by_sample = of_model.pivot_table(index="doc_id", columns="sample", values=key)
        facet = SAMPLE if known["model"].nunique() == 1 else f"{SAMPLE} of {model}"
        yield from _agreement(by_sample, key, facet, _SAMPLE_FORMS)
    by_model = known.pivot_table(index="doc_id", columns="model", values=key)
    yield from _agreement(by_model, key, MODEL, _MODEL_FORMS)
    by_wording = every.pivot_table(index="doc_id", columns="wording", values=key)
    yield from _agreement(by_wording, key, WORDING, _MODEL_FORMS)
    yield from _position_effect(known, key)


def _agreement(
    ratings: pd.DataFrame, key: str, facet: str, forms: Sequence[IntraclassForm]
) -> Iterator[dict[str, Any]]:
    if ratings.shape[1] < 2:
        return
    for form in forms:
        found = intraclass(ratings.to_numpy(), form)
        if found is not None:
            yield {
                "attribute": key,
                "facet": facet,
                "n": found.n,
                "k": found.k,
                "statistic": form.value,
                "value": found.value,
                "lo": found.low,
                "hi": found.high,
            }
    compared = ratings[ratings.notna().sum(axis=1) > 1]
    alpha = krippendorff_alpha(ratings.to_numpy(), Level.ORDINAL)
    if alpha is not None:
        yield {
            "attribute": key,
            "facet": facet,
            "n": len(compared),
            "k": float(ratings.shape[1]),
            "statistic": "alpha, ordinal",
            "value": alpha,
            "lo": None,
            "hi": None,
        }


def _position_effect(known: pd.DataFrame, key: str) -> Iterator[dict[str, Any]]:
    """The slope of answers over the place in the request (0 first, 1 last), documents and models held fixed, with its
    95 % interval. Only documents that stood in several places tell anything."""
    placed = known[known["position"].notna() & (known["together"] > 1)]
    place = (placed["position"].astype(float) - 1) / (placed["together"].astype(float) - 1)
    groups = [placed["doc_id"], placed["model"]]
    x = place - place.groupby(groups).transform("mean")
    y = placed[key] - placed[key].groupby(groups).transform("mean")
    spread = float((x**2).sum())
    cells = placed.groupby(["doc_id", "model"]).ngroups
    degrees = len(placed) - cells - 1
    if not spread > 0 or degrees < 1:
        return
    slope = float((x * y).sum()) / spread
    error = float(np.sqrt(((y - slope * x) ** 2).sum() / degrees / spread))
    half = _Z95 * error
    yield {
        "attribute": key,
        "facet": POSITION,
        "n": len(placed),
        "k": float(placed["together"].max()),
        "statistic": "slope",
        "value": slope,
        "lo": slope - half,
        "hi": slope + half,
    }
