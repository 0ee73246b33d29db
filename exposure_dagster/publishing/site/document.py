"""The site's data: one JSON document, by columns, so that it stays small.

    {"digest", "caveats", "method", "baseline_note", "sample_note", "sources", "pay_bands", "education", "outlook",
     "sets":   [a set of documents that share a map: its documents' figures, one list a column],
     "layers": [what a set can be coloured by: a prompt's scores, one of its attributes, or a figure]}

Lists of a layer run in the order of its set's documents. A column of few different texts is coded:
`{"names": […], "at": [position in names, or null]}`. A layer with `answers_of` has the reasons and the answers of
the layer that it names. All text is passed on as it is; the page shows it as text.

This module puts the document together; `sets` and `layers` make its parts, `columns` their lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS, OOH_CORPUS
from exposure_dagster.publishing.content import (
    ATTRIBUTIONS,
    BASELINE_NOTE,
    CAVEATS,
    METHOD,
    SAMPLE_NOTE,
    PublishedContent,
    PublishedPrompt,
    PublishedTable,
)
from exposure_dagster.publishing.site.columns import plain
from exposure_dagster.publishing.site.layers import (
    figure_layers,
    page_resilience_layer,
    prompt_layers,
    resilience_ranking_layer,
    rollup_layer,
)
from exposure_dagster.publishing.site.sets import handbook_set, onet_set, ranked_set
from exposure_dagster.ranking.summaries import EDUCATION_ORDER, OUTLOOK_ORDER, PAY_BANDS, soc_major_group
from exposure_dagster.tables import OCCUPATIONS, RESILIENCE, TASK_ROLLUPS

FORMAT = 1
"""Raised when the document changes in a way that its readers notice."""

OPENING_PROMPT = "exposure"
"""The question that the page opens with, where it is published; otherwise the first of the handbook's."""


def site_document(content: PublishedContent) -> dict[str, Any]:
    """The whole document; the same content gives the same document."""
    sets = _sets(content)
    layers = list(_layers(content, sets))
    used = {layer["set"] for layer in layers}
    kept = [documents for documents in sets.values() if documents["name"] in used and documents["id"]]
    return {
        "format": FORMAT,
        "version": __version__,
        "digest": content.digest,
        "caveats": CAVEATS,
        "method": METHOD,
        "baseline_note": BASELINE_NOTE,
        "sample_note": SAMPLE_NOTE if content.is_sample else None,
        "sources": [{"source": s, "url": u, "licence": licence} for s, u, licence in ATTRIBUTIONS],
        "pay_bands": [{"label": label, "low": low, "high": plain(high)} for label, low, high in PAY_BANDS],
        "education": _education_levels(kept),
        "outlook": list(OUTLOOK_ORDER),
        "sets": kept,
        "layers": [*layers, *(layer for documents in kept for layer in figure_layers(documents))],
    }


def _sets(content: PublishedContent) -> dict[str, dict[str, Any]]:
    """A set for each corpus that is asked about; task statements are shown by their occupations."""
    sets = {OOH_CORPUS: handbook_set(content.handbook)} if len(content.handbook) else {}
    for prompt in content.prompts:
        corpus = prompt.corpus
        if corpus == ONET_CORPUS and corpus not in sets:
            sets[corpus] = onet_set(prompt.rankings, _tables(content, RESILIENCE.name), content.onet)
        elif corpus != ONET_TASKS_CORPUS and corpus not in sets:
            sets[corpus] = ranked_set(corpus, prompt.rankings)
    for table in _tables(content, TASK_ROLLUPS.name):
        if ONET_CORPUS not in sets:
            sets[ONET_CORPUS] = onet_set(_rolled_up(table.rows), [], content.onet)
    return sets


def _education_levels(sets: list[dict[str, Any]]) -> list[str]:
    """Every level of education, lowest first; names that no order knows come last."""
    named = {name for documents in sets for name in documents["education"]["names"]}
    return [*EDUCATION_ORDER, *sorted(named - set(EDUCATION_ORDER))]


def _rolled_up(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of ranked.task_rollups in the shape of rankings."""
    rows = rows.rename(columns={"onet_code": "doc_id"})
    groups = [soc_major_group(code[:7], []) for code in rows["doc_id"]]
    return rows.assign(soc_major_group=pd.Series(groups, index=rows.index, dtype="object"))


def _layers(content: PublishedContent, sets: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    resilience = {table.prompt: table.rows for table in _tables(content, RESILIENCE.name)}
    rollups = {table.prompt: table.rows for table in _tables(content, TASK_ROLLUPS.name)}
    occupations = _tables(content, OCCUPATIONS.name)
    for prompt in sorted(content.prompts, key=_place):
        corpus = prompt.corpus
        if corpus == ONET_TASKS_CORPUS:
            if prompt.name in rollups:
                yield rollup_layer(prompt, rollups[prompt.name], sets[ONET_CORPUS])
            continue
        changes = content.changes[content.changes["prompt"] == prompt.name] if len(content.changes) else None
        yield from prompt_layers(prompt, sets[corpus], changes)
        if prompt.name in resilience:
            yield resilience_ranking_layer(prompt, resilience[prompt.name], sets[corpus])
            if occupations:
                yield page_resilience_layer(prompt, occupations[0].rows, sets[OOH_CORPUS])


def _place(prompt: PublishedPrompt) -> tuple[bool, bool, str]:
    return prompt.name != OPENING_PROMPT, prompt.corpus != OOH_CORPUS, prompt.name


def _tables(content: PublishedContent, name: str) -> list[PublishedTable]:
    return [table for table in content.tables if table.table.name == name]
