"""What a server says that an answer took, held against what it can have taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exposure_dagster.providers.exchange import MessageRequest
from exposure_dagster.providers.prices import Usage, load_prices
from exposure_dagster.scoring.metering import believed
from exposure_dagster.scoring.notes import AT_ITS_WORST

REQUEST = MessageRequest(
    model="claude-haiku-5-5",
    system="Judge. " * 100,
    user="A document. " * 50,
    answer_schema={"type": "object"},
    effort=None,
    max_tokens=1000,
)
MOST = REQUEST.worst_usage
LIKELY = Usage(input_tokens=150, output_tokens=80, cache_read_tokens=120, cache_write_5m_tokens=100)
HUGE = (10**9, 10**30)


@pytest.mark.parametrize(
    "said",
    [
        LIKELY,
        Usage(),
        MOST,
        Usage(input_tokens=MOST.prompt_tokens, output_tokens=1000),
        Usage(cache_read_tokens=MOST.prompt_tokens),
    ],
)
def test_a_count_that_can_be_true_counts_as_it_is(said: Usage) -> None:
    assert believed(said, MOST) == (said, None)


KINDS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens")


@pytest.mark.parametrize("tokens", [-1, -(10**6), MOST.prompt_tokens + 1, *HUGE])
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_read_that_cannot_be_true_count_as_all_that_was_sent(kind: str, tokens: int) -> None:
    usage, note = believed(replace(LIKELY, **{kind: tokens}), MOST)

    assert usage == replace(MOST, output_tokens=LIKELY.output_tokens)
    assert note is not None and note.endswith(f"tokens read cannot be true: {AT_ITS_WORST}")


@pytest.mark.parametrize("tokens", [-1, 1001, *HUGE])
def test_tokens_written_that_cannot_be_true_count_as_max_tokens(tokens: int) -> None:
    usage, note = believed(replace(LIKELY, output_tokens=tokens), MOST)

    assert usage == replace(LIKELY, output_tokens=1000)
    assert note is not None and note.endswith(f"tokens written cannot be true: {AT_ITS_WORST}")


def test_more_in_the_cache_than_the_instruction_or_for_longer_than_was_asked_cannot_be_true() -> None:
    for said in (
        replace(LIKELY, cache_write_5m_tokens=MOST.cache_write_5m_tokens + 1),
        replace(LIKELY, cache_write_1h_tokens=1),
    ):
        assert believed(said, MOST)[0] == replace(MOST, output_tokens=LIKELY.output_tokens)


def test_no_usage_counts_as_the_most_that_it_can_be() -> None:
    usage, note = believed(None, MOST)

    assert usage == MOST
    assert note is not None and note.endswith(AT_ITS_WORST)


@pytest.mark.parametrize("tokens", [-(10**30), -1, 0, 1, 500, 5000, 10**9, 10**30])
@pytest.mark.parametrize("kind", [*KINDS, "output_tokens", "cache_write_1h_tokens"])
@pytest.mark.parametrize("model", ["claude-haiku-5-5", "claude-opus-5"])
def test_whatever_is_said_no_answer_costs_less_than_nothing_or_more_than_was_reserved_for_it(
    model: str, kind: str, tokens: int
) -> None:
    price = load_prices().of(model)

    usage, _ = believed(replace(LIKELY, **{kind: tokens}), MOST)

    assert 0 <= price.rates_for(usage.prompt_tokens).cost(usage) <= price.rates_for(MOST.prompt_tokens).cost(MOST)
