"""Alerts: what is sent to the webhook, and how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    DagsterInstance,
    DefaultSensorStatus,
    ExecuteInProcessResult,
    build_run_status_sensor_context,
    build_sensor_context,
)

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import SCORING_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.settings import ScorerName, Settings, load_settings
from tests.integration.counting_server import counting_server
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

DRIFT = AssetKey(["parsed", "ooh_occupations"])


class Webhook(ThreadingHTTPServer):
    """An address that takes alerts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.is_down = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.server.is_down:
            self.server.texts.append(body["text"])
        self.send_response(503 if self.server.is_down else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Scene:
    """A home with one prompt over three documents, and the sensors that tell."""

    settings: Settings
    instance: DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)

    def look(self, name: str = "alert_on_failed_check") -> None:
        definitions = build_defs(self.settings)
        sensor = definitions.get_repository_def().get_sensor_def(name)
        resources = {key: value for key, value in (definitions.resources or {}).items() if key != "progress"}
        with build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(name), resources=resources, definitions=definitions
        ) as context:
            result = sensor(context)
        self.cursors[name] = getattr(result, "cursor", None) or self.cursors.get(name)
        for event in getattr(result, "asset_events", ()):
            self.instance.report_runless_asset_event(event)

    def run_job(self, partition: str) -> ExecuteInProcessResult:
        """A scoring run that fails."""
        result = (
            build_defs(self.settings)
            .resolve_job_def(SCORING_JOB)
            .execute_in_process(
                instance=self.instance,
                partition_key=partition,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )
        assert not result.success
        return result

    def run_and_tell(self, partition: str) -> None:
        """A scoring run that fails, and what the sensor of failed runs makes of it."""
        definitions = build_defs(self.settings)
        result = self.run_job(partition)
        context = build_run_status_sensor_context(
            sensor_name="alert_on_failed_run",
            dagster_instance=self.instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        definitions.get_repository_def().get_sensor_def("alert_on_failed_run")(context)

    def report(self, *, passed: bool, description: str, asset: AssetKey = DRIFT) -> None:
        self.instance.report_runless_asset_event(
            AssetCheckEvaluation(
                asset_key=asset,
                check_name="no_field_is_unread",
                passed=passed,
                severity=AssetCheckSeverity.ERROR,
                description=description,
            )
        )


@pytest.fixture
def scene(tmp_path: Path, webhook: Webhook) -> Iterator[Scene]:
    (tmp_path / "prompts").mkdir()
    write_prompt(tmp_path / "prompts", "a")
    settings = Settings(
        home=tmp_path / "home",
        sites="sample",
        scorer=ScorerName.MODEL,
        prompts=tmp_path / "prompts",
        alert_webhook=webhook.url,
        max_cost_usd=0.000001,
    )
    prepare_dagster_home(settings.dagster_home)
    instance = open_instance(settings.dagster_home)
    instance.add_dynamic_partitions("prompts", ["a"])
    yield Scene(settings, instance)
    instance.dispose()


def seeded(scene: Scene) -> None:
    from exposure_dagster.store.warehouse import Warehouse

    warehouse = Warehouse(scene.settings.warehouse_file)
    seed_documents(warehouse, 3)
    seed_scores(
        warehouse,
        prompt_folder(scene.settings.prompts),
        ScorerChoice(ScorerName.MODEL, True, load_settings().endpoints),
    )


def test_a_failed_run_is_told_with_its_partition_and_its_reason(scene: Scene, webhook: Webhook) -> None:
    seeded(scene)
    scene.run_and_tell("a")
    (text,) = webhook.texts
    assert "score_prompts of a failed" in text
    assert "there is no key to ask the model with" in text


def test_a_budget_stop_is_told(scene: Scene, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded(scene)
    with counting_server() as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        scene.run_and_tell("a")
        assert server.asked == []
    (text,) = webhook.texts
    assert "score_prompts of a failed" in text
    assert "EXPOSURE_MAX_COST_USD" in text


def test_a_broken_prompt_file_is_told_once_and_again_after_it_was_mended(scene: Scene, webhook: Webhook) -> None:
    for words in ("---\ntitle: [\n---\n", None, "---\ntitle: [\n---\n"):
        if words is None:
            write_prompt(scene.settings.prompts, "a")
        else:
            (scene.settings.prompts / "a.md").write_text(words, encoding="utf-8")
        scene.look("follow_prompts")
        for _ in range(3):
            scene.look()
    assert len(webhook.texts) == 2
    assert all("scored/prompts" in text and "broken: a" in text for text in webhook.texts)


def test_a_changed_layout_is_told_once_however_often_it_is_found(scene: Scene, webhook: Webhook) -> None:
    scene.report(passed=True, description="every field that should be on a page was read")
    scene.look()
    assert webhook.texts == []
    for _ in range(3):
        scene.report(passed=False, description="12 fields on 4 pages could not be read")
        scene.look()
    assert len(webhook.texts) == 1
    assert "12 fields on 4 pages could not be read" in webhook.texts[0]
    scene.report(passed=False, description="13 fields on 5 pages could not be read")
    scene.look()
    assert len(webhook.texts) == 2


def test_what_the_webhook_did_not_take_is_sent_once_it_does(scene: Scene, webhook: Webhook) -> None:
    seeded(scene)
    webhook.is_down = True
    scene.run_and_tell("a")
    scene.report(passed=False, description="12 fields on 4 pages could not be read")
    scene.report(passed=False, description="a row of O*NET is unread", asset=AssetKey(["parsed", "onet_unread"]))
    scene.look()
    assert webhook.texts == []
    webhook.is_down = False
    for _ in range(2):
        scene.look()
    run, *checks = webhook.texts
    assert "score_prompts of a failed" in run
    assert sorted(text.split(": ")[-1] for text in checks) == [
        "12 fields on 4 pages could not be read",
        "a row of O*NET is unread",
    ]


def test_runs_of_the_command_line_are_told_of_too(scene: Scene, webhook: Webhook) -> None:
    """They name no code location; the sensor is looked at as the daemon does, with its own location."""
    seeded(scene)
    definitions = build_defs(scene.settings)
    sensor = definitions.get_repository_def().get_sensor_def("alert_on_failed_run")

    def look(cursor: str | None) -> str | None:
        with build_sensor_context(
            instance=scene.instance, cursor=cursor, definitions=definitions, repository_name="of the daemon"
        ) as context:
            return sensor.evaluate_tick(context).cursor

    cursor = look(None)
    scene.run_job("a")
    look(cursor)
    assert ["score_prompts of a failed" in text for text in webhook.texts] == [True]


def test_without_an_address_the_sensors_that_tell_are_off() -> None:
    for webhook_of, status in ((None, DefaultSensorStatus.STOPPED), ("http://x", DefaultSensorStatus.RUNNING)):
        definitions = build_defs(Settings(alert_webhook=webhook_of))
        for name in ("alert_on_failed_run", "alert_on_failed_check"):
            assert definitions.get_repository_def().get_sensor_def(name).default_status is status
