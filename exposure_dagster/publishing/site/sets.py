"""Sets of documents that share a map, with what is known about each document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from exposure_dagster.core.columns import coded, column, dates, texts
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.corpora.corpus import Corpus, SiteView
from exposure_dagster.corpora.terms import EDUCATION_ORDER, OUTLOOK_ORDER, soc_major_group
from exposure_dagster.publishing.site.everyday_names import everyday_names
from exposure_dagster.publishing.site.matches import occupation_lines
from exposure_dagster.publishing.site.money import currencies_of, money_of
from exposure_dagster.publishing.site.short_names import short_names

_NO_CATEGORY = "Other"


def documents_set(
    corpus: Corpus,
    shown: pd.DataFrame,
    ranked: pd.DataFrame,
    sections: pd.DataFrame | None = None,
    matches: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """The set of a corpus: of the documents that were ranked, or of all where the corpus shows all.

    `shown` are the rows of the corpus's `SiteView.query`; `ranked` those of rankings, which stand in for documents that
    are no longer among the former: of a file of one's own that is not set any more, say. `sections` are the published
    rows of what more is known of documents, `matches` those of the occupations that own documents are taken to be.
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
        **({} if corpus.name in KNOWN_CORPORA else {"is_own": True}),
        "link": view.link,
        "note": view.note,
        **view.head(rows),
        **_facts(rows, _categories(corpus, rows)),
        **_short(column(rows, "title")),
        **_columns(view, rows, matches),
        **_sections(corpus, rows, sections),
    }


def _columns(view: SiteView, rows: pd.DataFrame, matches: pd.DataFrame | None) -> dict[str, Any]:
    columns = view.columns(rows)
    if matches is None:
        return columns
    lines = occupation_lines(matches, list(rows["doc_id"]))
    return {**columns, "classifications": {**columns.get("classifications", {}), **lines}}


def _sections(corpus: Corpus, rows: pd.DataFrame, sections: pd.DataFrame | None) -> dict[str, Any]:
    """The sections that any document has: their items as places in `names`, a list a document.

    An item that is another document of the set is -1 less its place there: its title is not written twice.
    """
    if sections is None:
        return {}
    places = {doc_id: place for place, doc_id in enumerate(rows["doc_id"])}
    of_title = {title: -1 - place for place, title in enumerate(column(rows, "title"))}
    own = sections[sections["corpus"] == corpus.name]
    found = []
    for section in corpus.sections:
        of_section = own[own["section"] == section.name]
        items = dict(zip(of_section["doc_id"], map(texts, column(of_section, "items")), strict=True))
        shown = [items.get(doc_id, []) for doc_id in places]
        names = sorted({name for listed in shown for name in listed} - of_title.keys())
        position = of_title | {name: place for place, name in enumerate(names)}
        if any(shown):
            at = [[position[name] for name in listed] for listed in shown]
            relatives = {"are_relatives": True} if section.names_relatives else {}
            found.append({"title": section.title, "names": names, "at": at, **relatives})
    return {"sections": found} if found else {}


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


def _short(titles: list[str | None]) -> dict[str, list[str | None]]:
    """Short names of the documents that have one beside their title."""
    names = short_names(titles)
    return {"short": names} if any(names) else {}


def _own_levels(rows: pd.DataFrame) -> list[str]:
    """The levels of education that the corpus itself puts into an order, lowest first."""
    if "education_order" not in rows:
        return []
    ordered = rows[rows["education_order"].notna() & rows["entry_education"].notna()]
    return list(ordered.groupby("entry_education")["education_order"].min().sort_values(kind="stable").index)


def further_titles(documents: dict[str, Any], titles: pd.DataFrame | None) -> list[list[str]]:
    """Titles by which the documents of a set go besides those that the set has: a list a document, with what people
    call them. `titles` are those of the corpus, where it has any."""
    groups = () if titles is None else titles.groupby("doc_id")["title"]
    of_document = {str(doc_id): list(rows) for doc_id, rows in groups}
    for doc_id, names in zip(documents["id"], everyday_names(documents["title_of"]), strict=True):
        if names:
            of_document[doc_id] = list(dict.fromkeys([*of_document.get(doc_id, ()), *names]))
    known = zip(
        documents["id"], documents["title_of"], documents.get("aliases") or [[]] * len(documents["id"]), strict=True
    )
    return [
        [name for name in of_document.get(doc_id, ()) if name != title and name not in aliases]
        for doc_id, title, aliases in known
    ]
