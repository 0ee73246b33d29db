"""Runs whose process was killed: they block nothing, and those that live are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance, DagsterRunStatus, RunsFilter

from exposure_dagster.automation.instance import close_orphans, only_daemon, open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import SCORING_JOB
from exposure_dagster.automation.runs import active_partitions, last_evaluation
from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import ScorerName, Settings
from tests.integration.counting_server import CountingServer, counting_server
from tests.needs import skip_without
from tests.processes import tied


@pytest.fixture
def api() -> Iterator[CountingServer]:
    with counting_server() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", sites="sample", scorer=ScorerName.MODEL)


@pytest.fixture
def instance(settings: Settings) -> Iterator[DagsterInstance]:
    prepare_dagster_home(settings.dagster_home)
    with open_instance(settings.dagster_home) as instance:
        yield instance


def started_run(settings: Settings, api: CountingServer, *within: str) -> subprocess.Popen[bytes]:
    """`exposure run`, at the moment at which its first request waits for an answer. `within` is what starts it."""
    api.hold()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("EXPOSURE_", "ANTHROPIC_", "DAGSTER_"))}
    process = subprocess.Popen(
        tied(*within, sys.executable, "-m", "exposure_dagster.cli.main", "run", "--prompt", "exposure"),
        env={
            **environment,
            **shared_variables(settings.shared),
            "EXPOSURE_HOME": str(settings.home),
            "EXPOSURE_SITES": "sample",
            "EXPOSURE_GATE": "warn",
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": api.url,
        },
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert api.arrived.wait(300)
    return process


def shared_variables(shared: SharedStore | None) -> dict[str, str]:
    if shared is None:
        return {}
    return {"EXPOSURE_DATABASE_URL": shared.database_url, "EXPOSURE_DATA_URL": shared.data_url}


def statuses(instance: DagsterInstance) -> list[DagsterRunStatus]:
    return [run.status for run in instance.get_runs(filters=RunsFilter(job_name=SCORING_JOB))]


def test_a_run_that_was_killed_counts_as_failed_at_the_next_look_and_one_that_lives_does_not(
    settings: Settings, api: CountingServer, instance: DagsterInstance
) -> None:
    process = started_run(settings, api)
    try:
        assert active_partitions(instance) == {"exposure"}
        assert close_orphans(instance, has_daemon_restarted=True) == []
        assert statuses(instance) == [DagsterRunStatus.STARTED]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert statuses(instance) == [DagsterRunStatus.STARTED], "nobody was there to say otherwise"
    assert active_partitions(instance) == set()
    assert statuses(instance) == [DagsterRunStatus.FAILURE]
    assert list((settings.dagster_home / "running").iterdir()) == []
    key = AssetCheckKey(AssetKey(["scored", "scores"]), "every_document_is_accounted_for")
    assert last_evaluation(instance, key) is None, "it was planned and never came to be"


def test_what_an_earlier_daemon_launched_is_closed_when_one_is_started_anew(
    settings: Settings, instance: DagsterInstance
) -> None:
    job = build_defs(settings).resolve_job_def(SCORING_JOB)
    for status in (DagsterRunStatus.STARTED, DagsterRunStatus.NOT_STARTED):
        instance.create_run_for_job(job, status=status, tags={"dagster/partition": "exposure"})
    assert close_orphans(instance) == [], "the daemon may be alive"
    with only_daemon(settings.dagster_home):
        with pytest.raises(SettingError, match="`exposure dev` is at work"), only_daemon(settings.dagster_home):
            pass
        assert len(close_orphans(instance, has_daemon_restarted=True)) == 1
    assert sorted(status.value for status in statuses(instance)) == ["FAILURE", "NOT_STARTED"]


@pytest.mark.linux
def test_a_run_on_another_machine_is_closed_when_it_is_killed_and_not_before(
    tmp_path: Path, api: CountingServer, shared_store: SharedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another home, whose processes have numbers of their own: each sees the other's as numbers of nobody."""
    if os.geteuid() != 0:
        skip_without("root, who alone makes a namespace of processes")
    for name, value in shared_variables(shared_store).items():
        monkeypatch.setenv(name, value)
    here, there = (Settings(home=tmp_path / name, sites="sample", scorer=ScorerName.MODEL) for name in ("a", "b"))
    prepare_dagster_home(here.dagster_home, shared_store)
    with open_instance(here.dagster_home, shared_store) as instance:
        process = started_run(there, api, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
        try:
            assert active_partitions(instance) == {"exposure"}
            assert close_orphans(instance, shared_store, has_daemon_restarted=True) == []
            assert statuses(instance) == [DagsterRunStatus.STARTED]
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        deadline = time.monotonic() + 60
        while active_partitions(instance) and time.monotonic() < deadline:
            time.sleep(0.5)  # the server hears of it when the last process of the namespace is gone
        assert statuses(instance) == [DagsterRunStatus.FAILURE]
