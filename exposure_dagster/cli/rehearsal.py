"""`exposure run --limit N`: a rehearsal on a few documents, printed and not kept."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from exposure_dagster.cli.money import print_estimates
from exposure_dagster.cli.terminal import ERR, OUT, PROGRESS
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.rehearsal import RUN_PREFIX, Rehearsal, estimate_rehearsal, rehearse
from exposure_dagster.pipeline.scores import ModelMeans
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.publishing.content import BASELINE_NOTE
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse


def run_rehearsals(
    warehouse: Warehouse,
    prompts: Sequence[Prompt],
    limit: int,
    *,
    choice: ScorerChoice,
    means: ModelMeans,
    is_confirmed: bool,
) -> None:
    """Rehearse each prompt on `limit` documents, and print what came of it.

    Raises ScoringError where the rehearsal of a prompt brought no answer.
    """
    if choice.name is not ScorerName.BASELINE and not is_confirmed and sys.stdin.isatty() and ERR.is_terminal:
        print_estimates([one for prompt in prompts for one in estimate_rehearsal(warehouse, prompt, limit, means)])
        click.confirm("Ask the model?", abort=True, err=True)
    unanswered: list[str] = []
    for prompt in prompts:
        rehearsal = rehearse(
            warehouse,
            prompt,
            limit,
            choice=choice,
            means=means,
            run_id=f"{RUN_PREFIX}{uuid.uuid4()}",
            progress=PROGRESS.make(lambda line: ERR.print(line, markup=False)),
        )
        _print(rehearsal)
        if not (rehearsal.rows["status"] == "ok").any():
            unanswered.append(prompt.name)
    if choice.name is ScorerName.BASELINE:
        OUT.print(BASELINE_NOTE, style="yellow", markup=False, soft_wrap=True)
    if unanswered:
        raise ScoringError("not one document was answered", where=", ".join(unanswered))


def _print(rehearsal: Rehearsal) -> None:
    rows = rehearsal.rows
    has_final = bool(rows["final_ranking"].notna().any())
    title = f"Rehearsal of {rehearsal.prompt}: {len(rows)} of {rehearsal.documents:,} documents"
    final = ["final"] if has_final else []
    table = Table("id", "score", *final, "title", title=title, title_justify="left", box=None)
    records = rows.to_dict("records")
    for row in records:
        figures = [_figure(row[name]) for name in ("score", "final_ranking")[: 1 + has_final]]
        table.add_row(escape(row["doc_id"]), *figures, escape(row["title"]))
    OUT.print(table)
    for row in records:
        said = row["rationale"] if row["status"] == "ok" else f"{row['status']}: {row['error']}"
        OUT.print(f"\n{row['title']}: {said}", markup=False, soft_wrap=True)
    OUT.print(f"\n{_closing(rehearsal)}\n", markup=False, soft_wrap=True)


def _closing(rehearsal: Rehearsal) -> str:
    nothing = "A rehearsal: scores, rankings and published files stand as they did."
    if rehearsal.scorer is ScorerName.BASELINE:
        return nothing
    whole = rehearsal.cost_usd / max(len(rehearsal.rows), 1) * rehearsal.documents
    at_this_rate = f", and all {rehearsal.documents:,} at this rate ${whole:,.2f}" if rehearsal.cost_usd else ""
    return (
        f"{nothing} It cost ${rehearsal.cost_usd:,.4f}{at_this_rate}; the answers are in the ledger, and a full run "
        "does not ask for them again."
    )


def _figure(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.3g}"
