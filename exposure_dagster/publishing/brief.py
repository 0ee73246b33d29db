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
from exposure_dagster.ranking.how_sure import how_sure
from exposure_dagster.ranking.pay import USD, sign_of
from exposure_dagster.reliability.uncertainty import ERROR_CORRELATIONS, interval90

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


MOST_LISTED = 2_000
"""Documents that a brief lists."""


def brief(
    prompt: PublishedPrompt,
    sources: Sequence[Attribution],
    *,
    uncertainty: pd.DataFrame | None = None,
    is_sample: bool = False,
    highest: pd.DataFrame | None = None,
) -> str:
    """The whole brief of one prompt, as Markdown. `uncertainty` are its rows of ranked.uncertainty.

    `highest` are the rankings' first rows, where the prompt does not hold all of them. `MOST_LISTED` documents are
    listed at most.
    """
    definition = prompt.definition
    rankings = prompt.rankings
    listed = rankings if highest is None else highest
    if uncertainty is not None:
        intervals = uncertainty[["doc_id", "method", "lo90", "hi90"]]
        rankings, listed = (rows.merge(intervals, on="doc_id", how="left") for rows in (rankings, listed))
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
    if uncertainty is not None:
        lines += ["## How sure the figures are", "", *_how_sure(prompt, rankings), ""]
    lines += ["## Totals", "", *_summary_table(prompt, "all"), ""]
    for grouping, title in GROUPING_TITLES.items():
        if _says_something(prompt.summaries[prompt.summaries["grouping"] == grouping]):
            lines += [f"### {title}", "", *_summary_table(prompt, grouping), ""]
    lines += [
        "## Every document" if prompt.documents <= MOST_LISTED else f"## The first {MOST_LISTED:,} documents",
        "",
        f"Rank, title, score{_beside_scores(rankings)}, jobs, median annual pay, projected change, reason."
        + (f" Of all {prompt.documents:,}: `ranking.csv`, `.parquet`." if prompt.documents > MOST_LISTED else ""),
        "",
        *(_document_line(row, definition) for row in listed.head(MOST_LISTED).to_dict("records")),
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
    head = ["occupations", "jobs", f"wages ({_currency(rows)} per year)", "mean score", "job-weighted mean"]
    columns = [
        [f"{value:,}" for value in rows["occupations"]],
        [f"{value:,}" for value in rows["jobs"]],
        [f"{value:,.0f}" for value in rows["wages"]],
        [_figure(value) for value in rows["mean_score"]],
        [_figure(value) for value in rows["job_weighted_mean"]],
    ]
    if rows["lo90"].notna().any():
        head.append("90 % interval of it")
        columns.append([_range(low, high) for low, high in zip(rows["lo90"], rows["hi90"], strict=True)])
    if grouping == "score_threshold" and rows["expected_share"].notna().any():
        head.append("share of all jobs, as sure as each score is")
        columns.append([_share(row) for row in rows.to_dict("records")])
    labels = [plain(str(label)) for label in rows["group_label"]]
    return [
        f"| {' | '.join(['group', *head])} |",
        f"|---|{'--:|' * len(head)}",
        *(f"| {' | '.join(cells)} |" for cells in zip(labels, *columns, strict=True)),
    ]


def _how_sure(prompt: PublishedPrompt, rankings: pd.DataFrame) -> list[str]:
    """What is meant by the intervals, or why there are none; and how far the mean over all jobs hangs on a guess."""
    lines = how_sure(rankings[rankings["score"].notna()])
    (whole,) = prompt.summaries[prompt.summaries["grouping"] == "all"].to_dict("records")
    errors = [whole[name] for name in ("se_independent", "se", "se_correlated")]
    if not any(pd.isna(error) for error in errors):
        bounds = [interval90(whole["job_weighted_mean"], error) for error in errors]
        ranges = ", ".join(
            f"{_range(*bound)} by {correlation:g}"
            for bound, correlation in zip(bounds, ERROR_CORRELATIONS, strict=True)
        )
        lines.append(
            "Intervals of means suppose that errors of related occupations go together by 0.2, which "
            f"nobody knows. The mean over all jobs lies in {ranges}."
        )
    return "\n\n".join(lines).splitlines()


def _beside_scores(rankings: pd.DataFrame) -> str:
    has_any = "lo90" in rankings and rankings["lo90"].notna().any()
    return " (with its 90 % interval)" if has_any else ""


def _range(low: Any, high: Any, pattern: str = "{:.2f}") -> str:
    return "–" if pd.isna(low) else f"{pattern.format(low)}–{pattern.format(high)}"


def _share(row: Mapping[Hashable, Any]) -> str:
    if pd.isna(row["expected_share"]):
        return "–"
    return f"{row['expected_share']:.0%} ({100 * row['share_lo']:.0f}–{row['share_hi']:.0%})"


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
    interval = _range(row.get("lo90"), row.get("hi90"), "{:.1f}")
    beside = "" if interval == "–" else f" ({interval})"
    score = f"score {row['score']:g}{beside}{_attribute_values(row, definition)}"
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
