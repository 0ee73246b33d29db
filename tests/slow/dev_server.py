"""`exposure dev` in a process of its own: the real webserver and daemon, spoken to over GraphQL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.integration.seeding import write_prompt
from tests.processes import tied

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0
SELECTOR = 'repositoryLocationName: "exposure", repositoryName: "__repository__"'
DEV = (str(Path(sys.executable).with_name("exposure")), "dev")
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass
class DevServer:
    """A running server. `runs_seen` are those that were counted already."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    runs_seen: set[str] = field(default_factory=set)

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        reply = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60)
        content = reply.json()
        assert "errors" not in content, content
        data: dict[str, Any] = content["data"]
        return data

    def turn_on(self, sensor: str) -> None:
        query = (
            "mutation { startSensor(sensorSelector: {%s, sensorName: %s}) { __typename ... on PythonError {message} } }"
        )
        assert self.graphql(query % (SELECTOR, f'"{sensor}"'))["startSensor"]["__typename"] == "Sensor"

    def turn_off(self, *sensors: str) -> None:
        """Stop sensors, and wait until no round of the daemon that began before can still evaluate them."""
        for sensor in sensors:
            state = self._sensor(sensor, "id")
            data = self.graphql("mutation($id: String!) { stopSensor(id: $id) { __typename } }", id=state["id"])
            assert data["stopSensor"]["__typename"] == "StopSensorMutationResult"
        for _ in range(2):
            self.wait_for_look("follow_prompts")

    def ticks(self, sensor: str, since: float) -> list[dict[str, Any]]:
        """Finished looks of a sensor that began after a moment (seconds since 1970)."""
        state = self._sensor(sensor, "ticks(limit: 20) { timestamp status skipReason error { message } }")
        ticks = [tick for tick in state["ticks"] if tick["timestamp"] > since and tick["status"] != "STARTED"]
        assert not [tick for tick in ticks if tick["status"] == "FAILURE"], ticks
        return ticks

    def wait_for_look(self, sensor: str, since: float | None = None) -> None:
        """Wait until a sensor looked once more, and came to its end."""
        moment = time.time() if since is None else since
        self.wait(lambda: bool(self.ticks(sensor, moment)), f"a look of {sensor}")

    def launched(self, job: str = "score_prompts") -> list[str]:
        """Partitions of the runs that were launched since the last call."""
        new = [run for run in self.runs(job) if run["runId"] not in self.runs_seen]
        self.runs_seen |= {run["runId"] for run in new}
        return sorted(next(tag["value"] for tag in run["tags"] if tag["key"] == "dagster/partition") for run in new)

    def runs(self, job: str) -> list[dict[str, Any]]:
        """All runs of a job, newest first."""
        query = (
            "query($job: String!) { runsOrError(filter: {pipelineName: $job}) "
            "{ ... on Runs { results { runId status creationTime tags { key value } } } } }"
        )
        results: list[dict[str, Any]] = self.graphql(query, job=job)["runsOrError"]["results"]
        return results

    def wait_until_quiet(self, sensor: str) -> None:
        """Wait until a sensor, which looks after everything that was done so far, has nothing more to launch."""
        moment = time.time()

        def is_quiet() -> bool:
            nonlocal moment
            if any(run["status"] not in ENDED for run in self.runs("score_prompts")):
                moment = time.time()
                return False
            ticks = self.ticks(sensor, moment)
            # a look that found a run under way left what came meanwhile to the next one
            return bool(ticks) and ticks[0]["status"] == "SKIPPED" and "under way" not in (ticks[0]["skipReason"] or "")

        self.wait(is_quiet, f"{sensor} to come to rest")

    def stale_statuses(self, partitions: list[str], *key: str) -> dict[str, str]:
        """Dagster's own stale status of an asset's partitions."""
        query = (
            "query($keys: [AssetKeyInput!], $partitions: [String!]) "
            "{ assetNodes(assetKeys: $keys) { staleStatusByPartition(partitions: $partitions) } }"
        )
        data = self.graphql(query, keys=[{"path": list(key)}], partitions=partitions)
        return dict(zip(partitions, data["assetNodes"][0]["staleStatusByPartition"], strict=True))

    def partitions(self) -> list[str]:
        data = self.graphql(
            '{ assetNodes(assetKeys: [{path: ["scored", "scores"]}]) { partitionKeys } }',
        )
        keys: list[str] = data["assetNodes"][0]["partitionKeys"]
        return sorted(keys)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that must come; fails with the server's log."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}\n{self.log.read_text(encoding='utf-8')[-4000:]}")
            time.sleep(0.3)

    def statuses(self, job: str) -> Counter[str]:
        return Counter(run["status"] for run in self.runs(job))

    def _sensor(self, sensor: str, fields: str) -> dict[str, Any]:
        query = "{ sensorOrError(sensorSelector: {%s, sensorName: %s}) { ... on Sensor { sensorState { %s } } } }"
        state: dict[str, Any] = self.graphql(query % (SELECTOR, f'"{sensor}"', fields))["sensorOrError"]["sensorState"]
        return state


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def dev_server(folder: Path, environment: dict[str, str]) -> Iterator[DevServer]:
    """`exposure dev` under that environment, until the block ends. Its log goes to `folder`."""
    port = free_port()
    log = folder / "dev.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            tied(*DEV, "--port", str(port)),
            cwd=ROOT,
            env={**bare_environment(), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        server = DevServer(f"http://127.0.0.1:{port}", log, process)
        try:
            server.wait(lambda: process.poll() is not None or _is_up(server), "the webserver")
            assert process.poll() is None, log.read_text(encoding="utf-8")
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(120)


def sample_environment(root: Path, *prompts: str) -> dict[str, str]:
    """Settings of a home in a folder: the sample, with prompts of these names."""
    (root / "prompts").mkdir()
    for name in prompts:
        write_prompt(root / "prompts", name)
    return {
        "EXPOSURE_HOME": str(root / "home"),
        "EXPOSURE_SITES": "sample",
        "EXPOSURE_GATE": "warn",
        "EXPOSURE_PROMPTS": str(root / "prompts"),
        "EXPOSURE_SENSOR_INTERVAL_SECONDS": "2",
    }


def bare_environment() -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    ours = ("EXPOSURE_", "ANTHROPIC_", "DAGSTER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _is_up(server: DevServer) -> bool:
    try:
        return httpx.get(f"{server.url}/server_info", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
