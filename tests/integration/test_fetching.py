"""Fetching over real HTTP from a server on loopback, and from folders on disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exposure_dagster.core.errors import SettingError
from exposure_dagster.sources.bodies import MAX_BYTES, Expected
from exposure_dagster.sources.fetching import Clock, Fetched, KnownBody, PageRequest
from exposure_dagster.sources.live import LiveFetcher, LiveLimits
from exposure_dagster.sources.sites import SiteKind, open_site
from exposure_dagster.sources.stored import StoredPage, is_due, updated
from tests.integration.loopback import HTML, PAGE, HandMovedTime, LoopbackSite, Reply, ToLoopback, running_site

CONTACT = "jo@uni.edu"
NEW_PAGE = PAGE.replace(b"Bread", b"Cake")
QUICK = LiveLimits(seconds_between_requests=1, silence_seconds=30, attempts=3)
NOT_ASKED_FOR = (
    "which was not asked for and is not read: see whether a proxy does so, or point EXPOSURE_SITES at a folder of "
    "saved pages"
)
IMPATIENT = replace(QUICK, silence_seconds=0.5)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackSite]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_site() as site:
        yield site


@pytest.fixture
def time() -> HandMovedTime:
    return HandMovedTime()


@pytest.fixture
def fetcher(time: HandMovedTime) -> Iterator[LiveFetcher]:
    with LiveFetcher(contact=CONTACT, limits=QUICK, clock=time.clock) as fetcher:
        yield fetcher


@pytest.fixture
def impatient(time: HandMovedTime) -> Iterator[LiveFetcher]:
    with LiveFetcher(contact=CONTACT, limits=IMPATIENT, clock=time.clock) as fetcher:
        yield fetcher


def known(body: bytes, **validators: str) -> KnownBody:
    return KnownBody(content_sha256=hashlib.sha256(body).hexdigest(), **validators)


# A good page


def test_a_page_is_fetched_with_its_hash_and_validators(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    headers = {**HTML, "ETag": '"v1"', "Last-Modified": "Mon, 02 Mar 2026 08:00:00 GMT"}
    url = site.has("/ooh/bakers.htm", Reply(headers=headers))
    assert fetcher.fetch(PageRequest(url=url)) == Fetched(
        url=url,
        status=200,
        reason=None,
        checked_at=time.began + timedelta(seconds=1),
        body=PAGE,
        content_sha256=hashlib.sha256(PAGE).hexdigest(),
        etag='"v1"',
        last_modified="Mon, 02 Mar 2026 08:00:00 GMT",
    )


def test_the_site_is_told_who_asks(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply())))
    agent = site.seen[0].headers["User-Agent"]
    assert agent.startswith("exposure-dagster/")
    assert CONTACT in agent


def test_a_page_in_another_encoding_is_kept_byte_for_byte(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    body = PAGE.replace(b"Bread.", "Crème brûlée.".encode("latin-1"))
    url = site.has("/x.htm", Reply(body=body, headers={"Content-Type": "text/html; charset=ISO-8859-1"}))
    assert fetcher.fetch(PageRequest(url=url)).body == body


def test_a_compressed_page_is_unpacked(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    url = site.has("/x.htm", Reply(body=gzip.compress(PAGE), headers={**HTML, "Content-Encoding": "gzip"}))
    assert fetcher.fetch(PageRequest(url=url)).body == PAGE


def test_lists_and_archives_come_through_the_same_fetcher(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("Occupation Data.txt", "Code\n")
    csv_url = site.has("/all.csv?fmt=csv", Reply(body=b"Code\n1\n", headers={"Content-Type": "text/csv"}))
    zip_url = site.has("/db.zip", Reply(body=archive.getvalue(), headers={"Content-Type": "application/zip"}))
    assert fetcher.fetch(PageRequest(url=csv_url, expects="csv")).body == b"Code\n1\n"
    assert fetcher.fetch(PageRequest(url=zip_url, expects="zip")).body == archive.getvalue()


# Politeness


def test_requests_to_a_host_start_a_second_apart(site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime) -> None:
    urls = [site.has(f"/{n}.htm", Reply()) for n in range(4)]
    assert all(page.is_good for page in fetcher.fetch_many(PageRequest(url=url) for url in urls))
    # the first waits too: another fetcher may have asked the same host a moment ago
    assert time.sleeps == [1.0, 1.0, 1.0, 1.0]


def test_time_that_passed_anyway_is_not_waited_again(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    time.seconds += 0.75
    fetcher.fetch(PageRequest(url=site.has("/1.htm", Reply())))
    time.seconds += 30
    fetcher.fetch(PageRequest(url=site.has("/2.htm", Reply())))
    assert time.sleeps == [0.25]


def test_hosts_do_not_wait_for_each_other(time: HandMovedTime, site: LoopbackSite) -> None:
    site.has("/x.htm", Reply())
    with LiveFetcher(contact=CONTACT, limits=QUICK, transport=ToLoopback(site), clock=time.clock) as fetcher:
        time.seconds += 1
        fetcher.fetch(PageRequest(url="https://www.bls.gov/x.htm"))
        fetcher.fetch(PageRequest(url="https://www.onetonline.org/x.htm"))
        assert time.sleeps == []
        fetcher.fetch(PageRequest(url="https://www.bls.gov/x.htm"))
        assert time.sleeps == [1.0]


# What has not changed


def test_a_page_the_server_calls_unmodified_is_not_sent_again(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    url = site.has("/x.htm", Reply(status=304))
    page = fetcher.fetch(PageRequest(url=url, known=known(PAGE, etag='"v1"', last_modified="then")))
    assert site.seen[0].headers["If-None-Match"] == '"v1"'
    assert site.seen[0].headers["If-Modified-Since"] == "then"
    assert (page.status, page.reason, page.is_unchanged, page.body) == (304, None, True, None)


def test_without_validators_an_unchanged_page_is_known_by_its_hash(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply()), known=known(PAGE)))
    assert "If-None-Match" not in site.seen[0].headers
    assert (page.status, page.reason, page.is_unchanged, page.body) == (200, None, True, None)


def test_a_changed_page_comes_whole(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    url = site.has("/x.htm", Reply(body=NEW_PAGE, headers={**HTML, "ETag": '"v2"'}))
    page = fetcher.fetch(PageRequest(url=url, known=known(PAGE, etag='"v1"')))
    assert (page.is_unchanged, page.body, page.etag) == (False, NEW_PAGE, '"v2"')


def test_a_validator_that_could_not_be_sent_back_is_not_kept(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    url = site.has("/x.htm", Reply(headers={**HTML, "ETag": '"vé"'}))
    assert fetcher.fetch(PageRequest(url=url)).etag is None


def test_unmodified_makes_no_sense_for_a_page_we_do_not_hold(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply(status=304))))
    assert (page.status, page.reason) == (304, "answered 304 Not Modified")


# Trouble that passes


def test_too_many_requests_is_tried_again_after_the_pause_the_server_asks_for(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    busy = Reply(status=429, headers={"Retry-After": "17"}, body=b"")
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", busy, Reply())))
    assert (page.status, page.body) == (200, PAGE)
    assert time.sleeps == [1.0, 17.0]


def test_the_pause_may_be_given_as_a_date(site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime) -> None:
    busy = Reply(status=503, headers={"Retry-After": "Mon, 02 Mar 2026 09:00:31 GMT"}, body=b"")
    assert fetcher.fetch(PageRequest(url=site.has("/x.htm", busy, Reply()))).is_good
    assert time.sleeps == [1.0, 30.0]


def test_a_host_that_asks_for_a_very_long_pause_is_left_alone(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    busy = Reply(status=429, headers={"Retry-After": "3600"}, body=b"")
    first = fetcher.fetch(PageRequest(url=site.has("/x.htm", busy, Reply())))
    second = fetcher.fetch(PageRequest(url=site.has("/y.htm", Reply())))
    assert (first.status, first.reason) == (429, "answered 429 Too Many Requests")
    assert second.reason == "not asked, to spare 127.0.0.1: it asks for a pause of 3,600 s"
    assert second.checked_at is None
    assert site.paths() == ["/x.htm"]
    assert time.sleeps == [1.0]


def test_a_server_error_is_tried_again_after_growing_pauses(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    url = site.has("/x.htm", Reply(status=500), Reply(status=502), Reply())
    assert fetcher.fetch(PageRequest(url=url)).body == PAGE
    _, first, second = time.sleeps
    assert 1 <= first <= 2
    assert 2 <= second <= 3


def test_a_server_error_that_stays_is_recorded(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply(status=503))))
    assert (page.status, page.reason, page.body) == (503, "answered 503 Service Unavailable (attempts: 3)", None)
    assert site.paths() == ["/x.htm"] * 3


def test_silence_is_tried_again(site: LoopbackSite, impatient: LiveFetcher) -> None:
    url = site.has("/x.htm", Reply(hangs=True), Reply())
    assert impatient.fetch(PageRequest(url=url)).body == PAGE


def test_silence_that_stays_is_recorded(site: LoopbackSite, impatient: LiveFetcher) -> None:
    page = impatient.fetch(PageRequest(url=site.has("/x.htm", Reply(hangs=True))))
    assert (page.status, page.reason) == (None, "no answer within 0.5 s (attempts: 3)")


def test_a_server_that_is_not_there_is_recorded(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    url = site.url("/x.htm")
    site.shutdown()
    site.server_close()
    page = fetcher.fetch(PageRequest(url=url))
    assert page.status is None
    assert (page.reason or "").startswith("no connection, or it broke: ")


# Pages that cannot be had


def test_a_missing_page_is_recorded_at_once(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply(status=404))))
    assert (page.status, page.reason) == (404, "no such page (404)")
    assert site.paths() == ["/x.htm"]


def test_a_refusal_says_what_to_do_and_is_not_tried_again(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply(status=403))))
    assert page.status == 403
    assert "EXPOSURE_CONTACT" in (page.reason or "")
    assert "EXPOSURE_SITES" in (page.reason or "")
    assert site.paths() == ["/x.htm"]


def test_a_body_that_breaks_off_is_never_taken_for_the_page(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply(sent=40))))
    assert page.status == 200
    assert page.reason == f"the body was cut off after 40 of {len(PAGE)} bytes (attempts: 3)"
    assert page.body is None


def test_a_body_that_breaks_off_once_comes_whole_the_next_time(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    assert fetcher.fetch(PageRequest(url=site.has("/x.htm", Reply(sent=40), Reply()))).body == PAGE


@pytest.mark.parametrize(
    ("reply", "expects", "reason"),
    [
        (Reply(body=b""), "html", "the body is empty"),
        (Reply(body=PAGE[:60]), "html", "the page is cut off: it does not end with </html>"),
        (
            Reply(body=b"%PDF-1.7", headers={"Content-Type": "application/pdf"}),
            "html",
            "not HTML: the server calls it application/pdf",
        ),
        (Reply(body=b'{"a": 1}'), "html", "not HTML: it does not begin like a page"),
        (Reply(), "csv", "an HTML page came instead of CSV"),
        (Reply(), "zip", "an HTML page came instead of a zip archive"),
        (
            Reply(headers={**HTML, "Content-Encoding": "gzip"}),
            "html",
            "the body cannot be decompressed",
        ),
    ],
)
def test_a_body_of_no_use_is_recorded_with_the_reason(
    site: LoopbackSite, fetcher: LiveFetcher, reply: Reply, expects: Expected, reason: str
) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", reply), expects=expects))
    assert (page.status, page.reason, page.body, page.content_sha256) == (200, reason, None, None)
    assert len(site.seen) == 1


def test_a_body_without_end_is_given_up(site: LoopbackSite, time: HandMovedTime) -> None:
    url = site.has("/x.htm", Reply(body=PAGE * 100))
    with LiveFetcher(contact=CONTACT, limits=LiveLimits(body_bytes=1000), clock=time.clock) as fetcher:
        assert fetcher.fetch(PageRequest(url=url)).reason == "the body is longer than 1,000 bytes"


def packed(body: bytes, *, times: int = 1, encoding: str = "gzip") -> Reply:
    for _ in range(times):
        body = gzip.compress(body)
    return Reply(body=body, headers={**HTML, "Content-Encoding": encoding})


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (packed(bytes(MAX_BYTES["html"] + 1)), f"the body is longer than {MAX_BYTES['html']:,} bytes"),
        (packed(PAGE, times=2, encoding="gzip, gzip"), f"the body is packed as gzip, gzip, {NOT_ASKED_FOR}"),
        (packed(PAGE, encoding="br"), f"the body is packed as br, {NOT_ASKED_FOR}"),
        (Reply(body=gzip.compress(PAGE)[:-9], headers={**HTML, "Content-Encoding": "gzip"}), "ends too early"),
    ],
)
def test_a_packed_body_is_unpacked_as_far_as_was_asked_for_and_no_further(
    site: LoopbackSite, fetcher: LiveFetcher, reply: Reply, reason: str
) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", reply)))
    assert (page.reason or "").endswith(reason), page.reason
    assert page.body is None
    assert site.seen[0].headers["Accept-Encoding"] == "gzip"


def test_an_empty_body_may_be_called_packed(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    url = site.has("/x.htm", Reply(body=b"", headers={**HTML, "Content-Encoding": "gzip"}))
    assert fetcher.fetch(PageRequest(url=url)).reason == "the body is empty"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(trickles="head"),
        Reply(trickles="body"),
        # the head of a compressed body, whose file name has no end: not a word of it can be read yet
        Reply(trickles="body", headers={**HTML, "Content-Encoding": "gzip"}, body=b"\x1f\x8b\x08\x08\0\0\0\0\0\x03x"),
    ],
    ids=["head", "body", "compressed body"],
)
def test_an_answer_that_comes_a_byte_at_a_time_is_given_up_and_the_next_page_is_had(
    site: LoopbackSite, reply: Reply
) -> None:
    limits = LiveLimits(page_seconds=0.3, seconds_between_requests=0, attempts=2, longest_backoff_seconds=0)
    with LiveFetcher(contact=CONTACT, limits=limits) as fetcher:
        slow = fetcher.fetch(PageRequest(url=site.has("/slow.htm", reply)))
        quick = fetcher.fetch(PageRequest(url=site.has("/quick.htm", Reply())))
    assert slow.reason == "the answer took longer than 0.3 s (attempts: 2)"
    assert quick.body == PAGE
    assert site.paths() == ["/slow.htm", "/slow.htm", "/quick.htm"]


@pytest.mark.parametrize("url", ["ftp://bls.gov/x", "/ooh/x.htm", "https://", "http://bls.gov:x/", "mailto:a@b.c"])
def test_what_is_no_web_address_is_recorded(fetcher: LiveFetcher, url: str) -> None:
    assert fetcher.fetch(PageRequest(url=url)).reason == "not a web address"


def test_a_failed_page_leaves_the_others_and_its_own_last_good_body_alone(
    site: LoopbackSite, fetcher: LiveFetcher
) -> None:
    good, gone = site.has("/good.htm", Reply()), site.has("/gone.htm", Reply(), Reply(status=404))
    last = site.has("/last.htm", Reply())
    rows: dict[str, StoredPage] = {}
    for _ in range(2):
        requests = [PageRequest(url=url, known=rows[url].known if url in rows else None) for url in (good, gone, last)]
        for page in fetcher.fetch_many(requests):
            rows[page.url] = updated(rows.get(page.url), page)
    assert [(row.status, row.reason, row.body) for row in rows.values()] == [
        (200, None, PAGE),
        (404, "no such page (404)", PAGE),
        (200, None, PAGE),
    ]


# Redirects


def redirect(to: str) -> Reply:
    return Reply(status=301, headers={"Location": to}, body=b"")


def test_a_page_that_moved_within_its_site_is_followed(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    url = site.has("/ooh/arts/bakers.htm", redirect("/ooh/production/bakers.htm"))
    site.has("/ooh/production/bakers.htm", Reply())
    page = fetcher.fetch(PageRequest(url=url))
    assert (page.url, page.status, page.body) == (url, 200, PAGE)
    assert time.sleeps == [1.0, 1.0]


@pytest.mark.parametrize("to", ["/ooh/", "/ooh/home.htm", "/error?page=bakers.htm"])
def test_a_redirect_to_another_page_is_not_the_page(site: LoopbackSite, fetcher: LiveFetcher, to: str) -> None:
    url = site.has("/ooh/bakers.htm", redirect(to))
    page = fetcher.fetch(PageRequest(url=url))
    assert page.status == 301
    assert (page.reason or "").startswith("redirected to another page, http")
    assert page.body is None
    assert site.paths() == ["/ooh/bakers.htm"]


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("https://else.org/bakers.htm", "bls.gov redirects to another server, else.org, which is not followed"),
        ("http://else.org/bakers.htm", "bls.gov redirects to another server, else.org, which is not followed"),
        ("https://bls.gov:444/bakers.htm", "bls.gov redirects to another server, bls.gov:444, which is not followed"),
        ("https://bls.gov@else.org/bakers.htm", "bls.gov redirects to another server, else.org, which is not followed"),
        ("http://bls.gov/bakers.htm", "bls.gov redirects to http without encryption, which is not followed"),
    ],
)
def test_a_redirect_to_another_server_or_out_of_encryption_is_not_followed(
    site: LoopbackSite, time: HandMovedTime, to: str, reason: str
) -> None:
    site.has("/bakers.htm", redirect(to), Reply())
    with LiveFetcher(contact=CONTACT, limits=QUICK, transport=ToLoopback(site), clock=time.clock) as fetcher:
        page = fetcher.fetch(PageRequest(url="https://bls.gov/bakers.htm"))
    assert (page.status, page.reason, page.body) == (301, reason, None)
    assert site.paths() == ["/bakers.htm"]


def test_a_redirect_into_encryption_on_the_same_server_is_followed(site: LoopbackSite, time: HandMovedTime) -> None:
    site.has("/bakers.htm", redirect("https://bls.gov/bakers.htm"), Reply())
    with LiveFetcher(contact=CONTACT, limits=QUICK, transport=ToLoopback(site), clock=time.clock) as fetcher:
        assert fetcher.fetch(PageRequest(url="http://bls.gov/bakers.htm")).body == PAGE


def test_a_redirect_that_goes_round_in_circles_ends(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    page = fetcher.fetch(PageRequest(url=site.has("/x.htm", redirect("/x.htm"))))
    assert (page.status, page.reason) == (301, "redirected more than 5 times")


# Sites that are down or shut us out


@pytest.mark.parametrize(("status", "requests_each"), [(403, 1), (500, 3)])
def test_a_host_that_fails_page_after_page_is_left_alone(
    site: LoopbackSite, fetcher: LiveFetcher, status: int, requests_each: int
) -> None:
    urls = [site.has(f"/{n}.htm", Reply(status=status)) for n in range(8)]
    pages = list(fetcher.fetch_many(PageRequest(url=url) for url in urls))
    assert [page.status for page in pages] == [status] * 5 + [None] * 3
    assert (pages[7].reason or "").startswith("not asked, to spare 127.0.0.1: 5 pages in a row failed")
    assert len(site.seen) == 5 * requests_each


def test_refusals_between_good_pages_do_not_add_up(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    urls = [site.has(f"/{n}.htm", Reply(status=403 if n % 2 else 200)) for n in range(16)]
    pages = list(fetcher.fetch_many(PageRequest(url=url) for url in urls))
    assert [page.status for page in pages] == [200, 403] * 8


# Being stopped, and what is told


def test_pages_are_handed_over_as_they_come(site: LoopbackSite, fetcher: LiveFetcher) -> None:
    urls = [site.has(f"/{n}.htm", Reply()) for n in range(3)]
    pages = fetcher.fetch_many(PageRequest(url=url) for url in urls)
    assert next(pages).body == PAGE
    assert site.paths() == ["/0.htm"]


def test_what_was_fetched_before_a_stop_is_not_fetched_again(
    site: LoopbackSite, fetcher: LiveFetcher, time: HandMovedTime
) -> None:
    urls = [site.has(f"/{n}.htm", Reply()) for n in range(4)]
    rows: dict[str, StoredPage] = {}

    def due() -> list[PageRequest]:
        now = time.clock.now()
        return [PageRequest(url=u) for u in urls if is_due(rows.get(u), now=now, refetch_after_hours=24)]

    for page in fetcher.fetch_many(due()):
        rows[page.url] = updated(rows.get(page.url), page)
        if len(rows) == 2:
            break
    for page in fetcher.fetch_many(due()):
        rows[page.url] = updated(rows.get(page.url), page)
    assert site.paths() == ["/0.htm", "/1.htm", "/2.htm", "/3.htm"]
    assert len(rows) == 4


def test_a_stop_during_a_pause_goes_through(site: LoopbackSite) -> None:
    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    url = site.has("/x.htm", Reply(status=500))
    clock = Clock(sleep=stopped)
    with LiveFetcher(contact=CONTACT, clock=clock) as fetcher, pytest.raises(KeyboardInterrupt):
        fetcher.fetch(PageRequest(url=url))


def test_logs_tell_of_trouble_and_never_of_the_contact_or_a_body(
    site: LoopbackSite, fetcher: LiveFetcher, impatient: LiveFetcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    replies = [Reply(status=500, body=b"internal words"), Reply()]
    fetcher.fetch(PageRequest(url=site.has("/x.htm", *replies)))
    fetcher.fetch(PageRequest(url=site.has("/y.htm", Reply(status=403))))
    impatient.fetch(PageRequest(url=site.has("/z.htm", Reply(hangs=True))))
    assert "/x.htm: answered 500 Internal Server Error; next attempt in" in caplog.text
    for secret in (CONTACT, "Bread", "internal words"):
        assert secret not in caplog.text


def test_a_live_site_hands_out_a_fetcher_that_introduces_itself(site: LoopbackSite, time: HandMovedTime) -> None:
    site.has("/x.htm", Reply())
    live = open_site("live", contact=CONTACT)
    with live.fetcher(transport=ToLoopback(site), clock=time.clock) as fetcher:
        assert fetcher.fetch(PageRequest(url="https://www.bls.gov/x.htm")).body == PAGE
    assert CONTACT in site.seen[0].headers["User-Agent"]


# Folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    page = tmp_path / "www.bls.gov" / "ooh" / "bakers.htm"
    page.parent.mkdir(parents=True)
    page.write_bytes(PAGE)
    return tmp_path


def from_folder(folder: Path, url: str, **request: object) -> Fetched:
    site = open_site(str(folder), contact=None)
    assert site.kind is SiteKind.FOLDER
    with site.fetcher() as fetcher:
        return fetcher.fetch(PageRequest(url=url, **request))  # type: ignore[arg-type]


def test_a_saved_page_is_read(folder: Path) -> None:
    page = from_folder(folder, "https://www.bls.gov/ooh/bakers.htm")
    assert (page.status, page.reason, page.body, page.etag) == (200, None, PAGE, None)
    assert page.content_sha256 == hashlib.sha256(PAGE).hexdigest()


def test_a_saved_page_that_did_not_change_is_known_by_its_hash(folder: Path) -> None:
    page = from_folder(folder, "https://www.bls.gov/ooh/bakers.htm", known=known(PAGE))
    assert (page.is_unchanged, page.body) == (True, None)


@pytest.mark.parametrize("path", ["ooh/cooks.htm", "ooh", "ooh/bakers.htm/more.htm", f"{'long' * 100}.htm"])
def test_a_page_that_was_not_saved_is_missing(folder: Path, path: str) -> None:
    page = from_folder(folder, f"https://www.bls.gov/{path}")
    assert (page.status, page.reason) == (404, f"no file www.bls.gov/{path} in the folder of pages")


def test_a_page_that_was_saved_in_part_is_found_out(folder: Path) -> None:
    (folder / "www.bls.gov" / "ooh" / "cooks.htm").write_bytes(PAGE[:50])
    page = from_folder(folder, "https://www.bls.gov/ooh/cooks.htm")
    assert (page.status, page.reason) == (200, "the page is cut off: it does not end with </html>")


@pytest.mark.parametrize("name", ["all.csv", "all.csv?fmt=csv"])
def test_a_list_with_a_query_is_found_under_either_name(folder: Path, name: str) -> None:
    (folder / "www.bls.gov" / name).write_bytes(b"Code\n1\n")
    page = from_folder(folder, "https://www.bls.gov/all.csv?fmt=csv", expects="csv")
    assert page.body == b"Code\n1\n"


def test_no_address_reads_a_file_outside_the_folder(folder: Path) -> None:
    secret = folder.parent / "secret.htm"
    secret.write_bytes(PAGE)
    for path in ("../secret.htm", "../../secret.htm", "%2e%2e/%2e%2e/secret.htm", "..%2f..%2fsecret.htm"):
        page = from_folder(folder, f"https://www.bls.gov/{path}")
        assert (page.status, page.reason) == (404, "not an address of a page")


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^EXPOSURE_SITES: .*pages is not there\. Set it to live"):
        open_site(str(tmp_path / "pages"), contact=None)


def test_a_host_folder_itself_is_not_a_folder_of_sites(folder: Path) -> None:
    with pytest.raises(SettingError, match="holds no folder of a host; it holds ooh"):
        open_site(str(folder / "www.bls.gov"), contact=None)


def test_a_file_is_not_a_folder_of_sites(folder: Path) -> None:
    with pytest.raises(SettingError, match="is not a folder"):
        open_site(str(folder / "www.bls.gov" / "ooh" / "bakers.htm"), contact=None)
