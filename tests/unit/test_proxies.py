"""A proxy in the environment works, or is refused in a sentence that names the variable."""

from __future__ import annotations

import asyncio

import pytest

from exposure_dagster.core.errors import SettingError
from exposure_dagster.providers.registry import PROVIDERS
from exposure_dagster.sources.sites import open_site
from tests.endpoints import asked_at

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy")
MODELS = ("claude-haiku-5-5", "openai/gpt-5-mini")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def connect(model: str) -> None:
    endpoint = asked_at("http://127.0.0.1:9", provider="OPENAI" if "/" in model else "ANTHROPIC").of(model)

    async def once() -> None:
        async with endpoint.provider.service.connect(endpoint, connections=1):
            pass

    asyncio.run(once())


@pytest.mark.parametrize("hosts", ["localhost,127.0.0.1,[::1]", "10.0.0.0/8,fd00::/8", "::1", "*"])
@pytest.mark.parametrize("model", MODELS)
def test_hosts_without_a_proxy_may_be_ipv6_or_a_range(monkeypatch: pytest.MonkeyPatch, model: str, hosts: str) -> None:
    monkeypatch.setenv("NO_PROXY", hosts)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    connect(model)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("HTTPS_PROXY", "ftp://127.0.0.1"), ("https_proxy", "http://[::1")],
)
def test_a_proxy_that_cannot_be_used_is_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    for model in MODELS:
        with pytest.raises(SettingError, match=f"^{name}: a proxy that the environment names cannot be used"):
            connect(model)
    with pytest.raises(SettingError, match=f"^{name}: a proxy"):
        open_site("live", contact="me@example.org").fetcher()


def test_every_provider_is_reached_by_one_of_the_models_tried_here() -> None:
    tried = {"anthropic" if "/" not in model else "openai" for model in MODELS}
    assert {provider.module for provider in PROVIDERS.values()} == tried
