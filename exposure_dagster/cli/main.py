"""The group of commands, and how errors look on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from exposure_dagster import __version__
from exposure_dagster.characters import visible
from exposure_dagster.errors import ExposureError, not_allowed
from exposure_dagster.private import keep_files_private


class _Group(click.Group):
    """Commands in the order in which a user needs them; our errors as one sentence, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ExposureError as error:
            raise click.ClickException(visible(str(error))) from error
        except PermissionError as error:  # a home may be another user's, wherever a command touches it first
            raise click.ClickException(visible(str(not_allowed(error)))) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="exposure")
@click.pass_context
def main(context: click.Context) -> None:
    """Ask written questions about every occupation, and ask again only what a change made stale.

    `exposure demo` shows all of it offline, on a bundled sample. `exposure settings` lists the settings.
    """
    if context.invoked_subcommand != "prompts":  # those files lie in a folder of the user's, who may share it
        keep_files_private()


def _register() -> None:
    from exposure_dagster.cli.dev import demo, dev
    from exposure_dagster.cli.keeping import backup, check
    from exposure_dagster.cli.ledger import explain, ledger
    from exposure_dagster.cli.money import estimate_command
    from exposure_dagster.cli.prompts import prompts
    from exposure_dagster.cli.run import run
    from exposure_dagster.cli.serve import serve
    from exposure_dagster.cli.settings import settings
    from exposure_dagster.cli.status import diff, status

    commands: Sequence[click.Command] = (
        demo,
        run,
        estimate_command,
        status,
        diff,
        explain,
        ledger,
        backup,
        check,
        dev,
        serve,
        prompts,
        settings,
    )
    for command in commands:
        main.add_command(command)


_register()

if __name__ == "__main__":
    sys.exit(main())
