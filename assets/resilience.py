"""ranked.* beyond one prompt's documents: resilience, tasks rolled up, occupations across the systems."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, multi_asset

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec, table_value
from exposure_dagster.core.checks import CheckOutcome, refuse_what_does_not_fit
from exposure_dagster.core.tables import Table
from exposure_dagster.pipeline import checks
from exposure_dagster.pipeline.occupations import join_occupations
from exposure_dagster.pipeline.ranked import RankReport
from exposure_dagster.pipeline.resilience import rank_by_formula
from exposure_dagster.pipeline.rollups import roll_up
from exposure_dagster.ranking import FORMULA_VERSION
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DOCUMENT_FACTS, OCCUPATIONS, RANKING_INPUTS, RANKINGS, RESILIENCE, TASK_ROLLUPS
from resources.warehouse import WarehouseResource

SHOWN = 15

_JOINED = (DOCUMENT_FACTS, RANKINGS, RESILIENCE, TASK_ROLLUPS)


@multi_asset(
    specs=[
        table_spec(RESILIENCE, deps=[key_of(RANKING_INPUTS)], kinds=("duckdb", "pandas"), code_version=FORMULA_VERSION)
    ],
    check_specs=check_specs(
        RESILIENCE,
        {"ranking_can_be_recomputed": "Every final_ranking follows from the row's own figures."},
    ),
    partitions_def=PROMPTS_PARTITIONS,
)
def resilience(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Rank the prompt's occupations by its resilience formula, where it declares one."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = rank_by_formula(store, name)
        columns = ["rank", "title", "ai_proof_score", "final_ranking", "growth_category", "openings", "key_drivers"]
        with store.snapshot() as now:
            result = _ranked(now, RESILIENCE, name, report, columns, checks.ranking_can_be_recomputed(now, name))
        yield result


@multi_asset(
    specs=[
        table_spec(
            TASK_ROLLUPS,
            deps=[key_of(RANKING_INPUTS), key_of(RANKINGS)],
            kinds=("duckdb", "pandas"),
            code_version=FORMULA_VERSION,
        )
    ],
    check_specs=check_specs(TASK_ROLLUPS, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def task_rollups(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Roll scores of tasks up to occupations, where the prompt says by which weights."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = roll_up(store, name)
        yield _ranked(store, TASK_ROLLUPS, name, report, ["rank", "title", "score", "tasks", "scored_tasks"])


@multi_asset(
    specs=[
        table_spec(
            OCCUPATIONS,
            deps=[key_of(table) for table in _JOINED],
            code_version=FORMULA_VERSION,
        )
    ],
    check_specs=check_specs(
        OCCUPATIONS, {"no_job_is_counted_twice": "The shares of a page's O*NET codes add up to its own jobs."}
    ),
)
def occupations(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Join each handbook page with its O*NET codes, and what every ranked prompt says of it."""
    with readable_errors(), warehouse.held() as store:
        with store.connect(read_only=True) as connection:
            refuse_what_does_not_fit(connection, _JOINED)
        report = join_occupations(store)
        with store.snapshot() as now:
            result = table_result(
                now,
                OCCUPATIONS,
                data_version=report.digest,
                outcomes=[checks.no_job_is_counted_twice(now)],
            )
        yield result


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
