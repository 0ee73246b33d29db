"""What the Dagster UI is answered, asked as it asks: by GraphQL, over the instance of a test.

The UI reads the graph from a server of the code location. One is started for all tests of a worker; it holds the graph
alone, which is the same for every home.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster_graphql.test.utils import define_out_of_process_context, execute_dagster_graphql

_STARTED_WITHIN_S = 120

_STATUS = """
{ assetNodes { assetKey { path } isPartitioned staleStatus } }
"""

_STATUS_OF_PARTITIONS = """
query ($keys: [AssetKeyInput!]!, $partitions: [String!]!) {
  assetNodes(assetKeys: $keys) { assetKey { path } staleStatusByPartition(partitions: $partitions) } }
"""


_CHECKS = """
{ assetNodes { assetKey { path }
    assetMaterializations(limit: 1) { timestamp }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status } } } } } }
"""


def ask_as_the_ui(instance: DagsterInstance, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The data that answer a query; an error of it is raised."""
    with define_out_of_process_context(str(_workspace()), None, instance) as context:
        return dict(execute_dagster_graphql(context, query, dict(variables or {})).data)


def statuses(instance: DagsterInstance) -> dict[str, str]:
    """By asset, and partition where it has them: FRESH, STALE or MISSING, as the graph is coloured."""
    prompts = sorted(instance.get_dynamic_partitions("prompts"))
    nodes = ask_as_the_ui(instance, _STATUS)["assetNodes"]
    found = {"/".join(node["assetKey"]["path"]): node["staleStatus"] for node in nodes if not node["isPartitioned"]}
    keys = [{"path": node["assetKey"]["path"]} for node in nodes if node["isPartitioned"]]
    asked = {"keys": keys, "partitions": prompts}
    for node in ask_as_the_ui(instance, _STATUS_OF_PARTITIONS, asked)["assetNodes"]:
        name = "/".join(node["assetKey"]["path"])
        found |= {
            f"{name} {prompt}": status for prompt, status in zip(prompts, node["staleStatusByPartition"], strict=True)
        }
    return found


def stale(instance: DagsterInstance) -> list[str]:
    """Assets, or their partitions, that the UI marks as unsynced."""
    return sorted(name for name, status in statuses(instance).items() if status == "STALE")


def checks_that_are_not_green(instance: DagsterInstance) -> list[str]:
    """Checks of materialized assets that failed, or do not count for what was made last."""
    return sorted(
        f"{'/'.join(node['assetKey']['path'])} {check['name']}"
        for node in ask_as_the_ui(instance, _CHECKS)["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", [])
        if node["assetMaterializations"]
        and (check["executionForLatestMaterialization"] or {}).get("status") != "SUCCEEDED"
    )


@functools.cache
def _workspace() -> Path:
    """A workspace file that names the server, which is started here and ends with this process, however it ends."""
    folder = Path(tempfile.mkdtemp(prefix="exposure-graph-"))
    socket = folder / "socket"
    command = ["api", "grpc", "-m", "exposure_dagster.definitions", "--socket", str(socket), "--log-level", "error"]
    theirs, _ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "exposure_dagster.attended", str(theirs), *command],
        env={**os.environ, "EXPOSURE_HOME": str(folder / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[theirs],
        start_new_session=True,
    )
    os.close(theirs)
    atexit.register(process.kill)
    deadline = time.monotonic() + _STARTED_WITHIN_S
    while not socket.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    workspace = folder / "workspace.yaml"
    workspace.write_text(f"load_from:\n  - grpc_server:\n      socket: {socket}\n      location_name: exposure\n")
    return workspace
