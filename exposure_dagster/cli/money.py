"""`exposure estimate`, and the question that a run asks before it spends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from exposure_dagster.cli.completion import PROMPT_NAME, PromptsByOption
from exposure_dagster.cli.prompts import load_prompts, price_table
from exposure_dagster.cli.terminal import ERR, OUT, print_json
from exposure_dagster.core.errors import PromptError
from exposure_dagster.core.hints import meant
from exposure_dagster.pipeline.distilling import MIN_ANSWERS
from exposure_dagster.pipeline.estimates import estimates
from exposure_dagster.pipeline.inputs import choice_of
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.providers.registry import provider_of
from exposure_dagster.scoring.estimate import Estimate, cost_with
from exposure_dagster.settings import ScorerName, Settings, load_settings


@click.command("estimate", cls=PromptsByOption)
@click.option("--prompt", "names", multiple=True, type=PROMPT_NAME, help="This prompt only; may be repeated.")
@click.option("--again", is_flag=True, help="As if every question were asked anew.")
@click.option("--distil", type=click.IntRange(min=MIN_ANSWERS), metavar="N", help="Of `exposure run --distil N`.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def estimate_command(names: tuple[str, ...], again: bool, distil: int | None, as_json: bool) -> None:
    """Say what the next run would send and cost. Spends nothing."""
    if again and distil is not None:
        raise click.UsageError("--distil does not go with --again.")
    settings = load_settings()
    prices = price_table(settings)
    found = estimate_prompts(settings, names, prices=prices, ask_again=again, distil=distil or 0)
    if as_json:
        print_json([_as_row(one) for one in found])
        return
    print_estimates(found)
    if any(one.requests for one in found):
        _print_other_models(found, prices)
    OUT.print(
        f"Budgets: ${settings.max_cost_usd:,.2f} a run, ${settings.max_cost_usd_per_day:,.2f} a day. "
        f"Prices of {prices.dated.isoformat()}.",
        markup=False,
    )


def _as_row(one: Estimate) -> dict[str, Any]:
    return {
        "prompt": one.prompt,
        "model": one.model,
        "answers": one.documents,
        "most_answers": one.most_answers,
        "requests": one.requests,
        "input_tokens": one.usage.prompt_tokens,
        "output_tokens": one.usage.output_tokens,
        "cost_usd": one.cost_usd,
        "batch_cost_usd": one.batch_cost_usd,
        "most_cost_usd": one.cost_usd * one.most_times,
        "documents_cut": one.cuts.documents,
        "how": one.how,
    }


def estimate_prompts(
    settings: Settings, names: Sequence[str], *, prices: PriceTable, ask_again: bool = False, distil: int = 0
) -> list[Estimate]:
    """Estimates of the named prompts, or of all enabled ones; with `distil` of asking about so many documents."""
    folder = load_prompts(settings)
    by_name = {prompt.name: prompt for prompt in folder.prompts}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise PromptError(
            f"no usable prompt named {', '.join(f'{name}{meant(name, by_name)}' for name in unknown)}",
            where="--prompt",
            remedy=f"There is {', '.join(by_name) or 'none'}.",
        )
    chosen = list(names) or [name for name, prompt in by_name.items() if prompt.file.enabled]
    return estimates(
        settings.warehouse,
        folder,
        chosen,
        prices=prices,
        ask_again=ask_again,
        distil=distil,
    )


def print_estimates(found: Sequence[Estimate]) -> None:
    """Requests, tokens and USD a prompt, and how much of its documents would not be sent."""
    table = Table(
        "prompt", "model", "documents", "requests", "tokens in", "tokens out", "USD", "USD in a batch", box=None
    )
    for one in found:
        table.add_row(
            one.prompt,
            one.model,
            f"{one.documents:,}",
            f"{one.requests:,}",
            f"{one.usage.prompt_tokens:,}",
            f"{one.usage.output_tokens:,}",
            f"{one.cost_usd:,.2f}",
            f"{one.batch_cost_usd:,.2f}",
        )
    OUT.print(table)
    for one in found:
        if one.cuts.documents:
            OUT.print(f"{one.prompt}: {one.cuts}.", markup=False)
        if one.most_answers > one.documents:
            OUT.print(
                f"{one.prompt}, {one.model}: sampling may come to {one.most_answers:,} answers, for about "
                f"${one.cost_usd * one.most_times:,.2f} (${one.batch_cost_usd * one.most_times:,.2f} in batches).",
                markup=False,
            )
    for how in sorted({one.how for one in found if one.requests}):
        OUT.print(f"Tokens: {how}.", markup=False)


def confirm_spending(settings: Settings, names: Sequence[str], *, ask_again: bool, distil: int = 0) -> None:
    """On a terminal, show what a run will spend and ask; elsewhere the budgets decide."""
    if not (sys.stdin.isatty() and ERR.is_terminal):
        return
    choice = choice_of(settings)
    asked = [
        prompt.name
        for prompt in load_prompts(settings).prompts
        if prompt.name in names and choice.of(prompt.asked).name is not ScorerName.BASELINE
    ]
    if not asked:
        return
    found = estimate_prompts(settings, asked, prices=price_table(settings), ask_again=ask_again, distil=distil)
    if any(one.requests for one in found):
        print_estimates(found)
        click.confirm("Ask the model?", abort=True, err=True)


def _print_other_models(found: Sequence[Estimate], prices: PriceTable) -> None:
    once = list({one.prompt: one for one in reversed(found)}.values())  # of several models that are asked, the first
    costs = sorted((cost_with(prices, model, once), model) for model in prices)
    table = Table("the same with", "USD", "batch USD", box=None)
    for cost, model in costs:
        table.add_row(
            model, f"{cost:,.2f}", f"{cost * prices.batch_factor:,.2f}" if provider_of(model).batches else "–"
        )
    OUT.print(table)
