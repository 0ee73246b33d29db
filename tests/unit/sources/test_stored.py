"""What is kept of a page from one fetch to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.sources.fetching import Fetched, KnownBody
from exposure_dagster.sources.stored import StoredPage, is_due, required_body, updated

URL = "https://www.bls.gov/ooh/production/bakers.htm"
MONDAY = datetime.fromisoformat("2026-03-02T09:00:00")
TUESDAY = MONDAY + timedelta(days=1)

FIRST = Fetched(
    url=URL,
    status=200,
    reason=None,
    checked_at=MONDAY,
    body=b"<html>first</html>",
    content_sha256="aaa",
    etag='"1"',
    last_modified="Mon, 02 Mar 2026 08:00:00 GMT",
)
STORED = updated(None, FIRST)


def test_a_first_good_fetch_is_kept_whole() -> None:
    assert updated(None, FIRST) == StoredPage(
        url=URL,
        status=200,
        reason=None,
        fetched_at=MONDAY,
        checked_at=MONDAY,
        content_sha256="aaa",
        etag='"1"',
        last_modified="Mon, 02 Mar 2026 08:00:00 GMT",
        body=b"<html>first</html>",
    )


def test_a_failure_keeps_the_last_good_body_and_says_what_went_wrong() -> None:
    failed = Fetched(url=URL, status=404, reason="no such page (404)", checked_at=TUESDAY)
    assert updated(STORED, failed) == replace(STORED, status=404, reason="no such page (404)", checked_at=TUESDAY)


def test_a_page_that_never_came_has_no_body() -> None:
    failed = Fetched(url=URL, status=None, reason="no answer within 30 s", checked_at=MONDAY)
    assert updated(None, failed) == StoredPage(url=URL, reason="no answer within 30 s", checked_at=MONDAY)


def test_a_page_that_was_not_asked_for_keeps_the_time_of_the_last_attempt() -> None:
    not_asked = Fetched(url=URL, status=None, reason="not asked", checked_at=None)
    after = updated(STORED, not_asked)
    assert (after.status, after.reason, after.checked_at) == (None, "not asked", MONDAY)


def test_an_unchanged_page_keeps_the_time_its_body_was_fetched() -> None:
    unchanged = Fetched(
        url=URL,
        status=304,
        reason=None,
        checked_at=TUESDAY,
        content_sha256="aaa",
        etag='"2"',
        is_unchanged=True,
    )
    assert updated(STORED, unchanged) == replace(STORED, checked_at=TUESDAY, etag='"2"')


def test_a_page_found_unchanged_after_a_failure_is_good_again() -> None:
    failed = updated(STORED, Fetched(url=URL, status=503, reason="answered 503", checked_at=MONDAY))
    unchanged = Fetched(url=URL, status=304, reason=None, checked_at=TUESDAY, is_unchanged=True)
    assert updated(failed, unchanged) == replace(STORED, checked_at=TUESDAY)


def test_a_changed_page_takes_the_place_of_the_old_one_with_all_that_belongs_to_it() -> None:
    changed = Fetched(
        url=URL, status=200, reason=None, checked_at=TUESDAY, body=b"<html>new</html>", content_sha256="bbb"
    )
    assert updated(STORED, changed) == StoredPage(
        url=URL,
        status=200,
        fetched_at=TUESDAY,
        checked_at=TUESDAY,
        content_sha256="bbb",
        body=b"<html>new</html>",
    )


def test_the_next_request_tells_of_the_body_at_hand() -> None:
    assert STORED.known == KnownBody(content_sha256="aaa", etag='"1"', last_modified="Mon, 02 Mar 2026 08:00:00 GMT")
    assert StoredPage(url=URL).known is None


@pytest.mark.parametrize(("hours", "due"), [(0, False), (23, False), (24, True), (240, True)])
def test_a_good_page_is_due_again_after_a_day(hours: int, due: bool) -> None:
    assert is_due(STORED, now=MONDAY + timedelta(hours=hours), refetch_after_hours=24) is due


def test_with_no_hours_to_wait_every_page_is_due() -> None:
    assert is_due(STORED, now=MONDAY, refetch_after_hours=0)


def test_a_page_found_unchanged_lately_is_not_due() -> None:
    checked = replace(STORED, checked_at=TUESDAY)
    assert not is_due(checked, now=TUESDAY + timedelta(hours=1), refetch_after_hours=24)


def test_a_page_whose_last_attempt_failed_is_due_however_recent() -> None:
    failed = replace(STORED, status=404, reason="no such page (404)")
    assert is_due(failed, now=MONDAY, refetch_after_hours=24)


def test_a_page_never_had_is_due() -> None:
    assert is_due(None, now=MONDAY, refetch_after_hours=24)
    assert is_due(StoredPage(url=URL), now=MONDAY, refetch_after_hours=24)


def test_a_page_checked_in_the_future_is_due() -> None:
    assert is_due(STORED, now=MONDAY - timedelta(days=3), refetch_after_hours=24)


def test_an_index_that_failed_today_is_still_there_from_yesterday() -> None:
    page = replace(STORED, status=503, reason="answered 503 Service Unavailable (attempts: 4)")
    assert required_body(page, what="the A–Z index") == b"<html>first</html>"


def test_without_an_index_there_is_a_clear_error() -> None:
    page = StoredPage(url=URL, status=404, reason="no such page (404)")
    with pytest.raises(SourceError) as caught:
        required_body(page, what="the A–Z index")
    text = str(caught.value)
    assert text.startswith(f"{URL}: the A–Z index cannot be had: no such page (404). ")
    assert "EXPOSURE_SITES" in text
