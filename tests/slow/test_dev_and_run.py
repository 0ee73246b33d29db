"""`exposure dev` and `exposure run` at work on one prompt at once: real processes, one home, one ledger."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from exposure_dagster.store.warehouse import Warehouse
from tests.integration.automation_harness import RESCORING
from tests.integration.counting_server import CountingServer, counting_server
from tests.integration.seeding import write_prompt
from tests.processes import tied
from tests.slow.dev_server import DevServer, bare_environment, dev_server, sample_environment

DOCUMENTS = 30
LAUNCH = """mutation { launchRun(executionParams: {
    selector: {repositoryLocationName: "exposure", repositoryName: "__repository__", jobName: "score_prompts"},
    runConfigData: {}, executionMetadata: {tags: [{key: "dagster/partition", value: "a"}]}})
    { __typename ... on PythonError { message } ... on LaunchRunSuccess { run { runId } } } }"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**sample_environment(tmp_path, "a"), "EXPOSURE_SCORER": "claude", "ANTHROPIC_API_KEY": "k"}


def command_line_run(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        tied(sys.executable, "-m", "exposure_dagster.cli.main", "run", "--prompt", "a", "--yes"),
        env={**bare_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def each_was_asked_once(api: CountingServer) -> bool:
    asked = Counter(doc for one in api.asked for doc in one.documents)
    return len(asked) == DOCUMENTS and set(asked.values()) == {1}


def under_way(dev: DevServer) -> int:
    return dev.statuses("score_prompts")["STARTED"]


def test_each_answer_is_paid_once_and_no_run_is_taken_for_failed(tmp_path: Path, environment: dict[str, str]) -> None:
    with counting_server() as api:
        environment["ANTHROPIC_BASE_URL"] = api.url
        api.hold()
        first = command_line_run(environment)
        assert api.arrived.wait(300)
        with dev_server(tmp_path, environment) as dev:
            # a server that starts meanwhile, and a run of its own for the same prompt
            dev.turn_on(RESCORING)
            assert dev.graphql(LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
            dev.wait(lambda: under_way(dev) == 2, "both runs to be under way")
            dev.wait_for_look(RESCORING)
            api.release()
            assert first.wait(300) == 0
            dev.wait_until_quiet(RESCORING)
            assert each_was_asked_once(api)
            assert dev.statuses("score_prompts") == {"SUCCESS": 2}

            # a run of the server that is under way, and the command line beside it
            api.hold()
            api.forget()
            write_prompt(tmp_path / "prompts", "a", "Think of tomorrow.")
            assert api.arrived.wait(300)
            second = command_line_run(environment)
            dev.wait(lambda: under_way(dev) == 2, "both runs to be under way")
            api.release()
            assert second.wait(300) == 0
            dev.wait_until_quiet(RESCORING)
            assert each_was_asked_once(api)
            assert dev.statuses("score_prompts") == {"SUCCESS": 4}
    runs = Warehouse(tmp_path / "home" / "exposure.duckdb").rows(
        "SELECT outcome, sum(asked) FROM scored.runs GROUP BY 1"
    )
    assert runs == [("complete", 2 * DOCUMENTS)]
