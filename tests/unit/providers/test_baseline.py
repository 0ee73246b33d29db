"""What the baseline makes of a prompt and of documents."""

from __future__ import annotations

import random

import pytest

from exposure_dagster.prompts.model import BaselineAttribute, BaselineDefinition, Level, Scale, WordLists
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.scorer import (
    Alias,
    BaselineScore,
    estimate_from_answers,
    score_documents,
)

DESK = ["keyboard", "spreadsheet", "memo", "invoice", "ledger", "browser", "document", "report", "archive", "inbox"]
YARD = ["shovel", "ladder", "gravel", "trench", "boots", "rope", "timber", "crane", "mud", "weather"]
COMMON = ["worker", "task", "team", "day", "week", "place", "people", "time"]

NO_WORDS = WordLists()
SCALE = Scale(min=0, max=10)
LEVELS = (
    Level(label="Low", range=(0, 2), description="Work with shovel and rope", examples=("Digger", "Roper", "Loader")),
    Level(label="Middle", range=(4, 6), description="Some of both", examples=("Foreman", "Surveyor")),
    Level(label="High", range=(8, 10), description="Work with spreadsheet", examples=("Clerk", "Scribe", "Keeper")),
)
SHARE_OF_DESK = {
    "Digger": 0.0,
    "Roper": 0.1,
    "Loader": 0.05,
    "Foreman": 0.5,
    "Surveyor": 0.55,
    "Clerk": 1.0,
    "Scribe": 0.9,
    "Keeper": 0.95,
    "Gardener": 0.15,
    "Inspector": 0.6,
    "Bookkeeper": 0.9,
}


def text_of(share_of_desk: float, seed: int, words: int = 120) -> str:
    chance = random.Random(seed)
    return " ".join(
        chance.choice(COMMON if chance.random() < 0.3 else DESK if chance.random() < share_of_desk else YARD)
        for _ in range(words)
    )


def trades() -> list[Document]:
    return [
        Document(title.lower(), title, text_of(share, seed))
        for seed, (title, share) in enumerate(SHARE_OF_DESK.items())
    ]


def definition(
    *, levels: tuple[Level, ...] = LEVELS, words: WordLists = NO_WORDS, scale: Scale = SCALE
) -> BaselineDefinition:
    return BaselineDefinition(
        attributes=(BaselineAttribute(key="score", scale=scale, levels=levels, words=words),),
    )


def scores_of(results: list[BaselineScore]) -> dict[str, float]:
    return {result.doc_id: result.attributes["score"] for result in results}


def test_documents_are_placed_by_their_likeness_to_the_examples() -> None:
    scores = scores_of(score_documents(definition(), trades(), []))
    assert scores["gardener"] < scores["inspector"] < scores["bookkeeper"]
    assert scores["gardener"] < 4 < scores["inspector"] < 7 < scores["bookkeeper"]


def test_examples_come_out_in_the_order_of_their_levels() -> None:
    scores = scores_of(score_documents(definition(), trades(), []))
    low = [scores[name] for name in ("digger", "roper", "loader")]
    middle = [scores[name] for name in ("foreman", "surveyor")]
    high = [scores[name] for name in ("clerk", "scribe", "keeper")]
    assert max(low) < min(middle) <= max(middle) < min(high)


def test_the_same_input_gives_the_same_scores_and_rationales() -> None:
    lists = WordLists(raises=("spreadsheet",), lowers=("shovel",))
    assert score_documents(definition(words=lists), trades(), []) == score_documents(
        definition(words=lists), trades(), []
    )


def test_the_order_of_documents_and_aliases_makes_no_difference() -> None:
    aliases = [Alias("Navvy", "digger"), Alias("Copyist", "scribe"), Alias("Record keeper", "keeper")]
    assert score_documents(definition(), trades(), aliases) == score_documents(
        definition(), trades()[::-1], aliases[::-1]
    )


def test_scores_lie_on_the_scale_with_one_decimal() -> None:
    for score in scores_of(score_documents(definition(), trades(), [])).values():
        assert 0 <= score <= 10
        assert score == round(score, 1)


def test_on_a_scale_of_listed_values_estimates_lie_between_them() -> None:
    """As means of samples do: rolled up, estimates that were rounded to so few values would tie."""
    scale = Scale(values=(0, 0.25, 1))
    levels = (
        Level(label="No", range=(0, 0), description="shovel", examples=("Digger", "Roper", "Loader")),
        Level(label="Yes", range=(1, 1), description="spreadsheet", examples=("Clerk", "Scribe", "Keeper")),
    )
    scores = scores_of(score_documents(definition(levels=levels, scale=scale), trades(), []))
    assert all(0 <= score <= 1 and score == round(score, 3) for score in scores.values())
    assert scores["digger"] < scores["gardener"] < scores["inspector"] < scores["bookkeeper"]


def test_a_raising_word_raises_and_a_lowering_word_lowers() -> None:
    documents = [
        *trades(),
        Document("plain", "Plain", text_of(0.5, 99)),
        Document("up", "Up", text_of(0.5, 99) + " telework telework telework"),
        Document("down", "Down", text_of(0.5, 99) + " scaffold scaffold scaffold"),
    ]
    scores = scores_of(
        score_documents(definition(words=WordLists(raises=("telework",), lowers=("scaffold",))), documents, [])
    )
    assert scores["down"] < scores["plain"] < scores["up"]


@pytest.mark.parametrize("lists", [WordLists(raises=DESK), WordLists(lowers=YARD)])
def test_one_list_alone_is_enough(lists: WordLists) -> None:
    levels = tuple(level.model_copy(update={"examples": ()}) for level in LEVELS)
    scores = scores_of(score_documents(definition(levels=levels, words=lists), trades(), []))
    assert scores["gardener"] < scores["inspector"] < scores["bookkeeper"]


def test_examples_that_do_not_agree_with_the_texts_calibrate_nothing() -> None:
    """An axis with as many directions as examples fits them whatever they are: only an example left out can tell."""
    chance = random.Random(1)
    vocabulary = ["".join(chance.choices("abcdefghijklmnopqrst", k=6)) for _ in range(400)]
    documents = [
        Document(f"d{number:02}", f"Title {number:02}", " ".join(chance.choices(vocabulary, k=200)))
        for number in range(40)
    ]
    levels = tuple(
        Level(
            label=str(low),
            range=(low, low),
            description="-",
            examples=tuple(f"Title {number:02}" for number in numbers),
        )
        for low, numbers in ((0, range(6)), (5, range(6, 12)), (10, range(12, 18)))
    )
    results = score_documents(definition(levels=levels), documents, [])
    assert all("the place on the scale is rough" in result.rationale for result in results)


def test_examples_that_agree_with_the_texts_calibrate() -> None:
    assert not any("rough" in result.rationale for result in score_documents(definition(), trades(), []))


def test_the_rationale_names_the_nearest_examples_with_their_levels() -> None:
    rationales = {result.doc_id: result.rationale for result in score_documents(definition(), trades(), [])}
    assert "(8–10)" in rationales["bookkeeper"].split("Words")[0]
    assert "(0–2)" in rationales["gardener"].split("Words")[0]


def test_the_rationale_of_an_example_says_that_it_is_one() -> None:
    rationales = {result.doc_id: result.rationale for result in score_documents(definition(), trades(), [])}
    assert "It is itself an example: Scribe (8–10)." in rationales["scribe"]
    assert "itself" not in rationales["bookkeeper"]


def test_the_rationale_names_listed_words_as_they_stand_in_the_text() -> None:
    documents = [*trades(), Document("mixed", "Mixed", text_of(0.5, 7) + " telework remotely remotely scaffolding")]
    lists = WordLists(raises=("telework", "remote*"), lowers=("scaffold*", "crane"))
    (rationale,) = (
        result.rationale
        for result in score_documents(definition(words=lists), documents, [])
        if result.doc_id == "mixed"
    )
    raising, lowering = rationale.split("Words that ")[1:]
    assert "remotely" in raising
    assert "telework" in raising
    assert "scaffolding" in lowering


def test_without_lists_the_rationale_names_words_of_the_text() -> None:
    rationales = {result.doc_id: result.rationale for result in score_documents(definition(), trades(), [])}
    raising = rationales["bookkeeper"].split("Words that raise it: ")[1].split(".")[0].split(", ")
    assert set(raising) <= {*DESK, *COMMON, "bookkeeper"}


def test_examples_are_found_through_aliases() -> None:
    documents = [
        Document(f"page-{number}", f"Page {number}", document.text) for number, document in enumerate(trades())
    ]
    aliases = [Alias(title.upper() + "S", f"page-{number}") for number, title in enumerate(SHARE_OF_DESK)]
    results = score_documents(definition(), documents, aliases)
    assert "It is itself an example: Digger (0–2)." in results[0].rationale


def test_no_example_that_names_a_document_leaves_the_levels_own_words() -> None:
    levels = tuple(level.model_copy(update={"examples": ("Nobody",)}) for level in LEVELS)
    results = score_documents(definition(levels=levels), trades(), [])
    assert all("No example of the prompt names a document" in result.rationale for result in results)
    scores = scores_of(results)
    assert scores["gardener"] < scores["bookkeeper"]


def without_examples(*, but: int) -> tuple[Level, ...]:
    """Levels of which the first so many examples are left."""
    left = iter([True] * but + [False] * 100)
    return tuple(
        level.model_copy(update={"examples": tuple(one for one in level.examples if next(left))}) for level in LEVELS
    )


@pytest.mark.parametrize("examples", [0, 3])
def test_beside_listed_words_too_few_examples_make_no_axis(examples: int) -> None:
    """What the levels' own words would add is noise: it is a sentence each."""
    lists = WordLists(raises=("keyboard",), lowers=("shovel",))
    levels = without_examples(but=examples)
    upside_down = tuple(
        level.model_copy(update={"description": other.description})
        for level, other in zip(levels, levels[::-1], strict=True)
    )
    one, other = (
        scores_of(score_documents(definition(levels=these, words=lists), trades(), []))
        for these in (levels, upside_down)
    )
    assert one == other
    assert one["gardener"] < one["bookkeeper"]


def test_beside_listed_words_four_examples_make_an_axis() -> None:
    lists = WordLists(raises=("keyboard",), lowers=("shovel",))
    levels = without_examples(but=4)
    described = tuple(level.model_copy(update={"description": "timber and crane"}) for level in levels)
    one, other = (
        scores_of(score_documents(definition(levels=these, words=lists), trades(), [])) for these in (levels, described)
    )
    assert one != other


def test_the_rationale_says_that_listed_words_decide_alone() -> None:
    lists = WordLists(raises=("keyboard",), lowers=("shovel",))
    results = score_documents(definition(levels=without_examples(but=0), words=lists), trades(), [])
    assert all("its listed words alone decide" in result.rationale for result in results)


def many_trades() -> list[Document]:
    return [
        Document(f"d{number:02}", f"Trade {number}", text_of((number * 7 % 40) / 39, number)) for number in range(40)
    ]


def test_a_document_without_listed_words_is_judged_by_those_like_it() -> None:
    """Self-training: the vectors learn from the other documents what goes with the lists' words."""
    desk, yard = (
        Document(name, name, " ".join(words * 10)) for name, words in (("desk", DESK[2:]), ("yard", YARD[2:]))
    )
    lists = WordLists(raises=("keyboard", "spreadsheet"), lowers=("shovel", "ladder"))
    levels = without_examples(but=0)
    scores = scores_of(score_documents(definition(levels=levels, words=lists), [*many_trades(), desk, yard], []))
    assert scores["yard"] + 1 < scores["desk"]


def test_words_that_the_vectors_do_not_tell_teach_them_nothing() -> None:
    """Numbers are no words of the space: learnt from others, this one would only say who is like whom by chance."""
    documents = [
        Document(one.doc_id, one.title, one.text + " 42" * (number % 2)) for number, one in enumerate(many_trades())
    ]
    levels = without_examples(but=0)
    scores = scores_of(score_documents(definition(levels=levels, words=WordLists(raises=("42",))), documents, []))
    assert len(set(scores.values())) == 2


def test_sections_that_are_not_about_the_work_change_nothing() -> None:
    def pages(pay: str) -> list[Document]:
        return [
            Document(
                one.doc_id, one.title, f"# {one.title}\n\n## What they do\n\n{one.text}\n\n## Pay\n\n{pay * number}"
            )
            for number, one in enumerate(trades())
        ]

    lists = WordLists(raises=("keyboard", "budget"), lowers=("shovel",))
    plain, paid = (
        score_documents(definition(words=lists), pages(pay), [], ["What "]) for pay in ("", "budget keyboard ")
    )
    assert plain == paid
    assert plain != score_documents(definition(words=lists), pages("budget keyboard "), [])


def test_each_section_about_the_work_counts_alike_however_long() -> None:
    def page(name: str, first: str, second: str) -> Document:
        return Document(name, name, f"## Duties\n\n{first}\n\n## Places\n\n{second}")

    pages = [
        page("both", "keyboard " * 9, "keyboard"),
        page("first", "keyboard " * 9, "shovel"),
        page("second", "shovel " * 9, "keyboard"),
        page("none", "shovel " * 9, "shovel"),
    ]
    lists = WordLists(raises=("keyboard",), lowers=("shovel",))
    levels = without_examples(but=0)
    scores = scores_of(score_documents(definition(levels=levels, words=lists), pages, [], ["Duties", "Places"]))
    assert scores["none"] < scores["second"] == scores["first"] < scores["both"]


def test_an_estimate_says_how_far_it_errs() -> None:
    """By its examples: the farther they lie from the line, the larger it is."""
    errors = []
    for noise in (0, 60):
        chance = random.Random(1)
        documents = [
            Document(one.doc_id, one.title, one.text + " " + " ".join(chance.choices(DESK + YARD, k=noise)))
            for one in trades()
        ]
        (error,) = {result.standard_errors["score"] for result in score_documents(definition(), documents, [])}
        errors.append(error)
    assert 0 < errors[0] < errors[1] < 5


def test_where_too_few_examples_agree_no_error_is_claimed() -> None:
    lists = WordLists(raises=("keyboard",), lowers=("shovel",))
    results = score_documents(definition(levels=without_examples(but=3), words=lists), trades(), [])
    assert all(result.standard_errors == {} for result in results)


def answered(documents: list[Document]) -> dict[str, dict[str, float]]:
    """What a model says of every other trade: the contrary of what the levels say."""
    share = {one.doc_id: (number * 7 % 40) / 39 for number, one in enumerate(documents)}
    return {one.doc_id: {"score": round(10 - 10 * share[one.doc_id])} for one in documents[::2]}


def test_answers_about_some_documents_estimate_the_others() -> None:
    documents = many_trades()
    scores = scores_of(estimate_from_answers(definition(), documents, [], (), answered(documents)))
    expected = {one.doc_id: 10 - 10 * (number * 7 % 40) / 39 for number, one in enumerate(documents)}
    assert list(scores) == sorted(expected)
    assert all(abs(scores[doc_id] - value) < 2.5 for doc_id, value in expected.items())


def test_an_answered_document_is_estimated_without_its_own_answer() -> None:
    documents = many_trades()
    answers = answered(documents)
    other = {**answers, "d02": {"score": 10 - answers["d02"]["score"]}}
    one, another = (
        scores_of(estimate_from_answers(definition(), documents, [], (), these)) for these in (answers, other)
    )
    assert one["d02"] == another["d02"]
    assert one["d04"] != another["d04"]


def test_the_error_of_estimates_from_answers_is_how_far_they_miss_those_that_are_left_out() -> None:
    documents = many_trades()
    answers = answered(documents)
    results = estimate_from_answers(definition(), documents, [], (), answers)
    scores = scores_of(results)
    squares = [(scores[doc_id] - answer["score"]) ** 2 for doc_id, answer in answers.items()]
    assert results[0].standard_errors == {"score": pytest.approx((sum(squares) / len(squares)) ** 0.5)}


def test_an_estimate_from_answers_names_the_answered_documents_most_like_it() -> None:
    documents = many_trades()
    results = {
        one.doc_id: one.rationale for one in estimate_from_answers(definition(), documents, [], (), answered(documents))
    }
    assert "answers about 20 other documents, by the words of the text. Most like it: Trade " in results["d01"]
    assert "answers about 19 other documents" in results["d02"]
    assert "Trade 2 " not in results["d02"]


def test_each_attribute_has_an_axis_of_its_own() -> None:
    reversed_levels = tuple(
        level.model_copy(update={"range": (10 - level.range[1], 10 - level.range[0])}) for level in LEVELS
    )
    both = BaselineDefinition(
        attributes=(
            BaselineAttribute(key="desk", title="Desk work", scale=SCALE, levels=LEVELS, words=WordLists()),
            BaselineAttribute(key="yard", scale=SCALE, levels=reversed_levels, words=WordLists()),
        )
    )
    (clerk,) = (result for result in score_documents(both, trades(), []) if result.doc_id == "bookkeeper")
    assert clerk.attributes["desk"] > 7
    assert clerk.attributes["yard"] < 3
    assert "Desk work: " in clerk.rationale
    assert "yard: " in clerk.rationale


def test_titles_and_labels_are_for_people_and_make_no_other_baseline() -> None:
    attribute = BaselineAttribute(key="desk", title="Desk", scale=SCALE, levels=LEVELS, words=WordLists())
    renamed = tuple(level.model_copy(update={"label": f"Desk and computer {n}"}) for n, level in enumerate(LEVELS))
    other = attribute.model_copy(update={"title": "Yard", "levels": renamed})
    both = [BaselineDefinition(attributes=(one,)) for one in (attribute, other)]
    assert both[0].baseline_hash == both[1].baseline_hash
    assert score_documents(both[0], trades(), []) == score_documents(both[1], trades(), [])


def test_no_documents_have_no_scores() -> None:
    assert score_documents(definition(), [], [Alias("Clerk", "clerk")]) == []


def test_two_documents_are_enough() -> None:
    documents = [document for document in trades() if document.title in {"Digger", "Clerk"}]
    scores = scores_of(score_documents(definition(), documents, []))
    assert scores["digger"] < scores["clerk"]


@pytest.mark.parametrize("lists", [WordLists(), WordLists(raises=("same",), lowers=("***",))])
@pytest.mark.parametrize("text", ["", "same words everywhere", "one"])
def test_documents_that_do_not_differ_get_one_score(text: str, lists: WordLists) -> None:
    documents = [Document(str(number), "", text) for number in range(5)]
    scores = scores_of(score_documents(definition(words=lists), documents, []))
    assert len(set(scores.values())) == 1


def test_an_empty_document_is_no_example_and_is_like_none() -> None:
    documents = [*trades(), Document("empty", "", "")]
    levels = (*LEVELS[:2], LEVELS[2].model_copy(update={"examples": (*LEVELS[2].examples, "Blank")}))
    results = score_documents(definition(levels=levels), documents, [Alias("Blank", "empty")])
    (empty,) = (result for result in results if result.doc_id == "empty")
    assert "Its text is like that of no example." in empty.rationale
    assert 0 <= empty.attributes["score"] <= 10


def test_a_script_without_spaces_is_read_by_its_signs() -> None:
    documents = [
        Document("a", "屋根職人", "屋根の上で道具を使い、体を動かして働く。"),
        Document("b", "翻訳者", "机に向かい、文章を読み、文章を書く。"),
        Document("c", "大工", "道具を使い、木を切り、体を動かして家を建てる。"),
    ]
    lists = WordLists(raises=("文章",), lowers=("道具", "体"))
    scores = scores_of(score_documents(definition(words=lists), documents, []))
    assert scores["b"] > max(scores["a"], scores["c"])
