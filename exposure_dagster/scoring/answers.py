"""Is what a model wrote an answer to what was asked? Everything here is judgement of text.

An answer is checked in full: the API enforces neither bounds nor that an id belongs to a document.
What is done about a bad answer belongs to `engine`.
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from exposure_dagster.core.characters import harmless
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.prompts.render import Document, escaped
from exposure_dagster.scoring.notes import AMID_TEXT, FENCED, NUMBER_AS_TEXT

_OPENING_FENCE = re.compile(r"(```|~~~)[ \t]*\w*")
_CLOSING_FENCES = ("```", "~~~", "")
_BRACKET = re.compile(r"[{}\[\]]")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?")
_SHOWN_LENGTH = 120


class FlawKind(StrEnum):
    """The ways in which an answer will not do. Flaws of one kind have one reason, whatever their words."""

    NOT_JSON = "not JSON"
    NO_ANSWER = "JSON that is no answer"
    OTHER_ID = "no answer with the id"
    SEVERAL = "several answers with the id"
    OTHER_TITLE = "another title"
    FIELDS = "other fields"
    RATIONALE = "no rationale"
    NUMBER = "a number that is not allowed"
    CUT_SHORT = "cut short"
    TOO_LONG = "too long for the model"


@dataclass(frozen=True, slots=True)
class Answer:
    """A valid answer about one document: its numbers by attribute, and the reason given.

    `repairs` say, in the words of `notes`, what had to be put right to read it.
    """

    numbers: Mapping[str, float]
    rationale: str
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why there is no valid answer about one document, in a few words."""

    reason: str
    kind: FlawKind


class UnreadableAnswerError(ValueError):
    """The whole text is no answer: nothing in it can be told apart by document."""

    def __init__(self, reason: str, kind: FlawKind) -> None:
        super().__init__(reason)
        self.kind = kind


def read_answers(
    asked: AskedPrompt, documents: Sequence[Document], text: str, *, is_whole: bool = True
) -> list[Answer | Flaw]:
    """What a model's text says about each of the documents it was sent, in their order.

    One document alone is answered by one object, several by a list of them (see `asking.answer_schema`).
    Where there is but one way to read it, it may stand in a code fence or amid other text, if the text `is_whole`:
    what follows one that was cut off is not known. Raises UnreadableAnswerError where the text as a whole does not
    have the form of an answer.
    """
    content, repairs = _content(text, is_whole=is_whole)
    rows = _by_document(_rows(content, is_single=len(documents) == 1), documents)
    return [_judge(asked, document, rows[document.doc_id], documents, repairs) for document in documents]


def _judge(
    asked: AskedPrompt,
    document: Document,
    rows: Sequence[dict[str, Any] | None],
    documents: Sequence[Document],
    repairs: tuple[str, ...],
) -> Answer | Flaw:
    if not rows:
        return Flaw("no answer carries its id", FlawKind.OTHER_ID)
    row = rows[0]
    if row is None or None in rows:
        return Flaw("an answer carries an id that could be its own or another document's", FlawKind.SEVERAL)
    if len(rows) > 1:
        return Flaw("several answers carry its id", FlawKind.SEVERAL)
    if len(documents) > 1 and not _is_title_of(row.get("title"), document, documents):
        return Flaw("the answer with its id carries another title", FlawKind.OTHER_TITLE)
    return _checked(asked, row, repairs)


def _checked(asked: AskedPrompt, row: Mapping[str, Any], repairs: tuple[str, ...]) -> Answer | Flaw:
    expected = {"id", "title", "rationale", *(attribute.key for attribute in asked.attributes)}
    if row.keys() != expected:
        missing = ", ".join(sorted(expected - row.keys()))
        extra = harmless(" ".join(", ".join(sorted(row.keys() - expected)).split()))[:_SHOWN_LENGTH]
        return Flaw(f"fields missing: {missing or 'none'}; fields not asked for: {extra or 'none'}", FlawKind.FIELDS)
    said = row["rationale"]
    if not isinstance(said, str) or not (rationale := harmless(said).strip()):
        return Flaw("the rationale is empty", FlawKind.RATIONALE)
    numbers: dict[str, float] = {}
    for attribute in asked.attributes:
        value, is_text = row[attribute.key], False
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value, is_text = float(value), True
        if isinstance(value, bool) or not isinstance(value, int | float) or value not in attribute.allowed:
            return Flaw(f"{attribute.key} is {_shown(row[attribute.key])}, which is not allowed", FlawKind.NUMBER)
        numbers[attribute.key] = value
        if is_text and NUMBER_AS_TEXT not in repairs:
            repairs = (*repairs, NUMBER_AS_TEXT)
    return Answer(numbers, rationale, repairs)


def _content(text: str, *, is_whole: bool) -> tuple[Any, tuple[str, ...]]:
    """The JSON in a text, and how it was found: the text itself, or the one object that it holds."""
    try:
        return _json(text), ()
    except (ValueError, RecursionError) as error:
        unreadable = UnreadableAnswerError(
            f"not JSON: {type(error).__name__} after {len(text)} characters", FlawKind.NOT_JSON
        )
        start, end = text.find("{"), text.rfind("}") + 1
        before, after = text[: max(0, start)].strip(), text[end:].strip()
        if not is_whole or start < 0 or _BRACKET.search(before + after):
            raise unreadable from error
    try:
        content = _json(text[start:end])
    except (ValueError, RecursionError) as error:
        raise unreadable from error
    is_fenced = _OPENING_FENCE.fullmatch(before) is not None and after in _CLOSING_FENCES
    return content, (FENCED if is_fenced else AMID_TEXT,)


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that gives a field twice says two things."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a field is given twice")
    return content


def _rows(content: Any, *, is_single: bool) -> list[Any]:
    if is_single and isinstance(content, dict):
        return [content]
    if not isinstance(content, dict) or content.keys() != {"answers"} or not isinstance(content["answers"], list):
        raise UnreadableAnswerError("the JSON does not have the form of an answer", FlawKind.NO_ANSWER)
    rows: list[Any] = content["answers"]
    return rows


def _by_document(rows: Sequence[Any], documents: Sequence[Document]) -> dict[str, list[dict[str, Any] | None]]:
    """Answers by the id of the document that they name; None is one that may be another document's as well.

    An id is taken as it is, escaped as it stands in the message, or with what looks like an escape in it undone.
    """
    found: dict[str, list[dict[str, Any] | None]] = {document.doc_id: [] for document in documents}
    meant: dict[str, set[str]] = defaultdict(set)
    for doc_id in found:
        for spelling in (doc_id, escaped(doc_id), html.unescape(doc_id)):
            meant[spelling].add(doc_id)
    for row in rows:
        if isinstance(row, dict) and isinstance(echo := row.get("id"), str):
            named = meant.get(echo, set()) | ({html.unescape(echo)} & found.keys())
            for doc_id in named:
                found[doc_id].append(row if len(named) == 1 else None)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_title_of(echo: object, document: Document, documents: Sequence[Document]) -> bool:
    """Whether an echoed title is the document's own, if cut short or spelt a little differently."""
    if not isinstance(echo, str):
        return False
    own, found = _normal(document.title), _normal(echo)
    if found & own:
        return True
    others = {form for other in documents if other is not document for form in _normal(other.title)}
    if found & others or found == {""}:
        return False
    return any(theirs.startswith(mine) or mine.startswith(theirs) for mine in own for theirs in found)


def _normal(title: str) -> set[str]:
    """A title in letters and digits alone, with and without what looks like an escape in it."""
    forms = {_letters(title), _letters(html.unescape(title))}
    return forms - {""} or forms


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _shown(value: object) -> str:
    return json.dumps(value)[:40]
