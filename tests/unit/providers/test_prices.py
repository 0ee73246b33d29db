"""What tokens cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.providers.prices import Usage, load_prices


def test_every_kind_of_token_has_its_own_price() -> None:
    usage = Usage(
        input_tokens=1_000_000,
        output_tokens=100_000,
        cache_read_tokens=500_000,
        cache_write_5m_tokens=200_000,
        cache_write_1h_tokens=100_000,
    )

    cost = load_prices().of("claude-opus-5").cost(usage)

    assert cost == pytest.approx(5.00 + 2.50 + 0.25 + 1.25 + 1.00)


def test_a_long_prompt_costs_more_on_every_token_of_its_request() -> None:
    price = load_prices().of("claude-haiku-5-5")
    within, beyond = (
        Usage(input_tokens=99_000, cache_read_tokens=1_000),
        Usage(input_tokens=100_000, cache_read_tokens=1),
    )

    assert price.rates_for(within.prompt_tokens).output == 0.50
    assert price.rates_for(beyond.prompt_tokens).output == 2.50


def test_a_dated_snapshot_costs_what_its_model_does() -> None:
    prices = load_prices()

    assert prices.of("claude-haiku-4-5-20251001") == prices.of("claude-haiku-4-5")


def test_the_price_of_an_unknown_model_is_an_error_that_says_where_to_put_it(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text("")

    with pytest.raises(ScoringError, match=r"Put \[models.claude-x\] into a file that EXPOSURE_PRICES names"):
        load_prices().of("claude-x")
    with pytest.raises(ScoringError, match=rf"Put \[models.claude-x\] into {own}"):
        load_prices(own).of("claude-x")


def test_a_file_of_ones_own_adds_models_and_replaces_entries(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    rates = "input = 1\noutput = 2\ncache_write_5m = 3\ncache_write_1h = 4\ncache_read = 5\n"
    sizes = "context_tokens = 1000\nmax_output_tokens = 100\n"
    own.write_text(f"[models.claude-x]\n{rates}{sizes}[models.claude-opus-5]\n{rates}{sizes}")

    prices = load_prices(own)

    assert prices.of("claude-x").output == prices.of("claude-opus-5").output == 2
    assert prices.of("claude-sonnet-5") == load_prices().of("claude-sonnet-5")


@pytest.mark.parametrize(
    "content", ["models = 3", "[models.x]\ninput = -1", "[models.x", "[models.x]\nprice = 3", "batch_factor = 0"]
)
def test_a_file_that_holds_no_prices_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(content)

    with pytest.raises(ScoringError, match=r"mine.toml: "):
        load_prices(own)


RATES = {"input": "1", "output": "2", "cache_write_5m": "3", "cache_write_1h": "4", "cache_read": "5"}
TOKENS = {"context_tokens": "1000", "max_output_tokens": "100"}


@pytest.mark.parametrize("value", ["inf", "+inf", "nan", "-nan", "-1", "1e300", "100_001", "true", '"5"'])
@pytest.mark.parametrize("field", ["input", "cache_read", "context_tokens"])
def test_a_price_that_is_no_plain_number_is_refused_by_name(tmp_path: Path, field: str, value: str) -> None:
    value = value if field in RATES else value.replace("100_001", "1_000_000_001")
    fields = {**RATES, **TOKENS, field: value}
    path = tmp_path / "prices.toml"
    path.write_text("[models.mine]\n" + "".join(f"{name} = {number}\n" for name, number in fields.items()))
    with pytest.raises(ScoringError, match=rf"prices\.toml: models\.mine\.{field}: input should be"):
        load_prices(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("a = " + "[" * 900 + "]" * 900, "more than 1,000 characters"),
        ("a = [\n" + "[\n" * 5000 + "]\n" * 5001, "nest too deeply"),
        (".".join("a" * 30_000) + " = 1", "line 1 has more than 1,000 characters"),
        ("a = [\n" + "1,\n" * 40_000 + "]", "larger than 65,536 bytes"),
        ("a = 0x" + "9" * 900, "extra inputs are not permitted"),
        ("\n".join(f"a{number} = 1" for number in range(5000)), "a0: extra inputs"),
    ],
)  # fmt: skip
def test_a_price_file_beyond_a_limit_is_told_at_once(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(content)
    with pytest.raises(ScoringError, match=word) as caught:
        load_prices(path)
    assert len(str(caught.value)) < 2000


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match=r"absent\.toml"):
        load_prices(tmp_path / "absent.toml")


@given(st.lists(st.integers(0, 10**7), min_size=5, max_size=5), st.integers(1, 50))
def test_shares_of_a_usage_add_up_to_it(tokens: list[int], count: int) -> None:
    whole = Usage(*tokens)

    shares = whole.shares(count)

    assert len(shares) == count
    for kind in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "prompt_tokens"):
        of_kind = [getattr(share, kind) for share in shares]
        assert sum(of_kind) == getattr(whole, kind)
    assert max(share.output_tokens for share in shares) - min(share.output_tokens for share in shares) <= 1
