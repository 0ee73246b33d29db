"""What is said between a run and a model: how it is reached, one request, and what became of it.

Knows no SDK, so that a run that has nothing to ask need not load one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Any

from pydantic import SecretStr

from exposure_dagster.prompts.model import Effort
from exposure_dagster.scoring.prices import Usage

OVERHEAD_TOKENS = 512
"""Tokens that the API adds of its own: roles, and the instruction to keep to the schema."""


@dataclass(frozen=True)
class Access:
    """How Claude is reached. `base_url` is the SDK's default where it is None."""

    api_key: SecretStr
    base_url: str | None = None


@dataclass(frozen=True)
class MessageRequest:
    """What one request holds; `system` comes first and is cached by the provider between requests."""

    model: str
    system: str
    user: str
    answer_schema: Mapping[str, Any]
    effort: Effort | None
    max_tokens: int

    @cached_property
    def worst_usage(self) -> Usage:
        """The most that it can take: no token is shorter than a byte, and none of it is cached yet."""
        system = len(self.system.encode()) + len(json.dumps(self.answer_schema)) + OVERHEAD_TOKENS
        return Usage(input_tokens=len(self.user.encode()), cache_write_5m_tokens=system, output_tokens=self.max_tokens)


class Fate(Enum):
    """What became of an attempt, by what it asks of the caller."""

    ANSWERED = auto()
    """The model's turn reached us whole."""
    BUSY = auto()
    """The API asks for fewer requests; nothing was done or charged."""
    BROKEN = auto()
    """No answer, and the same request may well get one."""
    UNREACHABLE = auto()
    """No connection came about; nothing was sent."""
    REJECTED = auto()
    """This request will never be answered, whoever sends it."""
    DENIED = auto()
    """No request of this key or for this model will be answered."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request sent. `usage` is None where it is not known what was charged.

    `usage_note` says where it is not what the API counted (see `metering`). `stop_reason` and `text` are the
    model's, for ANSWERED alone; `error` is for all others.
    """

    fate: Fate
    latency_ms: float
    usage: Usage | None
    request_id: str | None = None
    stop_reason: str | None = None
    text: str = ""
    error: str = ""
    status: int | None = None
    retry_after_seconds: float | None = None
    usage_note: str | None = None
