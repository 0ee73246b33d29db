"""What goes into a request."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.prompts.model import Level, PromptFile, Scale
from exposure_dagster.prompts.render import Document, asked_part
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.scoring.asking import BYTES_PER_TOKEN, LEAST_TEXT_BYTES, MAX_GROWTH, Asking

SMALL_CONTEXT = "claude-haiku-4-5"
CONTEXT_BYTES = 200_000 * BYTES_PER_TOKEN


def asking(**changes: Any) -> Asking:
    fields = {
        "title": "Exposure",
        "corpus": "ooh",
        "model": SMALL_CONTEXT,
        "scale": Scale(min=0, max=10),
        "levels": (Level(label="any", range=(0, 10), description="Any."),),
        "instruction": "Judge.",
    }
    asked = asked_part(PromptFile(**{**fields, **changes}))
    return Asking(asked, load_prices().of(asked.model))


def document(number: int, length: int = 100, filling: str = "x") -> Document:
    return Document(f"doc-{number}", f"Title {number}", filling * length)


def test_a_document_that_fits_is_sent_whole() -> None:
    short = document(1)

    assert asking().cut(short).document is short
    assert asking().cut(short).note is None


@pytest.mark.parametrize("filling", ["x", "ü", "職"])
def test_a_document_that_is_too_long_keeps_as_much_of_its_beginning_as_surely_fits(filling: str) -> None:
    long = document(1, 500_000, filling)

    cut = asking().cut(long)

    assert long.text.startswith(cut.document.text)
    assert 0.9 * CONTEXT_BYTES < len(cut.document.text.encode()) < CONTEXT_BYTES
    assert cut.note is not None
    assert cut.note.startswith(f"only the first {len(cut.document.text):,} of 500,000 characters were sent")


def longest_instruction() -> int:
    """Bytes of the longest instruction that leaves a document room, by search."""
    fits, too_long = 1, CONTEXT_BYTES
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if asking(instruction="x" * middle).why_no_room is None:
            fits = middle
        else:
            too_long = middle
    return fits


def test_an_instruction_that_leaves_a_document_no_room_is_refused_and_says_how_long_it_may_be() -> None:
    longest = longest_instruction()
    asking(instruction="x" * longest).check_room()

    with pytest.raises(ScoringError) as refused:
        asking(instruction="x" * (longest + 1)).check_room()

    said = re.findall(r"[\d,]+ bytes", str(refused.value))
    is_long, may_be = (int(part.removesuffix(" bytes").replace(",", "")) for part in said)
    assert is_long == may_be + 1


@pytest.mark.parametrize("length", [3_000, 10_000, 1_000_000])
def test_whatever_the_instruction_a_document_is_sent_whole_or_with_a_good_part_of_its_text(length: int) -> None:
    tight = asking(instruction="x" * longest_instruction())

    cut = tight.cut(Document("d" * 300, "t" * 300, "x" * length))

    assert len(cut.document.text) >= min(length, LEAST_TEXT_BYTES)
    request = tight.request([cut.document], tight.max_tokens(1))
    assert len(request.system) + len(request.user) <= CONTEXT_BYTES


def test_no_document_is_sent_as_a_title_even_where_the_title_takes_all_room() -> None:
    cut = asking().cut(Document("d", "t" * CONTEXT_BYTES, "x" * 50_000))

    assert len(cut.document.text) == LEAST_TEXT_BYTES
    assert cut.note is not None


def test_a_request_takes_as_many_documents_as_the_prompt_says() -> None:
    three = asking(documents_per_request=3)

    groups = list(three.groups([three.cut(document(number)) for number in range(7)]))

    assert [[cut.document.doc_id for cut in group] for group in groups] == [
        ["doc-0", "doc-1", "doc-2"],
        ["doc-3", "doc-4", "doc-5"],
        ["doc-6"],
    ]


def test_a_request_takes_fewer_documents_where_they_would_not_fit_together() -> None:
    three = asking(documents_per_request=3)
    cuts = [three.cut(document(number, 150_000)) for number in range(4)]

    assert [len(group) for group in three.groups(cuts)] == [2, 2]


def test_one_document_is_asked_for_with_the_schema_of_one_answer_and_several_with_a_list() -> None:
    several = asking(documents_per_request=2)

    alone = several.request([document(1)], 1000).answer_schema
    together = several.request([document(1), document(2)], 1000).answer_schema

    assert "score" in alone["properties"]
    assert together["properties"]["answers"]["items"] == alone


def test_more_documents_and_more_effort_may_write_more() -> None:
    assert asking().max_tokens(5) > asking().max_tokens(1)
    assert asking(effort="high").max_tokens(1) > asking(effort="low").max_tokens(1)


def test_room_for_an_answer_grows_up_to_a_bound() -> None:
    one = asking(model="claude-haiku-5-5", effort="low")
    room = one.max_tokens(1)

    grown = [room]
    while (more := one.more_tokens(grown[-1], 1)) != grown[-1]:
        grown.append(more)

    assert grown == [room, 2 * room, 4 * room, MAX_GROWTH * room]


@pytest.mark.parametrize("filling", ["x", " ", "職", "1,"])
def test_no_request_can_cost_more_than_its_worst_even_if_every_byte_were_a_token(filling: str) -> None:
    one = asking()
    request = one.request([document(1, 1000, filling)], 500)
    read = len(request.system.encode()) + len(request.user.encode())

    assert one.worst_cost(request) >= (read * one.price.input + 500 * one.price.output) / 1e6
