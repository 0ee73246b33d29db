"""Prompts that their model cannot take: the instruction leaves a document no room, or the effort is none it knows.

That is the model's to say, so that it is known here and not where files are read.
"""

from __future__ import annotations

from dataclasses import replace

from exposure_dagster.prompts.checking import Problem
from exposure_dagster.prompts.files import BrokenPrompt, BrokenPromptError, PromptFolder
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.scoring.asking import asking_of


def with_room(folder: PromptFolder, prices: PriceTable) -> PromptFolder:
    """The folder, in which prompts without room for a document are broken."""
    broken = {prompt.name: lacking for prompt in folder.prompts if (lacking := _lacking(prompt, prices))}
    return replace(
        folder,
        prompts=tuple(prompt for prompt in folder.prompts if prompt.name not in broken),
        broken=tuple(sorted([*folder.broken, *broken.values()], key=lambda one: one.source)),
    )


def check_room(prompt: Prompt, prices: PriceTable) -> Prompt:
    """The prompt. Raises BrokenPromptError where it leaves no room for a document."""
    if lacking := _lacking(prompt, prices):
        raise BrokenPromptError(lacking)
    return prompt


def _lacking(prompt: Prompt, prices: PriceTable) -> BrokenPrompt | None:
    for asked in prompt.asked.questions.values():
        provider, effort = prices.endpoints.of(asked.model).provider, asked.effort
        problem = None
        if effort is not None and effort not in provider.efforts:
            what = f"{provider.title} knows no effort {effort}"
            problem = Problem(prompt.source, None, "effort", what, ", ".join(provider.efforts))
        elif (reason := asking_of(asked, prices).why_no_room) is not None:
            problem = Problem(prompt.source, None, None, reason)
        if problem is not None:
            return BrokenPrompt(prompt.name, prompt.source, (problem,))
    return None
