"""bls.gov and onetonline.org as people report them, on loopback, through fetch, parse, documents and checks.

Whatever such a site answers: what was had stands, a check names the page, and no model is asked again.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.core.checks import CheckOutcome
from exposure_dagster.corpora.onet.checks import no_field_is_unread
from exposure_dagster.corpora.onet.fetching import refresh_onet_list, refresh_onet_pages
from exposure_dagster.corpora.onet.listing import LIST_URL
from exposure_dagster.corpora.onet.parsing import parse_onet
from exposure_dagster.corpora.ooh import checks
from exposure_dagster.corpora.ooh.fetching import refresh_ooh_index, refresh_ooh_pages
from exposure_dagster.corpora.ooh.parsing import parse_ooh_pages, parse_ooh_titles
from exposure_dagster.parsing.codes import summary_url
from exposure_dagster.pipeline.documents import collect_documents
from exposure_dagster.settings import SAMPLE_SITES
from exposure_dagster.sources.fetching import SYSTEM_CLOCK, Fetcher, PageRequest
from exposure_dagster.sources.kept import FetchReport, every_listed_page_is_there
from exposure_dagster.sources.live import LiveFetcher, LiveLimits
from exposure_dagster.sources.sites import Site, open_site
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.counting_server import counting_server
from tests.integration.loopback import HTML, LoopbackSite, Reply, ToLoopback, running_site
from tests.unit.parsing import summary_page

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

LIMITS = LiveLimits(seconds_between_requests=0, silence_seconds=5, attempts=2)
HOST = "https://www.bls.gov"
INDEX = "/ooh/a-z-index.htm"
ROOFERS = "/ooh/construction-and-extraction/roofers.htm"
ACTORS = "/ooh/entertainment-and-sports/actors.htm"
PATHS = (ROOFERS, ACTORS, "/ooh/military/military-careers.htm")
LIST = LIST_URL.removeprefix("https://www.onetonline.org")
NURSES, LAMPS = "/link/summary/29-1141.00", "/link/summary/47-2999.00"


def a_page(title: str) -> bytes:
    words = f"<h1>{title}</h1><p>Please try again later.</p>"
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{words}</body></html>".encode()


DENIED = Reply(status=403, body=a_page("Access Denied"))
_WITH_ADDRESS = re.compile(r"\([^()\s]+@[^()\s]+\.[^()\s]+\)")


class StrictSite(LoopbackSite):
    """Answers 403 to who does not give an e-mail address in parentheses, and to everyone at github.com."""

    def __init__(self) -> None:
        super().__init__()
        self._only: Reply | None = None

    def has_nothing_but(self, reply: Reply) -> None:
        """Answer so to everyone, whatever is asked for."""
        self._only = reply

    def next_reply(self, path: str) -> Reply:
        agent = self.seen[-1].headers.get("User-Agent", "")
        is_welcome = _WITH_ADDRESS.search(agent) and "github.com" not in agent.lower()
        return (self._only or super().next_reply(path)) if is_welcome else DENIED


def handbook_page(path: str) -> bytes:
    return (SAMPLE_SITES / "www.bls.gov" / path.removeprefix("/")).read_bytes()


def put_handbook(site: LoopbackSite, paths: Sequence[str]) -> None:
    site.has(INDEX, Reply(body=index_of(paths)))
    for path in paths:
        site.has(path, Reply(body=handbook_page(path)))


def index_of(paths: Sequence[str]) -> bytes:
    entries = "".join(f'<li><a href="{path}">{Path(path).stem}</a></li>' for path in paths)
    return f'<!DOCTYPE html><html><body><div class="a-z-list"><ul>{entries}</ul></div></body></html>'.encode()


def onet_page(path: str, *, without: str = "", instead: str = "") -> bytes:
    body = summary_page.a_page(*summary_page.WHOLE).decode().replace("47-2999.00", path.rpartition("/")[2])
    assert without in body
    return (body.replace(without, instead) if without else body).encode()


def put_onet(site: LoopbackSite) -> None:
    rows = [f"4,{path.rpartition('/')[2]},Lamp Keepers {n},Y\n" for n, path in enumerate((NURSES, LAMPS))]
    listed = "Job Zone,Code,Occupation,Data-level\n" + "".join(rows)
    site.has(LIST, Reply(body=listed.encode(), headers={"Content-Type": "text/csv"}))
    for path in (NURSES, LAMPS):
        site.has(path, Reply(body=onet_page(path)))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictSite]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_site(StrictSite) as site:
        yield site


@dataclass
class Run:
    """The sources part of a run, again and again, without a wait between requests. `pauses` are those it would make."""

    warehouse: Warehouse
    server: LoopbackSite
    pauses: list[float]

    @property
    def site(self) -> Site:
        return open_site("live", contact="jo@uni.edu")

    def fetcher(self) -> Fetcher:
        clock = replace(SYSTEM_CLOCK, sleep=self.pauses.append)
        return self.site.fetcher(limits=LIMITS, transport=ToLoopback(self.server), clock=clock)

    def index(self) -> CheckOutcome:
        """Of the check that names it where it could not be had."""
        with self.fetcher() as fetcher:
            report = refresh_ooh_index(self.warehouse, self.site, fetcher, refetch_after_hours=0)
        return every_listed_page_is_there(report.listed, report.missing)

    def handbook(self) -> dict[str, CheckOutcome]:
        """The outcomes of its checks, by name."""
        self.index()
        with self.fetcher() as fetcher:
            report = refresh_ooh_pages(self.warehouse, self.site, fetcher, refetch_after_hours=0)
        parse_ooh_titles(self.warehouse)
        parse_ooh_pages(self.warehouse)
        return self._outcomes(report, checks.occupations(self.warehouse))

    def onet_list(self) -> CheckOutcome:
        with self.fetcher() as fetcher:
            report = refresh_onet_list(self.warehouse, self.site, fetcher, refetch_after_hours=0)
        return every_listed_page_is_there(report.listed, report.missing)

    def onet(self) -> dict[str, CheckOutcome]:
        self.onet_list()
        with self.fetcher() as fetcher:
            report = refresh_onet_pages(self.warehouse, self.site, fetcher, is_wanted=True, refetch_after_hours=0)
        parse_onet(self.warehouse)
        return self._outcomes(report, [no_field_is_unread(self.warehouse)])

    def _outcomes(self, report: FetchReport, outcomes: list[CheckOutcome]) -> dict[str, CheckOutcome]:
        collect_documents(self.warehouse)
        told = [every_listed_page_is_there(report.listed, report.missing), *outcomes]
        return {outcome.name: outcome for outcome in told}

    def bodies(self) -> dict[str, bytes]:
        tables = ("raw.ooh_index", "raw.ooh_pages", "raw.onet_list", "raw.onet_pages")
        return dict(self.warehouse.rows(" UNION ALL ".join(f"SELECT url, body FROM {table}" for table in tables)))

    def rows(self) -> list[tuple[object, ...]]:
        return [
            *self.warehouse.rows(
                "SELECT * EXCLUDE (content_sha256, parser_version) FROM parsed.ooh_occupations ORDER BY slug"
            ),
            *self.warehouse.rows("SELECT * FROM parsed.ooh_projections ORDER BY ALL"),
            *self.warehouse.rows("SELECT * FROM parsed.onet_occupations ORDER BY onet_code"),
        ]

    def asked_about(self) -> list[tuple[str, str, str]]:
        """The texts that models are asked about: an answer stands while its document's hash does."""
        return self.warehouse.rows("SELECT corpus, doc_id, text_sha256 FROM parsed.documents ORDER BY ALL")


def put_both(server: LoopbackSite) -> None:
    put_handbook(server, PATHS)
    put_onet(server)


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that was filled while the sites were well."""
    with pytest.MonkeyPatch.context() as patch, running_site(StrictSite) as server:
        patch.setenv("NO_PROXY", "127.0.0.1")
        put_both(server)
        run = Run(Warehouse(tmp_path_factory.mktemp("filled") / "exposure.duckdb"), server, [])
        outcomes = [*run.handbook().values(), *run.onet().values()]
    assert all(outcome.passed for outcome in outcomes), outcomes
    with run.warehouse.connect() as connection:
        connection.execute("CHECKPOINT")
    return run.warehouse.path


@pytest.fixture
def filled(filled_file: Path, tmp_path: Path, server: LoopbackSite) -> Run:
    put_both(server)
    return Run(Warehouse(Path(shutil.copy(filled_file, tmp_path / "exposure.duckdb"))), server, [])


def named(outcome: CheckOutcome) -> dict[str, str]:
    """What a check found, by page."""
    assert not outcome.passed
    assert outcome.found is not None
    rows = outcome.found.rename(columns={"page": "url", "found": "reason"}).to_dict("records")
    return {str(row.get("url") or row.get("slug") or row.get("onet_code")): str(row["reason"]) for row in rows}


def redirect(to: str) -> Reply:
    return Reply(status=301, headers={"Location": to}, body=b"")


def packed(body: bytes, encoding: str) -> Reply:
    return Reply(body=body, headers={**HTML, "Content-Encoding": encoding})


BROTLI = b"\x0b\x02\x80hello\x03"  # "hello"

NOT_HAD: Mapping[str, tuple[Reply, str]] = {
    "a 403 with a page": (DENIED, "refused with 403: bls.gov blocks clients that do not say who they are"),
    "a 429 that names a pause": (
        Reply(status=429, headers={**HTML, "Retry-After": "17"}, body=a_page("Too many requests")),
        "answered 429 Too Many Requests (attempts: 2)",
    ),
    "a 429 that names a long pause": (
        Reply(status=429, headers={**HTML, "Retry-After": "3600"}, body=a_page("Too many requests")),
        "answered 429 Too Many Requests",
    ),
    "a 429 that names none": (
        Reply(status=429, body=a_page("Too many requests")),
        "answered 429 Too Many Requests (attempts: 2)",
    ),
    "a redirect to a new slug": (redirect("thatchers.htm"), "redirected to another page, https://www."),
    "a body in brotli, which was not asked for": (
        packed(BROTLI, "br"),
        "the body is packed as br, which was not asked",
    ),
    "a body in gzip that is cut": (
        packed(gzip.compress(handbook_page(ROOFERS))[:-9], "gzip"),
        "the body cannot be decompressed: it ends too early",
    ),
    "a page that breaks off on the line": (
        Reply(body=handbook_page(ROOFERS), sent=4_000),
        "the body was cut off after",
    ),
    "a page that is cut short": (
        Reply(body=handbook_page(ROOFERS)[:4_000]),
        "the page is cut off: it does not end with </html>",
    ),
}
"""What either site may answer for a page, and what is said of it."""

MAINTENANCE = Reply(body=a_page("Site under maintenance"))
NO_HANDBOOK_PAGE = "this is no handbook page: it has no tabs, and is titled 'Site under maintenance'"
NO_SUMMARY_PAGE = "this is not the summary page of 29-1141.00: it is titled 'Site under maintenance'"


@pytest.mark.parametrize(
    ("reply", "says"), [*NOT_HAD.values(), (MAINTENANCE, NO_HANDBOOK_PAGE)], ids=[*NOT_HAD, "a page of maintenance"]
)
def test_a_handbook_page_that_cannot_be_had_leaves_all_as_it_was_and_is_named(
    filled: Run, reply: Reply, says: str
) -> None:
    before = filled.bodies(), filled.rows(), filled.asked_about()
    filled.server.has(ROOFERS, reply)
    outcomes = filled.handbook()
    assert named(outcomes["every_listed_page_is_there"])[HOST + ROOFERS].startswith(says)
    assert outcomes["every_listed_page_has_a_row"].passed
    assert (filled.bodies(), filled.rows(), filled.asked_about()) == before


@pytest.mark.parametrize(
    ("reply", "says"), [*NOT_HAD.values(), (MAINTENANCE, NO_SUMMARY_PAGE)], ids=[*NOT_HAD, "a page of maintenance"]
)
def test_a_summary_page_that_cannot_be_had_leaves_all_as_it_was_and_is_named(
    filled: Run, reply: Reply, says: str
) -> None:
    before = filled.bodies(), filled.rows(), filled.asked_about()
    filled.server.has(NURSES, reply)
    outcomes = filled.onet()
    assert named(outcomes["every_listed_page_is_there"])[summary_url("29-1141.00")].startswith(says)
    assert (filled.bodies(), filled.rows(), filled.asked_about()) == before


@pytest.mark.parametrize(
    ("reply", "says"),
    [*NOT_HAD.values(), (MAINTENANCE, "it cannot be used, and the earlier one stands: no entry of the A–Z index")],
    ids=[*NOT_HAD, "a page of maintenance"],
)
def test_an_index_that_cannot_be_had_leaves_all_as_it_was_and_is_named(filled: Run, reply: Reply, says: str) -> None:
    before = filled.bodies(), filled.rows(), filled.asked_about()
    filled.server.has(INDEX, reply)
    assert named(filled.index())[HOST + INDEX].startswith(says)
    assert all(outcome.passed for outcome in filled.handbook().values())
    assert (filled.bodies(), filled.rows(), filled.asked_about()) == before


def test_a_list_that_is_under_maintenance_leaves_all_as_it_was_and_is_named(filled: Run) -> None:
    before = filled.bodies(), filled.rows(), filled.asked_about()
    filled.server.has(LIST, MAINTENANCE)
    assert named(filled.onet_list()) == {LIST_URL: "an HTML page came instead of CSV"}
    assert all(outcome.passed for outcome in filled.onet().values())
    assert (filled.bodies(), filled.rows(), filled.asked_about()) == before


def test_a_page_of_maintenance_is_an_error_of_the_check_for_unread_fields_too_until_the_page_is_back(
    filled: Run,
) -> None:
    filled.server.has(ROOFERS, MAINTENANCE)
    filled.server.has(NURSES, MAINTENANCE)
    handbook, onet = filled.handbook()["no_field_is_unread"], filled.onet()["no_field_is_unread"]
    assert named(handbook) == {"roofers": NO_HANDBOOK_PAGE}
    assert named(onet) == {"29-1141.00": NO_SUMMARY_PAGE}
    assert handbook.is_error and onet.is_error
    put_both(filled.server)
    assert all(outcome.passed for outcome in [*filled.handbook().values(), *filled.onet().values()])


def test_a_page_that_was_under_maintenance_is_asked_for_in_the_next_run(server: LoopbackSite, tmp_path: Path) -> None:
    put_handbook(server, PATHS)
    server.has(ROOFERS, MAINTENANCE, Reply(body=handbook_page(ROOFERS)))
    run = Run(Warehouse(tmp_path / "exposure.duckdb"), server, [])
    assert named(run.handbook()["every_listed_page_has_a_row"]) == {HOST + ROOFERS: NO_HANDBOOK_PAGE}
    server.seen.clear()
    with run.fetcher() as fetcher:
        assert refresh_ooh_pages(run.warehouse, run.site, fetcher, refetch_after_hours=24).missing == ()
    assert server.paths() == [ROOFERS]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("<h1>Roofers</h1>", "<h2>Roofers</h2>", "title: no heading of the page"),
        ("SOC Code", "Occupation code", "projections: no table with a column of SOC codes"),
        ("2024 Median Pay", "2024 Typical Earnings", "median_pay"),
    ],
    ids=["of the page", "of a column", "of a figure"],
)
def test_a_changed_heading_of_a_handbook_page_leaves_rows_and_text_and_is_named(
    filled: Run, old: str, new: str, field: str
) -> None:
    before = filled.rows(), filled.asked_about()
    body = handbook_page(ROOFERS)
    assert old.encode() in body
    filled.server.has(ROOFERS, Reply(body=body.replace(old.encode(), new.encode())))
    outcome = filled.handbook()["no_field_is_unread"]
    assert f"roofers, {field}" in outcome.description
    assert outcome.is_error and not outcome.passed
    assert (filled.rows(), filled.asked_about()) == before


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('id="Tasks"', 'id="Duties"', "tasks_count: no section of tasks"),
        ("Median wages (2024)", "Typical pay (2024)", "median_wage_annual: no median wages"),
        (summary_page.DESCRIPTION, "", "description: no paragraph below the heading"),
    ],
    ids=["of the tasks", "of a figure", "no description"],
)
def test_a_summary_page_of_which_less_can_be_read_leaves_the_earlier_one_and_is_named(
    filled: Run, old: str, new: str, field: str
) -> None:
    before = filled.bodies(), filled.rows(), filled.asked_about()
    filled.server.has(NURSES, Reply(body=onet_page(NURSES, without=old, instead=new)))
    outcomes = filled.onet()
    reason = f"less can be read of it than of the earlier one, which stands ({field})"
    assert named(outcomes["every_listed_page_is_there"]) == {summary_url("29-1141.00"): reason}
    assert named(outcomes["no_field_is_unread"]) == {"29-1141.00": reason}
    assert (filled.bodies(), filled.rows(), filled.asked_about()) == before


def test_a_page_that_differs_in_its_date_alone_is_taken_and_asks_nothing(filled: Run) -> None:
    before = filled.asked_about()
    newer = handbook_page(ROOFERS).replace(b"Thursday, August 28, 2025", b"Friday, August 28, 2026")
    filled.server.has(ROOFERS, Reply(body=newer))
    summary = onet_page(NURSES, without="Updated 2025", instead="Updated 2026")
    filled.server.has(NURSES, Reply(body=summary))
    assert all(outcome.passed for outcome in [*filled.handbook().values(), *filled.onet().values()])
    assert filled.bodies()[HOST + ROOFERS] == newer
    assert filled.bodies()[summary_url("29-1141.00")] == summary
    query = "SELECT last_modified::VARCHAR FROM parsed.ooh_occupations WHERE slug = 'roofers'"
    assert filled.warehouse.rows(query) == [("2026-08-28",)]
    assert filled.asked_about() == before


def test_a_page_in_gzip_is_the_page_that_was_had(filled: Run) -> None:
    before = filled.bodies()
    filled.server.has(ROOFERS, packed(gzip.compress(handbook_page(ROOFERS)), "gzip"))
    filled.server.has(NURSES, packed(gzip.compress(onet_page(NURSES)), "gzip"))
    assert all(outcome.passed for outcome in [*filled.handbook().values(), *filled.onet().values()])
    assert filled.bodies() == before


def test_a_busy_site_is_asked_again_after_the_pause_that_it_names(filled: Run) -> None:
    busy = Reply(status=429, headers={**HTML, "Retry-After": "17"}, body=a_page("Too many requests"))
    filled.server.has(ROOFERS, busy, Reply(body=handbook_page(ROOFERS)))
    assert all(outcome.passed for outcome in filled.handbook().values())
    assert filled.pauses == [17]


def test_a_page_that_the_index_names_under_a_new_slug_is_another_page_and_the_old_one_is_kept(filled: Run) -> None:
    moved = ROOFERS.replace("roofers", "thatchers")
    body = handbook_page(ROOFERS)
    filled.server.has(INDEX, Reply(body=index_of([moved, *PATHS[1:]])))
    filled.server.has(ROOFERS, redirect(moved))
    filled.server.has(moved, Reply(body=body.replace(ROOFERS.encode(), moved.encode())))
    others = [row for row in filled.asked_about() if row[1] != "roofers"]
    ((text,),) = filled.warehouse.rows("SELECT text_sha256 FROM parsed.documents WHERE doc_id = 'roofers'")
    assert all(outcome.passed for outcome in filled.handbook().values())
    assert filled.asked_about() == sorted([*others, ("ooh", "thatchers", text)])
    assert filled.bodies()[HOST + ROOFERS] == body


@pytest.mark.parametrize("contact", ["jo", "", "12+jo@users.noreply.github.com"])
def test_the_site_lets_in_who_writes_as_we_do_and_nobody_else(server: LoopbackSite, contact: str) -> None:
    put_handbook(server, PATHS)
    request = PageRequest(url=HOST + ROOFERS)
    with LiveFetcher(contact=contact, limits=LIMITS, transport=ToLoopback(server)) as unchecked:
        assert unchecked.fetch(request).status == 403
    site = open_site("live", contact="jo@uni.edu")
    with site.fetcher(limits=LIMITS, transport=ToLoopback(server)) as ours:
        assert ours.fetch(request).body == handbook_page(ROOFERS)


# A whole run by the command line


def put_sample(server: LoopbackSite) -> list[str]:
    """All of the sample under its paths on the web; returns those of its handbook pages."""
    paths = []
    for file in SAMPLE_SITES.rglob("*"):
        if file.is_file():
            path = "/" + file.relative_to(SAMPLE_SITES).as_posix().partition("/")[2]
            kind = HTML if file.suffix == ".htm" else {"Content-Type": "application/octet-stream"}
            server.has(path + "?fmt=csv" * (file.suffix == ".csv"), Reply(body=file.read_bytes(), headers=kind))
            paths.append(path)
    return sorted(path for path in paths if path.count("/") == 3 and path.startswith("/ooh/"))


def test_a_run_over_a_site_in_every_kind_of_trouble_keeps_what_was_had_names_it_and_asks_nobody(
    server: StrictSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = put_sample(server)
    fetcher = Site.fetcher
    silent = replace(SYSTEM_CLOCK, sleep=lambda _: None)
    monkeypatch.setattr(
        Site, "fetcher", lambda site: fetcher(site, limits=LIMITS, transport=ToLoopback(server), clock=silent)
    )
    home = tmp_path / "home"
    settings = {
        "EXPOSURE_HOME": str(home),
        "EXPOSURE_SITES": "live",
        "EXPOSURE_CONTACT": "jo@uni.edu",
        "EXPOSURE_ONET_RELEASE": "30.2",
        "EXPOSURE_ONET_PAGES": "false",
        "EXPOSURE_REFETCH_AFTER_HOURS": "0",
        "ANTHROPIC_API_KEY": "a-key",
        "COLUMNS": "400",
    }
    with counting_server() as model:
        settings["ANTHROPIC_BASE_URL"] = model.url
        first = CliRunner().invoke(main, ["run", "--prompt", "exposure"], env=settings)
        assert first.exit_code == 0, first.output
        assert len(model.asked) == len(paths) == 30
        store = Run(Warehouse(home / "exposure.duckdb"), server, [])
        ranking = "SELECT doc_id, score, rank FROM ranked.rankings ORDER BY ALL"
        before = store.bodies(), store.rows(), store.asked_about(), store.warehouse.rows(ranking)
        model.forget()

        troubles = {**NOT_HAD, "maintenance": (MAINTENANCE, NO_HANDBOOK_PAGE)}
        del troubles["a 429 that names a long pause"]  # after which nothing else is asked for
        expected = {}
        for path, (reply, says) in zip(paths[::3], troubles.values(), strict=False):
            server.has(path, reply)
            expected[HOST + path] = says
        assert len(expected) == len(troubles)
        second = CliRunner().invoke(main, ["run", "--prompt", "exposure"], env=settings)
        reasons = dict(store.warehouse.rows("SELECT url, reason FROM raw.ooh_pages WHERE reason IS NOT NULL"))
        server.has_nothing_but(MAINTENANCE)
        third = CliRunner().invoke(main, ["run", "--prompt", "exposure"], env=settings)

    assert second.exit_code == 0, second.output
    assert f"{len(troubles)} of 30 could not be had" in second.stderr
    assert reasons.keys() == expected.keys()
    assert all(reasons[url].startswith(says) for url, says in expected.items()), reasons
    assert third.exit_code == 0, third.output
    assert "30 of 30 could not be had" in third.stderr
    assert "it cannot be used, and the earlier one stands: no entry of the A–Z index can be read" in third.stderr
    assert model.asked == []
    assert (store.bodies(), store.rows(), store.asked_about(), store.warehouse.rows(ranking)) == before
