"""What the panel of a role says of the occupation that it is taken to be."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from exposure_dagster.core.columns import column, texts

_HOW = {
    "exact": "by its exact title",
    "similar": "by a similar title",
    "given": "by its file",
    "corrected": "by a correction",
}


def occupation_lines(matches: pd.DataFrame, doc_ids: Sequence[str]) -> dict[str, list[list[str]]]:
    """By label what is said of each document, in the order of `doc_ids`: lists that are empty where nothing is.

    `matches` are rows of role_occupations. Of an occupation that is not accepted nothing is said.
    """
    accepted = matches[matches["is_accepted"].astype(bool)].drop_duplicates("doc_id")
    names = (*accepted.columns,)
    values = {name: column(accepted, name) for name in names}
    found = {doc_id: {name: values[name][place] for name in names} for place, doc_id in enumerate(values["doc_id"])}
    lines: dict[str, list[list[str]]] = {
        "Taken to be": [],
        "Jobs in that occupation": [],
        "Pay in that occupation": [],
        "Indices of that occupation": [],
        "Its nearest relatives": [],
    }
    for doc_id in doc_ids:
        row = found.get(doc_id, {})
        for label, said in zip(lines, _said(row) if row else ((),) * len(lines), strict=True):
            lines[label].append(list(said))
    return {label: said for label, said in lines.items() if any(said)}


def _said(row: dict[str, object]) -> tuple[Sequence[str], ...]:
    jobs, pay = row["occupation_jobs"], row["occupation_pay_annual"]
    indices = row["occupation_indices"]
    least = "at least " if row["occupation_pay_is_top_coded"] else ""
    return (
        [f"{row['occupation']} ({row['onet_code']}, {_HOW[str(row['how'])]})"],
        [] if jobs is None else [f"{jobs:,} ({row['occupation_jobs_basis']})"],
        [] if pay is None else [f"{least}{pay:,} {row['occupation_pay_currency']} a year"],
        [] if indices is None else [f"{name} {value:g}" for name, value in json.loads(str(indices)).items()],
        texts(row["neighbours"]),
    )
