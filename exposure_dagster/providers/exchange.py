"""What is said between a run and a model: one request, and what became of it. Knows no SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import cached_property
from typing import Any

from exposure_dagster.prompts.model import Effort
from exposure_dagster.providers.prices import Usage

OVERHEAD_TOKENS = 512
"""Tokens that the API adds of its own: roles, and the instruction to keep to the schema."""

_FORM_IN_WORDS = (
    "# Form of the answer\n\n"
    "Reply with one JSON object and nothing else: no sentence before or after it, no code fence. It fits this JSON "
    "Schema, with every field that the schema requires and no other:\n\n"
)


@dataclass(frozen=True)
class MessageRequest:
    """What one request holds; `system` comes first and is cached by the provider between requests.

    `model` is the name by which the provider knows it. `form_in_words` is a schema that is put into the words of the
    system block as well, the same for all requests, where the server that is asked may pass over `answer_schema`.
    `narrow_schema` is the same form with bounds, for servers that keep to one; providers themselves refuse bounds.
    """

    model: str
    system: str
    user: str
    answer_schema: Mapping[str, Any]
    effort: Effort | None
    max_tokens: int
    form_in_words: Mapping[str, Any] | None = None
    narrow_schema: Mapping[str, Any] | None = None

    @cached_property
    def instruction(self) -> str:
        """The system block as it is sent."""
        if self.form_in_words is None:
            return self.system
        return f"{self.system}\n\n{_FORM_IN_WORDS}{json.dumps(self.form_in_words)}"

    @cached_property
    def worst_usage(self) -> Usage:
        """The most that it can take: no token is shorter than a byte, and none of it is cached yet."""
        schemas = sum(len(json.dumps(schema)) for schema in (self.answer_schema, self.narrow_schema) if schema)
        system = len(self.instruction.encode()) + schemas + OVERHEAD_TOKENS
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


class StopReason(StrEnum):
    """Why a model's turn ended, as far as it decides anything here. Providers' own words are brought to these."""

    CUT_SHORT = "max_tokens"
    REFUSAL = "refusal"
    TOO_LONG = "model_context_window_exceeded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request sent. `usage` is what the server says that it took, None where that is not known.

    `stop_reason`, `text` and `model`, the name that the server gives the model that answered, are for ANSWERED alone;
    `error` is for all others. `usage_note` says where usage is not what the server counted (see `scoring.metering`).
    """

    fate: Fate
    latency_ms: float
    usage: Usage | None
    request_id: str | None = None
    stop_reason: str | None = None
    text: str = ""
    model: str | None = None
    error: str = ""
    status: int | None = None
    retry_after_seconds: float | None = None
    usage_note: str | None = None
