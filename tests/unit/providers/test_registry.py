"""Where a prompt's model is asked, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.prompts.files import load_folder, template
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.providers.registry import PROVIDERS, endpoints_of, name_at_provider, provider_of
from tests.endpoints import asked_at


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("claude-haiku-5-5", "anthropic", "claude-haiku-5-5"),
        ("gemma", "anthropic", "gemma"),
        ("openai/gpt-5-mini", "openai", "gpt-5-mini"),
        ("gemini/gemini-2.5-flash", "gemini", "gemini-2.5-flash"),
        ("openrouter/openai/gpt-5-mini", "openrouter", "openai/gpt-5-mini"),
        ("local/hf.co/org/model:Q4", "local", "hf.co/org/model:Q4"),
        ("org/model", "anthropic", "org/model"),
    ],
)
def test_the_name_before_the_first_slash_says_who_answers(model: str, provider: str, name: str) -> None:
    assert provider_of(model).name == provider
    assert name_at_provider(model) == name


def test_each_provider_is_asked_with_its_own_key_at_its_own_address() -> None:
    endpoints = endpoints_of(
        {provider.key_variable: SecretStr(f"key of {name}") for name, provider in PROVIDERS.items()}
    )

    assert {endpoints.of(f"{name}/m").key() for name in PROVIDERS if name != "anthropic"} == {
        f"key of {name}" for name in PROVIDERS if name != "anthropic"
    }
    assert {endpoints.by_provider[name].address for name in PROVIDERS if name != "local"} == {
        provider.address for provider in PROVIDERS.values() if provider.address
    }


@pytest.mark.parametrize(
    ("address", "is_own", "is_local"),
    [
        ("https://api.anthropic.com", True, False),
        ("https://api.anthropic.com/", True, False),
        ("https://gateway.example.org", False, False),
        ("http://127.0.0.1:8080", False, True),
        ("http://[::1]:8080", False, True),
        ("http://localhost:8080", False, True),
        ("http://10.0.0.7", False, True),
        ("http://gpu-box:8000", False, True),
        ("http://gpu.local:8000", False, True),
        ("http://8.8.8.8", False, False),
        ("https://api.anthropic.com.example.org", False, False),
    ],
)
def test_a_server_that_only_speaks_like_the_provider_is_told_from_it(
    address: str, is_own: bool, is_local: bool
) -> None:
    endpoint = asked_at(address).of("claude-haiku-5-5")

    assert (endpoint.is_own, endpoint.is_local) == (is_own, is_local)
    assert endpoint.family == ("claude" if is_own else "claude-compatible")


@pytest.mark.parametrize(
    ("address", "key", "is_usable"),
    [
        (None, None, False),
        (None, "k", True),
        ("http://127.0.0.1:1", None, True),
        ("https://gateway.example.org", None, False),
        ("https://gateway.example.org", "k", True),
    ],
)
def test_a_key_is_needed_wherever_a_bill_may_come_from(address: str | None, key: str | None, is_usable: bool) -> None:
    given = {"ANTHROPIC_BASE_URL": address, "ANTHROPIC_API_KEY": key}
    endpoints = endpoints_of({name: SecretStr(value) for name, value in given.items() if value})

    assert endpoints.of("claude-haiku-5-5").is_usable == endpoints.is_any_usable == is_usable


def test_a_model_of_ones_own_costs_nothing_and_elsewhere_its_price_has_to_be_known() -> None:
    here, there = (
        load_prices(endpoints=asked_at(url, provider="EXPOSURE")) for url in ("http://127.0.0.1", "https://a.org")
    )

    assert "local/gemma" in here
    assert here.of("local/gemma").output == 0
    assert "local/gemma" not in there
    with pytest.raises(ScoringError, match=r'Put \[models."local/gemma"\]'):
        there.of("local/gemma")


def test_no_price_is_assumed_to_be_nothing_because_the_server_is_near() -> None:
    assert load_prices(endpoints=asked_at("http://127.0.0.1")).of("claude-haiku-5-5").output > 0


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_every_provider_has_a_module_that_can_be_asked(provider: object) -> None:
    service = provider.service  # type: ignore[attr-defined]
    assert callable(service.connect)
    assert provider.batches is None or callable(service.connect_batches)  # type: ignore[attr-defined]


def test_a_prompt_may_name_any_model_where_that_costs_nothing_and_no_other_unknown_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text(template("mine").replace("claude-haiku-5-5", "gemma"), encoding="utf-8")

    def is_good(url: str) -> bool:
        prices = load_prices(endpoints=asked_at(url))
        return not load_folder(tmp_path, known_corpora=["ooh"], known_models=prices).broken

    assert not is_good("https://gateway.example.org")
    assert is_good("http://127.0.0.1:8080")
    assert not is_good("https://gateway.example.org")
