"""Dagster's launchers of a container a run, where command lines record their runs in the same database.

Dagster's monitoring asks the launcher after every run under way, and one without a container counts as failed: a run of
a command line never had one. It is known by the lock that it holds.
"""

from __future__ import annotations

from typing import Any

from dagster import DagsterRun
from dagster_docker import DockerRunLauncher
from dagster_docker.docker_run_launcher import CheckRunHealthResult, WorkerStatus  # type: ignore[attr-defined]
from dagster_k8s import K8sRunLauncher

from exposure_dagster.automation.alive import over
from exposure_dagster.settings import load_settings


class _KnowsCommandLines:
    """Before one of Dagster's launchers: it is asked after those runs alone that it launched."""

    def check_run_worker_health(self, run: DagsterRun) -> Any:
        """Whether the process of a run is there."""
        shared = load_settings().shared
        if run.remote_job_origin is None and shared is not None and not over(shared, [run]):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return super().check_run_worker_health(run)  # type: ignore[misc]


class DockerLauncher(_KnowsCommandLines, DockerRunLauncher):
    """A container of Docker or Podman a run."""


class KubernetesLauncher(_KnowsCommandLines, K8sRunLauncher):
    """A job of Kubernetes a run."""
