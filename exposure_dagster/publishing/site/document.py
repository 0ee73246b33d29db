"""The site's data: one JSON document, by columns, so that it stays small.

    {"digest", "caveats", "baseline_note", "sources", "pay_bands", …,
     "sets":   [a set of documents that share a map: its documents' figures, one list a column],
     "layers": [what the map can be coloured by: a prompt's scores, an attribute, or a figure of the set]}

Lists of a layer run in the order of its set's documents. A column of few different texts is coded:
`{"names": […], "at": [position in names, or null]}`. All text is passed on as it is; the page shows it as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.prompts.model import AskedPrompt, RankedAttribute
from exposure_dagster.publishing.content import BASELINE_NOTE, CAVEATS, PublishedPrompt
from exposure_dagster.publishing.site.content import (
    HANDBOOK,
    ONET,
    PromptChanges,
    Quadrants,
    SiteContent,
    SitePrompt,
    SiteResilience,
)
from exposure_dagster.ranking.summaries import EDUCATION_ORDER, OUTLOOK_ORDER, PAY_BANDS, SOC_MAJOR_GROUPS

FORMAT = 1
"""Raised when the document changes in a way that its readers notice."""

_CATEGORY_NAMES = {
    "education-training-and-library": "Education, training, and library",
    "farming-fishing-and-forestry": "Farming, fishing, and forestry",
    "installation-maintenance-and-repair": "Installation, maintenance, and repair",
    "life-physical-and-social-science": "Life, physical, and social science",
}
"""Groups of the handbook whose commas the page's address does not keep."""

_NO_CATEGORY = "Other"


def site_document(content: SiteContent) -> dict[str, Any]:
    """The whole document; the same content gives the same document."""
    sets = {HANDBOOK: handbook_set(content.occupations)}
    if content.resilience is not None:
        sets[ONET] = onet_set(content.resilience)
    for prompt in content.prompts:
        if prompt.corpus not in sets:
            sets[prompt.corpus] = ranked_set(prompt)
    layers = [layer for prompt in content.prompts for layer in prompt_layers(prompt, sets[prompt.corpus])]
    if content.resilience is not None:
        layers += resilience_layers(content.resilience, sets)
    used = {layer["set"] for layer in layers} | {HANDBOOK}
    kept = [documents for documents in sets.values() if documents["name"] in used and documents["id"]]
    return {
        "format": FORMAT,
        "version": __version__,
        "digest": content.digest,
        "caveats": CAVEATS,
        "baseline_note": BASELINE_NOTE,
        "sources": [{"source": s, "url": u, "licence": licence} for s, u, licence in content.attributions],
        "pay_bands": [{"label": label, "low": low, "high": _plain(high)} for label, low, high in PAY_BANDS],
        "education": list(EDUCATION_ORDER),
        "outlook": list(OUTLOOK_ORDER),
        "sets": kept,
        "layers": [*layers, *(layer for documents in kept for layer in figure_layers(documents))],
    }


def handbook_set(occupations: pd.DataFrame) -> dict[str, Any]:
    """The handbook's pages as a set."""
    rows = occupations.sort_values("slug", ignore_index=True)
    return {
        "name": HANDBOOK,
        "title": "Handbook occupations",
        "note": "One page of the Occupational Outlook Handbook each.",
        "years": {
            "base": _latest(rows, "base_year"),
            "projection": _latest(rows, "projection_year"),
            "pay": _latest(rows, "pay_year"),
        },
        "modified": _range_of_dates(rows, "last_modified"),
        **_figures(rows, rows["slug"], [_category_name(category) for category in rows["category"]]),
        "description": _column(rows, "description"),
        "aliases": [list(names) for names in rows["aliases"]],
    }


def onet_set(resilience: SiteResilience) -> dict[str, Any]:
    """The O*NET occupations as a set, grouped by SOC major group."""
    rows = resilience.rows.sort_values("onet_code", ignore_index=True).rename(
        columns={"median_wage_annual": "median_pay_annual", "employment_change_pct": "outlook_pct"}
    )
    groups = [SOC_MAJOR_GROUPS.get(code[:2], _NO_CATEGORY) for code in rows["onet_code"]]
    has_jobs = "jobs" in rows.columns and rows["jobs"].notna().any()
    return {
        "name": ONET,
        "title": "O*NET occupations",
        "note": "A finer division than the handbook's; "
        + ("each occupation has its share of its page's jobs." if has_jobs else "all are drawn at one size."),
        **_figures(rows, rows["onet_code"], groups),
        "codes": [[code] for code in rows["onet_code"]],
        "url": [f"https://www.onetonline.org/link/summary/{code}" for code in rows["onet_code"]],
        "job_zone": _column(rows, "job_zone"),
        "openings": _column(rows, "openings"),
        "aliases": [_as_list(titles) for titles in _column(rows, "sample_titles")],
        "page": _column(rows, "slug"),
    }


def ranked_set(prompt: SitePrompt) -> dict[str, Any]:
    """The documents of any other corpus as a set, with what its ranking says about them."""
    rows = prompt.published.rankings.sort_values("doc_id", ignore_index=True)
    groups = [_category_name(category) for category in rows["category"]]
    return {"name": prompt.corpus, "title": prompt.corpus, "note": "", **_figures(rows, rows["doc_id"], groups)}


def prompt_layers(prompt: SitePrompt, documents: dict[str, Any]) -> list[dict[str, Any]]:
    """The layer of a prompt's scores, and one for each attribute where it asks for several."""
    published = prompt.published
    definition = published.definition
    rows = published.rankings.set_index("doc_id").reindex(documents["id"])
    attributes = _attribute_values(rows) if len(definition.attributes) > 1 else []
    attribute_layers = [
        _attribute_layer(published, attribute, [values.get(attribute.key) for values in attributes], documents)
        for attribute in definition.attributes
        if any(attribute.key in values for values in attributes)
    ]
    layer = {
        "id": published.name,
        "set": documents["name"],
        "kind": "score",
        "title": definition.title,
        "description": definition.description,
        "low": definition.scale_low,
        "high": definition.scale_high,
        "tiers": [{"label": tier.label, "low": tier.range[0], "high": tier.range[1]} for tier in definition.tiers],
        "value": _column(rows, "score"),
        "sd": _column(rows, "score_sd") if rows["score_sd"].notna().any() else None,
        "tier": _coded(rows["tier"], [tier.label for tier in definition.tiers]),
        "status": _coded(rows["status"]),
        "rationale": _column(rows, "rationale"),
        **_provenance(rows),
        "asked": _asked(published.asked),
        "attributes": [attribute["id"] for attribute in attribute_layers],
        "weights": {attribute.key: attribute.weight for attribute in definition.attributes},
        "quadrants": _quadrants(prompt, attribute_layers),
        "changes": None if prompt.changes is None else _changes(prompt.changes, documents["id"]),
    }
    return [layer, *attribute_layers]


def resilience_layers(resilience: SiteResilience, sets: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Resilience and its ranking by O*NET occupation, its attributes, and its mean by handbook page."""
    rows = resilience.rows.set_index("onet_code").reindex(sets[ONET]["id"])
    low, high = resilience.scale
    common = {"set": ONET, "tiers": [], "description": resilience.description}
    attributes = [
        {
            **common,
            "id": f"resilience.{key}",
            "kind": "attribute",
            "parent": "resilience",
            "title": title,
            "low": low,
            "high": high,
            "value": _column(rows, key),
        }
        for key, title in resilience.attribute_titles.items()
    ]
    score = {
        **common,
        "id": "resilience",
        "kind": "score",
        "family": "resilience",
        "title": resilience.title,
        "low": low,
        "high": high,
        "value": _column(rows, "ai_proof_score"),
        "rationale": _column(rows, "key_drivers"),
        **_provenance(rows),
        "asked": None if resilience.asked is None else _asked(resilience.asked),
        "attributes": [attribute["id"] for attribute in attributes],
    }
    ranking = {
        **common,
        "id": "resilience-ranking",
        "kind": "score",
        "family": "resilience",
        "title": f"{resilience.title}, with growth and openings",
        "low": 0,
        "high": 1,
        "value": _column(rows, "final_ranking"),
        "rationale": _column(rows, "key_drivers"),
        **_provenance(rows),
    }
    return [score, ranking, *_resilience_by_page(resilience, sets[HANDBOOK]), *attributes]


def figure_layers(documents: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The figures of a set that the map can be coloured by, where any document has them."""
    prefix = "" if documents["name"] == HANDBOOK else f"{documents['name']}-"
    years = documents.get("years") or {}
    period = f", {years['base']}–{years['projection']}" if years.get("base") else ""
    wanted = (
        ("outlook", "percent", f"Projected outlook{period}", "Projected change of employment (BLS)."),
        ("pay", "usd", "Median annual pay", "As BLS prints it; nothing imputed where it prints none."),
        ("education", "education", "Entry-level education", "Typical education needed to enter (BLS)."),
    )
    for column, unit, title, description in wanted:
        values = documents.get(column)
        if isinstance(values, dict):
            values = values["at"]
        if values and any(value is not None for value in values):
            yield {
                "id": prefix + column,
                "set": documents["name"],
                "kind": "figure",
                "column": column,
                "unit": unit,
                "title": title,
                "description": description,
            }


def _figures(rows: pd.DataFrame, ids: pd.Series, categories: Sequence[str]) -> dict[str, Any]:
    """What every set can say of its documents."""
    return {
        "id": list(ids),
        "title_of": _column(rows, "title"),
        "category": _coded(pd.Series(categories, dtype="object")),
        "jobs": _column(rows, "jobs"),
        "change": _column(rows, "employment_change"),
        "pay": _column(rows, "median_pay_annual"),
        "pay_hourly": _column(rows, "median_pay_hourly"),
        "pay_is_top_coded": [int(bool(flag)) for flag in _column(rows, "pay_is_top_coded")],
        "education": _coded(_texts(rows, "entry_education"), EDUCATION_ORDER),
        "experience": _coded(_texts(rows, "work_experience")),
        "training": _coded(_texts(rows, "training")),
        "outlook": _column(rows, "outlook_pct"),
        "outlook_desc": _coded(_texts(rows, "outlook_desc"), OUTLOOK_ORDER),
        "soc": _column(rows, "soc_code"),
        "codes": [_as_list(codes) for codes in _column(rows, "onet_codes")],
        "url": _column(rows, "url"),
        "modified_at": [_date(value) for value in _column(rows, "last_modified")],
    }


def _attribute_layer(
    published: PublishedPrompt, attribute: RankedAttribute, values: list[Any], documents: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": f"{published.name}.{attribute.key}",
        "set": documents["name"],
        "kind": "attribute",
        "parent": published.name,
        "title": attribute.title,
        "description": f"One of the numbers asked for by “{published.definition.title}”.",
        "low": published.definition.scale_low,
        "high": published.definition.scale_high,
        "tiers": [{"label": label, "low": low, "high": high} for label, (low, high) in attribute.level_labels],
        "value": [_plain(value) for value in values],
    }


def _attribute_values(rows: pd.DataFrame) -> list[dict[str, Any]]:
    if "attributes" not in rows.columns:
        return []
    return [json.loads(value) if isinstance(value, str) else {} for value in rows["attributes"]]


def _resilience_by_page(resilience: SiteResilience, handbook: dict[str, Any]) -> list[dict[str, Any]]:
    rows = resilience.rows
    if "slug" not in rows.columns or not rows["slug"].notna().any():
        return []
    scores = rows.groupby("slug")["ai_proof_score"].agg(["mean", "min", "max"]).reindex(handbook["id"])
    low, high = resilience.scale
    return [
        {
            "id": "resilience-pages",
            "set": HANDBOOK,
            "kind": "score",
            "family": "resilience",
            "title": f"{resilience.title}, by handbook page",
            "description": f"{resilience.description} Mean of the page's O*NET occupations.",
            "low": low,
            "high": high,
            "tiers": [],
            "value": _column(scores, "mean"),
            "range": [[_plain(least), _plain(most)] for least, most in zip(scores["min"], scores["max"], strict=True)],
            "asked": None if resilience.asked is None else _asked(resilience.asked),
            **_provenance_of_all(rows, len(scores)),
        }
    ]


def _provenance(rows: pd.DataFrame) -> dict[str, Any]:
    """Who answered, with which model and prompt version, and when: distinct answers, and each row's."""
    answers: dict[tuple[Any, ...], int] = {}
    answered_by: list[int | None] = []
    columns = [_column(rows, name) for name in ("scorer", "model", "prompt_hash")]
    days = [_date(value) for value in _column(rows, "scored_at")]
    for scorer, model, prompt_hash, day in zip(*columns, days, strict=True):
        if scorer is None:
            answered_by.append(None)
        else:
            answered_by.append(answers.setdefault((scorer, model, prompt_hash, day), len(answers)))
    return {
        "answers": [dict(zip(("scorer", "model", "prompt_hash", "date"), answer, strict=True)) for answer in answers],
        "answered_by": answered_by,
    }


def _provenance_of_all(rows: pd.DataFrame, length: int) -> dict[str, Any]:
    """The answers behind values that are means of several rows: all of them, none named for a row."""
    return {"answers": _provenance(rows)["answers"], "answered_by": [None] * length}


def _asked(asked: AskedPrompt) -> dict[str, Any]:
    return {
        "system": asked.system,
        "model": asked.model,
        "effort": asked.effort,
        "samples": asked.samples,
        "documents_per_request": asked.documents_per_request,
        "prompt_hash": asked.prompt_hash,
    }


def _quadrants(prompt: SitePrompt, attribute_layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    rule = prompt.quadrants
    if rule is None and len(attribute_layers) == 2:
        x, y = attribute_layers
        middle = (x["low"] + x["high"]) / 2
        names = (x["title"], y["title"])
        rule = Quadrants(
            x=x["id"].rpartition(".")[2],
            y=y["id"].rpartition(".")[2],
            x_cut=middle,
            y_cut=middle,
            labels=("Neither", f"Only: {names[0]}", f"Only: {names[1]}", "Both"),
        )
    if rule is None or len(attribute_layers) < 2:
        return None
    name = prompt.published.name
    return {
        "x": f"{name}.{rule.x}",
        "y": f"{name}.{rule.y}",
        "x_cut": rule.x_cut,
        "y_cut": rule.y_cut,
        "labels": list(rule.labels),
    }


def _changes(changes: PromptChanges, ids: list[str]) -> dict[str, Any]:
    position = {doc_id: index for index, doc_id in enumerate(ids)}
    rows = changes.rows[changes.rows["doc_id"].isin(position)].sort_values("doc_id", ignore_index=True)
    both = rows[rows["score_before"].notna() & rows["score_after"].notna()]
    correlation = both["score_before"].corr(both["score_after"], method="spearman") if len(both) > 1 else None
    return {
        "before": {"hash": changes.before_hash, "model": changes.before_model, "date": _date(changes.before_at)},
        "after": {"hash": changes.after_hash, "model": changes.after_model, "date": _date(changes.after_at)},
        "rank_correlation": _plain(correlation),
        "document": [position[doc_id] for doc_id in rows["doc_id"]],
        "score_before": _column(rows, "score_before"),
        "score_after": _column(rows, "score_after"),
        "rationale_before": _column(rows, "rationale_before"),
        "rationale_after": _column(rows, "rationale_after"),
    }


def _column(rows: pd.DataFrame, name: str) -> list[Any]:
    """The column's values as JSON can hold them; nulls where there is no such column."""
    if name not in rows.columns:
        return [None] * len(rows)
    return [_plain(value) for value in rows[name].tolist()]


def _texts(rows: pd.DataFrame, name: str) -> pd.Series:
    return pd.Series(_column(rows, name), dtype="object")


def _plain(value: Any) -> Any:
    """A number without needless digits (integers whole, others to six decimals), a text, or None."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        return [_plain(part) for part in value] if not isinstance(value, float) else value
    if value is None or pd.isna(value):
        return None
    if isinstance(value, int | float):
        number = float(value)
        if number in (float("inf"), float("-inf")):
            return None
        return int(number) if number.is_integer() else round(number, 6)
    return value


def _coded(values: pd.Series, order: Sequence[str] = ()) -> dict[str, Any]:
    """The column as positions in its different texts: those of `order` first, the rest by name."""
    present = {value for value in values if isinstance(value, str)}
    names = [*(name for name in order if name in present), *sorted(present - set(order))]
    position = {name: index for index, name in enumerate(names)}
    return {"names": names, "at": [position.get(value) if isinstance(value, str) else None for value in values]}


def _as_list(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return [str(part) for part in value]


def _date(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else f"{value:%Y-%m-%d}"


def _latest(rows: pd.DataFrame, name: str) -> int | None:
    years = rows[name].dropna() if name in rows.columns else []
    return int(max(years)) if len(years) else None


def _range_of_dates(rows: pd.DataFrame, name: str) -> list[str | None]:
    dates = rows[name].dropna() if name in rows.columns else []
    return [_date(min(dates)), _date(max(dates))] if len(dates) else [None, None]


def _category_name(slug: Any) -> str:
    """A group of the handbook as people write it, from its part of the page's address."""
    if not isinstance(slug, str) or not slug:
        return _NO_CATEGORY
    return _CATEGORY_NAMES.get(slug, slug.replace("-", " ").capitalize())
