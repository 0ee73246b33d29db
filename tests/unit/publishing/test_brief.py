"""The brief, the digests and the words of the exported files, without a disk."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime

import pandas as pd
import pytest

from exposure_dagster.prompts.model import Level, PromptFile, Ranking, Scale, Tier
from exposure_dagster.prompts.render import asked_part, ranking_part
from exposure_dagster.publishing.brief import brief, plain
from exposure_dagster.publishing.content import (
    BASELINE_METHOD,
    BASELINE_NOTE,
    CAVEATS,
    PublishedContent,
    PublishedPrompt,
)
from exposure_dagster.publishing.exports import attribution, data_dictionary, safe_for_spreadsheets
from exposure_dagster.ranking.how_sure import MEANING, ONE_ANSWER
from exposure_dagster.ranking.rankings import FACT_COLUMNS, rank_documents
from exposure_dagster.ranking.summaries import summarize
from exposure_dagster.ranking.uncertainty import Method
from exposure_dagster.tables import RANKINGS, SUMMARIES

INSTRUCTION = "How much of the work could an AI do?\n\n# Think of\n\n- tasks | not jobs"

DOCUMENTS = pd.DataFrame(
    [
        {"doc_id": "roofers", "title": "Roofers", "jobs": 166_700, "median_pay_annual": 50_970, "outlook_pct": 6},
        {
            "doc_id": "physicians",
            "title": "Physicians",
            "jobs": 839_000,
            "median_pay_annual": 239_200,
            "pay_is_top_coded": True,
            "outlook_pct": 3,
        },
        {"doc_id": "actors", "title": "Actors", "jobs": 57_000, "outlook_pct": 0},
        {"doc_id": "military", "title": "Military careers"},
    ]
).reindex(columns=list(FACT_COLUMNS))

ANSWERS = pd.DataFrame(
    {
        "doc_id": ["roofers", "physicians", "actors", "military"],
        "score": [1.0, 5.0, 5.0, None],
        "status": ["ok", "ok", "ok", "refused"],
        "rationale": ["Work on roofs.", "Records and patients.", "Voice and face.", None],
        "scorer": "claude",
        "model": "claude-haiku-5-5",
        "prompt_hash": "abc",
        "scored_at": datetime.fromisoformat("2026-03-02T09:00:00"),
        "score_sd": None,
        "attributes": None,
    }
)


def prompt_file(**parts: object) -> PromptFile:
    usual = {
        "title": "Exposure to AI",
        "description": "How exposed work is.",
        "corpus": "ooh",
        "model": "claude-haiku-5-5",
        "scale": Scale(min=0, max=10),
        "levels": (Level(label="Any", range=(0, 10), description="Any work."),),
        "tiers": (Tier(label="Low", range=(0, 4)), Tier(label="High", range=(5, 10))),
        "instruction": INSTRUCTION,
    }
    return PromptFile.model_validate({**usual, **parts})


def published(
    file: PromptFile | None = None, answers: pd.DataFrame = ANSWERS, name: str = "exposure"
) -> PublishedPrompt:
    file = file or prompt_file()
    definition = ranking_part(file)
    rankings = rank_documents(name, answers, DOCUMENTS, definition)
    return PublishedPrompt(
        name, asked_part(file), definition, rankings, summarize(name, rankings, definition, pd.Series(dtype=float))
    )


def answered(**columns: object) -> PublishedPrompt:
    return published(answers=ANSWERS.assign(**columns))


def line_of(text: str, title: str) -> str:
    (line,) = [line for line in text.splitlines() if f"**{title}**" in line]
    return line


# The brief

SOURCES = (("A handbook", "https://handbook.example/", "Public domain."),)


def brief_of(prompt: PublishedPrompt, *, is_sample: bool = False) -> str:
    return brief(prompt, SOURCES, is_sample=is_sample)


def test_a_brief_holds_method_limits_totals_breakdowns_every_document_and_the_sources_in_this_order() -> None:
    headings = re.findall(r"^#{1,3} .*$", brief_of(published()), flags=re.MULTILINE)
    assert headings == [
        "# Exposure to AI",
        "## Method",
        "## What the scores do not mean",
        "## Totals",
        "### By tier",
        "### At or above a score",
        "### By median annual pay",
        "## Every document",
        "## Sources",
    ]


def test_the_method_is_the_whole_question_as_it_was_asked() -> None:
    prompt = published()
    quoted = [
        line.removeprefix(">").removeprefix(" ") for line in brief_of(prompt).splitlines() if line.startswith(">")
    ]
    assert quoted == [line.rstrip() for line in prompt.asked.system.splitlines()]


def test_the_brief_says_what_the_scores_do_not_mean() -> None:
    assert CAVEATS in brief_of(published())
    for left_out in ("no forecast of job losses", "demand", "law", "prefer"):
        assert left_out in CAVEATS


def test_every_document_has_a_line_with_rank_score_figures_and_reason() -> None:
    text = brief_of(published())
    assert line_of(text, "Actors") == (
        "- rank 1: **Actors**, score 5, 57,000 jobs, no annual pay, +0%. Voice and face."
    )
    assert line_of(text, "Roofers") == "- rank 3: **Roofers**, score 1, 166,700 jobs, $50,970, +6%. Work on roofs."


def test_a_pay_that_is_a_lower_bound_is_called_one() -> None:
    assert "at least $239,200" in line_of(brief_of(published()), "Physicians")


def test_a_document_without_an_answer_has_a_line_that_says_so() -> None:
    assert line_of(brief_of(published()), "Military careers") == (
        "- not scored (refused): **Military careers**, jobs not known, no annual pay, no projection"
    )


def test_an_answer_without_a_reason_says_so() -> None:
    assert line_of(brief_of(answered(rationale=None)), "Roofers").endswith("No reason given.")


def test_totals_print_the_threshold_beside_the_figure() -> None:
    totals = [line for line in brief_of(published()).splitlines() if line.startswith(("| All ", "| score"))]
    assert totals == [
        "| All | 4 | 1,062,700 | 209,185,499,000 | 3.67 | 4.37 |",
        "| score ≥ 7 | 0 | 0 | 0 | – | – |",
        "| score ≥ 8 | 0 | 0 | 0 | – | – |",
    ]


def test_the_brief_says_who_answered_when_and_which_version_of_the_question() -> None:
    prompt = published()
    head = brief_of(prompt).split("## Method")[0]
    assert "Answered by claude-haiku-5-5 (last answer 2026-03-02)" in head
    assert prompt.asked.prompt_hash[:12] in head
    assert BASELINE_NOTE not in head


@pytest.mark.parametrize("scorers", ["baseline", ["baseline", "claude", "claude", "claude"]])
def test_estimates_of_the_baseline_are_called_estimates_before_anything_else(scorers: object) -> None:
    assert BASELINE_NOTE in brief_of(answered(scorer=scorers)).split("## Method")[0]


def test_models_that_answered_and_what_estimated_the_others_are_told_apart() -> None:
    models = ["baseline 3 from answers of m", "m", "m", "m"]
    text = brief_of(answered(scorer=["baseline", "claude", "claude", "claude"], model=models))
    assert "Answered by m, the others estimated by baseline 3 from answers of m (last" in text
    assert "Answered by baseline 3 (last" in brief_of(answered(scorer="baseline", model="baseline 3"))


def test_how_good_estimates_are_stands_with_their_method_and_with_no_models() -> None:
    assert BASELINE_METHOD in brief_of(answered(scorer="baseline")).split("## Method")[1]
    assert BASELINE_METHOD not in brief_of(published())


def test_results_whose_prompt_file_cannot_be_used_are_called_out_of_date_before_anything_else() -> None:
    text = brief_of(replace(published(), out_of_date="tiers: two ranges overlap at | 5"))
    assert (
        "**Out of date: the prompt's file cannot be used (tiers: two ranges overlap at \\| 5).**"
        in (text.split("## Method")[0])
    )


def sure(method: str, **bounds: float) -> pd.DataFrame:
    """Rows of ranked.uncertainty of the prompt's scored documents."""
    scored = ANSWERS[ANSWERS["score"].notna()]
    return scored[["doc_id"]].assign(method=method, lo90=bounds.get("lo90"), hi90=bounds.get("hi90"))


def test_a_brief_gives_scores_means_and_shares_their_intervals_and_says_what_these_mean() -> None:
    prompt = published()
    errors = pd.Series(1.0, index=ANSWERS["doc_id"])
    prompt = replace(prompt, summaries=summarize("exposure", prompt.rankings, prompt.definition, errors))
    text = brief(prompt, SOURCES, uncertainty=sure("samples", lo90=0.2, hi90=6.5))
    assert MEANING[Method.SAMPLES] in text
    assert "score 5 (0.2–6.5)" in line_of(text, "Physicians")
    whole, above = (
        prompt.summaries[prompt.summaries["grouping"] == name].iloc[0] for name in ("all", "score_threshold")
    )
    assert f"| {whole['job_weighted_mean']:.2f} | {whole['lo90']:.2f}–{whole['hi90']:.2f} |" in text
    assert f"| {above['expected_share']:.0%} ({100 * above['share_lo']:.0f}–{above['share_hi']:.0%}) |" in text
    assert all(re.search(rf"\d–\d\.\d\d by {correlation}\b", text) for correlation in ("0", "0.2", "0.4"))


def test_a_brief_without_intervals_says_why() -> None:
    text = brief(published(), SOURCES, uncertainty=sure("none"))
    assert ONE_ANSWER in text.split("## Totals")[0]
    assert "interval of it" not in text and "(with its 90 % interval)" not in text


def test_a_brief_without_any_answer_is_still_a_brief() -> None:
    text = brief_of(answered(score=None, status="failed", model=None, scorer=None, scored_at=None))
    assert "Answered by nobody yet" in text
    assert text.count("- not scored (failed)") == 4


# Hostile words

HOSTILE = (
    "</td><script>alert(1)</script> | [click](javascript:x) ![i](//x) `code` *b* # h\n\n## Totals\r\n- rank 1: **Fake**"
)


def test_hostile_words_stay_words_in_one_line() -> None:
    text = brief_of(answered(rationale=HOSTILE))
    line = line_of(text, "Roofers")
    assert re.search(r"(?<!\\)[<>|`*#\[\]]", line.split("+6%. ")[1]) is None
    assert "script" in line
    assert "\n## Totals\n" in text
    assert text.count("\n## Totals") == 1
    assert len([each for each in text.splitlines() if each.startswith("- ")]) == 4 + len(SOURCES)


def test_a_hostile_title_of_a_prompt_or_a_group_breaks_no_table() -> None:
    tiers = (Tier(label="Low | <b>", range=(0, 4)), Tier(label="High", range=(5, 10)))
    text = brief_of(published(prompt_file(title="A <img src=x> # title", tiers=tiers)))
    assert text.startswith("# A \\<img src=x\\> \\# title\n")
    (row,) = [line for line in text.splitlines() if line.startswith("| Low")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 7


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c", "\x1b", "\x07", "\x9b"])
def test_marks_that_turn_or_hide_the_rest_of_a_line_are_dropped(mark: str) -> None:
    assert plain(f"safe{mark}txt.exe") == "safetxt.exe"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\t", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_whatever_ends_a_line_becomes_a_space(separator: str) -> None:
    assert plain(f"one{separator}{separator}two") == "one two"


def test_words_in_any_script_stay_as_they_are() -> None:
    words = "Crème brûlée – 5 % ≥ 3, عربي, עברית, 日本語, 👩🏽‍⚕️"
    assert plain(words) == words


# Spreadsheets


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("//x")'])
def test_a_text_cell_that_begins_like_a_formula_gets_an_apostrophe(cell: str) -> None:
    frame = pd.DataFrame({"title": [cell, "Roofers"]})
    assert safe_for_spreadsheets(frame)["title"].tolist() == [f"'{cell}", "Roofers"]
    assert frame["title"].tolist() == [cell, "Roofers"]


def test_numbers_times_and_empty_cells_are_left_alone() -> None:
    frame = pd.DataFrame(
        {
            "change": [-5.0, None],
            "jobs": pd.array([-1, None], dtype="Int64"),
            "at": pd.to_datetime(["2026-03-02", None]),
            "flag": [True, False],
            "title": ["a", None],
        }
    )
    assert safe_for_spreadsheets(frame).to_csv(index=False) == frame.to_csv(index=False)


# What explains the files


def test_the_data_dictionary_explains_every_column() -> None:
    text = data_dictionary()
    for table in (RANKINGS, SUMMARIES):
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} | {column.unit or ''} | {column.description} |" in text


def test_the_attribution_names_source_and_licence() -> None:
    text = attribution(PublishedContent((published(),)))
    assert "U.S. Bureau of Labor Statistics" in text
    assert "Public domain" in text


# Digests


def test_the_same_content_has_the_same_name() -> None:
    assert PublishedContent((published(),)).digest == PublishedContent((published(),)).digest


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(answered(score=[2.0, 5.0, 5.0, None]), id="score"),
        pytest.param(answered(rationale="Other words."), id="rationale"),
        pytest.param(answered(scorer="baseline"), id="scorer"),
        pytest.param(published(prompt_file(title="Another title")), id="title"),
        pytest.param(published(prompt_file(instruction="Another question?")), id="question"),
        pytest.param(published(prompt_file(tiers=(Tier(label="Any", range=(0, 10)),))), id="tiers"),
        pytest.param(published(name="another"), id="name"),
        pytest.param(replace(published(), out_of_date="broken"), id="out of date"),
        pytest.param(replace(published(), summaries=published().summaries.head(3)), id="summaries"),
    ],
)
def test_other_content_has_another_name(other: PublishedPrompt) -> None:
    assert PublishedContent((other,)).digest != PublishedContent((published(),)).digest


def test_one_more_prompt_makes_another_publication() -> None:
    both = PublishedContent((published(), published(name="second")))
    assert both.digest != PublishedContent((published(),)).digest


def test_a_composite_of_several_attributes_is_published_as_one_score() -> None:
    attributes = [
        {
            "key": key,
            "title": key,
            "question": f"{key}?",
            "scale": {"min": 0, "max": 10},
            "levels": [{"label": "Any", "range": [0, 10], "description": "Any."}],
        }
        for key in ("hands", "words")
    ]
    file = prompt_file(
        scale=None, levels=None, attributes=attributes, ranking=Ranking(weights={"hands": 1.0, "words": 3.0})
    )
    text = brief_of(published(file, ANSWERS.assign(score=None, attributes=json.dumps({"hands": 10, "words": 2}))))
    assert line_of(text, "Roofers").startswith("- rank 1: **Roofers**, score 4 (hands 10, words 2),")
