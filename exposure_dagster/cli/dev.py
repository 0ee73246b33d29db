"""`exposure demo` and `exposure dev`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.cli.terminal import ERR, warn, warn_of_open_home
from exposure_dagster.instance import close_orphans, only_daemon, open_instance, prepare_dagster_home
from exposure_dagster.settings import ScorerName, Settings, load_settings, project_root

DEMO_HOME = Path("data") / "demo"

DEMO_PROMPTS = ("exposure", "robotics", "offshoring", "climate", "two_variable", "resilience")


def demo_settings() -> Settings:
    """The sample, the baseline, the bundled prompts and a home of its own, whatever the environment says."""
    return _SettingsAsGiven(home=DEMO_HOME, sites="sample", scorer=ScorerName.BASELINE)


class _SettingsAsGiven(Settings):
    """Settings that the environment has no say in: not even in what cannot be used."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@click.command()
def demo() -> None:
    """Run everything on the bundled sample, offline, without a key."""
    run_demo(demo_settings())


@click.command()
@click.option("--demo", "is_demo", is_flag=True, help="Show the demo's data (made first where they are missing).")
@click.option("--port", default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the UI listens on.")
def dev(is_demo: bool, port: int, host: str) -> None:
    """Open the Dagster UI over the same data as the command line."""
    settings = demo_settings() if is_demo else load_settings()
    if is_demo and not settings.warehouse_file.is_file():
        run_demo(settings)
    warn_of_open_home(settings.home, published=settings.published_folder)
    home = prepare_dagster_home(settings.dagster_home)
    environment = {**os.environ, "DAGSTER_HOME": str(home)}
    if is_demo:
        environment = {name: value for name, value in environment.items() if not _is_ours(name)}
        environment |= {
            "EXPOSURE_HOME": str(settings.home),
            "EXPOSURE_SITES": settings.sites,
            "EXPOSURE_SCORER": ScorerName.BASELINE.value,
        }
    workspace = project_root() / "workspace.yaml"
    where = ["-w", str(workspace)] if workspace.is_file() else ["-m", "exposure_dagster.definitions"]
    command = [sys.executable, "-m", "dagster", "dev", *where, "-h", host, "-p", str(port)]
    ERR.print(f"Dagster UI: http://{host}:{port} (stop with Ctrl+C)", markup=False)
    try:
        with only_daemon(home) as is_only:
            if is_only:
                _close_what_an_earlier_one_left(home)
            sys.exit(subprocess.run(command, env=environment, cwd=project_root(), check=False).returncode)
    except KeyboardInterrupt:
        sys.exit(130)


def _close_what_an_earlier_one_left(home: Path) -> None:
    with open_instance(home) as instance:
        if closed := close_orphans(instance, has_daemon_restarted=True):
            warn(
                f"{len(closed)} runs were under way when an earlier daemon or command line ended; they count as failed"
            )


def run_demo(settings: Settings) -> None:
    """Every bundled prompt whose corpus the sample holds in full, enabled or not."""
    run_pipeline(settings, names=DEMO_PROMPTS)


def _is_ours(name: str) -> bool:
    return name.startswith(("EXPOSURE_", "ANTHROPIC_"))
