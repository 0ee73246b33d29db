"""Sets of documents that share a map, with what is known about each document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from exposure_dagster.core.columns import coded, column, dates, texts
from exposure_dagster.corpora.corpus import Corpus
from exposure_dagster.corpora.terms import EDUCATION_ORDER, OUTLOOK_ORDER, soc_major_group
from exposure_dagster.publishing.site.money import currencies_of, money_of

_NO_CATEGORY = "Other"


def documents_set(corpus: Corpus, shown: pd.DataFrame, ranked: pd.DataFrame) -> dict[str, Any]:
    """The set of a corpus: of the documents that were ranked, or of all where the corpus shows all.

    `shown` are the rows of the corpus's `SiteView.query`; `ranked` those of rankings, which stand in for documents that
    are no longer among the former: of a file of one's own that is not set any more, say.
    """
    view = corpus.site
    known = shown if view.shows_unranked else shown[shown["doc_id"].isin(ranked["doc_id"])]
    gone = ranked[~ranked["doc_id"].isin(shown["doc_id"])].drop_duplicates("doc_id")
    rows = pd.concat([frame for frame in (known, gone) if len(frame)] or [known], ignore_index=True)
    rows = rows.sort_values("doc_id", ignore_index=True)
    if view.category_column == "soc_major_group":
        groups = [soc_major_group(code, []) for code in rows["soc_code"]]
        rows = rows.assign(soc_major_group=pd.Series(groups, index=rows.index, dtype="object"))
    return {
        "name": corpus.name,
        "title": corpus.title,
        "is_joined_on": corpus.is_joined_on,
        "link": view.link,
        "note": view.note,
        **view.head(rows),
        **_facts(rows, _categories(corpus, rows)),
        **view.columns(rows),
    }


def _categories(corpus: Corpus, rows: pd.DataFrame) -> list[str]:
    names = [corpus.site.category(name) for name in column(rows, corpus.site.category_column)]
    rest = _NO_CATEGORY if any(names) else corpus.title
    return [name or rest for name in names]


def _facts(rows: pd.DataFrame, categories: Sequence[str]) -> dict[str, Any]:
    """What every set can say of its documents. Pay is in the one currency of the set (see `money_of`)."""
    money = money_of(rows)
    paid = rows.reindex(columns=["median_pay_annual", "median_pay_hourly"])
    if money is not None:
        paid = paid.where(currencies_of(rows) == money["currency"])
    return {
        "money": money,
        "id": list(rows["doc_id"]),
        "title_of": column(rows, "title"),
        "category": coded(categories),
        "jobs": column(rows, "jobs"),
        "change": column(rows, "employment_change"),
        "pay": column(paid, "median_pay_annual"),
        "pay_hourly": column(paid, "median_pay_hourly"),
        "pay_is_top_coded": [int(value is True) for value in column(rows, "pay_is_top_coded")],
        "education": coded(column(rows, "entry_education"), [*_own_levels(rows), *EDUCATION_ORDER]),
        "experience": coded(column(rows, "work_experience")),
        "training": coded(column(rows, "training")),
        "outlook": column(rows, "outlook_pct"),
        "outlook_desc": coded(column(rows, "outlook_desc"), OUTLOOK_ORDER),
        "soc": column(rows, "soc_code"),
        "codes": [texts(codes) for codes in column(rows, "onet_codes")],
        "url": column(rows, "url"),
        "modified_at": coded(dates(rows, "last_modified")),
    }


def _own_levels(rows: pd.DataFrame) -> list[str]:
    """The levels of education that the corpus itself puts into an order, lowest first."""
    if "education_order" not in rows:
        return []
    ordered = rows[rows["education_order"].notna() & rows["entry_education"].notna()]
    return list(ordered.groupby("entry_education")["education_order"].min().sort_values(kind="stable").index)
