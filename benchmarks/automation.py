"""Dagster's own automation conditions against the sensors that cost nothing, on a real daemon.

    python benchmarks/automation.py [prompts ...]        # by default 5 120

A code location of its own stands in for ours, so that nothing but the automation is measured: `inputs` and `rankings`
of a prompt take the digest of a small file, and a change is a changed file of that prompt. Three ways are compared:

- `sensor`: one that compares what is wanted with what Dagster recorded, as `rank_what_changed` does;
- `eager`: `AutomationCondition.eager()` on both assets;
- `version`: `AutomationCondition.data_version_changed()` of `inputs`, with missing partitions.

After every prompt was made once: one file is changed; then all are written anew without a change (a refresh), and
reported as materialized without a run, as the sensor `follow_prompts` and the command line do.

Measured on two cores that others used too: all three launch one run for one change. `eager` launches a run for each
prompt that is refreshed without a change (5 of 5; 62 of 120 when the patience of 100 s was over); `version` launches
none, as the sensor, and takes 1.3 to 2.8 times its CPU while nothing happens.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dagster import AssetKey, AssetMaterialization, DagsterInstance, DagsterRunStatus, RunsFilter

LOCATION = """
import hashlib, os
from pathlib import Path
import dagster as dg

WAY = os.environ["WAY"]
FOLDER = Path(os.environ["FOLDER"])
PROMPTS = dg.DynamicPartitionsDefinition(name="prompts")
CONDITION = {
    "sensor": None,
    "eager": dg.AutomationCondition.eager(),
    "version": (
        dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
        | dg.AutomationCondition.missing().newly_true()
    ).since_last_handled() & ~dg.AutomationCondition.in_progress(),
}[WAY]

def version(prompt): return hashlib.sha256((FOLDER / prompt).read_bytes()).hexdigest()

@dg.asset(partitions_def=PROMPTS)
def inputs(context): return dg.MaterializeResult(data_version=dg.DataVersion(version(context.partition_key)))

@dg.asset(partitions_def=PROMPTS, deps=[inputs], automation_condition=CONDITION)
def rankings(context):
    now = version(context.partition_key)
    (FOLDER / f"{context.partition_key}.ranked").write_text(now)
    return dg.MaterializeResult(data_version=dg.DataVersion(now))

rank = dg.define_asset_job("rank", selection=[rankings])

@dg.sensor(job=rank, minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def follow(context):
    for prompt in context.instance.get_dynamic_partitions("prompts"):
        ranked = FOLDER / f"{prompt}.ranked"
        now = version(prompt)
        if not ranked.exists() or ranked.read_text() != now:
            yield dg.RunRequest(partition_key=prompt, run_key=f"{prompt}:{now}")

condition_sensor = dg.AutomationConditionSensorDefinition(
    "conditions", target="*", minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING
)
defs = dg.Definitions(
    assets=[inputs, rankings], jobs=[rank], sensors=[follow if WAY == "sensor" else condition_sensor],
    executor=dg.in_process_executor,
)
"""
CONFIG = "telemetry: {enabled: false}\nconcurrency: {runs: {max_concurrent_runs: 2}}\n"
PATIENCE_S = 100
QUIET_S = 20
KEY = AssetKey("inputs")


def report(instance: DagsterInstance, folder: Path, names: list[str]) -> None:
    """As `follow_prompts` does: a data version without a run."""
    for name in names:
        tags = {"dagster/data_version": version_of(folder / name)}
        instance.report_runless_asset_event(AssetMaterialization(KEY, partition=name, tags=tags))


def version_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def runs(instance: DagsterInstance) -> int:
    return instance.get_runs_count()


def settled(instance: DagsterInstance, launched_before: int, expected: int) -> tuple[float, int]:
    """Seconds until the expected runs ended (NaN where they never did), and runs launched until it was quiet."""
    began, done, last = time.monotonic(), float("nan"), time.monotonic()
    seen = launched_before
    while time.monotonic() - began < PATIENCE_S:
        now = runs(instance)
        ended = instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.SUCCESS])) - launched_before
        if now != seen:
            seen, last = now, time.monotonic()
        if math.isnan(done) and expected and ended >= expected:
            done = time.monotonic() - began
        is_over = expected == 0 or not math.isnan(done)
        if is_over and now == ended + launched_before and time.monotonic() - last > QUIET_S:
            break
        time.sleep(0.5)
    return done, runs(instance) - launched_before


def daemon_seconds(session: int) -> float:
    """User and system time of the daemon, of its code server, and of what they started and waited for."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session:
            ticks += sum(int(value) for value in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(way: str, prompts: int) -> str:
    root = Path(tempfile.mkdtemp(prefix="automation-"))
    (root / "dagster").mkdir()
    (root / "dagster" / "dagster.yaml").write_text(CONFIG)
    (root / "location.py").write_text(LOCATION)
    files = root / "files"
    files.mkdir()
    names = [f"p{number:03}" for number in range(prompts)]
    environment = {**os.environ, "WAY": way, "FOLDER": str(files), "DAGSTER_HOME": str(root / "dagster")}
    with DagsterInstance.from_config(str(root / "dagster")) as instance:
        instance.add_dynamic_partitions("prompts", names)
        for name in names:
            (files / name).write_text(name)
        report(instance, files, names)
        # rankings of every prompt stand: recorded while no daemon runs, as a command line does
        for name in names:
            version = version_of(files / name)
            (files / f"{name}.ranked").write_text(version)
            instance.report_runless_asset_event(
                AssetMaterialization(AssetKey("rankings"), partition=name, tags={"dagster/data_version": version})
            )
        daemon = subprocess.Popen(
            [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-f", str(root / "location.py")],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _, at_start = settled(instance, 0, 0)
            before_cpu, since = daemon_seconds(daemon.pid), time.monotonic()
            time.sleep(20)
            idle = (daemon_seconds(daemon.pid) - before_cpu) / (time.monotonic() - since) * 60
            before = runs(instance)
            (files / names[0]).write_text("changed")
            report(instance, files, names[:1])
            fresh, for_one = settled(instance, before, 1)
            before = runs(instance)
            report(instance, files, names)
            _, for_nothing = settled(instance, before, 0)
        finally:
            os.killpg(daemon.pid, 15)
            daemon.wait()
    shutil.rmtree(root, ignore_errors=True)
    return f"| {prompts} | {way} | {at_start} | {for_one} | {fresh:.0f} | {for_nothing} | {idle:.1f} |"


def main() -> None:
    print("| prompts | way | runs at the start | runs for one change | seconds | runs for a refresh | idle CPU s/min |")
    print("|--:|:--|--:|--:|--:|--:|--:|")
    for prompts in [int(one) for one in sys.argv[1:]] or [5, 120]:
        for way in ("sensor", "eager", "version"):
            print(measure(way, prompts), flush=True)


if __name__ == "__main__":
    main()
