"""What is put into a request: which documents go together, how long they may be, how much may be written.

Token counts here are bounds from the number of bytes, since nothing is asked of the API beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.prompts.model import MAX_SAMPLES, AskedPrompt
from exposure_dagster.prompts.render import Document, user_message
from exposure_dagster.providers.exchange import OVERHEAD_TOKENS, MessageRequest
from exposure_dagster.providers.prices import ModelPrice, PriceTable, Usage
from exposure_dagster.providers.registry import name_at_provider
from exposure_dagster.scoring.notes import cut_note

BYTES_PER_TOKEN = 2
"""Fewer than in any running text (about 2.5 in English, with the newest tokenizer): how much surely fits."""

LEAST_TEXT_BYTES = 4_000
"""A document is never cut to less: about 650 words of English. An instruction that leaves no room for so much is
refused, since an answer about less is an answer about a title."""

_FENCE_BYTES = 200
_NAME_BYTES = 1_000
"""Room for a document's id and title."""

ANSWER_TOKENS = 400
"""Room for a document's answer without its numbers."""

TOKENS_PER_ATTRIBUTE = 24

RATIONALE_LENGTH = 600
"""Characters of a rationale of two or three sentences, where a server of one's own is told how many."""

THINKING_TOKENS = {"low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}
"""Room for thinking by effort: it counts towards `max_tokens`, and an answer cut short is paid for in vain."""

MAX_GROWTH = 8
"""How many times its first room an answer that is cut short again and again may get."""

DEFAULT_THINKING_TOKENS = THINKING_TOKENS["high"]


def answer_schema(asked: AskedPrompt, documents: int) -> dict[str, Any]:
    """The form of an answer: a list of one object a document, and of one document alone just the object.

    A list would let a model answer twice about the one document that it was sent.
    """
    schema = asked.answer_schema
    items: dict[str, Any] = schema["properties"]["answers"]["items"]
    return items if documents == 1 else schema


def narrow_schema(asked: AskedPrompt, documents: Sequence[Document]) -> dict[str, Any]:
    """The same form with the ids and titles that there are, and a bound to a rationale, for a server of one's own.

    A small model that is held to a form writes anything where the form lets it, and goes on for as long as it lets it.
    Providers' own schemas know no bounds, and keep a schema in mind between requests; this one is each request's own.
    """
    one = answer_schema(asked, 1)
    fields = one["properties"]
    bounds = {
        "id": {"enum": [document.doc_id for document in documents]},
        "title": {"enum": list(dict.fromkeys(document.title for document in documents))},
        "rationale": {"maxLength": RATIONALE_LENGTH},
    }
    one = one | {"properties": fields | {name: fields[name] | bound for name, bound in bounds.items()}}
    if len(documents) == 1:
        return one
    several = answer_schema(asked, len(documents))
    answers = several["properties"]["answers"] | {"items": one}
    return several | {"properties": several["properties"] | {"answers": answers}}


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document as it is sent; `note` says what was left out, None where nothing was."""

    document: Document
    note: str | None = None


@dataclass(frozen=True)
class Asking:
    """How one prompt is put to its model."""

    asked: AskedPrompt
    price: ModelPrice
    is_provider_asked: bool = True
    """False where a server answers that speaks like the provider: it may pass over the form of the answer, and if it is
    no gateway to Claude, it thinks only where the prompt says so."""

    def max_tokens(self, documents: int) -> int:
        """How much a first request about so many documents may write, thinking included."""
        is_thoughtful = self.is_provider_asked or self.asked.model.startswith("claude")
        unsaid = DEFAULT_THINKING_TOKENS if is_thoughtful else 0
        thinking = THINKING_TOKENS.get(self.asked.effort or "", unsaid)
        answer = ANSWER_TOKENS + TOKENS_PER_ATTRIBUTE * len(self.asked.attributes)
        return min(thinking + documents * answer, self.price.max_output_tokens)

    def more_tokens(self, max_tokens: int, documents: int) -> int:
        """How much a repeat may write of what was cut short at `max_tokens`: twice that, up to a bound."""
        return min(2 * max_tokens, MAX_GROWTH * self.max_tokens(documents), self.price.max_output_tokens)

    def request(
        self, documents: Sequence[Document], max_tokens: int, *, repeat: int = 0, sample: int = 1
    ) -> MessageRequest:
        """`repeat` counts the answers to the same request that would not do. For each of them, and for each sample, it
        may write another number of tokens, which the model never sees: nothing on the way that keeps answers is to hand
        back one of them for another."""
        apart = repeat * MAX_SAMPLES + sample - 1
        most = self.price.max_output_tokens
        return MessageRequest(
            model=name_at_provider(self.asked.model),
            system=self.asked.system,
            user=user_message(documents),
            answer_schema=answer_schema(self.asked, len(documents)),
            effort=self.asked.effort,
            max_tokens=max_tokens + apart if max_tokens + apart <= most else max(most - apart, 1),
            form_in_words=None if self.is_provider_asked else answer_schema(self.asked, len(documents)),
            narrow_schema=None if self.is_provider_asked or not documents else narrow_schema(self.asked, documents),
        )

    def worst_cost(self, request: MessageRequest) -> int:
        """Nano-dollars that a request can cost at most.

        One more a document that it may hold, since each document's share is rounded for itself.
        """
        usage = request.worst_usage
        return self.price.rates_for(usage.prompt_tokens).cost_nano(usage) + self.asked.documents_per_request

    def worst_usage(self, documents: Sequence[Document], attempts: int, *, sample: int = 1) -> Usage:
        """The most that a request about these documents can take, if so many attempts were made before: each time an
        answer is cut short there is twice the room."""
        most = min(2**attempts, MAX_GROWTH) * self.max_tokens(len(documents))
        return self.request(documents, most, repeat=attempts, sample=sample).worst_usage

    def check_room(self) -> None:
        """Raises ScoringError where the instruction leaves a document too little room."""
        if (reason := self.why_no_room) is not None:
            raise ScoringError(
                reason,
                where=f"model {self.asked.model}",
                remedy="Shorten the prompt, or name a model that takes more.",
            )

    @property
    def why_no_room(self) -> str | None:
        """Why no document can be asked about: the instruction is too long for the model. None where it is not."""
        lacking = LEAST_TEXT_BYTES + _FENCE_BYTES + _NAME_BYTES - self._room_bytes
        if lacking <= 0:
            return None
        return (
            f"the instruction, with scale and levels, is {self._fixed_bytes:,} bytes long and leaves no room for a "
            f"document: {self.asked.model} takes {self.price.context_tokens:,} tokens, which is room for an "
            f"instruction of {max(0, self._fixed_bytes - lacking):,} bytes"
        )

    def cut(self, document: Document) -> CutDocument:
        """A document that is too long for the model loses its end.

        The rule: the beginning is kept, as much of it as fits into the model's `context_tokens` beside the
        instruction and the longest answer, at `BYTES_PER_TOKEN`; never less than `LEAST_TEXT_BYTES`.
        """
        text = document.text.encode()
        kept_bytes = max(LEAST_TEXT_BYTES, len(text) - max(0, _size(document) - self._room_bytes))
        if kept_bytes >= len(text):
            return CutDocument(document)
        kept = text[:kept_bytes].decode(errors="ignore")
        note = cut_note(len(kept), len(document.text), self.asked.model, self.price.context_tokens)
        return CutDocument(replace(document, text=kept), note)

    def groups(self, documents: Iterable[CutDocument]) -> Iterator[list[CutDocument]]:
        """Documents that go into one request: as many as the prompt says, fewer where they would not fit."""
        group: list[CutDocument] = []
        size = 0
        for cut in documents:
            length = _size(cut.document)
            if group and (len(group) == self.asked.documents_per_request or size + length > self._room_bytes):
                yield group
                group, size = [], 0
            group.append(cut)
            size += length
        if group:
            yield group

    @property
    def instruction_length(self) -> int:
        """Characters of the system block."""
        return len(self.request((), 0).instruction)

    @cached_property
    def _fixed_bytes(self) -> int:
        request = self.request((), 0)
        return len(request.instruction.encode()) + len(json.dumps(self.asked.answer_schema))

    @cached_property
    def _room_bytes(self) -> int:
        tokens = self.price.context_tokens - self.max_tokens(self.asked.documents_per_request) - OVERHEAD_TOKENS
        return tokens * BYTES_PER_TOKEN - self._fixed_bytes


def asking_of(asked: AskedPrompt, prices: PriceTable) -> Asking:
    """How a prompt is put to its model where that is asked. Raises ScoringError where its price is not known."""
    return Asking(asked, prices.of(asked.model), prices.endpoints.of(asked.model).is_own)


def _size(document: Document) -> int:
    """Bytes that a document takes in a message, the fence around it included."""
    return len(document.text.encode()) + len(document.title.encode()) + 2 * len(document.doc_id) + _FENCE_BYTES
