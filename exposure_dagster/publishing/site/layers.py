"""Layers: what a set of documents can be coloured by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.columns import coded, column, dates, plain
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.prompts.composites import Composite
from exposure_dagster.prompts.model import AskedPrompt, Quadrants, RankedAttribute, RankingDefinition
from exposure_dagster.publishing.content import PublishedPrompt
from exposure_dagster.publishing.site.composites import HIGH, LOW
from exposure_dagster.publishing.site.trust import agreement_rows, sureness

_ANSWER = ("scorer", "model", "prompt_hash", "date")


def prompt_layers(
    prompt: PublishedPrompt,
    documents: dict[str, Any],
    *,
    changes: pd.DataFrame | None = None,
    uncertainty: pd.DataFrame | None = None,
    agreement: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
) -> Iterator[dict[str, Any]]:
    """The layer of a prompt's scores, and one for each attribute where it asks for several.

    `changes`, `uncertainty` and `agreement` are the prompt's rows of the ranked tables of these names, where there are
    any; `history` those of its versions.
    """
    definition = prompt.definition
    rows = prompt.rankings.set_index("doc_id").reindex(documents["id"])
    attributes = _attribute_layers(prompt, rows, documents)
    yield {
        **_head(prompt, documents),
        "tiers": _tiers(definition),
        "formula": _formula(definition),
        "value": column(rows, "score"),
        "sd": column(rows, "score_sd") if rows["score_sd"].notna().any() else None,
        **({"sure": sureness(prompt, uncertainty, documents["id"])} if uncertainty is not None else {}),
        **_agreement(agreement),
        **(_history(history, documents["id"], definition) if history is not None and len(history) else {}),
        # the published rank of a prompt with a resilience formula is that of another number, a layer of its own
        "rank": column(rows, "rank") if definition.resilience is None else None,
        "status": coded(rows["status"]),
        "rationale": column(rows, "rationale"),
        **_provenance(rows),
        "asked": _asked(prompt.asked),
        "quadrants": _quadrants(prompt.name, definition.quadrants, attributes),
        "changes": _changes(changes, documents["id"]) if changes is not None and len(changes) else None,
    }
    yield from attributes


def resilience_ranking_layer(prompt: PublishedPrompt, rows: pd.DataFrame, documents: dict[str, Any]) -> dict[str, Any]:
    """The number that a resilience formula ranks by: the score with growth and openings. `rows`: ranked.resilience."""
    rows = rows.set_index("onet_code").reindex(documents["id"])
    return {
        **_head(prompt, documents),
        "id": f"{prompt.name}-ranking",
        "answers_of": prompt.name,
        "title": f"{prompt.definition.title}, with growth and openings",
        "low": 0,
        "high": 1,
        "tiers": [],
        "value": column(rows, "final_ranking"),
        "rank": column(rows, "rank"),
    }


def page_layer(prompt: PublishedPrompt, rows: pd.DataFrame, documents: dict[str, Any]) -> dict[str, Any]:
    """Scores of other documents by the occupation that they belong to: mean and range. `rows`: ranked.occupations."""
    rows = rows.set_index("slug").reindex(documents["id"])
    ranges = zip(column(rows, "score_low"), column(rows, "score_high"), strict=True)
    return {
        **_head(prompt, documents),
        "id": f"{prompt.name}-pages",
        "title": f"{prompt.definition.title}, by handbook page",
        "description": f"The mean score of the {corpus_of(prompt.corpus).title} that a handbook page covers.",
        "tiers": _tiers(prompt.definition),
        "value": column(rows, "score"),
        "range": [list(bounds) for bounds in ranges],
        **_behind_means(prompt.rankings, len(rows)),
        "asked": _asked(prompt.asked),
    }


def rollup_layer(
    prompt: PublishedPrompt, rows: pd.DataFrame, documents: dict[str, Any], agreement: pd.DataFrame | None = None
) -> dict[str, Any]:
    """Scores of task statements by occupation. `rows`: ranked.task_rollups; `agreement` those of rolled-up tasks."""
    rows = rows.set_index("onet_code").reindex(documents["id"])
    return {
        **_head(prompt, documents),
        "tiers": [],
        "formula": [
            "The score of an occupation is the weighted mean over its tasks, by their type and, where it is rated, by "
            "their importance."
        ],
        "value": column(rows, "score"),
        **_agreement(agreement),
        "rank": column(rows, "rank"),
        **_behind_means(prompt.rankings, len(rows)),
        "asked": _asked(prompt.asked),
    }


def composite_layer(
    composite: Composite, rows: pd.DataFrame, documents: dict[str, Any], parts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Layers weighed into one. `rows`: its rows of the composites; `parts` the layers that it weighs, in its order."""
    rows = rows.set_index("doc_id").reindex(documents["id"])
    total = sum(abs(weight) for weight in composite.weights.values())
    shares = "; ".join(
        f"{part['title']}{' (turned round)' if weight < 0 else ''} {abs(weight) / total:.0%}"
        for part, weight in zip(parts, composite.weights.values(), strict=True)
    )
    answers = [answer for part in parts for answer in part.get("answers", ())]
    return {
        "id": composite.name,
        "set": documents["name"],
        "kind": "score",
        "family": "score",
        "title": composite.title,
        "description": composite.description,
        "low": LOW,
        "high": HIGH,
        "tiers": [],
        "formula": [f"The weighted mean of layers, each put to 0–1 on its scale, times ten: {shares}."],
        "value": column(rows, "score"),
        "rank": column(rows, "rank"),
        "answers": answers,
        "answered_by": [None] * len(rows),
    }


def figure_layers(documents: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The figures of a set that it can be coloured by, where any document has them."""
    prefix = "" if documents["is_joined_on"] else f"{documents['name']}-"
    years = documents.get("years") or {}
    period = f", {years['base']}–{years['projection']}" if years.get("base") else ""
    descriptions = corpus_of(documents["name"]).site.figures
    wanted = (
        ("outlook", "percent", f"Projected outlook{period}"),
        ("pay", "money", "Median annual pay"),
        ("education", "education", "Entry-level education"),
    )
    for name, unit, title in wanted:
        values = documents[name]["at"] if isinstance(documents[name], dict) else documents[name]
        if any(value is not None for value in values):
            yield {
                "id": prefix + name,
                "set": documents["name"],
                "kind": "figure",
                "column": name,
                "unit": unit,
                "title": title,
                "description": descriptions[name],
                "sources": documents["sources"][name],
            }


def _head(prompt: PublishedPrompt, documents: dict[str, Any]) -> dict[str, Any]:
    definition = prompt.definition
    return {
        "id": prompt.name,
        "set": documents["name"],
        "kind": "score",
        "family": "score" if definition.resilience is None else "resilience",
        "title": definition.title,
        "description": definition.description,
        "low": plain(definition.scale_low),
        "high": plain(definition.scale_high),
        "out_of_date": prompt.out_of_date,
    }


def _agreement(rows: pd.DataFrame | None) -> dict[str, Any]:
    return {"agreement": agreement_rows(rows)} if rows is not None and len(rows) else {}


def _tiers(definition: RankingDefinition) -> list[dict[str, Any]]:
    return [{"label": tier.label, "low": tier.range[0], "high": tier.range[1]} for tier in definition.tiers]


def _attribute_layers(prompt: PublishedPrompt, rows: pd.DataFrame, documents: dict[str, Any]) -> list[dict[str, Any]]:
    if len(prompt.definition.attributes) < 2:
        return []
    answers = [json.loads(value) if isinstance(value, str) else {} for value in rows["attributes"]]
    return [_attribute_layer(prompt, attribute, answers, documents) for attribute in prompt.definition.attributes]


def _attribute_layer(
    prompt: PublishedPrompt, attribute: RankedAttribute, answers: list[dict[str, Any]], documents: dict[str, Any]
) -> dict[str, Any]:
    return {
        **_head(prompt, documents),
        "id": f"{prompt.name}.{attribute.key}",
        "kind": "attribute",
        "answers_of": prompt.name,
        "title": attribute.title,
        "description": f"One of the numbers asked for by “{prompt.definition.title}”.",
        "weight": plain(attribute.weight),
        "tiers": [{"label": label, "low": low, "high": high} for label, (low, high) in attribute.level_labels],
        "value": [plain(answer.get(attribute.key)) for answer in answers],
    }


def _formula(definition: RankingDefinition) -> list[str]:
    """How the score is made of what was answered, in sentences."""
    if definition.resilience is not None:
        return _resilience_formula(definition)
    if len(definition.attributes) == 1:
        return ["The score is the number that was answered; the mean, where it was asked several times."]
    total = sum(attribute.weight for attribute in definition.attributes)
    shares = "; ".join(f"{a.title} {a.weight / total:.0%}" for a in definition.attributes)
    return [f"The score is the weighted mean of its attributes: {shares}."]


def _resilience_formula(definition: RankingDefinition) -> list[str]:
    formula = definition.resilience
    assert formula is not None
    titles = {attribute.key: attribute.title for attribute in definition.attributes}

    def listed(weights: dict[str, float]) -> str:
        return "; ".join(f"{titles.get(key, key)} {weight:g}" for key, weight in weights.items())

    lines = [
        f"Defensive: the mean of its attributes by weight: {listed(dict(formula.defensive.weights))}.",
        f"Offensive: likewise: {listed(dict(formula.offensive.weights))}.",
        f"Score: {formula.defensive.share:g} × defensive + {formula.offensive.share:g} × offensive, to one decimal.",
    ]
    if (ceiling := formula.ceiling) is not None:
        names = ", ".join(titles.get(key, key) for key in ceiling.attributes)
        lines.append(f"Where all of {names} are at most {ceiling.at_most:g}, it is at most {ceiling.score:g}.")
    if (floor := formula.floor) is not None:
        names = " or ".join(titles.get(key, key) for key in floor.attributes)
        lines.append(f"Where {names} is at least {floor.at_least:g}, it is at least {floor.score:g}.")
    signals = formula.signals
    lines.append(
        f"Ranks are by {signals.score:g} × the score put to 0–1 + {signals.growth:g} × projected growth + "
        f"{signals.openings:g} × projected openings, each put to 0–1."
    )
    return lines


def _provenance(rows: pd.DataFrame) -> dict[str, Any]:
    """Who answered, with which model and prompt version, and when: the distinct answers, and each row's."""
    columns = [column(rows, name) for name in ("scorer", "model", "prompt_hash")]
    answers = list(zip(*columns, dates(rows, "scored_at"), strict=True))
    position = {answer: index for index, answer in enumerate(dict.fromkeys(one for one in answers if one[0]))}
    return {
        "answers": [dict(zip(_ANSWER, answer, strict=True)) for answer in position],
        "answered_by": [position.get(answer) for answer in answers],
    }


def _behind_means(rankings: pd.DataFrame, length: int) -> dict[str, Any]:
    """The answers behind values that are means of several: all of them, none named for a row."""
    return {"answers": _provenance(rankings)["answers"], "answered_by": [None] * length}


def _asked(asked: AskedPrompt) -> dict[str, Any]:
    return {
        "system": harmless(asked.system),
        "model": asked.model_names,
        "effort": asked.effort,
        "samples": asked.samples,
        "documents_per_request": asked.documents_per_request,
        "prompt_hash": asked.prompt_hash,
        **({"include": list(asked.include)} if asked.include else {}),
    }


def _quadrants(name: str, rule: Quadrants | None, attributes: list[dict[str, Any]]) -> dict[str, Any] | None:
    keys = {attribute["id"] for attribute in attributes}
    if rule is None or not {f"{name}.{rule.x}", f"{name}.{rule.y}"} <= keys:
        return None
    return {
        "x": f"{name}.{rule.x}",
        "y": f"{name}.{rule.y}",
        "x_cut": plain(rule.x_cut_off),
        "y_cut": plain(rule.y_cut_off),
        "labels": [rule.labels.neither, rule.labels.x_only, rule.labels.y_only, rule.labels.both],
    }


def _history(history: pd.DataFrame, ids: list[str], definition: RankingDefinition) -> dict[str, Any]:
    """The versions of a prompt, and its scores in each, in the order of the set's documents; without those that were
    answered on another scale."""

    def fits(scores: pd.Series) -> bool:
        return bool(scores.dropna().between(definition.scale_low, definition.scale_high).all())

    by_version = [(number, rows) for number, rows in history.groupby("version", sort=True) if fits(rows["score"])]
    if len(by_version) < 2:
        return {}
    return {
        "versions": [
            {"number": plain(number), "date": dates(rows, "versioned_at")[0], "model": rows["model"].iloc[0]}
            for number, rows in by_version
        ],
        "history": [column(rows.set_index("doc_id").reindex(ids), "score") for _, rows in by_version],
    }


def _changes(changes: pd.DataFrame, ids: list[str]) -> dict[str, Any]:
    position = {doc_id: index for index, doc_id in enumerate(ids)}
    rows = changes[changes["doc_id"].isin(position)].sort_values("doc_id", ignore_index=True)
    both = rows[rows["score_before"].notna() & rows["score_after"].notna()]
    ranks = both[["score_before", "score_after"]].astype("float64").rank()
    correlation = ranks["score_before"].corr(ranks["score_after"]) if len(both) > 1 else None
    first = changes.iloc[0]
    before, after = (
        {"version": plain(first[f"{end}_version"]), "hash": first[f"{end}_prompt_hash"], "model": first[f"{end}_model"]}
        for end in ("from", "to")
    )
    return {
        "before": before,
        "after": after,
        "rank_correlation": plain(correlation),
        "document": [position[doc_id] for doc_id in rows["doc_id"]],
        "score_before": column(rows, "score_before"),
        "score_after": column(rows, "score_after"),
        "rationale_before": column(rows, "rationale_before"),
        "rationale_after": column(rows, "rationale_after"),
    }
