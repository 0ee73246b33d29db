"""What the API's headers say."""

from __future__ import annotations

import email.utils
import time

import pytest

from exposure_dagster.providers.sdk import retry_after_seconds


@pytest.mark.parametrize(("value", "seconds"), [("3", 3), ("0.5", 0.5), ("0", 0), ("-5", 0)])
def test_retry_after_may_be_given_in_seconds(value: str, seconds: float) -> None:
    assert retry_after_seconds({"retry-after": value}) == seconds


def test_retry_after_may_be_given_as_a_date() -> None:
    seconds = retry_after_seconds({"retry-after": email.utils.formatdate(time.time() + 100, usegmt=True)})

    assert seconds is not None
    assert 90 < seconds <= 100
    assert retry_after_seconds({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


@pytest.mark.parametrize("value", ["soon", "", "nan", "inf", "1e999"])
def test_a_retry_after_that_says_nothing_usable_is_none(value: str) -> None:
    assert retry_after_seconds({"retry-after": value}) is None
    assert retry_after_seconds({}) is None
