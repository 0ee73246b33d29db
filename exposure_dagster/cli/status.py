"""`exposure status` and `exposure diff`."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from exposure_dagster.cli.completion import PROMPT_NAME
from exposure_dagster.cli.prompts import load_prompts, price_table
from exposure_dagster.cli.terminal import ERR, OUT, print_json
from exposure_dagster.core.progress import shown_figure
from exposure_dagster.pipeline.answer_figures import AnswerFigures, answer_figures
from exposure_dagster.pipeline.estimates import estimates_of
from exposure_dagster.pipeline.inputs import choice_of
from exposure_dagster.pipeline.standing import PromptStanding, State, standings
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.settings import ScorerName, Settings, load_settings
from exposure_dagster.store.warehouse import Warehouse

if TYPE_CHECKING:
    from exposure_dagster.pipeline.history import Comparison

_BARS = " ▁▂▃▄▅▆▇█"

_COLOURS = {
    State.FRESH: "green",
    State.STALE: "yellow",
    State.MISSING: "yellow",
    State.INCOMPLETE: "yellow",
    State.BROKEN: "red",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where an enabled prompt is to be asked or ranked.")
def status(as_json: bool, exit_code: bool) -> None:
    """Say which prompts are stale or broken, and why.

    Fresh, stale, missing, incomplete or broken, with what a run would send and cost; then what the standing answers
    took.
    """
    settings = load_settings()
    prices = price_table(settings)
    folder = load_prompts(settings)
    choice = choice_of(settings)
    warehouse = settings.warehouse
    all_standings = standings(warehouse, folder, choice)
    costs, most = _costs_usd(settings, warehouse, folder, all_standings, prices)
    if as_json:
        answers = {one.prompt: asdict(one) for one in answer_figures(warehouse)}
        print_json([_as_row(one, costs, most, answers) for one in all_standings])
    else:
        _print_standings(settings, warehouse, all_standings, costs, most)
    if exit_code and any(one.is_enabled and not one.is_settled for one in all_standings):
        sys.exit(1)


def _as_row(
    standing: PromptStanding,
    costs: Mapping[str, float],
    most: Mapping[str, float],
    answers: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    return {
        "prompt": standing.prompt,
        "state": standing.state.value,
        "reasons": standing.reasons,
        "is_enabled": standing.is_enabled,
        "is_ranked_otherwise": standing.is_ranked_otherwise,
        "documents": standing.documents,
        "requests": standing.requests,
        "cost_usd": costs.get(standing.prompt, 0.0),
        "most_cost_usd": most.get(standing.prompt, 0.0),
        "answers": answers.get(standing.prompt),
    }


def _print_standings(
    settings: Settings,
    warehouse: Warehouse,
    all_standings: Sequence[PromptStanding],
    costs: Mapping[str, float],
    most: Mapping[str, float],
) -> None:
    table = Table("prompt", "state", "why", box=None, pad_edge=False)
    for name in ("documents", "requests", "USD"):
        table.add_column(name, justify="right")
    for standing in all_standings:
        table.add_row(
            standing.prompt,
            f"[{_COLOURS[standing.state]}]{standing.state.value}[/]",
            escape(_why(standing)),
            f"{standing.documents:,}",
            f"{standing.requests:,}",
            f"{costs[standing.prompt]:,.2f}" if standing.prompt in costs else "–",
        )
    OUT.print(table)
    if not all_standings:
        ERR.print(f"There is no prompt file in {settings.prompts}.", markup=False, soft_wrap=True)
    if not warehouse.exists:
        ERR.print(
            f"There is no warehouse in {settings.home} yet; `exposure run` makes it. EXPOSURE_HOME names another home.",
            markup=False,
            soft_wrap=True,
        )
    if costs:
        enabled = [standing for standing in all_standings if standing.is_enabled]
        requests = sum(standing.requests for standing in enabled)
        cost_usd = sum(costs.get(standing.prompt, 0.0) for standing in enabled)
        most_usd = sum(most.get(standing.prompt, 0.0) for standing in enabled)
        more = f", and at most ${most_usd:,.2f} where sampling wants more" if most_usd > cost_usd else ""
        OUT.print(f"\nAll that is enabled: {requests:,} requests, about ${cost_usd:,.2f}{more}.", markup=False)
    _print_answers(answer_figures(warehouse))


def _costs_usd(
    settings: Settings,
    warehouse: Warehouse,
    folder: PromptFolder,
    all_standings: Sequence[PromptStanding],
    prices: PriceTable,
) -> tuple[dict[str, float], dict[str, float]]:
    """By prompt, what its requests should cost, as `exposure estimate` has it, and what they can come to by sampling;
    prompts that send none are left out."""
    asking = [standing for standing in all_standings if standing.requests]
    is_batch = settings.scorer_in_force is ScorerName.MODEL_BATCH
    costs: dict[str, float] = {}
    most: dict[str, float] = {}
    for one in estimates_of(warehouse, folder, asking, prices=prices):
        cost_usd = one.batch_cost_usd if is_batch else one.cost_usd
        costs[one.prompt] = costs.get(one.prompt, 0.0) + cost_usd
        most[one.prompt] = most.get(one.prompt, 0.0) + cost_usd * one.most_times
    return costs, most


def _print_answers(found: Sequence[AnswerFigures]) -> None:
    """What the standing answers took: documents, the last run, tokens, USD, latency, and how the scores spread."""
    if not found:
        return
    table = Table(
        "prompt",
        "last run",
        "asked",
        "reused",
        "ok",
        "refused",
        "failed",
        "tokens in",
        "from cache",
        "out",
        "USD",
        "p50, p95",
        "scores",
        title="\nAnswers that stand",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for one in found:
        share = one.cache_hit_share
        table.add_row(
            one.prompt,
            one.outcome or "–",
            *(f"{count:,}" for count in (one.asked, one.reused, one.ok, one.refused, one.failed)),
            f"{one.input_tokens + one.cache_write_tokens + one.cache_read_tokens:,}",
            "–" if share is None else f"{share:.0%}",
            f"{one.output_tokens:,}",
            shown_figure(one.cost_usd),
            _seconds(one.latency_p50_ms, one.latency_p95_ms),
            _spread(one.scores),
        )
    OUT.print(table)


def _seconds(*latencies_ms: float | None) -> str:
    return (
        "–" if None in latencies_ms else ", ".join(f"{ms / 1000:.2f}" for ms in latencies_ms if ms is not None) + " s"
    )


def _spread(scores: Sequence[int]) -> str:
    """How often each whole score was given, as a row of bars between the lowest and the highest."""
    if not scores:
        return "–"
    counts = Counter(scores)
    most = max(counts.values())
    bars = "".join(_BARS[-(-counts[score] * (len(_BARS) - 1) // most)] for score in range(scores[0], scores[-1] + 1))
    return f"{scores[0]} {bars} {scores[-1]}"


@click.command()
@click.argument("prompt", type=PROMPT_NAME)
@click.option("--from", "before", metavar="HASH", help="The earlier version: beginning of its prompt hash, or number.")
@click.option("--to", "after", metavar="HASH", help="The later version; by default the one that stands.")
@click.option("--movers", "count", default=10, show_default=True, help="How many of the largest movers to show.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with every document.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where a score moved, came or went.")
def diff(*, prompt: str, before: str | None, after: str | None, count: int, as_json: bool, exit_code: bool) -> None:
    """Say what moved between two versions of a prompt's answers."""
    from exposure_dagster.pipeline.history import compare

    comparison = compare(load_settings().warehouse, prompt, before=before, after=after)
    if as_json:
        print_json(
            {
                "prompt": prompt,
                "before": asdict(comparison.before),
                "after": asdict(comparison.after),
                "summary": asdict(comparison.summary),
                "changes": comparison.changes.to_dict("records"),
            }
        )
    else:
        _print_comparison(prompt, comparison, count)
    if exit_code and (comparison.changes["change"] != "same").any():
        sys.exit(1)


def _print_comparison(prompt: str, comparison: Comparison, count: int) -> None:
    from exposure_dagster.pipeline.history import movers, summary_table

    OUT.print(f"{prompt}: {comparison.before} → {comparison.after}\n", markup=False)
    figures = Table("figure", "value", box=None, pad_edge=False, show_header=False)
    for name, value in summary_table(comparison).itertuples(index=False, name=None):
        figures.add_row(name, value)
    OUT.print(figures)
    OUT.print()
    for row in movers(comparison, count).to_dict("records"):
        OUT.print(f"{row['title']}: {_score(row['score_before'])} → {_score(row['score_after'])}", markup=False)
        for when in ("before", "after"):
            if isinstance(row[f"rationale_{when}"], str):
                OUT.print(f"  {when}: {row[f'rationale_{when}']}", markup=False, style="dim")


def _why(standing: PromptStanding) -> str:
    parts = list(standing.reasons)
    if standing.is_ranked_otherwise:
        parts.append("to be ranked anew")
    if not standing.is_enabled:
        parts.append("not enabled")
    return ", ".join(parts)


def _score(value: float) -> str:
    return "–" if math.isnan(value) else f"{round(value, 2):g}"
