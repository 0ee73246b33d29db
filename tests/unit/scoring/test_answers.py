"""What counts as an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exposure_dagster.prompts.model import AskedPrompt, Level, PromptFile, Scale
from exposure_dagster.prompts.render import Document, asked_part
from exposure_dagster.scoring.answers import Answer, Flaw, UnreadableAnswerError, read_answers

BAKERS = Document("bakers", "Bakers", "They bake.")
COOKS = Document("cooks", "Cooks & “chefs”", "They cook.")
COOKS_OTHER = Document("cooks-all-other", "Cooks & “chefs”, all other", "They cook, too.")


def asked(scale: Scale | None = None) -> AskedPrompt:
    return asked_part(
        PromptFile(
            title="Exposure",
            corpus="ooh",
            model="claude-haiku-5-5",
            scale=scale or Scale(min=0, max=10),
            levels=(Level(label="any", range=(0, 1), description="Any."),),
            instruction="Judge.",
        )
    )


def row(document: Document, **changes: Any) -> dict[str, Any]:
    return {"id": document.doc_id, "title": document.title, "rationale": "Because.", "score": 7} | changes


def of_one(answer: Any, **options: Any) -> Answer | Flaw:
    (result,) = read_answers(asked(**options), [BAKERS], json.dumps(answer))
    return result


def of_several(*rows: dict[str, Any]) -> list[Answer | Flaw]:
    return read_answers(asked(), [BAKERS, COOKS, COOKS_OTHER], json.dumps({"answers": rows}))


def reasons(results: list[Answer | Flaw]) -> list[str | None]:
    return [result.reason if isinstance(result, Flaw) else None for result in results]


def test_one_document_is_answered_by_one_object() -> None:
    assert of_one(row(BAKERS)) == Answer({"score": 7}, "Because.")


def test_a_whole_number_may_be_written_as_a_decimal() -> None:
    assert of_one(row(BAKERS, score=7.0)) == Answer({"score": 7}, "Because.")


def test_a_scale_of_given_numbers_takes_those() -> None:
    halves = Scale(values=(0, 0.5, 1))

    assert of_one(row(BAKERS, score=0.5), scale=halves) == Answer({"score": 0.5}, "Because.")
    assert of_one(row(BAKERS, score=0.7), scale=halves) == Flaw("score is 0.7, which is not allowed")


@pytest.mark.parametrize("score", [11, -1, 6.5, "7", None, True, [7], 10**30, "x" * 99])
def test_a_score_that_is_not_on_the_scale_is_a_flaw(score: object) -> None:
    result = of_one(row(BAKERS, score=score))

    assert isinstance(result, Flaw)
    assert result.reason.startswith("score is ")
    assert len(result.reason) < 90


@pytest.mark.parametrize("rationale", ["", "  \n", None, 3, "\ud800"])
def test_a_rationale_that_cannot_be_read_is_a_flaw(rationale: object) -> None:
    assert isinstance(of_one(row(BAKERS, rationale=rationale)), Flaw)


def test_fields_must_be_those_that_were_asked_for() -> None:
    without_score = {key: value for key, value in row(BAKERS).items() if key != "score"}

    assert of_one(without_score) == Flaw("fields missing: score; fields not asked for: none")
    assert of_one(row(BAKERS, mood="good")) == Flaw("fields missing: none; fields not asked for: mood")


def test_an_answer_about_another_document_is_a_flaw() -> None:
    assert of_one(row(BAKERS, id="butchers")) == Flaw("no answer carries its id")


def test_one_document_alone_needs_no_title() -> None:
    assert isinstance(of_one(row(BAKERS, title="The people who bake")), Answer)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"answers": [',
        "```json\n{}\n```",
        "Here you are: {}",
        "{'id': 'bakers'}",
        '{"id": "bakers", "score": NaN}',
        "[" * 100_000,
    ],
)
def test_what_is_not_json_of_the_right_form_cannot_be_read(text: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_answers(asked(), [BAKERS], text)


@pytest.mark.parametrize(
    "text", ['{"answers": {}}', "{}", '{"answers": [], "note": 1}', '{"id": "bakers", "score": 7}']
)
def test_several_documents_are_answered_by_a_list(text: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_answers(asked(), [BAKERS, COOKS], text)


def test_answers_are_matched_by_id_and_not_by_place() -> None:
    results = of_several(row(COOKS_OTHER, score=1), row(BAKERS, score=2), row(COOKS, score=3))

    assert [result.numbers["score"] for result in results if isinstance(result, Answer)] == [2, 3, 1]


def test_a_missing_and_a_doubled_id_spoil_only_their_documents() -> None:
    results = of_several(row(BAKERS), row(BAKERS, score=1), row(COOKS))

    assert reasons(results) == ["several answers carry its id", None, "no answer carries its id"]


def test_an_unknown_id_spoils_nothing_else() -> None:
    assert reasons(of_several(row(BAKERS), row(COOKS), row(COOKS_OTHER), row(COOKS, id="x"))) == [None, None, None]


def test_rows_that_are_no_objects_spoil_nothing_else() -> None:
    assert reasons(of_several(row(BAKERS), "x", None, row(COOKS, id=3)))[0] is None  # type: ignore[arg-type]


def test_swapped_ids_are_seen_by_the_titles_even_where_one_title_begins_like_the_other() -> None:
    results = of_several(row(BAKERS), row(COOKS, id=COOKS_OTHER.doc_id), row(COOKS_OTHER, id=COOKS.doc_id))

    assert reasons(results) == [None, *["the answer with its id carries another title"] * 2]


@pytest.mark.parametrize("title", ["BAKERS", "bakers.", " Bakers ", "Bakers and others", "Bak"])
def test_a_title_may_be_spelt_a_little_differently_or_be_cut_short(title: str) -> None:
    assert reasons(of_several(row(BAKERS, title=title), row(COOKS), row(COOKS_OTHER))) == [None, None, None]


@pytest.mark.parametrize("title", ["Butchers", "", None, 3])
def test_a_title_that_is_not_the_documents_is_a_flaw(title: object) -> None:
    assert reasons(of_several(row(BAKERS, title=title), row(COOKS), row(COOKS_OTHER)))[0] is not None


def test_escaped_characters_in_ids_and_titles_make_no_difference() -> None:
    odd = Document("a&b", "R&D <managers>", "Text.")
    answers = {"answers": [row(odd, id="a&amp;b", title="R&amp;D &lt;managers&gt;"), row(BAKERS)]}

    assert reasons(read_answers(asked(), [odd, BAKERS], json.dumps(answers))) == [None, None]
