"""A PostgreSQL server of the tests' own: on loopback, in a folder of its own, gone with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from exposure_dagster.core.shared import SharedStore
from tests.needs import skip_without
from tests.processes import end_with_parent

DEBIAN = Path("/usr/lib/postgresql")
PATIENCE_S = 60.0


def _programs() -> Path | None:
    """The folder of initdb and postgres, the newest version's; None where there is none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    return max(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _as_postgres() -> None:
    """The server refuses to run as root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    end_with_parent()


def started_server(folder: Path, *, is_durable: bool = False) -> tuple[subprocess.Popen[bytes], str]:
    """A server over a new cluster in `folder`, and the address of its database `postgres`.

    A test's machine does not lose its power, so that nothing waits for a disk unless it `is_durable`.
    """
    programs = _programs()
    assert programs is not None
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", _free_port()
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "exposure", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
        check=True,
        capture_output=True,
        preexec_fn=_as_postgres,
        cwd="/",
    )
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        **({} if is_durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
            stdout=log,
            stderr=log,
            preexec_fn=_as_postgres,  # noqa: PLW1509  the other user has to be taken before the signal is asked for
            cwd="/",
        )
    url = f"postgresql://exposure@127.0.0.1:{port}/postgres"
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text(errors="replace")) from None
            time.sleep(0.05)
        else:
            return server, url


def stop_server(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # fast: who is connected is cut off
    server.wait(PATIENCE_S)


@contextmanager
def new_server(*, is_durable: bool = False) -> Iterator[str]:
    """The address of the database of a server that is there for the block."""
    folder = Path(tempfile.mkdtemp(prefix="exposure-postgres-", dir="/tmp"))
    try:
        server, url = started_server(folder, is_durable=is_durable)
        try:
            yield url
        finally:
            stop_server(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server, begun when the first test of a worker needs it."""
    if _programs() is None:
        skip_without("PostgreSQL's server programs (initdb, postgres)")
    with new_server() as url:
        yield url


@contextmanager
def new_database(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty database, which is gone after the block."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """The address of a new, empty database."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def shared_store(database_url: str, tmp_path: Path) -> SharedStore:
    """A new database and a folder, as several machines share them."""
    return SharedStore(database_url, str(tmp_path / "shared-data"))
