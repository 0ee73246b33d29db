"""The group of commands, and how errors look on a terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from exposure_dagster import __version__
from exposure_dagster.core.characters import visible
from exposure_dagster.core.errors import ExposureError, not_allowed
from exposure_dagster.core.hints import meant
from exposure_dagster.core.private import keep_files_private


@dataclass(frozen=True)
class _Command:
    """Where a command is, and what `--help` says of it: the first sentence of its own help."""

    module: str
    attribute: str
    summary: str


COMMANDS: Mapping[str, _Command] = {
    "demo": _Command("dev", "demo", "Run everything on the bundled sample, offline, without a key."),
    "run": _Command("run", "run", "Fetch, parse, score what is stale, rank and publish."),
    "estimate": _Command("money", "estimate_command", "Say what the next run would send and cost."),
    "status": _Command("status", "status", "Say which prompts are stale or broken, and why."),
    "diff": _Command("status", "diff", "Say what moved between two versions of a prompt's answers."),
    "agreement": _Command("agreement", "agreement", "Say how far scores agree with published indices."),
    "reliability": _Command("reliability", "reliability", "Say how sure the scores of PROMPT are."),
    "explain": _Command("ledger", "explain", "Show where a score comes from."),
    "ledger": _Command("ledger", "ledger", "Move the ledger of paid answers between machines."),
    "backup": _Command("keeping", "backup", "Copy warehouse and ledger, whole, into a new folder."),
    "check": _Command("keeping", "check", "Look whether everything is whole and holds what it promises."),
    "dev": _Command("dev", "dev", "Open the Dagster UI over the same data as the command line."),
    "serve": _Command("serve", "serve", "Serve the site and the API over what is published, to be read only."),
    "mcp": _Command(
        "assistants", "mcp_command", "Serve what is published to an assistant, over standard input and output."
    ),
    "documents": _Command("documents", "documents", "Look what would be read of a file of your own documents."),
    "match": _Command(
        "match", "match", "Say which O*NET occupation each of your own documents is, the unsure ones first."
    ),
    "prompts": _Command("prompts", "prompts", "Write, check and read prompt files."),
    "settings": _Command("settings", "settings", "List every setting, its value and what it means."),
}
"""By name, in the order in which a user needs them. A module is imported when its command is asked for, not before."""


class _Group(click.Group):
    """The commands of the table above; our errors as one sentence, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        command: click.Command = getattr(import_module(f"exposure_dagster.cli.{place.module}"), place.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in COMMANDS:
            ctx.fail(f"No such command {name!r}{meant(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ExposureError as error:
            raise click.ClickException(visible(str(error))) from error
        except PermissionError as error:  # a home may be another user's, wherever a command touches it first
            raise click.ClickException(visible(str(not_allowed(error)))) from error


def show_what_the_terminal_can() -> None:
    """A character that the terminal's encoding lacks becomes a question mark, and ends no run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="exposure")
@click.pass_context
def main(context: click.Context) -> None:
    """Ask written questions about every occupation, and ask again only what a change made stale.

    `exposure demo` shows all of it offline, on a bundled sample. `exposure settings` lists the settings.
    """
    show_what_the_terminal_can()
    if context.invoked_subcommand != "prompts":  # those files lie in a folder of the user's, who may share it
        keep_files_private()


if __name__ == "__main__":
    sys.exit(main())
