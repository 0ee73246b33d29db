"""`exposure backup` and `exposure check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from exposure_dagster.cli.terminal import ERR, OUT
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.pipeline.keeping import back_up, rebuild
from exposure_dagster.pipeline.keeping import check as check_home
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.settings import Settings, load_settings


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def backup(folder: Path | None) -> None:
    """Copy warehouse and ledger, whole, into a new folder below FOLDER (the home's backups/).

    Of what machines share it is the ledger alone.
    """
    settings = load_settings()
    for path in back_up(settings.warehouse, folder):
        OUT.print(f"{path}  {path.stat().st_size / 1e6:,.1f} MB, opened and read", markup=False, soft_wrap=True)
    OUT.print(_how_to_restore(settings), markup=False, soft_wrap=True)


def _how_to_restore(settings: Settings) -> str:
    if settings.shared is None:
        return (
            f"To restore: end all runs, move exposure.duckdb* and ledger.sqlite* out of {settings.home}, "
            "and copy both files there."
        )
    database, data = settings.shared.shown, settings.shared.data_url
    return (
        f"It holds the ledger, which is all that was paid for. Tables and publications lie in {database} and {data}: "
        "end all runs, and keep both together by pg_dump and a copy of that place. To restore the ledger alone, copy "
        "the file to ledger.sqlite in a home and name an empty database: the first command takes it over."
    )


@click.command()
@click.option("--rebuild", "is_rebuilt", is_flag=True, help="Make anew what can be; damaged files are set aside.")
def check(is_rebuilt: bool) -> None:
    """Look whether everything is whole and holds what it promises; exit status 1 where it does not."""
    settings = load_settings()
    warehouse = settings.warehouse
    if settings.shared is None and not settings.home.is_dir():
        raise WarehouseError(
            "nothing was run in this home yet", where=str(settings.home), remedy="Look at EXPOSURE_HOME."
        )
    if is_rebuilt:
        for line in rebuild(warehouse):
            ERR.print(line, markup=False, soft_wrap=True)
    findings = check_home(warehouse, PublishedFolder(settings.published_folder, settings.shared))
    for one in findings:
        style = "green" if one.is_sound else "red"
        OUT.print("sound   " if one.is_sound else "BROKEN  ", style=style, end="")
        OUT.print(f"{one.what}: {one.found}", markup=False, soft_wrap=True)
    broken = sum(not one.is_sound for one in findings)
    if broken:
        ERR.print(f"{broken} of {len(findings)} are broken. `exposure check --rebuild` makes anew what can be.")
        sys.exit(1)
