"""Words and their weights."""

from __future__ import annotations

import numpy as np
import pytest

from exposure_dagster.providers.baseline.text import (
    ListedWords,
    TextSpace,
    Tokens,
    WorkText,
    form_in_text,
    tokens_of,
)


def tokenized(*texts: str) -> Tokens:
    return Tokens.of(map(tokens_of, texts))


def finds(entry: str, text: str) -> bool:
    return bool(ListedWords.of([entry], tokenized(text)).weights[0, 0])


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("write", "They write."),
        ("WRITE", "they write"),
        ("writ*", "writing and written"),
        ("by hand", "sorted by\nhand, mostly"),
        ("job site*", "at job sites"),
        ("hand-eye coordination", "Hand–eye coordination is needed"),
        ("e-mail*", "e-mails"),
        ("3d*", "a 3D model"),
        ("größe", "GRÖSSE"),
        ("café", "cafe\u0301"),
        ("文章", "長い文章を書く"),
    ],
)
def test_an_entry_is_found_whatever_case_and_punctuation(entry: str, text: str) -> None:
    assert finds(entry, text)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("write", "writer"),
        ("writ*", "rewrite"),
        ("by hand", "by a hand"),
        ("tax", "taxi"),
        ("***", "a b"),
        ("文章", "文の章"),
    ],
)
def test_an_entry_is_not_found_within_other_words(entry: str, text: str) -> None:
    assert not finds(entry, text)


def test_every_occurrence_counts_though_they_touch() -> None:
    weights = ListedWords.of(["web"], tokenized("web", "web web web")).weights
    assert weights[1, 0] > weights[0, 0]


def test_finds_of_a_phrase_share_no_word_and_cross_no_document() -> None:
    weights = ListedWords.of(["ha ha"], tokenized("ha ha ha", "ha ha ha ha", "ha", "ha")).weights.toarray()[:, 0]
    assert weights[1] > weights[0] > 0
    assert list(weights[2:]) == [0, 0]


def test_a_word_that_few_documents_have_weighs_more() -> None:
    weights = ListedWords.of(["rare", "common"], tokenized("rare common", "common", "common")).weights
    assert weights[0, 0] > weights[0, 1]


def test_an_entry_reads_as_its_most_frequent_form_in_the_text() -> None:
    assert form_in_text("analy*", tokens_of("analyze analysis analysis")) == "analysis"
    assert form_in_text("job site*", tokens_of("job sites")) == "job site"
    assert form_in_text("web", tokens_of("web")) == "web"


def test_too_few_words_make_no_space() -> None:
    assert TextSpace.of(tokenized("one", "one 2 3")) is None


def test_words_that_no_two_documents_share_still_make_a_space() -> None:
    documents = [tokens_of("".join(chr(97 + int(digit)) for digit in f"{number:04}")) for number in range(200)]
    assert TextSpace.of(Tokens.of(documents)) is not None


PAGE = """# Roofers

They roof.

## What Roofers Do

Lay shingles.

### Duties

Climb.

## Pay

Much.

## Places

Roofs."""


def test_a_text_says_of_the_work_what_stands_under_the_named_headings() -> None:
    text = WorkText.of(PAGE, ["What ", "Places"])
    assert [tokens_of(part) for part in text.parts] == [
        tokens_of("They roof. What Roofers Do. Lay shingles. Duties. Climb."),
        tokens_of("They roof. Places. Roofs."),
    ]
    assert tokens_of(text.whole) == tokens_of("They roof. What Roofers Do. Lay shingles. Duties. Climb. Places. Roofs.")


def test_for_a_section_that_a_text_lacks_all_the_others_stand_in() -> None:
    text = WorkText.of(PAGE, ["Tools", "Places"])
    assert text.parts == (text.whole, text.parts[1])
    assert tokens_of(text.whole) == tokens_of("They roof. Places. Roofs.")


@pytest.mark.parametrize("sections", [[], ["Tools"]])
def test_a_text_without_named_headings_is_about_the_work_as_a_whole(sections: list[str]) -> None:
    assert WorkText.of(PAGE, sections) == WorkText(PAGE, (PAGE,))


def test_the_space_keeps_what_documents_share() -> None:
    """Its components are the first singular vectors of the weights, as an exact decomposition has them."""
    documents = [tokens_of(" ".join(["ab", "cd", "ef", "gh", "ij"][number % 5 :] * 3)) for number in range(12)]
    space = TextSpace.of(Tokens.of(documents))
    assert space is not None
    exact = np.linalg.svd(space.weighted[0].toarray())[2][: len(space.components)]
    assert space.components.T @ space.components == pytest.approx(exact.T @ exact, abs=1e-6)
    assert space.project(documents) == pytest.approx(space.vectors, abs=1e-9)
