"""The ledger's tables and those of versions: written by the steps `prompts` and `scores` beside their own."""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetExecutionContext,
    AssetMaterialization,
    DataVersion,
    MaterializeResult,
)

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_result, check_specs, key_of, table_spec
from exposure_dagster.core.tables import Table
from exposure_dagster.pipeline.ledger_tables import rows_of, written_tables
from exposure_dagster.scoring.ledger_checks import PROMISES
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import (
    BATCHES,
    CORRECTIONS,
    INPUTS,
    PROMPT_VERSIONS,
    PROMPTS,
    RESPONSES,
    RUNS,
    SCORE_VERSIONS,
    SCORES,
    VARIANTS,
)

WRITTEN_BY_SCORES = {RESPONSES: INPUTS, BATCHES: INPUTS, RUNS: INPUTS, SCORE_VERSIONS: SCORES, VARIANTS: INPUTS}
"""Each with what it is made from."""

LEDGER_OUTPUTS = [table_spec(table, deps=[key_of(one)], skippable=True) for table, one in WRITTEN_BY_SCORES.items()]
"""Outputs of the step `scores`, by prompt."""

LEDGER_CHECKS = [
    spec
    for table in WRITTEN_BY_SCORES
    for spec in check_specs(
        table, {name: f"{said.capitalize()}." for name, of, said, _ in PROMISES if f"scored.{of}" == table.full_name}
    )
]

LEDGER_SPECS = [
    table_spec(PROMPT_VERSIONS, deps=[key_of(PROMPTS)], partitions_def=PROMPTS_PARTITIONS),
    table_spec(CORRECTIONS, deps=[key_of(RESPONSES)]),
]
"""Assets of no step of their own; the steps that write them enter their materializations."""


def report_written(context: AssetExecutionContext, warehouse: Warehouse, table: Table) -> None:
    """Enter the materialization of a table that is no output of the step, by the step's prompt where it has prompts."""
    rows: dict[str, Any] = {"dagster/row_count": rows_of(warehouse, table)}
    prompt = context.partition_key if "prompt" in table.column_names else None
    if prompt is not None:
        rows["dagster/partition_row_count"] = rows_of(warehouse, table, prompt=prompt)
    version = f"{rows.get('dagster/partition_row_count', rows['dagster/row_count'])} rows"  # they are only added
    context.log_event(
        AssetMaterialization(key_of(table), partition=prompt, metadata=rows, tags={"dagster/data_version": version})
    )


def ledger_results(
    context: AssetExecutionContext, warehouse: Warehouse
) -> Iterator[MaterializeResult[Any] | AssetCheckResult]:
    """What the step `scores` reports of the tables that it writes beside its own, as far as they, or checks of them
    alone, were selected."""
    for written in written_tables(warehouse, list(WRITTEN_BY_SCORES), context.partition_key):
        key = key_of(written.table)
        results = [
            check_result(written.table, outcome)
            for outcome in written.outcomes
            if AssetCheckKey(key, outcome.name) in context.selected_asset_check_keys
        ]
        if key in context.selected_asset_keys:
            yield MaterializeResult(
                asset_key=key,
                data_version=DataVersion(written.digest),
                metadata={"dagster/row_count": written.rows, "dagster/partition_row_count": written.rows_of_prompt},
                check_results=results,
            )
        else:
            yield from results


def report_ledger(context: AssetExecutionContext, warehouse: Warehouse, *, has_failed: bool = False) -> None:
    """Enter the materializations that no output of the step stands for: of tables that were not selected, and where it
    failed, of all; what was answered before is kept."""
    for table in WRITTEN_BY_SCORES:
        if has_failed or key_of(table) not in context.selected_asset_keys:
            report_written(context, warehouse, table)
    report_written(context, warehouse, CORRECTIONS)
