"""From a site to the raw and parsed tables: a folder of saved pages, and a server asked over real HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest

from exposure_dagster.core.checks import CheckOutcome, rows_fit_the_registry
from exposure_dagster.core.errors import SourceError, WarehouseError
from exposure_dagster.core.progress import NO_PROGRESS, LoggedProgress, Progress
from exposure_dagster.corpora.ooh import checks
from exposure_dagster.corpora.ooh.fetching import refresh_ooh_index, refresh_ooh_pages
from exposure_dagster.corpora.ooh.index import INDEX_URL
from exposure_dagster.corpora.ooh.parsing import parse_ooh_pages, parse_ooh_titles
from exposure_dagster.pipeline.checks import every_page_has_text
from exposure_dagster.pipeline.documents import collect_documents
from exposure_dagster.settings import SAMPLE_SITES
from exposure_dagster.sources.fetching import SYSTEM_CLOCK, Clock, Fetcher
from exposure_dagster.sources.kept import FetchReport, every_listed_page_is_there
from exposure_dagster.sources.live import LiveLimits
from exposure_dagster.sources.sites import Site, open_site
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TABLES
from tests.integration.loopback import HTML, LoopbackSite, Reply, ToLoopback, running_site

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

CATEGORIES = {
    "actors": "entertainment-and-sports",
    "military-careers": "military",
    "physicians-and-surgeons": "healthcare",
    "roofers": "construction-and-extraction",
}
"""Hourly pay alone; no figures at all; several SOC rows and top-coded pay; nothing odd."""

NO_HANDBOOK_PAGE = b"<!DOCTYPE html><html><head><title>Access denied</title></head><body>Sorry.</body></html>"
INDEX_PATH = "ooh/a-z-index.htm"


def path_of(slug: str, categories: Mapping[str, str] = CATEGORIES) -> str:
    return f"ooh/{categories[slug]}/{slug}.htm"


def sample_page(slug: str) -> bytes:
    return (SAMPLE_SITES / "www.bls.gov" / path_of(slug)).read_bytes()


def index_of(paths: list[str]) -> bytes:
    """An A–Z index with an entry a page, and an alias for the first."""
    entries = [f'<li><a href="/{path}">{Path(path).stem}</a></li>' for path in paths]
    alias = f'<li><a href="/{paths[0]}">Nickname</a>, see: <a href="/{paths[0]}">{Path(paths[0]).stem}</a></li>'
    body = f'<div class="a-z-list"><ul>{"".join([*entries, alias])}</ul></div>'
    return f"<!DOCTYPE html><html><head><title>A-Z Index</title></head><body>{body}</body></html>".encode()


def changed(body: bytes, old: str, new: str) -> bytes:
    assert old.encode() in body
    return body.replace(old.encode(), new.encode())


@dataclass
class Folder:
    """A folder of saved pages, as EXPOSURE_SITES may name one."""

    root: Path

    def put(self, path: str, body: bytes) -> None:
        file = self.root / "www.bls.gov" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)

    def remove(self, path: str) -> None:
        (self.root / "www.bls.gov" / path).unlink()

    def put_index(self, *slugs: str) -> None:
        self.put(INDEX_PATH, index_of([path_of(slug) for slug in slugs]))


@dataclass
class Sources:
    """A warehouse and the site that fills it."""

    warehouse: Warehouse
    site: Site
    fetcher: Callable[[Clock], Fetcher]
    refetch_after_hours: float = 24
    progress: Progress = NO_PROGRESS

    def refresh_index(self, clock: Clock = SYSTEM_CLOCK) -> FetchReport:
        with self.fetcher(clock) as fetcher:
            return refresh_ooh_index(self.warehouse, self.site, fetcher, refetch_after_hours=self.refetch_after_hours)

    def refresh_pages(self, clock: Clock = SYSTEM_CLOCK) -> FetchReport:
        with self.fetcher(clock) as fetcher:
            return refresh_ooh_pages(
                self.warehouse,
                self.site,
                fetcher,
                refetch_after_hours=self.refetch_after_hours,
                progress=self.progress,
            )

    def refresh(self) -> FetchReport:
        self.refresh_index()
        return self.refresh_pages()

    def refresh_and_parse(self) -> None:
        self.refresh()
        parse_ooh_pages(self.warehouse)

    def reparse(self) -> None:
        """As a run does in which the index stays as it was."""
        self.refresh_pages()
        parse_ooh_pages(self.warehouse)

    def raw(self, column: str, table: str = "raw.ooh_pages") -> dict[str, object]:
        name = "slug" if table == "raw.ooh_pages" else "url"
        return dict(self.warehouse.rows(f"SELECT {name}, {column} FROM {table} ORDER BY 1"))

    def parsed(self, column: str = "title") -> dict[str, object]:
        return dict(self.warehouse.rows(f"SELECT slug, {column} FROM parsed.ooh_occupations ORDER BY 1"))

    def unread(self) -> list[tuple[str, str]]:
        return self.warehouse.rows("SELECT slug, field FROM parsed.ooh_unread ORDER BY ALL")


def folder_at(root: Path) -> Folder:
    folder = Folder(root)
    for slug in CATEGORIES:
        folder.put(path_of(slug), sample_page(slug))
    folder.put_index(*CATEGORIES)
    return folder


def sources_of(sites: str, warehouse: Warehouse) -> Sources:
    site = open_site(sites, contact=None)
    return Sources(warehouse, site, lambda clock: site.fetcher(clock=clock))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "exposure.duckdb", wait_s=5)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return folder_at(tmp_path / "sites")


@pytest.fixture
def empty(warehouse: Warehouse, folder: Folder) -> Sources:
    """The folder, and a warehouse that nothing has been put into."""
    return sources_of(str(folder.root), warehouse)


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("filled")
    sources = sources_of(str(folder_at(root / "sites").root), Warehouse(root / "exposure.duckdb"))
    sources.refresh_and_parse()
    collect_documents(sources.warehouse)
    with sources.warehouse.connect() as connection:
        connection.execute("CHECKPOINT")
    return sources.warehouse.path


@pytest.fixture
def saved(filled_file: Path, warehouse: Warehouse, folder: Folder) -> Sources:
    """The folder, and a warehouse that holds its pages, parsed, and its documents."""
    shutil.copy(filled_file, warehouse.path)
    return sources_of(str(folder.root), warehouse)


@dataclass
class LiveSite:
    """The handbook's addresses, answered by a server on loopback."""

    server: LoopbackSite
    limits: LiveLimits = field(
        default_factory=lambda: LiveLimits(seconds_between_requests=0, silence_seconds=5, attempts=1)
    )

    def fetcher(self, clock: Clock) -> Fetcher:
        site = open_site("live", contact="jo@uni.edu")
        return site.fetcher(limits=self.limits, transport=ToLoopback(self.server), clock=clock)

    def asked(self) -> list[str]:
        """Paths that were asked for since this was last called."""
        paths = [path.removeprefix("/") for path in self.server.paths()]
        self.server.seen.clear()
        return paths


@pytest.fixture
def live_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveSite]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_site() as server:
        server.has(f"/{INDEX_PATH}", Reply(body=index_of([path_of(slug) for slug in CATEGORIES])))
        for slug in CATEGORIES:
            server.has(f"/{path_of(slug)}", Reply(body=sample_page(slug)))
        yield LiveSite(server)


@pytest.fixture
def live(warehouse: Warehouse, live_site: LiveSite) -> Sources:
    return Sources(warehouse, open_site("live", contact="jo@uni.edu"), live_site.fetcher)


def assert_sound(warehouse: Warehouse) -> None:
    with warehouse.connect(read_only=True) as connection:
        for table in TABLES.values():
            outcome = rows_fit_the_registry(connection, table)
            assert outcome.passed, f"{table.full_name}: {outcome.description}"


def outcome_of(warehouse: Warehouse, name: str) -> CheckOutcome:
    (outcome,) = [outcome for outcome in checks.occupations(warehouse) if outcome.name == name]
    return outcome


def found_by(outcome: CheckOutcome) -> list[dict[str, object]]:
    assert not outcome.passed
    assert outcome.found is not None
    return outcome.found.to_dict("records")


# Fetching: what is stored


def test_every_page_that_the_index_names_is_stored_as_it_was_received(empty: Sources) -> None:
    report = empty.refresh()
    assert (report.listed, report.asked, report.new_bodies, report.missing) == (4, 4, 4, ())
    assert empty.raw("body") == {slug: sample_page(slug) for slug in CATEGORIES}
    assert empty.raw("category") == CATEGORIES
    assert set(empty.raw("status").values()) == {200}
    assert every_listed_page_is_there(report.listed, report.missing).passed
    assert_sound(empty.warehouse)


def test_a_body_that_did_not_change_is_not_stored_again(saved: Sources) -> None:
    first = saved.refresh_pages()
    fetched_at, checked_at = saved.raw("fetched_at"), saved.raw("checked_at")
    second = saved.refresh_pages()
    assert (second.asked, second.new_bodies, second.digest) == (4, 0, first.digest)
    assert saved.raw("fetched_at") == fetched_at
    assert all(saved.raw("checked_at")[slug] > moment for slug, moment in checked_at.items())  # type: ignore[operator]


def test_a_body_that_changed_takes_the_place_of_the_old_one_and_changes_the_digest(
    saved: Sources, folder: Folder
) -> None:
    first = saved.refresh_pages()
    before = saved.raw("body")
    new = changed(sample_page("roofers"), "Roofers", "Thatchers")
    folder.put(path_of("roofers"), new)
    second = saved.refresh_pages()
    assert second.new_bodies == 1
    assert second.digest != first.digest
    assert saved.raw("body") == {**before, "roofers": new}


# Fetching: pages that cannot be had


def test_a_page_that_is_gone_is_recorded_keeps_its_last_body_and_leaves_the_others_alone(
    saved: Sources, folder: Folder
) -> None:
    before = saved.refresh_pages()
    bodies = saved.raw("body")
    folder.remove(path_of("roofers"))
    report = saved.refresh_pages()
    assert report.digest == before.digest
    assert saved.raw("body") == bodies
    assert saved.raw("status") == {**dict.fromkeys(CATEGORIES, 200), "roofers": 404}
    assert found_by(every_listed_page_is_there(report.listed, report.missing)) == [
        {
            "page": f"https://www.bls.gov/{path_of('roofers')}",
            "status": 404,
            "reason": f"no file www.bls.gov/{path_of('roofers')} in the folder of pages",
            "in its place": "the last good body",
        }
    ]


def test_a_page_that_never_could_be_had_has_a_row_and_nothing_in_its_place(empty: Sources, folder: Folder) -> None:
    folder.remove(path_of("roofers"))
    report = empty.refresh()
    outcome = every_listed_page_is_there(report.listed, report.missing)
    assert outcome.description.startswith("1 of 4 could not be had (https://www.bls.gov/")
    assert not outcome.is_error
    assert found_by(outcome)[0]["in its place"] == "nothing"
    assert empty.raw("body")["roofers"] is None
    parse_ooh_pages(empty.warehouse)
    assert set(empty.parsed()) == set(CATEGORIES) - {"roofers"}
    assert found_by(outcome_of(empty.warehouse, "every_listed_page_has_a_row")) == [
        {
            "url": f"https://www.bls.gov/{path_of('roofers')}",
            "reason": f"no file www.bls.gov/{path_of('roofers')} in the folder of pages",
        }
    ]


def test_a_body_of_no_use_takes_no_bodys_place(saved: Sources, folder: Folder) -> None:
    folder.put(path_of("actors"), b"")
    folder.put(path_of("roofers"), sample_page("roofers")[:5_000])
    folder.put(path_of("military-careers"), b'{"error": "busy"}')
    report = saved.refresh_pages()
    assert {
        page.url.rpartition("/")[2]: (page.status, page.reason, page.has_earlier_body) for page in report.missing
    } == {
        "actors.htm": (200, "the body is empty", True),
        "roofers.htm": (200, "the page is cut off: it does not end with </html>", True),
        "military-careers.htm": (200, "not HTML: it does not begin like a page", True),
    }
    assert saved.raw("body") == {slug: sample_page(slug) for slug in CATEGORIES}


def test_a_page_that_comes_back_is_missing_no_more(empty: Sources, folder: Folder) -> None:
    folder.remove(path_of("roofers"))
    empty.refresh()
    folder.put(path_of("roofers"), sample_page("roofers"))
    report = empty.refresh()
    assert (report.new_bodies, report.missing) == (1, ())
    assert set(empty.raw("reason").values()) == {None}


# Fetching: the index


def test_without_an_index_there_is_no_run_and_the_error_says_why(empty: Sources, folder: Folder) -> None:
    folder.remove(INDEX_PATH)
    with pytest.raises(SourceError) as raised:
        empty.refresh_index()
    assert str(raised.value) == (
        f"{INDEX_URL}: the A–Z index cannot be had: no file www.bls.gov/{INDEX_PATH} in the folder of pages. "
        "Without it there is no run: try again later, or point EXPOSURE_SITES at a folder of saved pages."
    )
    with pytest.raises(SourceError, match="the A–Z index cannot be had"):
        empty.refresh_pages()
    with pytest.raises(SourceError, match="there is no A–Z index yet"):
        parse_ooh_titles(empty.warehouse)


def test_where_the_index_is_gone_the_earlier_one_stands(saved: Sources, folder: Folder) -> None:
    folder.remove(INDEX_PATH)
    report = saved.refresh_index()
    assert [(page.status, page.has_earlier_body) for page in report.missing] == [(404, True)]
    assert saved.refresh_pages().listed == 4


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (NO_HANDBOOK_PAGE, "no entry of the A–Z index can be read"),
        (
            index_of([path_of("roofers"), "ooh/production/roofers.htm"]),
            "two pages have the slug 'roofers': https://www.bls.gov/ooh/construction-and-extraction/roofers.htm and "
            "https://www.bls.gov/ooh/production/roofers.htm",
        ),
    ],
)
def test_an_index_that_cannot_be_used_is_named_and_the_earlier_one_stands(
    saved: Sources, folder: Folder, body: bytes, says: str
) -> None:
    before = saved.raw("body", "raw.ooh_index")
    folder.put(INDEX_PATH, body)
    (missing,) = saved.refresh_index().missing
    assert missing.reason == f"it cannot be used, and the earlier one stands: {says}"
    assert missing.has_earlier_body
    assert saved.raw("body", "raw.ooh_index") == before
    assert saved.refresh_pages().listed == 4


def test_a_first_index_that_cannot_be_used_is_a_clear_error(empty: Sources, folder: Folder) -> None:
    folder.put(INDEX_PATH, NO_HANDBOOK_PAGE)
    with pytest.raises(SourceError, match="no entry of the A–Z index can be read"):
        empty.refresh_index()
    assert empty.raw("body", "raw.ooh_index") == {}


def test_a_damaged_index_loses_no_page_and_the_earlier_one_stands(saved: Sources, folder: Folder) -> None:
    whole = index_of([path_of(slug) for slug in CATEGORIES])
    cut = whole[: whole.index(path_of("military-careers").encode())] + b"</body></html>"
    folder.put(INDEX_PATH, cut)
    report = saved.refresh_index()
    assert [page.has_earlier_body for page in report.missing] == [True]
    assert "it is damaged, and the earlier one stands: a tag that is torn" in report.missing[0].reason
    assert saved.refresh_pages().listed == 4
    folder.put(INDEX_PATH, whole)
    assert saved.refresh_index().missing == ()


def test_a_damaged_first_index_is_read_as_far_as_it_goes_and_its_damage_is_named(
    empty: Sources, folder: Folder
) -> None:
    folder.put(INDEX_PATH, index_of([path_of(slug) for slug in CATEGORIES]).replace(b"</ul>", b""))
    assert empty.refresh_index().missing == ()
    outcome = checks.every_index_entry_is_read(parse_ooh_titles(empty.warehouse))
    assert found_by(outcome) == [{"entry": "tags that do not match: 1 <ul> and 0 </ul>"}]


def test_a_damaged_page_keeps_the_rows_of_its_last_good_body(saved: Sources, folder: Folder) -> None:
    before = saved.parsed("text")
    folder.put(path_of("roofers"), changed(sample_page("roofers"), "<h3>Duties</h3>", "<h3>Duties<h3>"))
    saved.reparse()
    assert ("roofers", "markup") in saved.unread()
    assert saved.parsed("text") == before


def test_titles_and_aliases_lead_to_their_pages(empty: Sources) -> None:
    empty.refresh_index()
    report = parse_ooh_titles(empty.warehouse)
    assert (report.titles, report.aliases, report.unread) == (5, 1, ())
    assert empty.warehouse.rows("SELECT title, slug FROM parsed.ooh_titles WHERE is_alias") == [("Nickname", "actors")]
    assert checks.every_index_entry_is_read(report).passed


def test_an_entry_of_the_index_that_leads_nowhere_is_named(empty: Sources, folder: Folder) -> None:
    whole = index_of([path_of(slug) for slug in CATEGORIES])
    folder.put(INDEX_PATH, changed(whole, "<ul>", '<ul><li><a href="/elsewhere.htm">Lost trade</a></li>'))
    empty.refresh_index()
    outcome = checks.every_index_entry_is_read(parse_ooh_titles(empty.warehouse))
    assert found_by(outcome) == [{"entry": "Lost trade"}]


def test_a_link_to_a_page_that_is_gone_does_not_stop_the_others(empty: Sources, folder: Folder) -> None:
    folder.put(INDEX_PATH, index_of(["ooh/production/weavers.htm", *(path_of(slug) for slug in CATEGORIES)]))
    report = empty.refresh()
    assert [page.url for page in report.missing] == ["https://www.bls.gov/ooh/production/weavers.htm"]
    assert parse_ooh_pages(empty.warehouse).parsed == 4


# Pages that come, go and move


def test_a_page_that_leaves_the_index_is_kept_raw_and_leaves_the_tables_below(saved: Sources, folder: Folder) -> None:
    collect_documents(saved.warehouse)
    folder.put_index("actors", "military-careers", "physicians-and-surgeons")
    assert saved.refresh().listed == 3
    parse_ooh_pages(saved.warehouse)
    report = collect_documents(saved.warehouse)
    assert saved.raw("is_listed") == {**dict.fromkeys(CATEGORIES, True), "roofers": False}
    assert saved.raw("body")["roofers"] == sample_page("roofers")
    assert "roofers" not in saved.parsed()
    assert saved.warehouse.rows("SELECT count(*) FROM parsed.ooh_projections WHERE slug = 'roofers'") == [(0,)]
    assert report.documents == 3
    assert saved.warehouse.rows("SELECT count(*) FROM parsed.texts") == [(4,)]
    assert outcome_of(saved.warehouse, "every_listed_page_has_a_row").passed


def test_a_page_that_returns_to_the_index_is_parsed_again(saved: Sources, folder: Folder) -> None:
    folder.put_index("actors")
    saved.refresh_and_parse()
    folder.put_index(*CATEGORIES)
    saved.refresh_and_parse()
    assert set(saved.parsed()) == set(CATEGORIES)
    assert set(saved.raw("is_listed").values()) == {True}
    report = collect_documents(saved.warehouse)
    assert (report.documents, report.new_texts) == (4, 0)


def move_roofers(folder: Folder) -> str:
    """The index names roofers in another category; returns the new path."""
    moved = {**CATEGORIES, "roofers": "roofing"}
    folder.put(INDEX_PATH, index_of([path_of(slug, moved) for slug in moved]))
    return path_of("roofers", moved)


def test_a_page_that_moves_to_another_category_is_one_page(saved: Sources, folder: Folder) -> None:
    path = move_roofers(folder)
    folder.put(path, changed(sample_page("roofers"), path_of("roofers"), path))
    report = saved.refresh()
    assert (report.listed, report.missing) == (4, ())
    assert parse_ooh_pages(saved.warehouse).parsed == 1
    assert saved.raw("url")["roofers"] == saved.parsed("url")["roofers"] == f"https://www.bls.gov/{path}"
    assert saved.parsed("category")["roofers"] == "roofing"
    assert_sound(saved.warehouse)


def test_a_page_that_moves_and_keeps_its_words_is_read_under_its_new_address(saved: Sources, folder: Folder) -> None:
    path = move_roofers(folder)
    folder.put(path, sample_page("roofers"))
    assert saved.refresh().new_bodies == 0
    parse_ooh_pages(saved.warehouse)
    assert saved.parsed("category")["roofers"] == "roofing"


def test_a_page_that_moves_and_is_not_to_be_had_keeps_its_last_body(saved: Sources, folder: Folder) -> None:
    path = move_roofers(folder)
    report = saved.refresh()
    assert [(page.url, page.status, page.has_earlier_body) for page in report.missing] == [
        (f"https://www.bls.gov/{path}", 404, True)
    ]
    assert saved.raw("body")["roofers"] == sample_page("roofers")
    assert_sound(saved.warehouse)


# Kinds of site


def test_pages_of_another_kind_of_site_are_refused_and_nothing_is_lost(saved: Sources) -> None:
    before = saved.raw("body")
    sample = open_site("sample", contact=None)
    other = Sources(saved.warehouse, sample, lambda clock: sample.fetcher(clock=clock))
    for attempt in (other.refresh_index, other.refresh_pages):
        with pytest.raises(WarehouseError, match="filled from a folder site and takes no pages of a sample one"):
            attempt()
    assert saved.raw("body") == before


def test_after_a_site_that_gave_no_page_another_may_fill_the_warehouse(
    empty: Sources, warehouse: Warehouse, folder: Folder
) -> None:
    folder.remove(INDEX_PATH)
    with pytest.raises(SourceError):
        empty.refresh()
    sample = open_site("sample", contact=None)
    assert Sources(warehouse, sample, lambda clock: sample.fetcher(clock=clock)).refresh_index().new_bodies == 1


# Live


def test_a_live_site_is_asked_for_the_index_and_for_each_page_once(live: Sources, live_site: LiveSite) -> None:
    report = live.refresh()
    assert (report.asked, report.new_bodies, report.missing) == (4, 4, ())
    assert live_site.asked() == [INDEX_PATH, *(path_of(slug) for slug in CATEGORIES)]
    assert live.raw("body") == {slug: sample_page(slug) for slug in CATEGORIES}


def test_what_was_had_a_moment_ago_is_not_asked_for_again(live: Sources, live_site: LiveSite) -> None:
    first = live.refresh()
    live_site.asked()
    index, pages = live.refresh_index(), live.refresh_pages()
    assert live_site.asked() == []
    assert (index.asked, pages.asked, pages.digest) == (0, 0, first.digest)


def test_a_page_that_the_server_calls_unmodified_keeps_its_body_and_the_day_it_came(
    live: Sources, live_site: LiveSite
) -> None:
    tagged = Reply(body=sample_page("roofers"), headers={**HTML, "ETag": '"v1"'})
    live_site.server.has(f"/{path_of('roofers')}", tagged, Reply(status=304))
    live.refresh()
    row = "(fetched_at, body, etag, status)"
    before = live.raw(row)["roofers"]
    live_site.asked()
    live.refetch_after_hours = 0
    report = live.refresh_pages()
    (conditional,) = [seen for seen in live_site.server.seen if seen.path.endswith("roofers.htm")]
    assert conditional.headers["If-None-Match"] == '"v1"'
    assert (report.asked, report.new_bodies) == (4, 0)
    assert live.raw(row)["roofers"] == before


def test_a_page_that_failed_is_asked_for_in_the_next_run_and_the_others_are_not(
    live: Sources, live_site: LiveSite
) -> None:
    good = Reply(body=sample_page("roofers"))
    live_site.server.has(f"/{path_of('roofers')}", Reply(status=500), good)
    report = live.refresh()
    assert [(page.status, page.reason) for page in report.missing] == [
        (500, "answered 500 Internal Server Error (attempts: 1)")
    ]
    live_site.asked()
    assert live.refresh().missing == ()
    assert live_site.asked() == [path_of("roofers")]


def test_a_refused_page_says_what_to_do_and_keeps_its_last_body(live: Sources, live_site: LiveSite) -> None:
    live_site.server.has(f"/{path_of('roofers')}", Reply(body=sample_page("roofers")), Reply(status=403))
    live.refresh()
    live.refetch_after_hours = 0
    (missing,) = live.refresh().missing
    assert missing.status == 403
    assert "EXPOSURE_CONTACT" in missing.reason
    assert live.raw("body")["roofers"] == sample_page("roofers")


def test_a_site_that_refuses_everything_is_spared_and_every_page_is_named(live: Sources, live_site: LiveSite) -> None:
    paths = [f"ooh/production/trade-{n}.htm" for n in range(8)]
    live_site.server.has(f"/{INDEX_PATH}", Reply(body=index_of(paths)))
    for path in paths:
        live_site.server.has(f"/{path}", Reply(status=403))
    for _ in range(2):
        report = live.refresh()
        found = found_by(every_listed_page_is_there(report.listed, report.missing))
        assert [row["status"] for row in found] == [403] * 5 + ["no answer"] * 3
        assert str(found[7]["reason"]).startswith("not asked, to spare www.bls.gov: 5 pages in a row failed")
    assert live_site.asked() == [INDEX_PATH, *paths[:5], *paths[:5]]
    assert parse_ooh_pages(live.warehouse).pages == 0


class StoppedError(Exception):
    """Some other end of a fetch than the user's."""


@pytest.mark.parametrize("stop", [KeyboardInterrupt, StoppedError])
def test_a_fetch_that_is_stopped_keeps_what_came_and_goes_on_where_it_stopped(
    live: Sources, live_site: LiveSite, stop: type[BaseException]
) -> None:
    live.refresh_index()
    live_site.asked()
    live_site.limits = replace(live_site.limits, seconds_between_requests=1)
    pauses: list[float] = []

    def stopped_at_the_third(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise stop

    with pytest.raises(stop):
        live.refresh_pages(replace(SYSTEM_CLOCK, monotonic=lambda: 0.0, sleep=stopped_at_the_third))
    first, second, *rest = [path_of(slug) for slug in CATEGORIES]
    assert live_site.asked() == [first, second]
    assert live.raw("body") == {slug: sample_page(slug) for slug in ("actors", "military-careers")}

    live_site.limits = replace(live_site.limits, seconds_between_requests=0)
    report = live.refresh_pages()
    assert live_site.asked() == rest
    assert (report.listed, report.asked, report.missing) == (4, 2, ())
    assert live.raw("body") == {slug: sample_page(slug) for slug in CATEGORIES}


def test_a_fetch_and_a_parse_tell_how_far_they_are(live: Sources, live_site: LiveSite) -> None:
    live_site.server.has(f"/{path_of('roofers')}", Reply(status=404))
    lines: list[str] = []
    live.progress = LoggedProgress(lines.append, monotonic=lambda: 0.0)
    live.refresh()
    parse_ooh_pages(live.warehouse, progress=live.progress)
    assert lines == ["fetched 4 of 4 in 0s, failed 1", "parsed 3 of 3 in 0s"]


# Parsing


def test_every_stored_page_is_parsed_and_every_check_holds(empty: Sources) -> None:
    empty.refresh()
    report = parse_ooh_pages(empty.warehouse)
    assert (report.pages, report.parsed, report.unread) == (4, 4, ())
    assert empty.parsed("pay_basis") == {
        "actors": "hourly_only",
        "military-careers": "none",
        "physicians-and-surgeons": "annual",
        "roofers": "annual",
    }
    assert [outcome.passed for outcome in checks.occupations(empty.warehouse)] == [True] * 3
    jobs = checks.job_total(empty.warehouse)
    assert jobs.passed
    assert jobs.figures == {"jobs": sum(count or 0 for count in empty.parsed("jobs").values())}  # type: ignore[misc]
    assert_sound(empty.warehouse)


def test_pages_that_did_not_change_are_not_parsed_again(saved: Sources) -> None:
    first = parse_ooh_pages(saved.warehouse)
    saved.refresh_pages()
    assert parse_ooh_pages(saved.warehouse) == replace(first, parsed=0)


@pytest.mark.parametrize("slug", ["military-careers", "physicians-and-surgeons"])
def test_a_page_that_changed_is_parsed_alone(saved: Sources, folder: Folder, slug: str) -> None:
    first = parse_ooh_pages(saved.warehouse)
    before = saved.parsed()
    folder.put(path_of(slug), changed(sample_page(slug), "<h1>", "<h1>New "))
    saved.refresh_pages()
    second = parse_ooh_pages(saved.warehouse)
    assert (second.pages, second.parsed, second.unread) == (4, 1, ())
    assert second.occupations_digest != first.occupations_digest
    assert second.projections_digest == first.projections_digest
    assert saved.parsed() == {**before, slug: f"New {before[slug]}"}
    assert_sound(saved.warehouse)


def test_pages_that_an_earlier_parser_read_are_parsed_again(saved: Sources) -> None:
    with saved.warehouse.connect() as connection:
        connection.execute("UPDATE parsed.ooh_occupations SET parser_version = '0', title = 'wrong'")
    assert parse_ooh_pages(saved.warehouse).parsed == 4
    assert "wrong" not in saved.parsed().values()


def test_a_page_that_is_no_handbook_page_keeps_its_earlier_rows_and_is_named(saved: Sources, folder: Folder) -> None:
    before = saved.parsed("(title, jobs, text)")
    rows = saved.warehouse.rows("SELECT * FROM parsed.ooh_projections ORDER BY ALL")
    folder.put(path_of("roofers"), NO_HANDBOOK_PAGE)
    saved.reparse()
    assert saved.parsed("(title, jobs, text)") == before
    assert saved.warehouse.rows("SELECT * FROM parsed.ooh_projections ORDER BY ALL") == rows
    assert saved.raw("body")["roofers"] == sample_page("roofers")
    outcome = outcome_of(saved.warehouse, "no_field_is_unread")
    assert outcome.description.startswith(
        "1 field on 1 page could not be read (roofers, page: this is no handbook page: it has no tabs"
    )
    assert found_by(outcome) == [
        {
            "slug": "roofers",
            "field": "page",
            "found": "this is no handbook page: it has no tabs, and is titled 'Access denied'",
        }
    ]


def test_a_page_that_is_itself_again_is_named_no_more(saved: Sources, folder: Folder) -> None:
    folder.put(path_of("roofers"), NO_HANDBOOK_PAGE)
    saved.reparse()
    folder.put(path_of("roofers"), sample_page("roofers"))
    saved.reparse()
    assert saved.unread() == []
    assert outcome_of(saved.warehouse, "no_field_is_unread").passed


def test_a_page_that_never_was_a_handbook_page_has_no_row_and_is_named(empty: Sources, folder: Folder) -> None:
    folder.put(path_of("roofers"), NO_HANDBOOK_PAGE)
    empty.refresh_and_parse()
    assert set(empty.parsed()) == set(CATEGORIES) - {"roofers"}
    assert found_by(outcome_of(empty.warehouse, "every_listed_page_has_a_row")) == [
        {
            "url": f"https://www.bls.gov/{path_of('roofers')}",
            "reason": "this is no handbook page: it has no tabs, and is titled 'Access denied'",
        }
    ]
    assert empty.raw("body")["roofers"] is None
    assert [row["slug"] for row in found_by(outcome_of(empty.warehouse, "no_field_is_unread"))] == ["roofers"]


# Layout drift


DRIFT = {
    "facts-table": ('id="quickfacts"', 'id="quick-facts-2026"', "jobs", "no table of quick facts"),
    "label": (">Number of Jobs, 2024<", ">Headcount, 2024<", "jobs", "no such row among: "),
    "figure": (">166,700</td></tr>", ">about 167K</td></tr>", "jobs", "'about 167K'"),
    "projections": (">SOC Code<", ">Class<", "projections", "no table with a column of SOC codes"),
    "column": (">Projected Employment,", ">Outlook,", "projections.projected_employment", "no such column among: "),
    "links": ('id="tab-9"', 'id="pane-9"', "onet_codes", "0 links under more information"),
    "date": ('class="update"', 'class="changed"', "last_modified", "''"),
    "tab": ('id="tab-4"', 'id="pane-4"', "text", "tab 4: absent"),
    "description": ('<meta name="description"', '<meta name="summary"', "description", "no description"),
    "address": (
        '<link rel="canonical" href="',
        '<link rel="canonical" href="/ooh/a/b.htm#',
        "url",
        "the page calls itself",
    ),
}
"""By page: what was changed in it, to what, the field that cannot be read for it, and what is found instead."""


def test_a_changed_layout_is_seen_with_page_field_and_what_was_found(empty: Sources, folder: Folder) -> None:
    categories = dict.fromkeys(["whole", *DRIFT], "construction-and-extraction")
    folder.put(INDEX_PATH, index_of([path_of(slug, categories) for slug in categories]))
    for slug in categories:
        body = changed(sample_page("roofers"), "/roofers.htm", f"/{slug}.htm")
        old, new, *_ = DRIFT.get(slug, ("", ""))
        folder.put(path_of(slug, categories), changed(body, old, new) if old else body)
    empty.refresh_and_parse()
    outcome = outcome_of(empty.warehouse, "no_field_is_unread")
    assert outcome.is_error
    found = {(row["slug"], row["field"]): row["found"] for row in found_by(outcome)}
    assert {slug for slug, _ in found} == set(DRIFT)
    for slug, (_, _, column, words) in DRIFT.items():
        assert str(found[slug, column]).startswith(words)
    assert "description, description: no description" in outcome.description
    assert "and " in outcome.description and "more)" in outcome.description
    assert_sound(empty.warehouse)


def test_what_is_missing_twice_is_named_twice_and_forgotten_once_it_is_back(saved: Sources, folder: Folder) -> None:
    body = changed(changed(sample_page("roofers"), 'id="tab-3"', 'id="pane-3"'), 'id="tab-4"', 'id="pane-4"')
    folder.put(path_of("roofers"), body)
    saved.reparse()
    assert saved.unread() == [("roofers", "text")] * 2
    assert_sound(saved.warehouse)
    folder.put(path_of("roofers"), sample_page("roofers"))
    saved.reparse()
    assert saved.unread() == []


# Documents and texts


def test_every_page_is_a_document_with_its_text_and_the_hash_of_it(empty: Sources) -> None:
    empty.refresh_and_parse()
    report = collect_documents(empty.warehouse)
    assert (report.documents, report.new_texts, report.without_text) == (4, 4, ())
    rows = empty.warehouse.rows(
        "SELECT doc_id, o.text = d.text, sha256(d.text) = text_sha256 FROM parsed.documents d"
        " JOIN parsed.ooh_occupations o ON slug = doc_id WHERE corpus = 'ooh' ORDER BY 1"
    )
    assert rows == [(slug, True, True) for slug in CATEGORIES]
    assert every_page_has_text(report.without_text, report.documents).passed


def test_documents_that_did_not_change_have_the_same_digest(saved: Sources) -> None:
    first = collect_documents(saved.warehouse)
    saved.reparse()
    assert collect_documents(saved.warehouse) == first


def test_a_text_is_kept_after_its_page_has_changed(saved: Sources, folder: Folder) -> None:
    first = collect_documents(saved.warehouse)
    ((old_text,),) = saved.warehouse.rows("SELECT text FROM parsed.documents WHERE doc_id = 'roofers'")
    folder.put(path_of("roofers"), changed(sample_page("roofers"), "<h1>", "<h1>New "))
    saved.reparse()
    second = collect_documents(saved.warehouse)
    assert second.new_texts == 1
    assert second.digest != first.digest
    assert saved.warehouse.rows("SELECT count(*) FROM parsed.texts") == [(5,)]
    assert saved.warehouse.rows("SELECT count(*) FROM parsed.texts WHERE text = ?", [old_text]) == [(1,)]
    folder.put(path_of("roofers"), sample_page("roofers"))
    saved.reparse()
    third = collect_documents(saved.warehouse)
    assert (third.new_texts, third.digest) == (0, first.digest)


def test_a_changed_figure_outside_the_text_changes_no_document(saved: Sources, folder: Folder) -> None:
    first = collect_documents(saved.warehouse)
    facts = changed(sample_page("roofers"), "Quick Facts: Roofers", "Facts: Roofers")
    folder.put(path_of("roofers"), facts)
    saved.refresh_pages()
    assert parse_ooh_pages(saved.warehouse).parsed == 1
    assert collect_documents(saved.warehouse).digest == first.digest


def test_a_page_without_any_text_is_no_document_and_is_named(saved: Sources) -> None:
    with saved.warehouse.connect() as connection:
        connection.execute("UPDATE parsed.ooh_occupations SET text = ' ' WHERE slug = 'roofers'")
    report = collect_documents(saved.warehouse)
    assert (report.documents, report.without_text) == (3, ("roofers",))
    assert found_by(every_page_has_text(report.without_text, report.documents)) == [{"document": "roofers"}]


# Checks of figures


def test_a_figure_or_code_that_cannot_be_is_seen(saved: Sources) -> None:
    wrong = {
        "median_pay_annual": 24.49,
        "median_pay_hourly": 50_970.0,
        "jobs": -1,
        "outlook_pct": 5_000,
        "projection_year": 2024,
        "soc_code": "99-2181",
        "soc_codes": ["47-2181", "472181"],
        "onet_codes": ["47-2181"],
    }
    rows = [{"slug": f"wrong-{name}", "base_year": 2024, name: value} for name, value in wrong.items()]
    saved.warehouse.append(TABLES["parsed.ooh_occupations"], pd.DataFrame(rows))
    outcome = outcome_of(saved.warehouse, "figures_are_in_range")
    assert {row["slug"] for row in found_by(outcome)} == {row["slug"] for row in rows}


def test_jobs_that_do_not_agree_with_the_projections_table_are_seen(saved: Sources) -> None:
    with saved.warehouse.connect() as connection:
        connection.execute("UPDATE parsed.ooh_occupations SET jobs = 2 * jobs WHERE slug = 'physicians-and-surgeons'")
    outcome = checks.job_total(saved.warehouse)
    assert [row["slug"] for row in found_by(outcome)] == ["physicians-and-surgeons"]


def test_rows_that_a_key_does_not_tell_apart_are_seen(saved: Sources) -> None:
    table = TABLES["parsed.ooh_occupations"]
    saved.warehouse.append(table, pd.DataFrame({"slug": ["roofers"]}))
    with saved.warehouse.connect(read_only=True) as connection:
        outcome = rows_fit_the_registry(connection, table)
    assert found_by(outcome) == [{"slug": "roofers", "rows": 2}]
