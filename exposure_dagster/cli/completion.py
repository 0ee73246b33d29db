"""Names of prompts, where a command takes them: what a shell completes, and what is said of one in the wrong place."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from exposure_dagster.core.errors import ExposureError
from exposure_dagster.settings import load_settings


class PromptName(click.ParamType[str]):
    """The name of a prompt. Whether there is one of that name is looked at by the command, which knows the folder."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            folder = load_settings().prompts
        except ExposureError:  # the command will say so; a shell that completes cannot
            return []
        return [CompletionItem(path.stem) for path in sorted(folder.glob("*.md")) if path.stem.startswith(incomplete)]


PROMPT_NAME = PromptName()


class PromptsByOption(click.Command):
    """A command that takes prompts by an option, and says so to whoever names one without it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            ctx.fail(f"A prompt is named by an option: {ctx.command_path} --prompt {rest[0]}")
        return rest
