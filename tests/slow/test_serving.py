"""`exposure serve` and its server: readers during a publish, and what a user of the command meets."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.publishing.publication import KEPT_PUBLICATIONS
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.api_server import content_that_says, fill_for_api, serving
from tests.processes import tied

READERS = 200
RANKING = "/api/v1/prompts/exposure/rankings"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb", wait_s=60)
    fill_for_api(warehouse)
    return warehouse


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "published"


def test_two_hundred_readers_during_publishes_see_no_error_and_no_mixed_version(
    warehouse: Warehouse, root: Path
) -> None:
    """More publications than are kept, so that folders go away while they are read."""
    contents = [content_that_says(warehouse, f"word {number}") for number in range(KEPT_PUBLICATIONS + 3)]
    words = {content.digest: f"word {number}" for number, content in enumerate(contents)}
    publish_content(contents[0], root)
    seen: set[str] = set()

    async def read(client: httpx.AsyncClient, done: asyncio.Event, number: int) -> int:
        reads = 0
        while not done.is_set() or reads == 0:
            digest = await (read_ranking, read_file, read_occupation)[(number + reads) % 3](client)
            seen.add(digest)
            reads += 1
        return reads

    async def read_ranking(client: httpx.AsyncClient) -> str:
        answer = await client.get(RANKING)
        assert answer.status_code == 200, answer.text
        digest = answer.headers["Publication-Digest"]
        page = answer.json()
        assert page["digest"] == digest
        assert {row["rationale"] for row in page["items"]} == {words[digest]}
        return str(digest)

    async def read_file(client: httpx.AsyncClient) -> str:
        answer = await client.get("/files/exposure/ranking.json")
        assert answer.status_code == 200, answer.text
        digest = answer.headers["Publication-Digest"]
        assert {row["rationale"] for row in answer.json()["ranking"]} == {words[digest]}
        return str(digest)

    async def read_occupation(client: httpx.AsyncClient) -> str:
        answer = await client.get("/api/v1/occupations/roofers")
        assert answer.status_code == 200, answer.text
        digest = answer.json()["digest"]
        assert {(score["prompt"], score["rationale"]) for score in answer.json()["scores"]} == {
            ("exposure", words[digest]),
            ("second", words[digest]),
        }
        return str(digest)

    async def publish_while_read(address: str) -> int:
        done = asyncio.Event()
        limits = httpx.Limits(max_connections=READERS)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=120) as client:
            readers = [asyncio.create_task(read(client, done, number)) for number in range(READERS)]
            for content in contents[1:]:
                await asyncio.to_thread(publish_content, content, root)
            done.set()
            reads = sum(await asyncio.gather(*readers))
            assert await read_ranking(client) == contents[-1].digest
        return reads

    with serving(root) as address:
        reads = asyncio.run(publish_while_read(address))
    assert reads >= READERS
    assert len(seen) > 1


def test_a_snapshot_answers_whole_although_its_folder_is_gone(warehouse: Warehouse, root: Path) -> None:
    first = publish_content(read_content(warehouse), root)
    with serving(root) as address, httpx.Client(base_url=address) as client:
        before = client.get(RANKING)
        shutil.rmtree(first)
        assert client.get(RANKING).content == before.content
        second = publish_content(content_that_says(warehouse, "anew"), root)
        assert client.get("/").headers["Publication-Digest"] == second.name
        after = client.get(RANKING, headers={"If-None-Match": before.headers["ETag"]})
        assert (after.status_code, after.json()["digest"]) == (200, second.name)


# The command


def started(home: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXPOSURE_", "DAGSTER_"))}
    return subprocess.Popen(
        tied(sys.executable, "-c", "from exposure_dagster.cli import main; main()", "serve", *arguments),
        env={**environment, "EXPOSURE_HOME": str(home), "COLUMNS": "200", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def command(warehouse: Warehouse, root: Path) -> Iterator[subprocess.Popen[str]]:
    publish_content(read_content(warehouse), root)
    named = {"EXPOSURE_CORS_ORIGINS": "https://example.org", "EXPOSURE_ALLOWED_HOSTS": "data.example.org"}
    process = started(root.parent, "--port", "0", **named)
    yield process
    process.kill()
    process.wait(timeout=60)


def test_the_command_serves_site_and_api_until_it_is_stopped(command: subprocess.Popen[str]) -> None:
    assert command.stderr is not None
    lines = [command.stderr.readline(), command.stderr.readline()]
    found = re.search(r"Site: (http://127\.0\.0\.1:\d+)/ ", lines[1])
    assert found is not None, lines
    with httpx.Client(base_url=found[1], timeout=60) as client:
        assert client.get("/").headers["Content-Type"].startswith("text/html")
        health = client.get("/api/v1/health", headers={"Origin": "https://example.org"})
        assert health.json()["digest"] in lines[0]
        assert health.headers["Access-Control-Allow-Origin"] == "https://example.org"
        assert "server" not in health.headers
        for name, status in (("data.example.org", 200), ("localhost", 200), ("evil.example", 421)):
            assert client.get("/api/v1/health", headers={"Host": name}).status_code == status
        assert client.head(RANKING).headers["ETag"] == client.get(RANKING).headers["ETag"]
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=60) == 130
    assert command.stderr.read() == ""


def failed(home: Path, *arguments: str) -> str:
    process = started(home, *arguments)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in errors
    return errors


def test_before_anything_is_published_the_command_says_what_to_run(tmp_path: Path) -> None:
    assert "nothing is published yet. Run `exposure run` first" in failed(tmp_path)


def test_a_damaged_publication_is_served_and_the_command_says_what_is_damaged(warehouse: Warehouse, root: Path) -> None:
    folder = publish_content(read_content(warehouse), root)
    (folder / "exposure" / "ranking.csv").write_text("")
    process = started(root.parent, "--port", "0")
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "exposure/ranking.csv is damaged: it is not what was written" in line
        assert "publish again with `exposure run`" in line
        assert "Publication" in process.stderr.readline()
    finally:
        process.kill()
        process.wait(timeout=60)


def test_a_port_that_is_taken_is_told(warehouse: Warehouse, root: Path) -> None:
    publish_content(read_content(warehouse), root)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        errors = failed(root.parent, "--port", port)
    assert f"127.0.0.1:{port}: another program listens on this port. Choose another with --port." in errors
