"""`exposure explain` and `exposure ledger`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd

from exposure_dagster.cli.completion import PROMPT_NAME
from exposure_dagster.cli.prompts import price_table
from exposure_dagster.cli.terminal import OUT, print_json, say
from exposure_dagster.pipeline.provenance import Provenance
from exposure_dagster.pipeline.provenance import explain as explain_score
from exposure_dagster.scoring.corrections import correct_cost
from exposure_dagster.scoring.mirror import copy_to_warehouse, open_ledger
from exposure_dagster.scoring.transfer import Moved, export_ledger, import_ledger
from exposure_dagster.settings import load_settings


@click.command()
@click.argument("prompt", type=PROMPT_NAME)
@click.argument("doc_id")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(prompt: str, doc_id: str, as_json: bool) -> None:
    """Show where a score comes from.

    The exact words that were sent, who answered, when, for how much, and about which page.
    """
    settings = load_settings()
    found = explain_score(settings.warehouse, prompt, doc_id, price_table(settings))
    if as_json:
        print_json(
            {
                "title": found.title,
                "score": found.score,
                "uncertainty": found.uncertainty,
                "page": found.page,
                "attempts": found.attempts,
                "system": found.asked.system,
                "document": found.message,
            }
        )
        return
    for name, value in _facts(found):
        if value is not None and value == value and str(value) != "NaT":  # noqa: PLR0124  NaN differs from itself
            say(f"{name + ':':<18}{value}")
    for attempt in found.attempts:
        tokens = sum(attempt[f"{kind}_tokens"] or 0 for kind in ("input", "cache_read", "cache_write"))
        error = f", {attempt['error']}" if attempt["error"] else ""
        say(
            f"attempt {attempt['attempt']}, sample {attempt['sample']}: {attempt['status']}"
            f"{' (stands)' if attempt['is_accepted'] else ''}, {attempt['created_at']:%Y-%m-%d %H:%M:%S} UTC, "
            f"request {attempt['request_id']}, {tokens:,} tokens read, {attempt['output_tokens'] or 0:,} written, "
            f"${attempt['cost_usd'] or 0:.6f}{error}"
        )
    if found.attempts:
        say(f"\n--- system\n\n{found.asked.system}\n\n--- document\n\n{found.message}")


@click.group()
def ledger() -> None:
    """Move the ledger of paid answers between machines, or correct what one cost."""


@ledger.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_command(folder: Path) -> None:
    """Write the ledger, with the prompts and texts it is about, into FOLDER as Parquet."""
    _print(export_ledger(load_settings().warehouse, folder), "written")


@ledger.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_command(folder: Path) -> None:
    """Add what FOLDER holds and the ledger does not; nothing is doubled."""
    _print(import_ledger(load_settings().warehouse, folder), "new")


@ledger.command("correct")
@click.argument("request")
@click.option("--cost-usd", type=float, required=True, help="What the request cost after all.")
@click.option("--reason", required=True, help="Where that figure is from; it stays in scored.corrections.")
def correct_command(request: str, cost_usd: float, reason: str) -> None:
    """Correct what REQUEST cost: the provider's id of it, or request_key:attempt.

    Budgets count the corrected figure; what stood before stays in scored.corrections.
    """
    warehouse = load_settings().warehouse
    ledger = open_ledger(warehouse)
    done = correct_cost(ledger, request, cost_usd=cost_usd, reason=reason)
    copy_to_warehouse(ledger, warehouse)
    before = "unknown" if done.before_usd is None else f"${done.before_usd:,.6f}"
    OUT.print(f"{done.rows} rows corrected: {before} before, ${done.after_usd:,.6f} now", markup=False)


def _print(moved: Sequence[Moved], word: str) -> None:
    for one in moved:
        OUT.print(f"{one.table}: {one.rows:,} rows, {one.new:,} {word}", markup=False)


def _interval(uncertainty: dict[str, Any] | None) -> str | None:
    if uncertainty is None or pd.isna(uncertainty["lo90"]):
        return None
    return f"{uncertainty['lo90']:.1f} to {uncertainty['hi90']:.1f}, by {uncertainty['method']}"


def _facts(found: Provenance) -> list[tuple[str, object]]:
    score = found.score
    page = found.page or {}
    return [
        ("prompt", score["prompt"]),
        ("document", f"{score['doc_id']} ({found.title})"),
        ("score", score["score"] if pd.notna(score["score"]) else score["attributes"]),
        ("90 % interval", _interval(found.uncertainty)),
        ("status", score["status"]),
        ("rationale", score["rationale"]),
        ("samples", score["samples"]),
        ("sd of samples", score["score_sd"]),
        ("scorer", score["scorer"]),
        ("model", score["model"]),
        ("scored at", score["scored_at"]),
        ("prompt hash", score["prompt_hash"]),
        ("text sha256", score["text_sha256"]),
        ("page", page.get("url")),
        ("page sha256", page.get("content_sha256")),
        ("page fetched at", page.get("fetched_at")),
        ("note", score["note"]),
        ("error", score["error"]),
    ]
