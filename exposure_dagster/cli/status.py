"""`exposure status` and `exposure diff`."""

from __future__ import annotations

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from exposure_dagster.cli.terminal import OUT
from exposure_dagster.prompts.files import load_folder
from exposure_dagster.scoring.prices import load_prices
from exposure_dagster.settings import load_settings
from exposure_dagster.stages.history import compare, movers, summary_table
from exposure_dagster.stages.scored import ScorerChoice
from exposure_dagster.stages.standing import PromptStanding, State, standings
from exposure_dagster.warehouse import Warehouse

_COLOURS = {
    State.FRESH: "green",
    State.STALE: "yellow",
    State.MISSING: "yellow",
    State.INCOMPLETE: "yellow",
    State.BROKEN: "red",
}


@click.command()
def status() -> None:
    """Say which prompts are stale or broken, and why.

    Fresh, stale, missing, incomplete or broken, with the number of requests that a run would send.
    """
    settings = load_settings()
    folder = load_folder(
        settings.prompts, known_corpora=settings.known_corpora, known_models=sorted(load_prices(settings.prices))
    )
    choice = ScorerChoice(settings.scorer_in_force, settings.scorer is not None)
    table = Table("prompt", "state", "why", "documents", "requests", box=None, pad_edge=False)
    for standing in standings(Warehouse(settings.warehouse_file), folder, choice):
        table.add_row(
            standing.prompt,
            f"[{_COLOURS[standing.state]}]{standing.state.value}[/]",
            escape(_why(standing)),
            f"{standing.documents:,}",
            f"{standing.requests:,}",
        )
    OUT.print(table)


@click.command()
@click.argument("prompt")
@click.option("--from", "before", metavar="HASH", help="The earlier version: beginning of its prompt hash, or number.")
@click.option("--to", "after", metavar="HASH", help="The later version; by default the one that stands.")
@click.option("--movers", "count", default=10, show_default=True, help="How many of the largest movers to show.")
def diff(prompt: str, before: str | None, after: str | None, count: int) -> None:
    """Say what moved between two versions of a prompt's answers."""
    comparison = compare(Warehouse(load_settings().warehouse_file), prompt, before=before, after=after)
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
    return "–" if pd.isna(value) else f"{value:g}"
