"""Where models are asked in tests: at servers on loopback."""

from __future__ import annotations

from pydantic import SecretStr

from exposure_dagster.providers.prices import PriceTable, load_prices
from exposure_dagster.providers.registry import Endpoints, endpoints_of


def asked_at(url: str, key: str | None = "a-key", *, provider: str = "ANTHROPIC") -> Endpoints:
    """Claude, or all that speaks as OpenAI does (`OPENAI`, `GEMINI` …), asked at this address."""
    variables = {f"{provider}_BASE_URL": SecretStr(url)}
    if key is not None:
        variables[f"{provider}_API_KEY"] = SecretStr(key)
    return endpoints_of(variables)


def prices_at(url: str, key: str | None = "a-key", *, provider: str = "ANTHROPIC") -> PriceTable:
    """The bundled prices, and models asked at this address."""
    return load_prices(endpoints=asked_at(url, key, provider=provider))
