"""Published indices: as they are read, what they say of each document, and how far scores agree with them."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, multi_asset

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec, table_value
from exposure_dagster.indices.tables import INDEX_VALUES, INDICES
from exposure_dagster.pipeline import indices as stage
from exposure_dagster.pipeline.agreement import measure_agreement
from exposure_dagster.ranking import FORMULA_VERSION
from exposure_dagster.tables import (
    AGREEMENT,
    DISAGREEMENTS,
    DOCUMENT_FACTS,
    RANKING_INPUTS,
    RANKINGS,
    TASK_ROLLUPS,
)
from resources.indices import IndicesResource
from resources.warehouse import WarehouseResource


@multi_asset(specs=[table_spec(INDICES, kinds=("duckdb", "csv"))], check_specs=check_specs(INDICES, {}))
def raw_indices(warehouse: WarehouseResource, index_files: IndicesResource) -> Iterator[MaterializeResult[Any]]:
    """Read the indices that EXPOSURE_INDICES names."""
    with readable_errors(), warehouse.held() as store:
        report = stage.refresh_indices(store, index_files.named())
        with store.snapshot() as now:
            result = table_result(now, INDICES, data_version=report.digest)
        yield result


@multi_asset(
    specs=[table_spec(INDEX_VALUES, deps=[key_of(INDICES), key_of(DOCUMENT_FACTS)])],
    check_specs=check_specs(
        INDEX_VALUES,
        {
            "own_indices_speak_of_documents": "Names an index of your own that speaks of no document, as a warning, "
            "and of every index the codes that no document has."
        },
    ),
)
def index_values(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Say of every document what each index says of its codes."""
    with readable_errors(), warehouse.held() as store:
        report = stage.map_indices(store)
        with store.snapshot() as now:
            result = table_result(now, INDEX_VALUES, data_version=report.digest, outcomes=report.outcomes)
        yield result


@multi_asset(
    specs=[
        table_spec(
            table,
            deps=[key_of(one) for one in (RANKING_INPUTS, RANKINGS, TASK_ROLLUPS)],
            kinds=("duckdb", "pandas"),
            code_version=FORMULA_VERSION,
        )
        for table in (AGREEMENT, DISAGREEMENTS)
    ],
    check_specs=[spec for table in (AGREEMENT, DISAGREEMENTS) for spec in check_specs(table, {})],
    partitions_def=PROMPTS_PARTITIONS,
)
def agreement(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Hold the prompt's scores against every index that speaks of its documents."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = measure_agreement(store, name)
        shown: dict[str, Any] = {"compared": "no index speaks of its documents"}
        if len(report.rows):
            columns = ["reference", "subset", "n", "coverage", "spearman", "lo", "hi", "expected_low", "expected_high"]
            shown = {"agreement": table_value(report.rows[columns])}
        with store.snapshot() as now:
            results = [
                table_result(now, table, data_version=report.digest, partition={"prompt": name}, metadata=shown)
                for table in (AGREEMENT, DISAGREEMENTS)
            ]
        yield from results
