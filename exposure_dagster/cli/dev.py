"""`exposure demo` and `exposure dev`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
from pydantic import model_validator

from exposure_dagster.attended import GRACE_S
from exposure_dagster.automation.instance import (
    close_orphans,
    only_daemon,
    only_daemon_of,
    open_instance,
    prepare_dagster_home,
)
from exposure_dagster.cli.ports import listener
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.cli.terminal import ERR, warn, warn_of_open_home
from exposure_dagster.core.progress import counted
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.settings import ScorerName, Settings, load_settings, project_root, setting_variables, variable_of

LOOKED_EVERY_S = 0.1

DEMO_HOME = Path("data") / "demo"

DEMO_PROMPTS = ("exposure", "robotics", "offshoring", "climate", "two_variable", "resilience")


def demo_settings() -> Settings:
    """The sample, the baseline, the bundled prompts and a home of its own, whatever the environment says."""
    return _SettingsAsGiven(home=DEMO_HOME, sites="sample", scorer=ScorerName.BASELINE)


class _SettingsAsGiven(Settings):
    """Settings that the environment has no say in: not even in what cannot be used."""

    @model_validator(mode="before")
    @classmethod
    def _with_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        return given


@click.command()
def demo() -> None:
    """Run everything on the bundled sample, offline, without a key."""
    run_demo(demo_settings())


@click.command()
@click.option("--demo", "is_demo", is_flag=True, help="Show the demo's data (made first where they are missing).")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the UI listens on.")
def dev(is_demo: bool, port: int, host: str) -> None:
    """Open the Dagster UI over the same data as the command line."""
    settings = demo_settings() if is_demo else load_settings()
    if is_demo and not settings.warehouse_file.is_file():
        run_demo(settings)
    warn_of_open_home(settings.home, published=settings.published_folder)
    home = prepare_dagster_home(settings.dagster_home, settings.shared)
    environment = {**os.environ, "DAGSTER_HOME": str(home)}
    if is_demo:
        environment = {name: value for name, value in environment.items() if not _is_ours(name)}
        environment |= dict.fromkeys(setting_variables(), "")  # nothing of `.env` either
        environment |= {
            "EXPOSURE_HOME": str(settings.home),
            "EXPOSURE_SITES": settings.sites,
            "EXPOSURE_SCORER": ScorerName.BASELINE.value,
        }
    if settings.shared is not None:
        environment[variable_of("database_url")] = settings.shared.database_url  # dagster.yaml names the variable
    workspace = project_root() / "workspace.yaml"
    where = ["-w", str(workspace)] if workspace.is_file() else ["-m", "exposure_dagster.definitions"]
    with only_daemon(home) as lock, only_daemon_of(settings.shared):
        listener(host, port).close()
        _close_what_an_earlier_one_left(home, settings.shared)
        ERR.print(f"Dagster UI: http://{host}:{port} (stop with Ctrl+C)", markup=False)
        sys.exit(_attend_to(["dev", *where, "-h", host, "-p", str(port)], environment, lock))


def _attend_to(command: list[str], environment: dict[str, str], lock: int) -> int:
    """Run a dagster command until it ends or a signal asks to, and end all that it started. Returns an exit status.

    All its processes inherit the lock as their standard input, which none of them reads: it is free when the last of
    them is gone, whatever became of this one. If this one is killed, the pipe is closed, and they end by that.
    """
    received: list[int] = []
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN:  # ignored under `nohup`
            signal.signal(one, lambda number, _: received.append(number))
    theirs, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "exposure_dagster.attended", str(theirs), *command],
        env=environment,
        cwd=project_root(),
        stdin=lock,
        pass_fds=[theirs],
        start_new_session=True,
    )
    os.close(theirs)
    os.write(lock, f"{process.pid}\n".encode())
    while process.poll() is None and not received:
        time.sleep(LOOKED_EVERY_S)
    _end(process)
    os.close(ours)
    if received:
        return 128 + received[0]
    warn("the processes of Dagster ended by themselves; what they printed last says why")
    return process.returncode or 1


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and its group, runs under way among them; what is there after the time of grace is killed."""
    deadline = time.monotonic() + GRACE_S
    try:
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()  # else it stays in the group when it has ended
            os.killpg(process.pid, 0)
            time.sleep(LOOKED_EVERY_S)
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _close_what_an_earlier_one_left(home: Path, shared: SharedStore | None) -> None:
    with open_instance(home, shared) as instance:
        if closed := close_orphans(instance, shared, has_daemon_restarted=True):
            warn(
                f"{counted(len(closed), 'run')} of an earlier daemon or command line ended with it, and count as failed"
            )


def run_demo(settings: Settings) -> None:
    """Every bundled prompt whose corpus the sample holds in full, enabled or not."""
    run_pipeline(settings, names=DEMO_PROMPTS)


def _is_ours(name: str) -> bool:
    return name.startswith(("EXPOSURE_", "ANTHROPIC_"))
