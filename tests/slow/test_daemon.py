"""Prompt files under the real daemon, queue and webserver: what is launched, and what it costs.

One server runs for the whole module; the test is one story, told in the order in which it happens.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import SOURCES_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import SAMPLE_SITES, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.automation_harness import RESCORING
from tests.integration.counting_server import CountingServer, counting_server, system_key
from tests.integration.seeding import prompt_folder, write_prompt
from tests.slow.dev_server import DevServer, dev_server

DOCUMENTS = 30
THREE = ["a", "b", "c"]
SCORES = ("scored", "scores")


@dataclass
class Scene:
    """The server under test, the API it asks, and the files it follows."""

    dev: DevServer
    api: CountingServer
    prompts: Path
    warehouse: Warehouse

    def asked(self) -> dict[str, int]:
        """Requests since the last call, by the prompt whose file now says what was asked; others under `?`."""
        names = {system_key(prompt.asked.system): prompt.name for prompt in prompt_folder(self.prompts).prompts}
        counts: dict[str, int] = {}
        for system, count in self.api.counts().items():
            name = names.get(system, "?")
            counts[name] = counts.get(name, 0) + count
        self.api.forget()
        return counts

    def settle(self) -> list[str]:
        """Wait until nothing is left to do; returns the partitions that scoring was launched for."""
        self.dev.wait_for_look("follow_prompts")
        self.dev.wait_until_quiet(RESCORING)
        return self.dev.launched()

    def stale(self, partitions: list[str]) -> list[str]:
        statuses = self.dev.stale_statuses(partitions, *SCORES)
        assert set(statuses.values()) <= {"FRESH", "STALE"}, statuses
        return [name for name, status in statuses.items() if status == "STALE"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("daemon")
    (root / "prompts").mkdir()
    shutil.copytree(SAMPLE_SITES, root / "sites")
    settings = Settings(
        home=root / "home", sites=str(root / "sites"), scorer=ScorerName.MODEL, prompts=root / "prompts"
    )
    prepare_dagster_home(settings.dagster_home)
    with open_instance(settings.dagster_home) as instance:
        assert build_defs(settings).resolve_job_def(SOURCES_JOB).execute_in_process(instance=instance).success
    with counting_server() as api:
        environment = {
            "EXPOSURE_HOME": str(settings.home),
            "EXPOSURE_SITES": settings.sites,
            "EXPOSURE_GATE": "warn",
            "EXPOSURE_PROMPTS": str(settings.prompts),
            "EXPOSURE_SCORER": "claude",
            "EXPOSURE_SENSOR_INTERVAL_SECONDS": "2",
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": api.url,
        }
        with dev_server(root, environment) as dev:
            yield Scene(dev, api, settings.prompts, Warehouse(settings.warehouse_file))


def test_the_daemon_scores_exactly_what_an_edit_touched(scene: Scene) -> None:
    dev, api = scene.dev, scene.api

    # three files are added
    for name in THREE:
        write_prompt(scene.prompts, name)
    dev.turn_on(RESCORING)
    assert scene.settle() == THREE
    assert scene.asked() == dict.fromkeys(THREE, DOCUMENTS)
    assert scene.stale(THREE) == []

    # one is edited: Dagster shows it as stale, alone, before anything runs; from here on nothing is published
    dev.turn_off(RESCORING, "publish_what_changed", "look_at_inputs_again")
    write_prompt(scene.prompts, "b", "Think of tomorrow.")
    dev.wait(lambda: scene.stale(THREE) == ["b"], "b alone to be stale")
    assert dev.launched() == []
    dev.turn_on(RESCORING)
    assert scene.settle() == ["b"]
    assert scene.asked() == {"b": DOCUMENTS}
    assert scene.stale(THREE) == []

    # another is edited, and again while its run is under way
    api.hold()
    saved = time.time()
    write_prompt(scene.prompts, "c", "Version B.")
    assert api.arrived.wait(60)
    queued = dev.runs("score_prompts")[0]["creationTime"]
    print(f"queued {queued - saved:.1f} s after the file was saved")
    write_prompt(scene.prompts, "c", "Version C.")
    dev.wait_for_look(RESCORING)
    assert dev.launched() == ["c"]
    api.release()
    assert scene.settle() == ["c"]
    assert scene.asked() == {"?": DOCUMENTS, "c": DOCUMENTS}
    assert scene.stale(THREE) == []

    # a version fails, is taken back, and is made again
    api.is_denying = True
    write_prompt(scene.prompts, "a", "Version B.")
    assert scene.settle() == ["a"]
    assert dev.runs("score_prompts")[0]["status"] == "FAILURE"
    write_prompt(scene.prompts, "a")
    assert scene.settle() == []
    api.is_denying = False
    api.forget()
    write_prompt(scene.prompts, "a", "Version B.")
    assert scene.settle() == ["a"]
    assert scene.asked() == {"a": DOCUMENTS}

    # one is broken, one deleted, and the third is saved as it is
    (scene.prompts / "b.md").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    deleted = (scene.prompts / "c.md").read_text(encoding="utf-8")
    (scene.prompts / "c.md").unlink()
    write_prompt(scene.prompts, "a", "Version B.")
    assert scene.settle() == []
    assert dev.partitions() == ["a", "b"]
    assert scene.warehouse.rows("SELECT DISTINCT prompt FROM ranked.rankings ORDER BY 1") == [("a",), ("b",)]

    # the one is mended, the other comes back
    write_prompt(scene.prompts, "b", "Think of tomorrow.")
    (scene.prompts / "c.md").write_text(deleted, encoding="utf-8")
    assert scene.settle() == ["c"]
    assert scene.asked() == {}
    assert scene.stale(THREE) == []
    assert dev.statuses("score_prompts")["FAILURE"] == 1
