"""The Kubernetes objects that a run and `exposure serve` become by helm-values.yaml, as YAML; no cluster is asked.

python -m deploy.kubernetes_job | kubernetes-validate --strict -
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import kubernetes
import yaml
from dagster import reconstructable

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.launchers import KubernetesLauncher
from exposure_dagster.automation.rescoring import rescore_stale

VALUES = Path(__file__).with_name("helm-values.yaml")


class _Batch:
    """In place of Kubernetes: keeps what it is to make."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []

    def create_namespaced_job(self, body: Any, namespace: str, **_: Any) -> None:
        self.made.append((namespace, body))


def job_of_a_run(values: dict[str, Any]) -> dict[str, Any]:
    """What the launcher of these values hands to Kubernetes for a run."""
    custom = values["runLauncher"]["config"]["customRunLauncher"]
    assert (custom["module"], custom["class"]) == (KubernetesLauncher.__module__, KubernetesLauncher.__name__)
    image = values["dagster-user-deployments"]["deployments"][0]["image"]
    origin = reconstructable(rescore_stale).get_python_origin()
    of_image = origin.repository_origin._replace(container_image=f"{image['repository']}:{image['tag']}")
    batch = _Batch()
    with (
        tempfile.TemporaryDirectory() as home,
        open_instance(prepare_dagster_home(Path(home) / "dagster")) as instance,
        mock.patch.object(kubernetes.config, "load_incluster_config"),
    ):
        launcher = KubernetesLauncher(**custom["config"], k8s_client_batch_api=batch)
        launcher.register_instance(instance)
        run = instance.create_run_for_job(rescore_stale, job_code_origin=origin._replace(repository_origin=of_image))
        launcher.launch_run(SimpleNamespace(dagster_run=run))
    ((namespace, body),) = batch.made
    job: dict[str, Any] = kubernetes.client.ApiClient().sanitize_for_serialization(body)
    job["metadata"]["namespace"] = namespace
    return job


if __name__ == "__main__":
    its_values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    yaml.safe_dump_all([job_of_a_run(its_values), *its_values["extraManifests"]], sys.stdout, sort_keys=False)
