"""The site's data: one JSON document, by columns, so that it stays small.

    {"digest", "caveats", "method", "baseline_note", "baseline_quadrants_note", "baseline_method", "sample_note",
     "sources", "pay_bands", "education", "outlook",
     "sets":   [a set of documents that share a map: its documents' figures, one list a column],
     "layers": [what a set can be coloured by: a prompt's scores, one of its attributes, or a figure],
     "site_url", "code_url"}

Lists of a layer run in the order of its set's documents. A column of few different texts is coded:
`{"names": […], "at": [position in names, or null]}`. A layer with `sure` says how sure its scores are, with `agreement`
how far they agree with the `indices` of its set (`trust`). With `has_cards` there is a page of each of its documents
that has a value (`sharing`), named after the document or as `files` of its set says. A layer with `answers_of` has the
reasons and the answers of the layer that it names. All text is passed on as it is; the page shows it as text.

The page loads it in two parts (`parted`). Titles of the longer lists, which only searches need, are apart
(`site_titles`).

This module puts the document together; `sets` and `layers` make its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.corpora.registry import JOINED_ON, corpus_of
from exposure_dagster.corpora.terms import EDUCATION_ORDER, OUTLOOK_ORDER
from exposure_dagster.publishing.content import (
    BASELINE_METHOD,
    BASELINE_NOTE,
    BASELINE_QUADRANTS_NOTE,
    CAVEATS,
    METHOD,
    SAMPLE_NOTE,
    PublishedContent,
    PublishedPrompt,
    PublishedTable,
    listed_sources,
)
from exposure_dagster.publishing.site.cards import file_names, has_cards
from exposure_dagster.publishing.site.layers import (
    composite_layer,
    figure_layers,
    page_layer,
    prompt_layers,
    resilience_ranking_layer,
    rollup_layer,
)
from exposure_dagster.publishing.site.sets import documents_set, further_titles
from exposure_dagster.publishing.site.trust import error_groups, index_columns
from exposure_dagster.publishing.tables import COMPOSITES, ROLE_OCCUPATIONS, SECTIONS
from exposure_dagster.ranking.agreement import ALL, ROLLED_UP
from exposure_dagster.tables import AGREEMENT, OCCUPATIONS, RESILIENCE, TASK_ROLLUPS, UNCERTAINTY

FORMAT = 1
"""Raised when the document changes in a way that its readers notice."""


def site_document(content: PublishedContent) -> dict[str, Any]:
    """The whole document; the same content gives the same document."""
    sets = _sets(content)
    layers = list(_layers(content, sets))
    used = {layer["set"] for layer in layers}
    layers += _composite_layers(content, sets, layers)
    for layer in layers:
        if has_cards(layer, sets[layer["set"]]):
            layer["has_cards"] = True
    kept = [
        documents | _file_names(documents)
        for documents in sets.values()
        if documents["name"] in used and documents["id"]
    ]
    return {
        "format": FORMAT,
        "version": __version__,
        "digest": content.digest,
        "caveats": CAVEATS,
        "method": METHOD,
        "baseline_note": BASELINE_NOTE,
        "baseline_quadrants_note": BASELINE_QUADRANTS_NOTE,
        "baseline_method": BASELINE_METHOD,
        "sample_note": SAMPLE_NOTE if content.is_sample else None,
        "sources": listed_sources(content.sources),
        "education": _education_levels(kept),
        "outlook": _outlooks(kept),
        "sets": kept,
        "site_url": content.addresses.site,
        "code_url": content.addresses.code,
        "layers": [*layers, *(layer for documents in kept for layer in figure_layers(documents))],
    }


def _composite_layers(
    content: PublishedContent, sets: dict[str, dict[str, Any]], layers: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    figures = [layer for documents in sets.values() for layer in figure_layers(documents)]
    known = {layer["id"]: layer for layer in (*layers, *figures)}
    for table in _tables(content, COMPOSITES.name):
        for composite in content.composites:
            rows = table.rows[table.rows["composite"] == composite.name]
            parts = [known[name] for name in composite.weights]
            yield composite_layer(composite, rows, sets[parts[0]["set"]], parts)


def _file_names(documents: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The names of the documents' pages where they are not the documents' own."""
    names = zip(documents["id"], file_names(documents["id"]), strict=True)
    other = {doc_id: name for doc_id, name in names if name != doc_id}
    return {"files": other} if other else {}


def site_titles(content: PublishedContent, document: dict[str, Any]) -> dict[str, list[list[str]]]:
    """For each set whose documents go by more titles than the document has: these, a list a document in its order."""
    found = {
        documents["name"]: further_titles(documents, content.titles.get(documents["name"]))
        for documents in document["sets"]
    }
    return {name: titles for name, titles in found.items() if any(titles)}


_MORE_OF_SETS = ("aliases", "codes", "description", "experience", "modified_at", "sections", "training", "url")
_MORE_OF_LAYERS = ("rationale", "asked", "history")
_MORE_OF_CHANGES = ("rationale_before", "rationale_after")


def parted(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document in two: what the page needs to open, and what it loads when it is wanted (reasons, other names, …).

    The second is `{"sets": {name: columns}, "layers": {id: columns}}`, with the columns that the first lacks.
    """
    sets = {one["name"]: _taken(one, _MORE_OF_SETS) for one in document["sets"]}
    layers = {one["id"]: _taken(one, _MORE_OF_LAYERS) for one in document["layers"]}
    first = {
        **document,
        "sets": [_without(one, _MORE_OF_SETS) for one in document["sets"]],
        "layers": [_without(one, _MORE_OF_LAYERS) for one in document["layers"]],
    }
    for layer in first["layers"]:
        if layer.get("changes"):
            layers[layer["id"]]["changes"] = _taken(layer["changes"], _MORE_OF_CHANGES)
            layer["changes"] = _without(layer["changes"], _MORE_OF_CHANGES)
    return first, {"sets": sets, "layers": {name: columns for name, columns in layers.items() if columns}}


def _taken(columns: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: columns[name] for name in names if columns.get(name)}


def _without(columns: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if name not in names}


def _sets(content: PublishedContent) -> dict[str, dict[str, Any]]:
    """A set for each corpus that is asked about; parts are shown by the documents that they are parts of."""
    ranked: dict[str, list[pd.DataFrame]] = {JOINED_ON.name: []} if len(content.shown.get(JOINED_ON.name, ())) else {}
    for prompt in content.prompts:
        if corpus_of(prompt.corpus).parts_of is None:
            rows = prompt.rankings
            if prompt.corpus in content.cut and prompt.whole is None:
                rows = rows[rows["doc_id"].isin(content.shown[prompt.corpus]["doc_id"])]
            ranked.setdefault(prompt.corpus, []).append(rows)
    for table in _tables(content, TASK_ROLLUPS.name):
        parent = next(corpus_of(one.corpus).parts_of for one in content.prompts if one.name == table.prompt)
        if parent is not None and parent not in ranked:
            rows = table.rows.rename(columns={"onet_code": "doc_id"})
            ranked[parent] = [rows.assign(soc_code=rows["doc_id"].str[:7])]
    sections = next((table.rows for table in _tables(content, SECTIONS.name)), None)
    corpora = {prompt.name: prompt.corpus for prompt in content.prompts}
    matches = {corpora[table.prompt]: table.rows for table in _tables(content, ROLE_OCCUPATIONS.name) if table.prompt}
    sets = {
        name: documents_set(
            corpus_of(name),
            content.shown.get(name, _NONE),
            pd.concat([_NONE, *frames]),
            sections,
            matches.get(name),
        )
        for name, frames in ranked.items()
    }
    return {name: documents | _trust(content, documents) | _cut(content, documents) for name, documents in sets.items()}


def _cut(content: PublishedContent, documents: dict[str, Any]) -> dict[str, str]:
    """What a set says that does not show all documents of its corpus."""
    total, shown = content.cut.get(documents["name"], 0), len(documents["id"])
    if total <= shown:
        return {}
    return {
        "cut": f"This page shows {shown:,} of {total:,} documents, those with the most jobs, and its figures are of "
        "these. The exported files and the API have all of them, and the summaries are of all."
    }


def _trust(content: PublishedContent, documents: dict[str, Any]) -> dict[str, Any]:
    """What all layers of a set share that say how sure they are, or how far they agree with an index."""
    name, ids = documents["name"], documents["id"]
    sure = {table.prompt for table in _tables(content, UNCERTAINTY.name) if table.rows["se"].notna().any()}
    own = [prompt for prompt in content.prompts if prompt.corpus == name and prompt.name in sure]
    values = content.index_values
    indices = index_columns(values[values["corpus"] == name], ids) if len(values) else {}
    return {
        **({"error_group": error_groups(own, ids)} if own else {}),
        **({"indices": indices} if indices else {}),
    }


_NONE = pd.DataFrame({"doc_id": pd.Series([], dtype="object")})


def _education_levels(sets: list[dict[str, Any]]) -> list[str]:
    """The levels of education that are named, lowest first; of several sets, names that no order knows come last."""
    if len(sets) == 1:
        return list(sets[0]["education"]["names"])
    named = dict.fromkeys(name for documents in sets for name in documents["education"]["names"])
    return [*(name for name in EDUCATION_ORDER if name in named), *(n for n in named if n not in EDUCATION_ORDER)]


def _outlooks(sets: list[dict[str, Any]]) -> list[str]:
    """The phrases for projected change, lowest first; those that no order knows come last."""
    named = {name for documents in sets for name in documents["outlook_desc"]["names"]}
    return [*(name for name in OUTLOOK_ORDER if name in named), *sorted(named - set(OUTLOOK_ORDER))]


def _layers(content: PublishedContent, sets: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    resilience = {table.prompt: table.rows for table in _tables(content, RESILIENCE.name)}
    rollups = {table.prompt: table.rows for table in _tables(content, TASK_ROLLUPS.name)}
    uncertainty = {table.prompt: table.rows for table in _tables(content, UNCERTAINTY.name)}
    agreement = {
        pair: rows
        for table in _tables(content, AGREEMENT.name)
        for pair, rows in table.rows.groupby(["prompt", "subset"], sort=False)
    }
    pages = {
        prompt: rows for table in _tables(content, OCCUPATIONS.name) for prompt, rows in table.rows.groupby("prompt")
    }
    for prompt in sorted(content.prompts, key=_place):
        parent = corpus_of(prompt.corpus).parts_of
        if parent is not None:
            if prompt.name in rollups:
                yield rollup_layer(prompt, rollups[prompt.name], sets[parent], agreement.get((prompt.name, ROLLED_UP)))
        else:
            changes = content.changes[content.changes["prompt"] == prompt.name] if len(content.changes) else None
            yield from prompt_layers(
                prompt,
                sets[prompt.corpus],
                changes=changes,
                uncertainty=uncertainty.get(prompt.name),
                agreement=agreement.get((prompt.name, ALL)),
                history=content.history[content.history["prompt"] == prompt.name] if len(content.history) else None,
            )
        if prompt.name in resilience:
            yield resilience_ranking_layer(prompt, resilience[prompt.name], sets[prompt.corpus])
        if prompt.corpus != JOINED_ON.name and prompt.name in pages and JOINED_ON.name in sets:
            yield page_layer(prompt, pages[prompt.name], sets[JOINED_ON.name])


def _place(prompt: PublishedPrompt) -> tuple[bool, bool, str]:
    """Where a prompt's layers stand: enabled ones first, and those about the corpus that occupations are joined on."""
    return not prompt.is_enabled, prompt.corpus != JOINED_ON.name, prompt.name


def _tables(content: PublishedContent, name: str) -> list[PublishedTable]:
    return [table for table in content.tables if table.table.name == name]
