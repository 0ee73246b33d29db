"""What all tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from dotenv import dotenv_values
from sqlalchemy.pool import NullPool, QueuePool

from exposure_dagster.settings import PROVIDER_VARIABLES, project_root
from tests.processes import end_with_parent

_create_engine = sqlalchemy.create_engine
_engines: dict[str, sqlalchemy.Engine] = {}
KEPT_ENGINES = 100


def _engine(url: str, file: str) -> sqlalchemy.Engine:
    """Dagster opens its files anew for every event, and compiles its statements anew; here an engine keeps a file open.

    A test's machine does not lose its power, so nothing waits for a disk either.
    """
    engine = _create_engine(url, connect_args={"timeout": 60, "check_same_thread": False}, poolclass=QueuePool)

    @sqlalchemy.event.listens_for(engine, "connect")
    def opened(raw: Any, record: Any) -> None:
        raw.execute("PRAGMA synchronous = OFF")
        record.info["inode"] = _inode(file)

    @sqlalchemy.event.listens_for(engine, "checkout")
    def is_still_that_file(_: Any, record: Any, __: Any) -> None:
        if record.info["inode"] != _inode(file):
            raise sqlalchemy.exc.DisconnectionError  # have it opened anew

    engine.dispose = lambda *_, **__: None  # type: ignore[method-assign]
    return engine


def _inode(file: str) -> int | None:
    try:
        return Path(file).stat().st_ino
    except FileNotFoundError:
        return None


def _engine_of(url: str, **options: Any) -> sqlalchemy.Engine:
    address = sqlalchemy.make_url(url)
    file = address.database if address.get_backend_name() == "sqlite" else None
    if options.get("poolclass") is not NullPool or not file:
        return _create_engine(url, **options)
    engine = _engines.pop(url, None) or _engine(url, file)
    _engines[url] = engine
    if len(_engines) > KEPT_ENGINES:
        oldest = _engines.pop(next(iter(_engines)))
        sqlalchemy.Engine.dispose(oldest)
    return engine


_read_migrations = ScriptDirectory.from_config
_migrations: dict[tuple[str | None, str | None], ScriptDirectory] = {}


def _migrations_of(config: Config) -> ScriptDirectory:
    """Dagster reads its whole history of migrations for the file of every run; here it is read once."""
    key = (config.config_file_name, config.get_main_option("script_location"))
    if key not in _migrations:
        _migrations[key] = _read_migrations(config)
    return _migrations[key]


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded; each core has a worker of its own
sqlalchemy.create_engine = _engine_of  # before Dagster is imported, which takes it from here
ScriptDirectory.from_config = _migrations_of

from exposure_dagster.cli.run import run_pipeline  # noqa: E402
from exposure_dagster.settings import ScorerName, Settings  # noqa: E402
from tests.needs import skip_without  # noqa: E402
from tests.postgres import database_url, postgres_server, shared_store  # noqa: E402, F401  fixtures

_connect = duckdb.connect
KEPT_WAREHOUSES = 3


@contextmanager
def _opened_once() -> Iterator[None]:
    """In this block this process opens a warehouse once and keeps it open: to open it again takes a fortieth."""
    kept: dict[str, duckdb.DuckDBPyConnection] = {}

    def connect(database: str = ":memory:", **options: Any) -> duckdb.DuckDBPyConnection:
        if not database.endswith(".duckdb"):
            return _connect(database, **options)
        if database not in kept:
            kept[database] = _connect(database)
            kept[database].execute("SET threads = 1")  # each core has a worker of its own
            if len(kept) > KEPT_WAREHOUSES:
                kept.pop(next(iter(kept))).close()
        return _connect(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", connect)
        try:
            yield
        finally:
            for connection in kept.values():
                connection.close()


@pytest.fixture(scope="module")
def warehouses_opened_once() -> Iterator[None]:
    """For stories of many runs: a run opens its warehouse some ninety times, a third of what it costs.

    Not for tests of opening and locking, nor where another process opens the file.
    """
    with _opened_once():
        yield


SHARED = Path(__file__).resolve().parents[2] / "shared"
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 3 << 30

LONG = (
    "test_daemon.py",
    "test_dev_and_run.py",
    "test_dagster_ui.py",
    "test_stopping_dev.py",
    "test_site.py",
    "test_wheel.py",
    "test_freshness.py",
    "test_ranked_tables_follow.py",
    "test_staleness.py",
    "test_automation.py",
    "test_own_documents.py",
    "test_resilience_run.py",
    "test_distilling.py",
    "test_variants.py",
    "test_how_sure_scores_are.py",
    "test_spending.py",
    "test_included_sections.py",
    "test_scores_kept_back.py",
    "test_task_importance.py",
    "test_backfills.py",
    "test_faults.py",
    "test_all_real_pages.py",
    "test_matching_real_titles.py",
    "test_kills.py",
    "test_serving.py",
)
"""Files that take longest: they are begun first, so that no worker is left with one at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Tests that are stopped end what they started: SIGTERM is taken as Ctrl+C is, and no worker outlives its parent.

    Where there is room, temporary folders lie in memory: most of a home's writing is waiting for a disk.
    """
    if hasattr(config, "workerinput"):
        end_with_parent()
    elif MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them: no key is spent, no home is touched."""
    for name in list(os.environ):
        if name.startswith(("EXPOSURE_", "DAGSTER_", "ANTHROPIC_")) or name in PROVIDER_VARIABLES:
            monkeypatch.delenv(name)
    for name in dotenv_values(project_root() / ".env", interpolate=False):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("EXPOSURE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPOSURE_GATE", "warn")  # stand-ins answer in the right form, and nonsense


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The reference data beside a developer's checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the reference data in {SHARED.name}/ beside the checkout, which users do not have")
    return SHARED


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that one run of `exposure` over the sample leaves, by the baseline. Tests take a copy of it."""
    return _run_once(tmp_path_factory, "sample-run", "sample")


@pytest.fixture(scope="session")
def real_run(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same over all real pages. Tests that only read take it as it is."""
    return _run_once(tmp_path_factory, "real-run", str(shared_dir / "data" / "sites"))


def _run_once(tmp_path_factory: pytest.TempPathFactory, name: str, sites: str) -> Path:
    """A home after a run of `exposure`, made once for all workers."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if is_worker else base) / name
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            settings = Settings(home=folder / "home", sites=sites, scorer=ScorerName.BASELINE)
            umask = os.umask(0o077)  # as the command line does
            try:
                with _opened_once(), ThreadPoolExecutor(1) as thread:  # Playwright has an event loop in this one
                    thread.submit(run_pipeline, settings, names=("exposure",)).result()
            finally:
                os.umask(umask)
            (folder / "whole").touch()
    return folder / "home"


@pytest.fixture
def sample_home(sample_run: Path, tmp_path: Path) -> Path:
    """A copy of that home, for one test: beside the test's own `home`."""
    return Path(shutil.copytree(sample_run, tmp_path / "sample-home", symlinks=True))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("linux") and sys.platform != "linux":
        skip_without("Linux, in whose /proc it looks for processes")
