"""ranked.* beyond one prompt's documents: resilience, tasks rolled up, occupations across the systems."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, multi_asset

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec, table_value
from exposure_dagster import onet_checks
from exposure_dagster.checks import CheckOutcome, refuse_what_does_not_fit
from exposure_dagster.stages import resilience as stage
from exposure_dagster.stages.ranked import RankReport
from exposure_dagster.tables import (
    OCCUPATIONS,
    OOH_OCCUPATIONS,
    RANKING_INPUTS,
    RANKINGS,
    RESILIENCE,
    SOC_CROSSWALK,
    TASK_ROLLUPS,
    Table,
)
from exposure_dagster.warehouse import Warehouse
from resources.warehouse import WarehouseResource

SHOWN = 15

_JOINED = (OOH_OCCUPATIONS, SOC_CROSSWALK, RANKINGS, RESILIENCE)


@multi_asset(
    specs=[table_spec(RESILIENCE, deps=[key_of(RANKING_INPUTS)], kinds=("duckdb", "pandas"))],
    check_specs=check_specs(
        RESILIENCE,
        {"ranking_can_be_recomputed": "Every final_ranking follows from the row's own figures."},
    ),
    partitions_def=PROMPTS_PARTITIONS,
)
def resilience(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Rank the prompt's occupations by its resilience formula, where it declares one."""
    name = context.partition_key
    with readable_errors():
        store = warehouse.open()
        report = stage.rank_by_formula(store, name)
        columns = ["rank", "title", "ai_proof_score", "final_ranking", "growth_category", "openings", "key_drivers"]
        yield _ranked(store, RESILIENCE, name, report, columns, onet_checks.ranking_can_be_recomputed(store, name))


@multi_asset(
    specs=[table_spec(TASK_ROLLUPS, deps=[key_of(RANKING_INPUTS), key_of(RANKINGS)], kinds=("duckdb", "pandas"))],
    check_specs=check_specs(TASK_ROLLUPS, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def task_rollups(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Roll scores of tasks up to occupations, where the prompt says by which weights."""
    name = context.partition_key
    with readable_errors():
        store = warehouse.open()
        report = stage.roll_up(store, name)
        yield _ranked(store, TASK_ROLLUPS, name, report, ["rank", "title", "score", "tasks", "scored_tasks"])


@multi_asset(
    specs=[
        table_spec(
            OCCUPATIONS,
            deps=[key_of(table) for table in _JOINED],
        )
    ],
    check_specs=check_specs(
        OCCUPATIONS, {"no_job_is_counted_twice": "The shares of a page's O*NET codes add up to its own jobs."}
    ),
)
def occupations(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Join each handbook page with its O*NET codes, its exposure and its resilience."""
    with readable_errors():
        store = warehouse.open()
        with store.connect(read_only=True) as connection:
            refuse_what_does_not_fit(connection, _JOINED)
        report = stage.join_occupations(store)
        yield table_result(
            store,
            OCCUPATIONS,
            data_version=report.digest,
            outcomes=[onet_checks.no_job_is_counted_twice(store)],
        )


def _ranked(
    store: Warehouse,
    table: Table,
    prompt: str,
    report: RankReport | None,
    columns: list[str],
    *outcomes: CheckOutcome,
) -> MaterializeResult[Any]:
    shown: dict[str, Any] = {"formula": "the prompt declares none"}
    if report is not None:
        shown = {"highest": table_value(report.rows[columns].head(SHOWN))}
    return table_result(
        store,
        table,
        data_version="none" if report is None else report.digest,
        partition={"prompt": prompt},
        metadata=shown,
        outcomes=outcomes,
    )
