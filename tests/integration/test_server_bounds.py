"""The server's clocks and counts, by raw sockets: nobody who is slow or greedy keeps the others out."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from exposure_dagster.api import Publications, ServerLimits, create_app
from tests.integration.api_server import listening

LONG_S = 60
"""More than any of these waits should take, on any machine."""

NEVER_S = 10 * LONG_S
HEAD = b"GET /small HTTP/1.1\r\nHost: localhost\r\n"
SMALL = HEAD + b"\r\n"
BODY_TO_COME = HEAD + b"Content-Length: 1000000\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"


def limits(**changed: float) -> ServerLimits:
    """Clocks that never run out in a test, but for those that are named."""
    clocks = {"request_s": NEVER_S, "stall_s": NEVER_S, "keep_alive_s": NEVER_S, "keep_alive_in_a_crowd_s": NEVER_S}
    return ServerLimits(**{**clocks, **changed})  # type: ignore[arg-type]


async def _small(request: Request) -> PlainTextResponse:
    return PlainTextResponse("small")


async def _large(request: Request) -> StreamingResponse:
    return StreamingResponse(bytes(65536) for _ in range(1000))


APP = Starlette(routes=[Route("/small", _small), Route("/large", _large)])


def connected(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=LONG_S)
    connection.sendall(sent)
    return connection


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of an answer of which the length is known."""
    with connection.makefile("rb") as lines:
        status = int(lines.readline().split()[1])
        length = 0
        while (line := lines.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, lines.read(length)


def is_closed(connection: socket.socket) -> bool:
    """Waits for the end of what the server sends, whether it closes or breaks off; False where it stays open."""
    try:
        while connection.recv(2**20):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def drips(connection: socket.socket) -> bool:
    """Sends a byte now and then until the server has closed; False where it takes them for too long."""
    ends = time.monotonic() + LONG_S
    while time.monotonic() < ends:
        try:
            connection.sendall(b"x")
        except ConnectionError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("sent", "waits"),
    [
        (b"", is_closed),
        (HEAD, is_closed),
        (HEAD, drips),
        (BODY_TO_COME, drips),
        (SMALL + HEAD + b"X: ", drips),
    ],
    ids=["silent", "half a head", "a slow head", "a slow body", "a slow second request"],
)
def test_a_request_that_does_not_come_to_its_end_is_given_up(
    sent: bytes, waits: Callable[[socket.socket], bool]
) -> None:
    with listening(APP, limits(request_s=1.0)) as port, closing(connected(port, sent)) as slow:
        assert waits(slow)
        with closing(connected(port, SMALL)) as other:
            assert answer(other) == (200, b"small")


def test_the_clock_of_a_request_ends_with_it() -> None:
    with listening(APP, limits(request_s=1.0)) as port, closing(connected(port)) as connection:
        for _ in range(2):
            connection.sendall(SMALL)
            assert answer(connection) == (200, b"small")
            time.sleep(1.5)


def test_a_connection_without_requests_is_closed_and_sooner_in_a_crowd() -> None:
    with listening(APP, limits(keep_alive_s=0.3)) as port, closing(connected(port, SMALL)) as idle:
        assert answer(idle) == (200, b"small")
        assert is_closed(idle)
    with listening(APP, limits(keep_alive_in_a_crowd_s=0.3, connections=3)) as port, ExitStack() as open_ones:
        first, second = (open_ones.enter_context(closing(connected(port, SMALL))) for _ in range(2))
        assert answer(first) == answer(second) == (200, b"small")
        second.sendall(SMALL)
        assert is_closed(second)


def test_a_reader_that_takes_nothing_is_given_up() -> None:
    with listening(APP, limits(stall_s=0.3)) as port, closing(connected(port, LARGE)) as stalled:
        time.sleep(1)
        received = 0
        with pytest.raises((ConnectionError, EOFError)):
            while part := stalled.recv(2**20):
                received += len(part)
            raise EOFError
        assert received < 65536 * 1000


def test_connections_beyond_the_bound_are_told_so_and_those_before_them_served() -> None:
    with listening(APP, limits(connections=3, connections_refused=2)) as port, ExitStack() as open_ones:
        served = [open_ones.enter_context(closing(connected(port, SMALL))) for _ in range(3)]
        assert [answer(one) for one in served] == [(200, b"small")] * 3
        refused = [open_ones.enter_context(closing(connected(port, SMALL))) for _ in range(2)]
        for one in refused:
            status, body = answer(one)
            assert (status, json.loads(body)["status"]) == (503, 503)
            assert "More connections are open" in json.loads(body)["detail"]
            assert is_closed(one)
        for one in served:
            one.sendall(SMALL)
            assert answer(one) == (200, b"small")
        served[0].close()
        assert _answers_again(port)


def test_a_flood_of_silent_connections_is_cut_off_and_then_all_is_well() -> None:
    with listening(APP, limits(connections=20, connections_refused=10, request_s=1.0)) as port, ExitStack() as flood:
        silent = [flood.enter_context(closing(connected(port))) for _ in range(100)]
        assert all(is_closed(one) for one in silent)
        assert _answers_again(port)


def _answers_again(port: int) -> bool:
    ends = time.monotonic() + LONG_S
    while time.monotonic() < ends:
        with closing(connected(port, SMALL)) as one:
            try:
                if answer(one) == (200, b"small"):
                    return True
            except (ConnectionError, IndexError):
                pass
        time.sleep(0.05)
    return False


def test_a_head_without_end_is_refused() -> None:
    with listening(APP, limits()) as port, closing(connected(port, HEAD + b"X: ")) as greedy:
        with pytest.raises(ConnectionError):
            for _ in range(200):
                greedy.sendall(b"x" * 2**20)
        with closing(connected(port, SMALL)) as other:
            assert answer(other) == (200, b"small")


# Names


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    nothing = Publications(tmp_path_factory.mktemp("nothing") / "published")
    allowed = ("localhost", "127.0.0.1", "::1", "data.example.org", "*.example.net")
    with listening(create_app(nothing, allowed_hosts=allowed), limits()) as port:
        yield port


def status_under(port: int, host: bytes, path: bytes = b"/docs") -> tuple[int, bytes]:
    request = b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    with closing(connected(port, request)) as connection:
        return answer(connection)


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"LOCALHOST:80",
        b"127.0.0.1:8000",
        b"[::1]:8000",
        b"[::1]",
        b"Data.Example.org",
        b"a.b.example.net",
    ],
)
def test_the_server_answers_to_its_names(port: int, host: bytes) -> None:
    assert status_under(port, host)[0] == 200


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"evil.example:8000", b"10.0.0.1", b"data.example.org.evil.example", b"example.net", b"[::2]"],
)
@pytest.mark.parametrize("path", [b"/docs", b"/", b"/api/v1/health", b"/files/manifest.json", b"/openapi.json"])
def test_under_another_name_nothing_is_served(port: int, host: bytes, path: bytes) -> None:
    status, body = status_under(port, host, path)
    problem = json.loads(body)
    assert (status, problem["status"], problem["title"]) == (421, 421, "Misdirected Request")
    assert "EXPOSURE_ALLOWED_HOSTS" in problem["detail"]


@pytest.mark.parametrize("host", [b"", b"localhost:x", b"localhost:99999", b"a@localhost", b"localhost/a", b"[::1"])
def test_what_is_no_name_is_a_bad_request(port: int, host: bytes) -> None:
    assert status_under(port, host)[0] == 400


def test_a_server_that_listens_everywhere_answers_to_any_number_and_to_no_strange_name(tmp_path: Path) -> None:
    from exposure_dagster.api import names_of

    app = create_app(Publications(tmp_path), allowed_hosts=names_of("0.0.0.0"))
    with listening(app, limits()) as port:
        assert [status_under(port, host)[0] for host in (b"10.0.0.1", b"[fe80::1]", b"evil.example")] == [200, 200, 421]
