"""The brief: one Markdown file with method, totals, breakdowns and every document's score.

It is made to be pasted into a language model, or read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from exposure_dagster.core.characters import harmless
from exposure_dagster.corpora.registry import Attribution
from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.publishing.content import (
    BASELINE_METHOD,
    CAVEATS,
    METHOD,
    SAMPLE_NOTE,
    PublishedPrompt,
    source_lines,
)
from exposure_dagster.ranking.pay import USD, sign_of

GROUPING_TITLES = {
    "tier": "By tier",
    "quadrant": "By quadrant",
    "score_threshold": "At or above a score",
    "pay_band": "By median annual pay",
    "education": "By typical entry-level education",
    "outlook": "By projected outlook",
    "category": "By category",
    "soc_major_group": "By SOC major group",
}


def brief(prompt: PublishedPrompt, sources: Sequence[Attribution], *, is_sample: bool = False) -> str:
    """The whole brief of one prompt, as Markdown."""
    definition = prompt.definition
    answered_by = prompt.answered_by or "nobody yet"
    when = f" (last answer {prompt.scored_at:%Y-%m-%d})" if prompt.scored_at else ""
    lines = [
        f"# {plain(definition.title)}",
        "",
        f"{plain(definition.description)}\n" if definition.description else "",
        f"Scale {definition.scale_low:g} to {definition.scale_high:g}. Answered by {answered_by}{when}, "
        f"prompt version `{prompt.asked.prompt_hash[:12]}`.",
        "",
    ]
    if prompt.out_of_date:
        lines += [f"**Out of date: the prompt's file cannot be used ({plain(prompt.out_of_date)}).**", ""]
    if is_sample:
        lines += [f"**{SAMPLE_NOTE}**", ""]
    if prompt.baseline_note is not None:
        lines += [f"**{prompt.baseline_note}**", ""]
    lines += ["## Method", "", "The question as it was asked:", "", *_quoted(prompt.asked.system), ""]
    lines += [METHOD, "", *_how_numbers_combine(definition)]
    if prompt.has_baseline_scores:
        lines += [BASELINE_METHOD, ""]
    lines += ["## What the scores do not mean", "", CAVEATS, ""]
    lines += ["## Totals", "", *_summary_table(prompt, "all"), ""]
    for grouping, title in GROUPING_TITLES.items():
        if _says_something(prompt.summaries[prompt.summaries["grouping"] == grouping]):
            lines += [f"### {title}", "", *_summary_table(prompt, grouping), ""]
    lines += [
        "## Every document",
        "",
        "Rank, title, score, jobs, median annual pay, projected change, reason.",
        "",
        *(_document_line(row, definition) for row in prompt.rankings.to_dict("records")),
        "",
        "## Sources",
        "",
        *source_lines(sources),
        "",
    ]
    return "\n".join(lines)


NOT_KNOWN = frozenset({"No category", "No SOC code", "No outlook given", "No education given", "No annual pay"})
"""Groups of documents that lack a figure: a table of one of them alone is left out."""


def _says_something(rows: pd.DataFrame) -> bool:
    return len(rows) > 0 and not set(rows["group_label"]) <= NOT_KNOWN


_MARKUP = re.compile(r"([\\`*_~\[\]<>|#&])")


def plain(text: str) -> str:
    """Text of a page or a model as one line of Markdown that shows it as it is: no markup, no HTML, no table cell."""
    return _MARKUP.sub(r"\\\1", harmless(" ".join(text.split())))


def _quoted(text: str) -> list[str]:
    return [f"> {line}".rstrip() for line in harmless(text).splitlines()]


def _summary_table(prompt: PublishedPrompt, grouping: str) -> list[str]:
    rows = prompt.summaries[prompt.summaries["grouping"] == grouping].sort_values("group_order")
    return [
        f"| group | occupations | jobs | wages ({_currency(rows)} per year) | mean score | job-weighted mean |",
        "|---|--:|--:|--:|--:|--:|",
        *(
            f"| {plain(str(row.group_label))} | {row.occupations:,} | {row.jobs:,} | {row.wages:,.0f} "
            f"| {_figure(row.mean_score)} | {_figure(row.job_weighted_mean)} |"
            for row in rows.itertuples(index=False)
        ),
    ]


def _currency(rows: pd.DataFrame) -> str:
    named = rows["pay_currency"].dropna()
    return str(named.iloc[0]) if len(named) else USD


def _figure(value: Any, pattern: str = "{:.2f}", missing: str = "–") -> str:
    return missing if pd.isna(value) else pattern.format(value)


def _how_numbers_combine(definition: RankingDefinition) -> list[str]:
    """What the score is made of, where the prompt asks for several numbers; and what the quadrants are."""
    if len(definition.attributes) == 1:
        return []
    parts = (f"{plain(one.title)} (weight {one.weight:g})" for one in definition.attributes)
    lines = [f"The score is the weighted mean of {', '.join(parts)}.", ""]
    quadrants = definition.quadrants
    if quadrants is not None:
        titles = {one.key: plain(one.title) for one in definition.attributes}
        labels = quadrants.labels
        lines += [
            f"Quadrants: {titles[quadrants.x]} is high from {quadrants.x_cut_off:g}, {titles[quadrants.y]} from "
            f"{quadrants.y_cut_off:g}; a value at its cut-off is high. {plain(labels.both)}: both are. "
            f"{plain(labels.x_only)}: the first alone. {plain(labels.y_only)}: the second alone. "
            f"{plain(labels.neither)}: neither.",
            "",
        ]
    return lines


def _document_line(row: Mapping[Hashable, Any], definition: RankingDefinition) -> str:
    sign = sign_of(row["pay_currency"] if isinstance(row["pay_currency"], str) else USD)
    pay = f"at least {sign}{{:,.0f}}" if row["pay_is_top_coded"] is True else f"{sign}{{:,.0f}}"
    facts = ", ".join(
        (
            _figure(row["jobs"], "{:,.0f} jobs", "jobs not known"),
            _figure(row["median_pay_annual"], pay, "no annual pay"),
            _figure(row["outlook_pct"], "{:+.0f}%", "no projection"),
        )
    )
    title = plain(row["title"])
    if pd.isna(row["score"]):
        return f"- not scored ({row['status']}): **{title}**, {facts}"
    score = f"score {row['score']:g}{_attribute_values(row, definition)}"
    return f"- rank {row['rank']}: **{title}**, {score}, {facts}. {_reason(row['rationale'])}"


def _attribute_values(row: Mapping[Hashable, Any], definition: RankingDefinition) -> str:
    if len(definition.attributes) == 1 or not isinstance(row["attributes"], str):
        return ""
    values = json.loads(row["attributes"])
    parts = [f"{plain(one.title)} {values[one.key]:g}" for one in definition.attributes]
    if isinstance(row["quadrant"], str):
        parts.append(plain(row["quadrant"]))
    return f" ({', '.join(parts)})"


def _reason(rationale: Any) -> str:
    return plain(rationale) if isinstance(rationale, str) else "No reason given."
