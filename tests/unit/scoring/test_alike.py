"""When documents that fail alike are enough to end a run."""

from __future__ import annotations

from exposure_dagster.scoring.alike import ENOUGH_DOCUMENTS, AlikeFailures
from exposure_dagster.scoring.answers import Answer, FlawKind
from exposure_dagster.scoring.judging import Verdict
from exposure_dagster.scoring.ledger import Status

OK = Verdict(Status.OK, Answer({"score": 7}, "Because."))
REFUSED = Verdict(Status.REFUSED, error="the model refused to answer")
SILENT = Verdict(Status.FAILED, error="the connection broke")
REJECTED = Verdict(Status.FAILED, error="HTTP 400 bad schema", kind="HTTP 400")
NUMBER = Verdict(Status.INVALID, error='score is "7/10", which is not allowed', kind=FlawKind.NUMBER)
NO_JSON = Verdict(Status.INVALID, error="not JSON", kind=FlawKind.NOT_JSON)
CUT_SHORT = Verdict(Status.INVALID, error="cut short", kind=FlawKind.CUT_SHORT)


def ends_after(*verdicts: Verdict) -> int | None:
    """Every document in turn gets these verdicts, one after another; the number of documents at which it is enough."""
    failures = AlikeFailures("ANTHROPIC_BASE_URL")
    for number in range(50):
        for verdict in verdicts:
            if failures.enough(f"doc-{number}", verdict) is not None:
                return number + 1
    return None


def test_ten_documents_with_the_same_flaw_twice_are_enough() -> None:
    assert ENOUGH_DOCUMENTS == 10
    assert ends_after(NUMBER, NUMBER) == 10


def test_a_flaw_that_a_repeat_mends_is_no_failure() -> None:
    assert ends_after(NUMBER) is None
    assert ends_after(NUMBER, OK) is None


def test_ten_rejected_requests_are_enough_since_none_is_repeated() -> None:
    assert ends_after(REJECTED) == 10


def test_an_answer_that_is_cut_short_is_given_all_its_room_first() -> None:
    assert ends_after(CUT_SHORT, CUT_SHORT, CUT_SHORT) is None
    assert ends_after(CUT_SHORT, CUT_SHORT, CUT_SHORT, CUT_SHORT) == 10


def test_flaws_of_different_kinds_are_no_row() -> None:
    assert ends_after(NUMBER, NO_JSON) is None


def test_neither_a_refusal_nor_silence_says_anything_about_the_others() -> None:
    assert ends_after(REFUSED) is None
    assert ends_after(SILENT) is None
    assert ends_after(NUMBER, SILENT, NUMBER, REFUSED) == 10


def test_after_one_answer_the_others_are_asked_whatever_they_come_to() -> None:
    failures = AlikeFailures("ANTHROPIC_BASE_URL")
    failures.enough("first", OK)
    assert not any(failures.enough(f"doc-{number}", REJECTED) for number in range(50))


def test_the_error_says_how_many_failed_and_how() -> None:
    failures = AlikeFailures("ANTHROPIC_BASE_URL")
    errors = [failures.enough(f"doc-{number}", REJECTED) for number in range(10)]
    assert "10 documents in a row failed alike, and none was answered before (HTTP 400 bad schema)" in str(errors[-1])
