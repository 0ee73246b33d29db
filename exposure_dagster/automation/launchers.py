"""Dagster's launchers of a container a run, where command lines record their runs in the same database.

Dagster's monitoring asks the launcher after every run under way, and one without a container counts as failed: a run of
a command line never had one. It is known by the lock that it holds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from dagster import DagsterRun
from dagster_docker import DockerRunLauncher
from dagster_docker.docker_run_launcher import CheckRunHealthResult, WorkerStatus  # type: ignore[attr-defined]
from dagster_k8s import K8sRunLauncher

from exposure_dagster.automation.alive import over
from exposure_dagster.settings import load_settings, setting_variables, variable_of


class _KnowsCommandLines:
    """Before one of Dagster's launchers: it is asked after those runs alone that it launched."""

    def check_run_worker_health(self, run: DagsterRun) -> Any:
        """Whether the process of a run is there."""
        shared = load_settings().shared
        if run.remote_job_origin is None and shared is not None and not over(shared, [run]):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return super().check_run_worker_health(run)  # type: ignore[misc]

    def terminate(self, run_id: str) -> bool:
        """End a run that was launched; one of a command line ends where it was begun."""
        run = self._instance.get_run_by_id(run_id)  # type: ignore[attr-defined]
        if run is not None and run.remote_job_origin is None:
            said = "It is a run of a command line: end it there, by Ctrl+C."
            self._instance.report_engine_event(said, run)  # type: ignore[attr-defined]
            return False
        return bool(super().terminate(run_id))  # type: ignore[misc]


class DockerLauncher(_KnowsCommandLines, DockerRunLauncher):
    """A container of Docker or Podman a run, with the settings of whoever launches it.

    Of the variables that its configuration names, those that are not set are left out.
    """

    def __init__(self, *, env_vars: Sequence[str] = (), **others: Any) -> None:
        named = {*env_vars, *setting_variables() - {variable_of("home")}}  # where it keeps its files is the image's
        super().__init__(env_vars=sorted(one for one in named if "=" in one or one in os.environ), **others)


class KubernetesLauncher(_KnowsCommandLines, K8sRunLauncher):
    """A job of Kubernetes a run."""
