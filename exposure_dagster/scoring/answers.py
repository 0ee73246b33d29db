"""Is what a model wrote an answer to what was asked? Everything here is judgement of text.

An answer is checked in full: the API enforces neither bounds nor that an id belongs to a document.
What is done about a bad answer belongs to `engine`.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.prompts.render import Document


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid answer about one document: its numbers by attribute, and the reason given."""

    numbers: Mapping[str, float]
    rationale: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why there is no valid answer about one document, in a few words."""

    reason: str


class UnreadableAnswerError(ValueError):
    """The whole text is no answer: nothing in it can be told apart by document."""


def read_answers(asked: AskedPrompt, documents: Sequence[Document], text: str) -> list[Answer | Flaw]:
    """What a model's text says about each of the documents it was sent, in their order.

    One document alone is answered by one object, several by a list of them (see `asking.answer_schema`).
    Raises UnreadableAnswerError where the text as a whole does not have the form of an answer.
    """
    rows = _rows(text, is_single=len(documents) == 1)
    ids = [row.get("id") if isinstance(row, dict) else None for row in rows]
    by_id = {html.unescape(id_): row for id_, row in zip(ids, rows, strict=True) if isinstance(id_, str)}
    counts = Counter(html.unescape(id_) for id_ in ids if isinstance(id_, str))
    titles = {document.doc_id: _normal(document.title) for document in documents}
    return [_judge(asked, document.doc_id, by_id, counts, titles) for document in documents]


def _judge(
    asked: AskedPrompt,
    doc_id: str,
    rows: Mapping[str, dict[str, Any]],
    counts: Mapping[str, int],
    titles: Mapping[str, str],
) -> Answer | Flaw:
    if counts.get(doc_id, 0) == 0:
        return Flaw("no answer carries its id")
    if counts[doc_id] > 1:
        return Flaw("several answers carry its id")
    row = rows[doc_id]
    if len(titles) > 1 and not _is_title_of(row.get("title"), doc_id, titles):
        return Flaw("the answer with its id carries another title")
    return _checked(asked, row)


def _checked(asked: AskedPrompt, row: Mapping[str, Any]) -> Answer | Flaw:
    expected = {"id", "title", "rationale", *(attribute.key for attribute in asked.attributes)}
    if row.keys() != expected:
        missing = ", ".join(sorted(expected - row.keys()))
        extra = ", ".join(sorted(row.keys() - expected))
        return Flaw(f"fields missing: {missing or 'none'}; fields not asked for: {extra or 'none'}")
    rationale = row["rationale"]
    if not isinstance(rationale, str) or not rationale.strip():
        return Flaw("the rationale is empty")
    if not _is_unicode(rationale):
        return Flaw("the rationale is not valid Unicode")
    numbers: dict[str, float] = {}
    for attribute in asked.attributes:
        value = row[attribute.key]
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in attribute.allowed:
            return Flaw(f"{attribute.key} is {_shown(value)}, which is not allowed")
        numbers[attribute.key] = value
    return Answer(numbers, rationale.strip())


def _rows(text: str, *, is_single: bool) -> list[Any]:
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswerError(f"not JSON: {type(error).__name__} after {len(text)} characters") from error
    if is_single and isinstance(content, dict):
        return [content]
    if not isinstance(content, dict) or content.keys() != {"answers"} or not isinstance(content["answers"], list):
        raise UnreadableAnswerError("the JSON does not have the form of an answer")
    rows: list[Any] = content["answers"]
    return rows


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_title_of(echo: object, doc_id: str, titles: Mapping[str, str]) -> bool:
    """Whether an echoed title is the document's own, if cut short or spelt a little differently."""
    if not isinstance(echo, str):
        return False
    own, found = titles[doc_id], _normal(echo)
    if found == own:
        return True
    if not found or found in titles.values():
        return False
    return own.startswith(found) or found.startswith(own)


def _normal(title: str) -> str:
    return "".join(character for character in html.unescape(title).casefold() if character.isalnum())


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    return json.dumps(value)[:40]
