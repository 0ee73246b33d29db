"""`exposure dev` ends with all that it started, however it is ended, and while any of that lives there is no second."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import DagsterRunStatus

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import SOURCES_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import ScorerName, Settings
from tests.integration.automation_harness import RESCORING
from tests.integration.counting_server import CountingServer, counting_server
from tests.slow.dev_server import DEV, ROOT, bare_environment, dev_server, free_port, sample_environment

pytestmark = pytest.mark.linux

PATIENCE_S = 120.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return sample_environment(tmp_path, "exposure")


@pytest.fixture
def api() -> Iterator[CountingServer]:
    with counting_server() as server:
        yield server


def processes(environment: dict[str, str]) -> dict[int, str]:
    """Living processes of that home, by id: how each was started."""
    mark = f"EXPOSURE_HOME={environment['EXPOSURE_HOME']}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found


def wait(condition: Callable[[], bool], what: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.2)


def wait_until_nothing_is_left(environment: dict[str, str]) -> None:
    wait(lambda: not processes(environment), lambda: processes(environment))


def second_dev(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEV, "--port", str(free_port())],
        cwd=ROOT,
        env={**bare_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_sigterm_ends_server_daemon_and_the_runs_that_it_launched(
    tmp_path: Path, environment: dict[str, str], api: CountingServer
) -> None:
    settings = Settings(home=tmp_path / "home", sites="sample", scorer=ScorerName.MODEL, prompts=tmp_path / "prompts")
    prepare_dagster_home(settings.dagster_home)
    with open_instance(settings.dagster_home) as instance:
        assert build_defs(settings).resolve_job_def(SOURCES_JOB).execute_in_process(instance=instance).success
    environment |= {"EXPOSURE_SCORER": "claude", "ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": api.url}
    api.hold()
    with dev_server(tmp_path, environment) as dev:
        dev.turn_on(RESCORING)
        assert api.arrived.wait(PATIENCE_S)
        dev.process.terminate()
        assert dev.process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        assert processes(environment) == {}
    with open_instance(settings.dagster_home) as instance:
        (run,) = instance.get_runs(limit=1)
        assert run.status in (DagsterRunStatus.CANCELED, DagsterRunStatus.FAILURE)


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGKILL])
def test_a_terminal_that_goes_or_a_kill_leaves_nothing_behind(
    how: signal.Signals, tmp_path: Path, environment: dict[str, str]
) -> None:
    with dev_server(tmp_path, environment) as dev:
        assert len(processes(environment)) > 3
        dev.process.send_signal(how)
        wait_until_nothing_is_left(environment)


def test_while_a_daemon_lives_no_second_is_started(tmp_path: Path, environment: dict[str, str]) -> None:
    with dev_server(tmp_path, environment) as dev:
        refused = second_dev(environment)
        assert refused.returncode == 1
        assert "`exposure dev` is at work on this home already" in refused.stderr
        assert "Traceback" not in refused.stderr
        for process, command in processes(environment).items():
            if "exposure dev" in command or "exposure_dagster.attended" in command:  # the parents of server and daemon
                os.kill(process, signal.SIGKILL)
        dev.process.wait(PATIENCE_S)
        left = processes(environment)
        assert any("daemon" in command for command in left.values()), left
        said = re.search(r"`kill -- -(\d+)` ends all of it", second_dev(environment).stderr)
        assert said is not None
        os.killpg(int(said[1]), signal.SIGTERM)
        wait_until_nothing_is_left(environment)
