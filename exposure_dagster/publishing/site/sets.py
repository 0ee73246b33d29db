"""Sets of documents that share a map, with what is known about each document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from exposure_dagster.corpora import ONET_CORPUS, OOH_CORPUS
from exposure_dagster.publishing.content import HANDBOOK_SOURCE, PROJECTIONS_SOURCE, PublishedTable
from exposure_dagster.publishing.site.columns import coded, column, dates, plain, texts
from exposure_dagster.ranking.summaries import EDUCATION_ORDER, OUTLOOK_ORDER

_CATEGORY_NAMES = {
    "education-training-and-library": "Education, training, and library",
    "farming-fishing-and-forestry": "Farming, fishing, and forestry",
    "installation-maintenance-and-repair": "Installation, maintenance, and repair",
    "life-physical-and-social-science": "Life, physical, and social science",
}
"""Groups of the handbook whose commas the page's address does not keep."""

_NO_CATEGORY = "Other"

_FIGURES = ("pay", "outlook", "education")
"""Figures of a set whose sources are named one by one."""

_ONET_AUTHOR = "U.S. Department of Labor, Employment and Training Administration, CC BY 4.0"


def handbook_set(handbook: pd.DataFrame) -> dict[str, Any]:
    """The handbook's pages."""
    rows = handbook.sort_values("slug", ignore_index=True)
    modified = sorted(day for day in dates(rows, "last_modified") if day)
    return {
        "name": OOH_CORPUS,
        "title": "Handbook occupations",
        "note": "One page of the Occupational Outlook Handbook each.",
        "years": {
            "base": _latest(rows, "base_year"),
            "projection": _latest(rows, "projection_year"),
            "pay": _latest(rows, "pay_year"),
        },
        "modified": [modified[0], modified[-1]] if modified else [None, None],
        "sources": {name: [HANDBOOK_SOURCE] for name in _FIGURES},
        **_facts(rows, rows["slug"], [_handbook_category(slug) for slug in rows["category"]]),
        "description": column(rows, "description"),
        "aliases": [texts(names) for names in column(rows, "aliases")],
    }


def onet_set(rankings: pd.DataFrame, resilience: Sequence[PublishedTable], onet: pd.DataFrame) -> dict[str, Any]:
    """O*NET's occupations by SOC major group, with what the resilience tables say of them.

    `onet` is that of the published content. `shares` has for each occupation that shares the jobs of its row of
    the projections: how many equal parts of how many it has, the row's jobs and the row's SOC code.
    """
    rows = rankings.sort_values("doc_id", ignore_index=True)
    facts = _facts(rows, rows["doc_id"], [plain(group) or _NO_CATEGORY for group in rows["soc_major_group"]])
    facts["url"] = [None] * len(rows)
    more = pd.DataFrame(index=rows.index)
    if resilience:
        more = resilience[0].rows.set_index("onet_code").reindex(rows["doc_id"])
    origins = onet.set_index("onet_code").reindex(rows["doc_id"]) if len(onet) else pd.DataFrame(index=rows.index)
    pay_is_projected = set(column(origins, "pay_origin")) <= {"projections", None}
    return {
        "name": ONET_CORPUS,
        "title": "O*NET occupations",
        "note": (
            "A finer division than the handbook's. Several occupations can lie in one row of the employment "
            "projections. The jobs of each are then an equal share of the row's, which says nothing about how many "
            "work in one specialty; openings and outlook, and pay where it comes from there, are the whole row's."
        ),
        "years": {
            "base": _latest(origins, "base_year"),
            "projection": _latest(origins, "projection_year"),
            "pay": _latest(origins, "wage_year") if pay_is_projected else None,
        },
        "sources": {name: _onet_sources(origins, name) for name in _FIGURES},
        "shares": _shares(origins),
        **facts,
        "url_pattern": "https://www.onetonline.org/link/summary/{id}",
        "job_zone": column(more, "job_zone"),
        "openings": column(more, "openings"),
        "aliases": [texts(titles) for titles in column(more, "sample_titles")],
    }


def ranked_set(corpus: str, rankings: pd.DataFrame) -> dict[str, Any]:
    """The documents of any other corpus, with what a ranking says about them."""
    rows = rankings.sort_values("doc_id", ignore_index=True)
    has_categories = rows["category"].notna().any()
    categories = [plain(category) or (_NO_CATEGORY if has_categories else corpus) for category in rows["category"]]
    return {
        "name": corpus,
        "title": corpus,
        "note": "",
        "sources": {name: [f"own documents ({corpus})"] for name in _FIGURES},
        **_facts(rows, rows["doc_id"], categories),
    }


def _onet_sources(origins: pd.DataFrame, figure: str) -> list[str]:
    """Where a figure of O*NET's occupations comes from, the source of most of them first."""
    counts = Counter(origin for origin in column(origins, f"{figure}_origin") if origin)
    release = next((text for text in column(origins, "onet_release") if text), None)
    base, projection = _latest(origins, "base_year"), _latest(origins, "projection_year")
    names = {
        "page": f"O*NET OnLine, {_ONET_AUTHOR}",
        "database": f"O*NET Database{f' {release}' if release else ''}, {_ONET_AUTHOR}",
        "projections": f"{PROJECTIONS_SOURCE}{f' {base}–{projection}' if base else ''}",
    }
    if len(counts) < 2:
        return [names[origin] for origin in counts]
    return [f"{names[origin]} (for {count})" for origin, count in counts.most_common()]


def _shares(origins: pd.DataFrame) -> list[list[Any] | None]:
    names = ("shares", "sharing", "row_jobs", "projection_soc_code")
    rows = zip(*(column(origins, name) for name in names), strict=True)
    return [list(row) if row[0] and row[0] < row[1] else None for row in rows]


def _facts(rows: pd.DataFrame, ids: pd.Series, categories: Sequence[str]) -> dict[str, Any]:
    """What every set can say of its documents."""
    return {
        "id": list(ids),
        "title_of": column(rows, "title"),
        "category": coded(categories),
        "jobs": column(rows, "jobs"),
        "change": column(rows, "employment_change"),
        "pay": column(rows, "median_pay_annual"),
        "pay_hourly": column(rows, "median_pay_hourly"),
        "pay_is_top_coded": [int(value is True) for value in column(rows, "pay_is_top_coded")],
        "education": coded(column(rows, "entry_education"), EDUCATION_ORDER),
        "experience": coded(column(rows, "work_experience")),
        "training": coded(column(rows, "training")),
        "outlook": column(rows, "outlook_pct"),
        "outlook_desc": coded(column(rows, "outlook_desc"), OUTLOOK_ORDER),
        "soc": column(rows, "soc_code"),
        "codes": [texts(codes) for codes in column(rows, "onet_codes")],
        "url": column(rows, "url"),
        "modified_at": coded(dates(rows, "last_modified")),
    }


def _latest(rows: pd.DataFrame, name: str) -> int | None:
    years = [year for year in column(rows, name) if year is not None]
    return max(years, default=None)


def _handbook_category(slug: Any) -> str:
    """A group of the handbook as people write it, from its part of the page's address."""
    if not isinstance(slug, str) or not slug:
        return _NO_CATEGORY
    return _CATEGORY_NAMES.get(slug, slug.replace("-", " ").capitalize())
