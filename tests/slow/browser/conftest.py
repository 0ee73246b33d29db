"""What the tests of the site share: a browser, the sites it opens, and a page that must stay quiet and at home."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.pipeline.published import read_content
from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.publishing.site import SITE_FOLDER, build_site
from exposure_dagster.settings import ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from tests.needs import skip_without
from tests.unit.publishing.site_content import site_content

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


GO_TO = """(hash) => new Promise((done) => {
  if (new URL(hash, location).href === location.href) return done();
  addEventListener("hashchange", () => done(), {once: true});
  location.hash = hash;
})"""


@dataclass(frozen=True)
class BuiltSite:
    """A site in a folder, with what it was made from."""

    folder: Path
    content: PublishedContent

    @property
    def address(self) -> str:
        return (self.folder / "index.html").as_uri()


@dataclass
class Visit:
    """A page of a site, with all that it asked for and complained about."""

    page: Page
    site: BuiltSite
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, state: str = "") -> Page:
        """The page at a state (what stands after `#`), with its chart drawn; loaded when it is opened first."""
        if self.page.url.startswith(self.site.address):
            self.page.evaluate(GO_TO, f"#{state}")
        else:
            self.page.goto(f"{self.site.address}#{state}")
        return self.drawn()

    def check(self) -> None:
        """That no request left the site's folder, and that nothing went wrong on the way."""
        own = (self.site.folder.as_uri(), "about:", "blob:", "data:", "http://127.0.0.1:")
        assert [url for url in self.requests if not url.startswith(own)] == []
        assert self.complaints == []
        assert self.page.evaluate("window.hacked") is None

    def drawn(self) -> Page:
        """The page once the chart of the state that was just chosen is drawn."""
        self.page.wait_for_selector("body[data-drawn]", timeout=30_000)
        return self.page


Visits = Callable[..., Visit]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of a module. While it is there its thread has a running event loop, which other tests
    must not find: hence no longer."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        skip_without("Chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def visits(chromium: Browser) -> Iterator[Visits]:
    """Opens sites, each in a context of its own."""
    made: list[Visit] = []

    def visit(site: BuiltSite, **options: Any) -> Visit:
        made.append(_visit(chromium, site, **options))
        return made[-1]

    yield visit
    for one in made:
        one.check()
        one.page.context.close()


@pytest.fixture(scope="module")
def open_page(chromium: Browser, small_site: BuiltSite) -> Iterator[Visit]:
    one = _visit(chromium, small_site)
    yield one
    one.page.context.close()


@pytest.fixture
def visit(open_page: Visit) -> Iterator[Visit]:
    """The small site in a page that tests share: all that it shows is in its address, which each test sets."""
    open_page.open()
    yield open_page
    open_page.check()


def _visit(chromium: Browser, site: BuiltSite, **options: Any) -> Visit:
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    one = Visit(context.new_page(), site)
    one.page.on("request", lambda request: one.requests.append(request.url))
    one.page.on("console", lambda message: one.complaints.append(f"{message.type}: {message.text}"))
    one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
    return one


@pytest.fixture(scope="session")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    return _built(site_content(), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def sample_site(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """The bundled sample with both systems: the handbook's questions and O*NET's resilience."""
    home = Path(shutil.copytree(sample_run, tmp_path_factory.mktemp("sample") / "home", symlinks=True))
    settings = Settings(home=home, sites="sample", scorer=ScorerName.BASELINE)
    with ThreadPoolExecutor(1) as own_thread:  # Playwright keeps an event loop in this one, Dagster wants none
        own_thread.submit(run_pipeline, settings, names=("exposure", "two_variable", "resilience")).result()
    return published_site(home)


@pytest.fixture(scope="session")
def real_site(real_run: Path) -> BuiltSite:
    """All real pages of the handbook."""
    return published_site(real_run)


@pytest.fixture
def served_site(small_site: BuiltSite) -> Iterator[str]:
    """The small site's address on a server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(small_site.folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _built(content: PublishedContent, folder: Path) -> BuiltSite:
    build_site(content, folder / "site")
    return BuiltSite(folder / "site", content)


def published_site(home: Path) -> BuiltSite:
    settings = Settings(home=home)
    content = read_content(Warehouse(settings.warehouse_file))
    return BuiltSite(settings.published_folder.resolve() / content.digest / SITE_FOLDER, content)
