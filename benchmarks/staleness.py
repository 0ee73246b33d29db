"""What a change costs in requests, and how long `exposure status` takes to find out.

    python -m benchmarks.staleness                    seconds, with 120 prompts over 342 made-up documents
    python -m benchmarks.staleness --sites FOLDER     requests and runs, with five prompts over saved pages
    python -m benchmarks.staleness --interval 15      seconds from saving a file to its run being queued, under the
                                                      real daemon, with sensors that look that often

Requests are counted at a server on loopback that answers in the API's place. The pages are copied to a temporary
folder before one of them is edited.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import SOURCES_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.standing import standings
from exposure_dagster.settings import ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation, edit_duties_of_roofers
from tests.integration.counting_server import counting_server
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt
from tests.slow.dev_server import dev_server

CHOICE = ScorerChoice(ScorerName.MODEL, True)
ROUNDS = 5
EDITS = 5
FIVE = ("a", "b", "c", "d", "e")


def main() -> None:
    """Print the seconds that each way of looking takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=120)
    parser.add_argument("--documents", type=int, default=342)
    parser.add_argument("--sites", type=Path, help="Folder with www.bls.gov/ooh/…; counts requests instead.")
    parser.add_argument("--interval", type=int, metavar="SECONDS", help="Times the daemon instead.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.sites:
            count_requests(Path(folder), arguments.sites)
            return
        if arguments.interval:
            time_the_daemon(Path(folder), arguments.interval)
            return
        measure(Path(folder), arguments.prompts, arguments.documents)


def count_requests(root: Path, sites: Path) -> None:
    """One change after the other: the runs that the sensors launch, and the requests that arrive."""
    (root / "prompts").mkdir()
    shutil.copytree(sites / "www.bls.gov", root / "sites" / "www.bls.gov")
    with counting_server() as server:
        os.environ.update(ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=server.url)
        settings = Settings(
            home=root / "home", sites=str(root / "sites"), scorer=ScorerName.MODEL, prompts=root / "prompts"
        )
        prepare_dagster_home(settings.dagster_home)
        with open_instance(settings.dagster_home) as instance:
            automation = Automation(settings, instance)
            for what, change in _changes(automation).items():
                change()
                server.forget()
                launched = automation.settle(*FREE_SENSORS, RESCORING)
                runs = ", ".join(f"{count} {job}" for job, count in Counter(job for job, _ in launched).items())
                instructions = len({one.system for one in server.asked})
                print(
                    f"{what}: {len(server.asked)} requests of {instructions} prompts; {runs or 'no'} runs", flush=True
                )


def _changes(automation: Automation) -> dict[str, Callable[[], None]]:
    prompts, sites = automation.prompts, Path(automation.settings.sites)

    def refresh() -> None:
        job = build_defs(automation.settings).resolve_job_def(SOURCES_JOB)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        assert job.execute_in_process(instance=automation.instance, run_config=quiet).success

    def add() -> None:
        for name in FIVE:
            write_prompt(prompts, name)
        refresh()

    def edit_page() -> None:
        edit_duties_of_roofers(sites)
        refresh()

    def rename_tier() -> None:
        text = (prompts / "c.md").read_text(encoding="utf-8")
        (prompts / "c.md").write_text(text.replace("label: Minimal", "label: Hardly any"), encoding="utf-8")

    def touch() -> None:
        for file in (*prompts.iterdir(), *sites.rglob("*.htm")):
            file.touch()
        refresh()

    return {
        "five prompts are new": add,
        "one of them is edited": lambda: write_prompt(prompts, "b", "Think of tomorrow."),
        "that is taken back": lambda: write_prompt(prompts, "b"),
        "one page is edited": edit_page,
        "a tier is renamed": rename_tier,
        "everything is saved and fetched again without a change": touch,
    }


def time_the_daemon(root: Path, interval_s: int) -> None:
    """Edits at moments spread over the sensors' interval, and how long each waited for its run."""
    (root / "prompts").mkdir()
    for name in FIVE:
        write_prompt(root / "prompts", name)
    settings = Settings(home=root / "home", sites="sample", scorer=ScorerName.MODEL, prompts=root / "prompts")
    prepare_dagster_home(settings.dagster_home)
    with open_instance(settings.dagster_home) as instance:
        job = build_defs(settings).resolve_job_def(SOURCES_JOB)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        assert job.execute_in_process(instance=instance, run_config=quiet).success
    with counting_server() as api:
        environment = {
            "EXPOSURE_HOME": str(settings.home),
            "EXPOSURE_SITES": "sample",
            "EXPOSURE_PROMPTS": str(settings.prompts),
            "EXPOSURE_SCORER": "claude",
            "EXPOSURE_SENSOR_INTERVAL_SECONDS": str(interval_s),
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": api.url,
        }
        with dev_server(root, environment) as dev:
            dev.turn_on(RESCORING)
            dev.wait_until_quiet(RESCORING)
            dev.launched()
            waits = []
            for number in range(EDITS):
                dev.wait_for_look(RESCORING)
                time.sleep(interval_s * number / EDITS)
                saved = time.time()
                write_prompt(settings.prompts, "b", f"Version {number}.")
                dev.wait(lambda: bool(dev.launched()), "the run of the edited prompt")
                waits.append(dev.runs("score_prompts")[0]["creationTime"] - saved)
                print(f"  edit {number + 1}: queued after {waits[-1]:.1f} s", flush=True)
                dev.wait_until_quiet(RESCORING)
    print(f"slowest of {EDITS} edits: {max(waits):.1f} s, {max(waits) / interval_s:.2f} intervals of {interval_s} s")


def measure(root: Path, prompts: int, documents: int) -> None:
    """All fresh first, then all stale."""
    (root / "prompts").mkdir()
    for number in range(prompts):
        write_prompt(root / "prompts", f"p{number:03}")
    warehouse = Warehouse(root / "home" / "exposure.duckdb")
    seed_documents(warehouse, documents)
    seed_scores(warehouse, prompt_folder(root / "prompts"), CHOICE)
    print(f"{prompts} prompts over {documents} documents; best of {ROUNDS}")
    report(root, warehouse, "all fresh")
    for number in range(prompts):
        write_prompt(root / "prompts", f"p{number:03}", "Think of tomorrow.")
    report(root, warehouse, "all stale")


def report(root: Path, warehouse: Warehouse, what: str) -> None:
    environment = {
        **os.environ,
        "EXPOSURE_HOME": str(warehouse.path.parent),
        "EXPOSURE_PROMPTS": str(root / "prompts"),
        "EXPOSURE_SCORER": "claude",
    }
    command = [str(Path(sys.executable).with_name("exposure")), "status"]
    timings: dict[str, Callable[[], object]] = {
        "reading the prompt files": lambda: prompt_folder(root / "prompts"),
        "files, warehouse and comparing": lambda: standings(warehouse, prompt_folder(root / "prompts"), CHOICE),
        "exposure status, from the shell": lambda: subprocess.run(
            command, env=environment, stdout=subprocess.DEVNULL, check=True
        ),
    }
    for name, action in timings.items():
        seconds, cpu_seconds = best(action)
        print(f"  {what}: {name}: {seconds:.2f} s, of which CPU {cpu_seconds:.2f} s")


def best(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and seconds of CPU, of the fastest of a few calls."""
    seconds = []
    for _ in range(ROUNDS):
        began, cpu_began = time.perf_counter(), _cpu_seconds()
        action()
        seconds.append((time.perf_counter() - began, _cpu_seconds() - cpu_began))
    return min(seconds)


def _cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


if __name__ == "__main__":
    main()
