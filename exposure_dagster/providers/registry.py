"""Every provider there is, by the name that stands before a model's in a prompt file.

To add one: its module in this folder, its entry here, and what its models cost in `prices.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from exposure_dagster.providers.provider import BatchTerms, Endpoint, Provider

_ANTHROPIC = Provider(
    name="anthropic",
    title="Claude",
    family="claude",
    module="anthropic",
    key_variable="ANTHROPIC_API_KEY",
    address_variable="ANTHROPIC_BASE_URL",
    address="https://api.anthropic.com",
    batches=BatchTerms(100_000, 240_000_000, timedelta(days=29)),  # 256 MB, less what surrounds the requests
)

PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        _ANTHROPIC,
        Provider(
            name="bedrock",
            title="Claude on Amazon Bedrock",
            family="bedrock",
            module="anthropic",
            key_variable="AWS_BEARER_TOKEN_BEDROCK",
            address_variable="ANTHROPIC_BEDROCK_BASE_URL",
            address="https://bedrock-runtime.amazonaws.com",  # with the region of AWS_REGION, as the SDK has it
            domain="amazonaws.com",
        ),
        Provider(
            name="vertex",
            title="Claude on Google's Vertex AI",
            family="vertex",
            module="anthropic",
            key_variable="ANTHROPIC_VERTEX_PROJECT_ID",
            address_variable="ANTHROPIC_VERTEX_BASE_URL",
            address="https://aiplatform.googleapis.com",  # with the region of CLOUD_ML_REGION
            domain="googleapis.com",
            extra="vertex",
        ),
        Provider(
            name="openai",
            title="OpenAI",
            family="openai",
            module="openai",
            key_variable="OPENAI_API_KEY",
            address_variable="OPENAI_BASE_URL",
            address="https://api.openai.com/v1",
            extra="openai",
            efforts=("low", "medium", "high", "xhigh"),
            batches=BatchTerms(50_000, 190_000_000, timedelta(days=29)),
        ),
        Provider(
            name="gemini",
            title="Gemini",
            family="gemini",
            module="openai",
            key_variable="GEMINI_API_KEY",
            address_variable="GEMINI_BASE_URL",
            address="https://generativelanguage.googleapis.com/v1beta/openai",
            extra="openai",
            efforts=("low", "medium", "high"),
        ),
        Provider(
            name="openrouter",
            title="OpenRouter",
            family="openrouter",
            module="openai",
            key_variable="OPENROUTER_API_KEY",
            address_variable="OPENROUTER_BASE_URL",
            address="https://openrouter.ai/api/v1",
            extra="openai",
            efforts=("low", "medium", "high", "xhigh"),
        ),
        Provider(
            name="local",
            title="the server at EXPOSURE_BASE_URL",
            family="local",
            module="openai",
            key_variable="EXPOSURE_API_KEY",
            address_variable="EXPOSURE_BASE_URL",
            address=None,
            extra="openai",
            efforts=("low", "medium", "high"),
        ),
    )
}


def provider_of(model: str) -> Provider:
    """Who answers for a model as a prompt file names it: Anthropic, where no other provider's name stands before it."""
    name, slash, _ = model.partition("/")
    return PROVIDERS.get(name, _ANTHROPIC) if slash else _ANTHROPIC


def name_at_provider(model: str) -> str:
    """What the provider itself calls the model."""
    return model if provider_of(model) is _ANTHROPIC else model.partition("/")[2]


@dataclass(frozen=True)
class Endpoints:
    """Where each provider is asked, by its name."""

    by_provider: Mapping[str, Endpoint]

    def of(self, model: str) -> Endpoint:
        """Where a model is asked."""
        return self.by_provider[provider_of(model).name]

    @property
    def is_any_usable(self) -> bool:
        return any(endpoint.is_usable for endpoint in self.by_provider.values())


def endpoints_of(variables: Mapping[str, SecretStr]) -> Endpoints:
    """Where each provider is asked, by the variables of the environment that name keys and addresses."""

    def of(provider: Provider) -> Endpoint:
        address = variables.get(provider.address_variable)
        return Endpoint(
            provider,
            variables.get(provider.key_variable),
            None if address is None else address.get_secret_value().rstrip("/"),
        )

    return Endpoints({name: of(provider) for name, provider in PROVIDERS.items()})


OWN_ADDRESSES = endpoints_of({})
"""Every provider at its own address, without a key."""
