"""What an attempt means for each document it was about, and what is to be asked next.

Pure: limits, money and the ledger are the business of `engine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.exchange import Attempt, Fate, StopReason
from exposure_dagster.scoring.answers import Answer, FlawKind, UnreadableAnswerError, read_answers
from exposure_dagster.scoring.ledger import Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt means for one document. `kind` is the same for errors of one kind; None where the error says
    nothing about the answer, as when none came."""

    status: Status
    answer: Answer | None = None
    error: str | None = None
    kind: str | None = None


class Next(Enum):
    """What to ask after an attempt."""

    NOTHING = auto()
    """Every document is settled, or hopeless."""
    SAME_AT_ONCE = auto()
    """The same request: the model answered, but not as asked."""
    SAME_LATER = auto()
    """The same request, after backing off."""
    ALONE = auto()
    """Those documents that are not settled, each in a request of its own."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict for each document, in the order they were sent; `error` sums up what went wrong."""

    next: Next
    verdicts: Sequence[Verdict]
    error: str = ""
    is_cut_short: bool = False


def judge(asked: AskedPrompt, documents: Sequence[Document], attempt: Attempt) -> Judgement:
    """What an attempt at asking about `documents` in one request means."""
    match attempt.fate:
        case Fate.ANSWERED if attempt.stop_reason == StopReason.REFUSAL:
            return _refused(len(documents))
        case Fate.ANSWERED:
            return _answered(asked, documents, attempt)
        case Fate.REJECTED | Fate.DENIED:
            kind = f"HTTP {attempt.status}" if attempt.fate is Fate.REJECTED else None
            return _hopeless(len(documents), attempt.error, kind)
    verdicts = [Verdict(Status.FAILED, error=attempt.error)] * len(documents)
    return Judgement(Next.SAME_LATER, verdicts, attempt.error)


def _answered(asked: AskedPrompt, documents: Sequence[Document], attempt: Attempt) -> Judgement:
    try:
        is_whole = attempt.stop_reason not in (StopReason.CUT_SHORT, StopReason.TOO_LONG)
        readings = read_answers(asked, documents, attempt.text, is_whole=is_whole)
    except UnreadableAnswerError as unreadable:
        if attempt.stop_reason == StopReason.TOO_LONG:
            return _hopeless(len(documents), "prompt and answer together are too long for the model", FlawKind.TOO_LONG)
        is_cut_short = attempt.stop_reason == StopReason.CUT_SHORT
        error = "cut short: the answer was longer than max_tokens" if is_cut_short else str(unreadable)
        kind = FlawKind.CUT_SHORT if is_cut_short else unreadable.kind
        verdicts = [Verdict(Status.INVALID, error=error, kind=kind)] * len(documents)
        return Judgement(Next.SAME_AT_ONCE, verdicts, error, is_cut_short)
    verdicts = [
        Verdict(Status.OK, read)
        if isinstance(read, Answer)
        else Verdict(Status.INVALID, error=read.reason, kind=read.kind)
        for read in readings
    ]
    flaws = [verdict.error or "" for verdict in verdicts if verdict.answer is None]
    if not flaws:
        return Judgement(Next.NOTHING, verdicts)
    return Judgement(Next.ALONE if len(documents) > 1 else Next.SAME_AT_ONCE, verdicts, flaws[0])


def _refused(documents: int) -> Judgement:
    if documents == 1:
        return Judgement(Next.NOTHING, [Verdict(Status.REFUSED, error="the model refused to answer")])
    error = "the model refused to answer about several documents at once"
    return Judgement(Next.ALONE, [Verdict(Status.INVALID, error=error)] * documents, error)


def _hopeless(documents: int, error: str, kind: str | None) -> Judgement:
    """The request is not repeated as it is; of several documents, one alone may be the reason."""
    verdicts = [Verdict(Status.FAILED, error=error, kind=kind)] * documents
    return Judgement(Next.ALONE if documents > 1 else Next.NOTHING, verdicts, error)
