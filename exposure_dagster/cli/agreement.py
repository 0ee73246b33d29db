"""`exposure agreement`."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from exposure_dagster.cli.completion import PROMPT_NAME
from exposure_dagster.cli.terminal import OUT, print_json
from exposure_dagster.core.columns import plain
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.settings import load_settings
from exposure_dagster.store.warehouse import Warehouse

_FIGURES = (*("n", "coverage", "Spearman", "95 %", "expected", "tau-b", "top 10 %", "bottom 10 %", "MAE", "bias"),)

SHOWN = 5
"""Disagreements that are shown of a prompt with an index."""


@click.command()
@click.argument("prompt", required=False, type=PROMPT_NAME)
@click.option("--against", "index", metavar="INDEX", help="One index; by default every one that is set.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with all disagreements.")
def agreement(prompt: str | None, index: str | None, as_json: bool) -> None:
    """Say how far scores agree with published indices.

    EXPOSURE_INDICES names the indices; a run holds every prompt that it ranks against them. With PROMPT the widest
    disagreements are shown too. Agreement says that two scorers see the same order, and not that either is right.
    """
    warehouse = load_settings().warehouse
    rows = _rows(warehouse, "agreement", prompt, index, "prompt, reference, subset")
    if not rows:
        raise _nothing(warehouse, prompt, index)
    gaps = _rows(warehouse, "disagreements", prompt, index, "prompt, reference, subset, abs(gap) DESC, doc_id")
    if as_json:
        print_json({"agreement": rows, "disagreements": gaps})
        return
    _print_agreement(rows)
    if prompt is not None:
        for row in rows:
            _print_gaps(row, [gap for gap in gaps if _pair(gap) == _pair(row)][:SHOWN])


def _pair(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["prompt"], row["reference"], row["subset"]


def _rows(warehouse: Warehouse, table: str, prompt: str | None, index: str | None, order: str) -> list[dict[str, Any]]:
    if not warehouse.exists:
        return []
    found = warehouse.read(
        f"SELECT * FROM ranked.{table} WHERE prompt = coalesce(?, prompt) AND reference = coalesce(?, reference)"
        f" ORDER BY {order}",
        [prompt, index],
    )
    return [{str(name): plain(value) for name, value in row.items()} for row in found.to_dict("records")]


def _nothing(warehouse: Warehouse, prompt: str | None, index: str | None) -> WarehouseError:
    asked = [*([f"prompt {prompt}"] if prompt else []), *([f"index {index}"] if index else [])]
    known = _rows(warehouse, "agreement", None, None, "prompt, reference")
    if known:
        prompts, indices = (", ".join(sorted({row[name] for row in known})) for name in ("prompt", "reference"))
        remedy = f"There are the prompts {prompts}, and the indices {indices}."
        return WarehouseError(f"nothing is known of {' and '.join(asked)}", remedy=remedy)
    return WarehouseError(
        "no scores are held against an index yet",
        where=warehouse.place,
        remedy="Name indices in EXPOSURE_INDICES, as `bundled` or name=file.csv, and run (docs/agreement.md).",
    )


def _print_agreement(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("prompt", "index"):
        table.add_column(name, no_wrap=True)
    for name in _FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        is_whole = row["subset"] == "all"
        table.add_row(
            row["prompt"],
            row["reference"] if is_whole else f"{row['reference']} ({row['subset'].replace('_', ' ')})",
            f"{row['n']:,}",
            f"{row['coverage']:.0%}",
            _figure(row["spearman"]),
            _range(row["lo"], row["hi"]),
            _range(row["expected_low"], row["expected_high"]),
            *(_figure(row[name]) for name in ("kendall_b", "top_decile", "bottom_decile", "mae", "bias")),
        )
    OUT.print(table)


def _print_gaps(row: dict[str, Any], gaps: list[dict[str, Any]]) -> None:
    OUT.print(f"\n{row['prompt']} and {row['reference']}: widest gaps between places, of 100", markup=False)
    for gap in gaps:
        OUT.print(
            f"  {gap['title']}: {gap['percentile_ours']:.0f} by its score of {gap['score']:g}, "
            f"{gap['percentile_theirs']:.0f} by {gap['value']:g}",
            markup=False,
        )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.2f} … {high:.2f}"
