"""The files of deploy/ say the same as the code that they start, and what their schemas allow."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from deploy.kubernetes_job import VALUES, job_of_a_run
from deploy.locked import locked
from exposure_dagster.automation.instance import DAGSTER_YAML, SHARED_STORAGE_YAML, open_instance, prepare_dagster_home
from exposure_dagster.automation.launchers import DockerLauncher
from exposure_dagster.core.shared import SharedStore
from tests.needs import skip_without

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
BINARIES = Path(sys.executable).parent


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return content


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(*extras: str) -> set[str]:
    """What the project with these extras needs here, by what the installed packages say."""
    found: set[str] = set()
    waiting, seen = [("exposure-dagster", frozenset(extras))], set()
    while waiting:
        name, of = waiting.pop()
        seen.add((name, of))
        for line in distribution(name).requires or ():
            one = Requirement(line)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (of or {""})):
                found.add(plain(one.name))
                if (asked := (plain(one.name), frozenset(one.extras))) not in seen:
                    waiting.append(asked)
    return found


def test_an_image_gets_all_that_runs_with_its_hash_and_nothing_that_developers_use() -> None:
    lines = locked(["distributed", "openai"])
    packages = set(map(plain, re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", lines, flags=re.MULTILINE)))
    assert needed("distributed", "openai") <= packages
    assert not {"pytest", "mypy", "playwright", "ruff", "pip-audit"} & packages
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=\w)", lines, flags=re.MULTILINE)[1:])


def test_dagsters_instance_for_containers_is_that_of_a_home_but_for_where_runs_and_records_lie(
    tmp_path: Path, shared_store: SharedStore
) -> None:
    shutil.copy(DEPLOY / "dagster.yaml", prepare_dagster_home(tmp_path, shared_store))
    with open_instance(tmp_path, shared_store) as instance:
        assert type(instance.run_launcher).__name__ == "DockerLauncher"
        assert instance.run_monitoring_enabled and instance.run_monitoring_poll_interval_seconds == 5
        assert instance.run_monitoring_max_resume_run_attempts == 0, "a run that spends is not begun again"
        assert not list(tmp_path.rglob("*.db"))
    of_containers, of_a_home = read("dagster.yaml"), yaml.safe_load(DAGSTER_YAML + SHARED_STORAGE_YAML)
    assert {name: of_containers[name] for name in of_a_home} == {
        **of_a_home,
        "run_monitoring": of_containers["run_monitoring"],
    }


def test_a_run_in_a_container_gets_the_settings_that_are_set_and_nothing_else_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ANTHROPIC_API_KEY", "AWS_REGION", "EXPOSURE_CONTACT", "SOMETHING_ELSE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    names = DockerLauncher(env_vars=["AWS_ACCESS_KEY_ID", "AWS_REGION", "NAMED=value"]).env_vars
    assert {"ANTHROPIC_API_KEY", "AWS_REGION", "EXPOSURE_CONTACT", "NAMED=value"} <= set(names)
    assert not {"SOMETHING_ELSE", "AWS_ACCESS_KEY_ID", "EXPOSURE_HOME", "EXPOSURE_SITES"} & set(names)


def test_a_run_in_a_container_has_the_data_the_network_and_the_image_of_the_others() -> None:
    compose, launcher = read("compose.yaml"), read("dagster.yaml")["run_launcher"]["config"]
    data = compose["x-exposure"]["environment"]["EXPOSURE_DATA_URL"].partition(":-")[2].rstrip("}")
    assert launcher["container_kwargs"]["volumes"] == [f"{compose['volumes']['data']['name']}:{data}"]
    assert launcher["network"] == compose["networks"]["exposure"]["name"]
    assert compose["services"]["code"]["environment"]["DAGSTER_CURRENT_IMAGE"] == compose["x-exposure"]["image"]
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports and all(":-127.0.0.1}" in port for port in ports), "nothing is open to others unless somebody says so"


def test_the_compose_file_is_what_its_schema_allows() -> None:
    command = [BINARIES / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_on_kubernetes_is_one_pod_without_rights_that_is_not_begun_again() -> None:
    job = job_of_a_run(yaml.safe_load(VALUES.read_text(encoding="utf-8")))
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert job["spec"]["backoffLimit"] == 0 and pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["args"][:3] == ["dagster", "api", "execute_run"]
    assert container["envFrom"] == [{"secretRef": {"name": "exposure-settings"}}]
    assert container["resources"]["limits"]


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong_with_a_unit_but_that_the_project_is_not_installed(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        skip_without("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "verify", unit], check=False, capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "is not executable: No such file" not in line] == []
