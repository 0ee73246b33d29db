"""What the daemon does with the outcome of a sensor, in this process and at once.

The sensors, the instance, the jobs and the warehouse are the real ones; only the waiting is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster import (
    AddDynamicPartitionsRequest,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    RunRequest,
    RunsFilter,
    SensorResult,
    SkipReason,
    build_sensor_context,
)

from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import Settings
from exposure_dagster.store.warehouse import Warehouse

FREE_SENSORS = ("follow_prompts", "rank_what_changed", "look_at_inputs_again", "publish_what_changed")
RESCORING = "rescore_what_is_stale"


def edit_duties_of_roofers(sites: Path) -> None:
    """One page of the handbook says something else, under the heading that tells what its people do."""
    page = sites / "www.bls.gov/ooh/construction-and-extraction/roofers.htm"
    before, duties = page.read_text(encoding="utf-8").split('id="tab-2"')
    page.write_text(f'{before}id="tab-2"{duties.replace("<p>", "<p>Up high: ", 1)}', encoding="utf-8")


@dataclass
class Automation:
    """A code location and its instance, ticked by hand. `launched` lists (job, partition) in order."""

    settings: Settings
    instance: DagsterInstance
    launched: list[tuple[str, str | None]] = field(default_factory=list)
    cursors: dict[str, str | None] = field(default_factory=dict)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings.warehouse_file)

    @property
    def prompts(self) -> Path:
        return self.settings.prompts

    @cached_property
    def definitions(self) -> Definitions:
        return build_defs(self.settings)

    def evaluate(self, name: str) -> tuple[list[RunRequest], list[str]]:
        """One tick of a sensor: partitions and events are applied; returns what it wants run, and why it skipped."""
        definitions = self.definitions
        sensor = definitions.get_repository_def().get_sensor_def(name)
        context = build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            definitions=definitions,
            resources={key: value for key, value in (definitions.resources or {}).items() if key != "progress"},
        )
        with context:
            outcome: Any = sensor(context)
            items = list(outcome) if hasattr(outcome, "__next__") else [outcome]
        requests: list[RunRequest] = []
        skips: list[str] = []
        for item in items:
            if isinstance(item, SkipReason):
                skips.append(item.skip_message or "")
            elif isinstance(item, RunRequest):
                requests.append(item)
            elif isinstance(item, SensorResult):
                self._apply(name, item)
                requests += item.run_requests or []
                if item.skip_reason:
                    skips.append(str(item.skip_reason.skip_message))
        return requests, skips

    def tick(self, *names: str) -> list[tuple[str, str | None]]:
        """One tick each, and every run they ask for, run to its end. Returns what was launched."""
        before = len(self.launched)
        for name in names:
            requests, _ = self.evaluate(name)
            for request in requests:
                self._launch(name, request)
        return self.launched[before:]

    def settle(self, *names: str, rounds: int = 8) -> list[tuple[str, str | None]]:
        """Ticks until nothing more happens; fails where that never comes."""
        before = len(self.launched)
        for _ in range(rounds):
            if not self.tick(*names):
                return self.launched[before:]
        raise AssertionError(f"the sensors never come to rest: {self.launched[before:]}")

    def _apply(self, name: str, result: SensorResult) -> None:
        for request in result.dynamic_partitions_requests or ():
            if isinstance(request, AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition(request.partitions_def_name, key)
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        self.cursors[name] = result.cursor

    def _launch(self, sensor: str, request: RunRequest) -> None:
        job = request.job_name or self.definitions.get_repository_def().get_sensor_def(sensor).job_name
        identity = {"dagster/sensor_name": sensor}
        if request.run_key is not None:
            identity["dagster/run_key"] = request.run_key
            if self.instance.get_runs(filters=RunsFilter(tags=identity), limit=1):
                return
        self.launched.append((job, request.partition_key))
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            asset_selection=request.asset_selection,
            tags={**request.tags, **identity},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        assert result.dagster_run.status in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE)
