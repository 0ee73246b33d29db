"""When documents fail in the same way one after another, asking about the next ones is money thrown away."""

from __future__ import annotations

from collections import Counter

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.scoring.answers import FlawKind
from exposure_dagster.scoring.judging import Verdict
from exposure_dagster.scoring.ledger import Status

ENOUGH_DOCUMENTS = 10

_ENOUGH_TIMES = 2
"""A document has failed once a second answer about it had the same flaw: the first may be an accident."""

_ENOUGH_TIMES_CUT_SHORT = 4
"""Each time there is twice the room, up to a bound (see `asking.MAX_GROWTH`)."""


class AlikeFailures:
    """Documents that failed in the same way before the first answer of a run."""

    def __init__(self, address_variable: str) -> None:
        self._address_variable = address_variable
        self._kind: str | None = None
        self._times: Counter[str] = Counter()
        self._is_answered = False

    def enough(self, doc_id: str, verdict: Verdict) -> ScoringError | None:
        """Take note of what a request about one document came to; the error, where it is enough to end the run."""
        self._is_answered |= verdict.status is Status.OK
        if self._is_answered or verdict.kind is None:
            return None
        if verdict.kind != self._kind:
            self._kind = verdict.kind
            self._times.clear()
        needed = _ENOUGH_TIMES_CUT_SHORT if verdict.kind == FlawKind.CUT_SHORT else _ENOUGH_TIMES
        self._times[doc_id] += needed if verdict.status is Status.FAILED else 1
        failed = sum(times >= needed for times in self._times.values())
        if failed < ENOUGH_DOCUMENTS:
            return None
        return ScoringError(
            f"{failed} documents in a row failed alike, and none was answered before ({verdict.error})",
            remedy=f"Look at the prompt, its model, and what answers at {self._address_variable}: "
            "`exposure run --limit 1` tries one document.",
        )
