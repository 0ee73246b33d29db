"""Names that a shell completes: of prompts, where a command takes one."""

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
