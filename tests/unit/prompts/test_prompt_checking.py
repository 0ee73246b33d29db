"""What is said about the text of a prompt file."""

from __future__ import annotations

import pytest

from exposure_dagster.prompts.checking import Problem, check_text
from exposure_dagster.prompts.model import PromptFile
from exposure_dagster.prompts.render import asked_part, ranking_part

CORPORA = ["ooh", "onet"]
MODELS = ["claude-haiku-5-5", "claude-opus-5-5"]
TWICE = "given twice, in line 3 and again in line 4"
OVERLAP = "{} overlaps another range; both ends belong to a range"

GOOD = """\
---
title: Exposure
corpus: ooh
model: claude-haiku-5-5
scale: {min: 0, max: 10}
levels:
  - label: Low
    range: [0, 4]
    description: Little of it
    examples: [Roofer, Plumber]
  - label: High
    range: [5, 10]
    description: Much of it
tiers:
  - {label: All, range: [0, 10]}
baseline:
  raises: [data*, writing]
---
Rate the occupation.

Take care.
"""

BY_RULE = "corpus: ooh\nsampling: {{min: {}, max: {}, target: {}}}"

SEVERAL = """\
---
title: Several
corpus: ooh
model: claude-haiku-5-5
ranking: {weights: {trust: 2}}
attributes:
  - key: trust
    title: Trust
    question: Is trust the product?
    scale: {min: 1, max: 5}
    levels: [{label: Little, range: [1, 2], description: No trust}]
  - key: judgement
    title: Judgement
    question: Is there judgement?
    scale: {min: 1, max: 5}
    levels: [{label: Much, range: [4, 5], description: Much}]
---
Rate it.
"""


def check(text: str) -> PromptFile | tuple[Problem, ...]:
    return check_text(text, file="p.md", known_corpora=CORPORA, known_models=MODELS)


def problems(text: str) -> list[tuple[int | None, str | None, str]]:
    checked = check(text)
    assert isinstance(checked, tuple), "nothing was found wrong"
    return [(problem.line, problem.key, problem.what) for problem in checked]


def changed(before: str, after: str, text: str = GOOD) -> str:
    assert before in text
    return text.replace(before, after, 1)


def prompt_hash(text: str) -> str:
    checked = check(text)
    assert isinstance(checked, PromptFile)
    return asked_part(checked).prompt_hash


def test_a_good_file_is_read() -> None:
    checked = check(GOOD)
    assert isinstance(checked, PromptFile)
    assert checked.instruction == "Rate the occupation.\n\nTake care."
    assert list(checked.numbers[0].levels[0].range) == [0, 4]
    assert checked.samples == 1


def test_a_file_with_attributes_is_read() -> None:
    checked = check(SEVERAL)
    assert isinstance(checked, PromptFile)
    assert [number.key for number in checked.numbers] == ["trust", "judgement"]


@pytest.mark.parametrize(
    "same",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "  \t\n"),
        "\n\n" + GOOD + "\n\n\n",
        GOOD.replace("Little of it", "Little   of it"),
        GOOD.replace("[0, 4]", "[0.0, 4]"),
        GOOD.replace("title: Exposure", "title: Another title").replace("label: Low", "label: Lowest"),
    ],
    ids=["crlf", "cr", "bom", "trailing", "around", "inner", "float", "labels"],
)
def test_what_the_model_does_not_see_changes_no_hash(same: str) -> None:
    assert prompt_hash(same) == prompt_hash(GOOD)


@pytest.mark.parametrize(
    "other",
    [
        GOOD.replace("Take care.", "Take great care."),
        GOOD.replace("Little of it", "Very little of it"),
        GOOD.replace("Plumber", "Painter"),
        GOOD.replace("haiku", "opus"),
    ],
)
def test_what_the_model_sees_changes_the_hash(other: str) -> None:
    assert prompt_hash(other) != prompt_hash(GOOD)


def test_how_many_samples_are_taken_does_not_change_the_hash() -> None:
    assert prompt_hash(GOOD.replace("corpus: ooh", "corpus: ooh\nsamples: 2")) == prompt_hash(GOOD)
    assert prompt_hash(GOOD.replace("corpus: ooh", BY_RULE.format(2, 5, "totals"))) == prompt_hash(GOOD)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (changed("title: Exposure\n", ""), (None, "title", "missing")),
        (changed("scale: {min: 0, max: 10}\n", ""), (None, "scale", "missing")),
        (changed("    description: Much of it\n", ""), (11, "levels.1.description", "missing")),
        (changed("title: Exposure", "title:"), (2, "title", "is empty")),
        (changed("title: Exposure", "title: 911"), (2, "title", "is the number 911")),
        (changed("title: Exposure", "title: [a, b]"), (2, "title", "is a list")),
        (changed("Little of it", "{a: b}"), (9, "levels.0.description", "holds keys of its own")),
        (changed("[5, 10]", "5-10"), (12, "levels.1.range", "is the text '5-10'")),
        (changed("[5, 10]", "[5]"), (12, "levels.1.range", "has not two numbers")),
        (changed("[5, 10]", "[5, 7, 10]"), (12, "levels.1.range", "has not two numbers")),
        (changed("[5, 10]", "[10, 5]"), (12, "levels.1.range", "[10, 5] begins above its end")),
        (changed("[5, 10]", "[5, 12]"), (12, "levels.1.range", "[5, 12] leaves the scale, 0 to 10")),
        (changed("[5, 10]", "[4, 10]"), (12, "levels.1.range", OVERLAP.format("[4, 10]"))),
        (changed("[0, 10]}", "[0, 11]}"), (15, "tiers.0.range", "[0, 11] leaves the scale, 0 to 10")),
        (changed("{min: 0, max: 10}", "0-10"), (5, "scale", "is the text '0-10'")),
        (changed("{min: 0, max: 10}", "{min: 0.5, max: 10}"), (5, "scale.min", "is the number 0.5")),
        (changed("[Roofer, Plumber]", "Roofer, Plumber"), (10, "levels.0.examples", "is the text 'Roofer, Plumber'")),
        (changed("[Roofer, Plumber]", "[Roofer, 12]"), (10, "levels.0.examples.1", "is the number 12")),
        (changed("corpus: ooh", "corpus: ohh"), (3, "corpus", "unknown corpus ohh; did you mean ooh?")),
        (changed("haiku-5-5", "haiku-5"), (4, "model", "unknown model claude-haiku-5; did you mean claude-haiku-5-5?")),
        (changed("tiers:", "tires:"), (14, "tires", "unknown key; did you mean tiers?")),
        (changed("  raises:", "  rises:"), (17, "baseline.rises", "unknown key; did you mean raises?")),
        (changed("corpus: ooh", "corpus: ooh\neffort: lo"), (4, "effort", "unknown effort lo; did you mean low?")),
        (changed("corpus: ooh", "corpus: ooh\nsamples: 0"), (4, "samples", "is the number 0")),
        (changed("corpus: ooh", "corpus: ooh\nenabled: maybe"), (4, "enabled", "is the text 'maybe'")),
        (changed("corpus: ooh", "corpus: ooh\ninstruction: x"), (4, "instruction", "unknown key")),
        (changed("corpus: ooh", "corpus: ooh\ncorpus: ooh"), (3, "corpus", TWICE)),
        (changed("scale:", "ranking: {weights: {a: 1}}\nscale:"), (5, "ranking.weights", "needs attributes to weigh")),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_line_and_key(text: str, problem: tuple[int | None, str, str]) -> None:
    assert problem in problems(text)


@pytest.mark.parametrize(
    ("fewest", "most", "target", "problem"),
    [
        (3, 3, "totals", (4, "sampling.max", "must lie above min, 3; as many for each document are `samples: 3`")),
        (1, 3, "totals", (4, "sampling.min", "is the number 1")),
        (3, 8, "tires", (4, "sampling.target", "is the text 'tires'")),
        (3, 8, "tiers", (4, "sampling.target", "needs two tiers or more, to tell them apart")),
        (2, 8, "totals}\nsamples: 2 #", (4, "sampling", "give one of both, samples or sampling")),
    ],
)
def test_a_mistake_of_sampling_is_named(fewest: int, most: int, target: str, problem: tuple[int, str, str]) -> None:
    assert problem in problems(changed("corpus: ooh", BY_RULE.format(fewest, most, target)))


@pytest.mark.parametrize(
    ("text", "line", "key", "word"),
    [
        (changed("title: Exposure", "title: yes"), 2, "title", "true or false"),
        (changed("title: Exposure", "title: 2025-01-31"), 2, "title", "a date"),
        (changed("title: Exposure", "title: 2025-13-77"), 2, "title", "a date"),
        (changed("[Roofer, Plumber]", "[Roofer, No]"), 10, "levels.0.examples.1", "true or false"),
        (changed("corpus: ooh", "corpus: ooh\nsamples: on"), 4, "samples", "true or false"),
        (changed("corpus: ooh", "corpus: ooh\nsamples: 1:30"), 4, "samples", "another number"),
        (changed("corpus: ooh", "corpus: ooh\nsamples: 010"), 4, "samples", "another number"),
        (changed("[5, 10]", "[5, .inf]"), 12, "levels.1.range", "another number"),
        (changed("[5, 10]", "[5, off]"), 12, "levels.1.range", "true or false"),
    ],
)
def test_text_that_yaml_reads_as_something_else_is_pointed_out_once(text: str, line: int, key: str, word: str) -> None:
    ((found_line, found_key, what),) = problems(text)
    assert (found_line, found_key) == (line, key)
    assert word in what


def test_quoted_text_is_text() -> None:
    checked = check(changed("title: Exposure", 'title: "yes"'))
    assert isinstance(checked, PromptFile)
    assert checked.title == "yes"


def test_enabled_takes_yes_and_no() -> None:
    checked = check(changed("corpus: ooh", "corpus: ooh\nenabled: no"))
    assert isinstance(checked, PromptFile)
    assert not checked.enabled


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (changed("title: Exposure", "title: Exposure: today"), 2),
        (changed("corpus: ooh", "\tcorpus: ooh"), 3),
        (changed("corpus: ooh", "corpus: [ooh"), 4),
        (changed("corpus: ooh", "corpus: *ooh"), 3),
        (changed("corpus: ooh", "corpus: o\uffffh"), 3),
        (changed("corpus: ooh", "? [a]\n: b"), 3),
        ("---\n- a list\n---\nRate it.", 2),
        ("\n\n---\n\ntitle: a: b\n---\nRate it.", 5),
    ],
)
def test_yaml_that_cannot_be_read_is_reported_with_its_line(text: str, line: int) -> None:
    ((found, key, what),) = problems(text)
    assert (found, key) == (line, None)
    assert what.startswith("is not valid YAML")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("\ufeff", "the file is empty"),
        ("Rate it.", "no front matter"),
        ("---\ntitle: x\n", "no front matter"),
    ],
)
def test_a_file_without_front_matter_is_told_apart(text: str, what: str) -> None:
    ((_, _, found),) = problems(text)
    assert found.startswith(what)


def test_an_empty_instruction_is_a_mistake() -> None:
    assert problems(GOOD.partition("Rate")[0]) == [(None, "instruction", "the text below the front matter is empty")]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = changed("corpus: ooh", "corpus: nowhere", changed("title: Exposure", "titel: Exposure"))
    text = changed("range: [5, 10]", "range: high", text)
    assert [key for _, key, _ in problems(text)] == ["title", "titel", "corpus", "levels.1.range"]


def test_empty_front_matter_lacks_everything() -> None:
    assert {key for _, key, _ in problems("---\n---\nRate it.")} == {"title", "corpus", "model", "scale", "levels"}


def test_a_problem_says_what_is_allowed() -> None:
    checked = check(changed("corpus: ooh", "corpus: ooh\neffort: lo"))
    assert isinstance(checked, tuple)
    assert str(checked[0]) == (
        "p.md:4: effort: unknown effort lo; did you mean low? (allowed: low, medium, high, xhigh, max)"
    )


def test_an_attribute_may_not_bear_the_name_of_another_part_of_the_answer() -> None:
    text = SEVERAL.replace("trust", "rationale")
    assert [(line, key) for line, key, _ in problems(text)] == [(7, "attributes.0.key")]


def test_a_weight_of_no_attribute_is_a_mistake() -> None:
    text = (
        SEVERAL.replace("label: No,", "label: A,")
        .replace("label: Yes,", "label: B,")
        .replace("{trust: 2}", "{luck: 2}")
    )
    assert problems(text) == [(5, "ranking.weights", "no attribute has the key luck")]


QUADRANTS = "{x: trust, y: judgement, x_cut_off: 3, y_cut_off: 4, labels: {both: A, x_only: B, y_only: C, neither: D}}"
DIVIDED = SEVERAL.replace("{weights: {trust: 2}}", f"{{quadrants: {QUADRANTS}}}")


def test_a_file_with_quadrants_is_read_and_the_model_sees_nothing_of_them() -> None:
    checked = check(DIVIDED)
    assert isinstance(checked, PromptFile) and checked.ranking.quadrants is not None
    assert (checked.ranking.quadrants.x_cut_off, checked.ranking.quadrants.labels.in_order) == (3, tuple("ABCD"))
    assert prompt_hash(DIVIDED) == prompt_hash(SEVERAL) == prompt_hash(DIVIDED.replace("x_cut_off: 3", "x_cut_off: 2"))


def test_quadrants_change_the_ranking_and_five_divides_where_nothing_else_is_said() -> None:
    by_ten = DIVIDED.replace("max: 5", "max: 10").replace("x_cut_off: 3, y_cut_off: 4, ", "")
    plain, five, other = (
        check(text)
        for text in (by_ten.replace("labels", "x_cut_off: 5.0, labels"), by_ten, by_ten.replace("both: A", "both: Z"))
    )
    assert isinstance(plain, PromptFile) and isinstance(five, PromptFile) and isinstance(other, PromptFile)
    assert five.ranking.quadrants is not None and five.ranking.quadrants.y_cut_off == 5
    assert ranking_part(plain).ranking_hash == ranking_part(five).ranking_hash != ranking_part(other).ranking_hash


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        (DIVIDED.replace("y: judgement", "y: trust"), "y", "x and y must be different attributes"),
        (DIVIDED.replace("x: trust", "x: luck"), "x", "no attribute has the key luck"),
        (DIVIDED.replace("neither: D", "neither: A"), "labels", "must be four different names"),
        (DIVIDED.replace(", neither: D", ""), "labels.neither", "missing"),
        (DIVIDED.replace("x_cut_off: 3", "x_cut_of: 3"), "x_cut_of", "unknown key; did you mean x_cut_off?"),
        (DIVIDED.replace("x_cut_off: 3", "x_cut_off: high"), "x_cut_off", "is the text 'high'"),
        (
            DIVIDED.replace("x_cut_off: 3", "x_cut_off: 1"),
            "x_cut_off",
            "1 divides nothing: it must lie above 1 and not above 5",
        ),
    ],
)
def test_a_mistake_in_quadrants_is_named(text: str, key: str, what: str) -> None:
    assert problems(text) == [(5, f"ranking.quadrants.{key}", what)]


def test_quadrants_need_attributes() -> None:
    text = changed("scale:", f"ranking: {{quadrants: {QUADRANTS}}}\nscale:")
    assert problems(text) == [(5, "ranking.quadrants", "needs attributes to divide by")]


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        (changed("corpus: ooh", "corpus: o\0h"), 3, "U+0000"),
        (changed("Take care.", "Take\0care."), 21, "U+0000"),
        (changed("Take care.", "\x1b[2JTake care."), 21, "U+001B"),
        (changed("Take care.", "Take\x9b care.").replace("\n", "\r\n"), 21, "U+009B"),
        ("\0", 1, "U+0000"),
    ],
)
def test_a_control_character_anywhere_is_told_with_its_line(text: str, line: int, character: str) -> None:
    ((found, key, what),) = problems(text)
    assert (found, key) == (line, None)
    assert what == f"the control character {character} cannot stand in a prompt"


def test_a_control_character_is_no_tab_no_line_end_and_no_letter() -> None:
    text = changed("Take care.", "Take\tcare, می\u200cنویسنده.").replace("\n", "\r\n")
    assert isinstance(check(text), PromptFile)


def included(text: str, include: str, corpus: str = "onet") -> str:
    return text.replace("corpus: ooh", f"corpus: {corpus}\ninclude: {include}")


def checked(text: str) -> PromptFile:
    found = check_text(text, file="a.md", known_corpora=CORPORA, known_models=MODELS)
    assert isinstance(found, PromptFile), found
    return found


def test_a_prompt_without_include_has_the_hash_that_it_had_before_there_were_any() -> None:
    asked = asked_part(checked(GOOD))
    assert "include" not in asked.model_dump(mode="json")
    assert "include" not in asked.model_dump_json()
    assert asked.prompt_hash == asked_part(checked(included(GOOD, "[]"))).prompt_hash
    assert asked.prompt_hash == "ec18f7eb4c8c23699f07915cd110ee26353013bbb4af4a7c1fe9f29137bdfc97"


def test_what_is_included_is_part_of_the_hash_in_whatever_order() -> None:
    one, other = (asked_part(checked(included(GOOD, order))) for order in ("[related, skills]", "[skills, related]"))
    assert one.include == other.include == ("skills", "related")
    assert one.prompt_hash == other.prompt_hash != asked_part(checked(GOOD)).prompt_hash
    assert type(one).model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            included(GOOD, "[skills, wages]"),
            "include.1: unknown section wages of corpus onet, which has skills, software, work_activities, related",
        ),
        (
            included(GOOD, "[skills]", corpus="ooh"),
            "include.0: unknown section skills of corpus ooh, which has nothing to include",
        ),
        (included(GOOD, "[skills, skills]"), "include.1: skills is there twice"),
        (included(GOOD, "skills"), "include: is the text 'skills' (allowed: a list of sections of the corpus"),
    ],
)
def test_a_section_that_a_corpus_does_not_have_is_named_with_those_that_it_has(text: str, what: str) -> None:
    (problem,) = check_text(text, file="a.md", known_corpora=CORPORA, known_models=MODELS)
    assert str(problem).startswith(f"a.md:4: {what}")
