"""`exposure reliability`."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from exposure_dagster.cli.completion import PROMPT_NAME
from exposure_dagster.cli.terminal import OUT, print_json
from exposure_dagster.core.columns import plain
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.ranking.how_sure import how_sure
from exposure_dagster.reliability.uncertainty import ERROR_CORRELATIONS, effective_number, interval90
from exposure_dagster.settings import load_settings
from exposure_dagster.store.warehouse import Warehouse

SHOWN = 5
"""The least sure documents that are shown."""

_SCORES = """
    SELECT r.doc_id, title, score, scorer, r.rank, jobs, method, answers, se, lo90, hi90, rank_lo90, rank_hi90, p_tier
    FROM ranked.rankings r LEFT JOIN ranked.uncertainty u USING (prompt, doc_id)
    WHERE prompt = ? AND score IS NOT NULL ORDER BY se DESC NULLS LAST, r.rank, r.doc_id
"""

Row = dict[str, Any]


@click.command()
@click.argument("prompt", type=PROMPT_NAME)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with every document.")
def reliability(prompt: str, as_json: bool) -> None:
    """Say how sure the scores of PROMPT are.

    How well repeated answers agree (intraclass correlations, Krippendorff's alpha), whether a document's place in its
    request moves its answer, which documents are the least sure, and how far the mean over all jobs may be off.
    """
    warehouse = load_settings().warehouse
    scores = warehouse.read(_SCORES, [prompt]) if warehouse.exists else None
    if scores is None or scores.empty:
        raise _nothing(warehouse, prompt)
    notes = how_sure(scores)
    documents = _plain(scores.to_dict("records"))
    statistics = _rows(warehouse, "reliability", prompt, "attribute, facet, statistic")
    whole = next(iter(_rows(warehouse, "summaries", prompt, "group_order", "AND grouping = 'all'")), None)
    thresholds = _rows(warehouse, "summaries", prompt, "group_order", "AND grouping = 'score_threshold'")
    mean = None if whole is None else _mean(whole, effective_number(scores["jobs"].astype("float64")))
    shares = [
        {name: row[name] for name in ("group_label", "expected_share", "share_lo", "share_hi")} for row in thresholds
    ]
    if as_json:
        found = {
            "prompt": prompt,
            "notes": notes,
            "reliability": statistics,
            "job_weighted_mean": mean,
            "expected_shares": shares,
            "documents": documents,
        }
        print_json(found)
        return
    for note in notes:
        OUT.print(note, markup=False)
    _print_statistics(statistics)
    if mean is not None:
        _print_mean(mean, shares, len(documents))
    else:
        OUT.print("\nThere is no job-weighted mean: the jobs of these documents are not known.", markup=False)
    _print_least_sure(documents)


def _rows(warehouse: Warehouse, table: str, prompt: str, order: str, condition: str = "") -> list[Row]:
    found = warehouse.read(f"SELECT * FROM ranked.{table} WHERE prompt = ? {condition} ORDER BY {order}", [prompt])
    return _plain(found.to_dict("records"))


def _plain(rows: list[dict[Any, Any]]) -> list[Row]:
    return [{str(name): plain(value) for name, value in row.items()} for row in rows]


def _nothing(warehouse: Warehouse, prompt: str) -> WarehouseError:
    known = warehouse.rows("SELECT DISTINCT prompt FROM ranked.rankings ORDER BY 1") if warehouse.exists else []
    names = ", ".join(name for (name,) in known)
    return WarehouseError(
        f"nothing is scored of prompt {prompt}",
        where=warehouse.place,
        remedy=f"There are the prompts {names}." if names else "Score one first: `exposure run`.",
    )


def _mean(whole: Row, effective: float | None) -> Row | None:
    """The job-weighted mean with its interval by how far errors within a SOC major group go together."""
    mean = whole["job_weighted_mean"]
    if mean is None:
        return None
    errors = (whole["se_independent"], whole["se"], whole["se_correlated"])
    intervals = []
    for correlation, error in zip(ERROR_CORRELATIONS, errors, strict=True):
        low, high = (None, None) if error is None else map(float, interval90(mean, error))
        intervals.append({"correlation": correlation, "se": error, "lo90": plain(low), "hi90": plain(high)})
    return {"value": mean, "effective_number": plain(effective), "intervals": intervals}


def _print_statistics(statistics: list[Row]) -> None:
    if not statistics:
        OUT.print(
            "\nHow well repeated answers agree is not known: nothing was answered twice, by samples or by models.",
            markup=False,
        )
        return
    table = Table(box=None, pad_edge=False)
    for name in ("attribute", "varied", "statistic"):
        table.add_column(name, no_wrap=True)
    for name in ("n", "k", "value", "95 %"):
        table.add_column(name, justify="right")
    for row in statistics:
        table.add_row(
            *(row[name] for name in ("attribute", "facet", "statistic")),
            f"{row['n']:,}",
            f"{row['k']:g}",
            f"{row['value']:.2f}",
            _range(row["lo"], row["hi"]),
        )
    OUT.print()
    OUT.print(table)
    for row in statistics:
        if row["facet"] == "position":
            OUT.print(_position(row), markup=False)


def _position(row: Row) -> str:
    where = f"From the first place in a request to the last, {row['attribute']} moves by {row['value']:+.2f}"
    if row["lo"] is None:
        return f"{where}; its interval is not known."
    is_sure = row["lo"] > 0 or row["hi"] < 0
    return f"{where}, {'and that is more than chance' if is_sure else 'which may be chance'}."


def _print_mean(mean: Row, shares: list[Row], documents: int) -> None:
    OUT.print(f"\nJob-weighted mean: {mean['value']:.2f}", markup=False)
    if mean["intervals"][0]["se"] is None:
        OUT.print("  It has no interval, since not every score that counts has one.", markup=False)
    else:
        for one in mean["intervals"]:
            OUT.print(
                f"  {one['lo90']:.2f} to {one['hi90']:.2f} (90 %) if errors within a SOC major group go together "
                f"by {one['correlation']:g}",
                markup=False,
            )
        OUT.print("  How far they do nobody knows: hence all three.", markup=False)
    if mean["effective_number"] is not None:
        OUT.print(
            f"  By their jobs {documents:,} documents count as {mean['effective_number']:,.0f} equal ones.",
            markup=False,
        )
    for row in shares:
        if row["expected_share"] is not None:
            OUT.print(
                f"Jobs at {row['group_label']}: {row['expected_share']:.1%} expected "
                f"({row['share_lo']:.1%} to {row['share_hi']:.1%})",
                markup=False,
            )


def _print_least_sure(documents: list[Row]) -> None:
    unsure = [row for row in documents if row["se"] is not None][:SHOWN]
    if not unsure:
        return
    if len({row["se"] for row in documents}) == 1:
        OUT.print("\nEvery score is as sure as the others; of these the tier is the least sure:", markup=False)
        unsure = sorted(documents, key=lambda row: (row["p_tier"], row["rank"] or 0))[:SHOWN]
    else:
        OUT.print("\nLeast sure:", markup=False)
    for row in unsure:
        ranks = "" if row["rank_lo90"] is None else f", rank {row['rank_lo90']:,} to {row['rank_hi90']:,}"
        tier = "" if row["p_tier"] is None else f", keeps its tier in {row['p_tier']:.0%} of draws"
        OUT.print(
            f"  {row['title']}: {round(row['score'], 2):g} ({row['lo90']:.1f} to {row['hi90']:.1f}){ranks}{tier}",
            markup=False,
        )


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.2f} to {high:.2f}"
