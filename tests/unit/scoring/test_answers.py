"""What counts as an answer."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import pytest

from exposure_dagster.prompts.model import AskedPrompt, Level, PromptFile, Scale
from exposure_dagster.prompts.render import Document, asked_part, escaped, user_message
from exposure_dagster.scoring.answers import Answer, Flaw, FlawKind, UnreadableAnswerError, read_answers
from exposure_dagster.scoring.notes import AMID_TEXT, FENCED, NUMBER_AS_TEXT

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
    assert reasons([of_one(row(BAKERS, score=0.7), scale=halves)]) == ["score is 0.7, which is not allowed"]


@pytest.mark.parametrize("score", [11, -1, 6.5, None, True, [7], 10**30, "x" * 99])
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

    assert reasons([of_one(without_score)]) == ["fields missing: score; fields not asked for: none"]
    assert reasons([of_one(row(BAKERS, mood="good"))]) == ["fields missing: none; fields not asked for: mood"]


def test_an_answer_about_another_document_is_a_flaw() -> None:
    assert of_one(row(BAKERS, id="butchers")) == Flaw("no answer carries its id", FlawKind.OTHER_ID)


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
        "{'id': 'bakers'}",
        '{"id": "bakers", "score": NaN}',
        "[" * 100_000,
    ],
)
def test_what_is_not_json_of_the_right_form_cannot_be_read(text: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_answers(asked(), [BAKERS], text)


GOOD = json.dumps(row(BAKERS))


def read(text: str, *, is_whole: bool = True) -> Answer | Flaw:
    (result,) = read_answers(asked(), [BAKERS], text, is_whole=is_whole)
    return result


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\n",
        f"  ~~~JSON\r\n{GOOD}\r\n~~~",
        f"```json{GOOD}```",
        f"```json\n{GOOD}",
    ],
)
def test_an_answer_may_stand_in_a_code_fence_and_that_is_noted(text: str) -> None:
    assert read(text) == Answer({"score": 7}, "Because.", (FENCED,))


@pytest.mark.parametrize(
    "text",
    [
        f"Here you are:\n{GOOD}",
        f"{GOOD}\nLet me know whether that helps.",
        f"Sure! ```json\n{GOOD}\n``` (7 of 10)",
        f"\ufeff{GOOD}",
        f"<think>Seven, I should say.</think>{GOOD}",
    ],
)
def test_an_answer_may_stand_amid_other_text_and_that_is_noted(text: str) -> None:
    assert read(text) == Answer({"score": 7}, "Because.", (AMID_TEXT,))


def test_brackets_within_the_answer_itself_are_no_matter() -> None:
    answer = json.dumps(row(BAKERS, rationale="It says {bake} and ```knead``` [sic]."))

    assert read(f"```json\n{answer}\n```") == Answer({"score": 7}, "It says {bake} and ```knead``` [sic].", (FENCED,))


@pytest.mark.parametrize(
    "text",
    [
        f"{GOOD}\n{GOOD}",
        f"{GOOD} No, rather {json.dumps(row(BAKERS, score=3))}",
        f"The form {{id, score}} is: {GOOD}",
        f"[{GOOD}]",
        f"As a list: [{GOOD}]",
        f'{{"answers": [{GOOD}',
        f"```json\n{GOOD[:-1]}\n```",
        "```json\n```",
        GOOD.replace('"score": 7', '"score": 7, "score": 3'),
        "{" * 5000 + GOOD + "}" * 5000,
    ],
)
def test_where_there_is_more_than_one_way_to_read_it_nothing_is_read(text: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        read(text)


def test_of_a_text_that_was_cut_off_only_plain_json_is_read() -> None:
    assert isinstance(read(GOOD, is_whole=False), Answer)
    with pytest.raises(UnreadableAnswerError):
        read(f"{GOOD}\nOn second thoughts", is_whole=False)


def test_several_documents_may_be_answered_in_a_fence_too() -> None:
    text = f"```json\n{json.dumps({'answers': [row(BAKERS), row(COOKS)]})}\n```"

    results = read_answers(asked(), [BAKERS, COOKS], text)

    assert [result.repairs for result in results if isinstance(result, Answer)] == [(FENCED,), (FENCED,)]


@pytest.mark.parametrize("score", ["7", " 7 ", "7.0"])
def test_a_number_may_be_given_as_text_and_that_is_noted(score: str) -> None:
    assert of_one(row(BAKERS, score=score)) == Answer({"score": 7}, "Because.", (NUMBER_AS_TEXT,))


@pytest.mark.parametrize(
    "score", ["7/10", "11", "-1", "6.5", "seven", "7.", "07", "+7", "7e0", "0x7", "٧", "", "7, 8", "NaN", "9" * 5000]
)
def test_a_text_that_is_no_plain_number_of_the_scale_is_a_flaw(score: str) -> None:
    result = of_one(row(BAKERS, score=score))

    assert isinstance(result, Flaw)
    assert result.kind is FlawKind.NUMBER
    assert len(result.reason) < 90


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


ODD_IDS = [
    "https://jobs.example/view?id=7&currency=EUR&timestamp=5",
    "X&amp;Y",
    "a&lt;b&gt;c",
    'say "so" & <so>',
    "&amp;amp;",
    "R&D",
]


@pytest.mark.parametrize("doc_id", ODD_IDS)
def test_an_id_is_taken_as_it_is_as_it_stands_in_the_message_and_with_its_escapes_undone(doc_id: str) -> None:
    document = Document(doc_id, "Odd", "Text.")
    in_message = user_message([document]).split(' id="')[1].split('">')[0]

    for echo in (doc_id, in_message, html.unescape(doc_id), html.unescape(in_message)):
        (result,) = read_answers(asked(), [document], json.dumps(row(document, id=echo)))
        assert isinstance(result, Answer), echo


@pytest.mark.parametrize("escape", [lambda text: text, escaped, html.unescape])
def test_ids_with_and_without_escapes_go_together(escape: Callable[[str], str]) -> None:
    documents = [Document(doc_id, f"Title {number}", "Text.") for number, doc_id in enumerate(ODD_IDS)]
    rows = [row(document, id=escape(document.doc_id), score=number) for number, document in enumerate(documents)]

    results = read_answers(asked(), documents, json.dumps({"answers": rows[::-1]}))

    assert [result.numbers["score"] for result in results if isinstance(result, Answer)] == [0, 1, 2, 3, 4, 5]


def test_an_id_that_could_be_either_of_two_documents_spoils_both_and_no_other() -> None:
    plain, escaped_one, other = (Document(doc_id, "Same title", "Text.") for doc_id in ("a&b", "a&amp;b", "c"))

    results = read_answers(
        asked(), [plain, escaped_one, other], json.dumps({"answers": [row(plain), row(escaped_one), row(other)]})
    )

    assert reasons(results) == [*["an answer carries an id that could be its own or another document's"] * 2, None]


def test_a_title_may_be_echoed_with_and_without_escapes() -> None:
    odd = Document("a", "Sales &currency &amp; trade", "Text.")

    for echo in (odd.title, escaped(odd.title), html.unescape(odd.title)):
        assert reasons(
            read_answers(asked(), [odd, BAKERS], json.dumps({"answers": [row(odd, title=echo), row(BAKERS)]}))
        ) == [
            None,
            None,
        ]


def test_a_rationale_loses_characters_that_act_on_a_terminal() -> None:
    result = of_one(row(BAKERS, rationale="\x1b[2JThey\r\nbake \u202eit\ud83d.\x00"))

    assert result == Answer({"score": 7}, "[2JThey\nbake it.")
    assert isinstance(of_one(row(BAKERS, rationale="\x1b\u202e")), Flaw)


def test_a_name_of_a_field_that_a_model_made_up_is_shortened_and_harmless() -> None:
    (reason,) = reasons([of_one(row(BAKERS, **{"\x1b[2J" + "x" * 9999: 1}))])

    assert reason is not None
    assert "\x1b" not in reason
    assert len(reason) < 250
