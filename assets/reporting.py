"""What every asset reports in the same way: column schema, row count, preview, checks, errors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pandas as pd
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    AssetSpec,
    DataVersion,
    Failure,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableMetadataValue,
    TableRecord,
    TableSchema,
)

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.checks import BLOCKING, CheckOutcome, rows_fit_the_registry
from exposure_dagster.core.errors import ExposureError
from exposure_dagster.core.tables import WAREHOUSE_FILE, Table
from exposure_dagster.pipeline.lineage import LINEAGE, lineage_table
from exposure_dagster.store.warehouse import Warehouse

DATABASE = WAREHOUSE_FILE.removesuffix(".duckdb")
"""What DuckDB calls the warehouse, after its file: the first part of a table's full name."""

PREVIEW_ROWS = 8
CELL_LENGTH = 120
_HIDDEN = {"body", "text", "definition", "baseline_definition"}

SOURCES_ARE_FRESH = FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))
"""Sources are looked at weekly: a day late is a warning, a week skipped a failure."""

FILES_ARE_FRESH = FreshnessPolicy.time_window(warn_window=timedelta(days=40), fail_window=timedelta(days=70))
"""Published files follow the monthly rescoring."""


def key_of(table: Table) -> AssetKey:
    """The asset key of a table: [schema, name]."""
    return AssetKey([table.schema, table.name])


def table_spec(
    table: Table, *, deps: Sequence[AssetKey] = (), kinds: Sequence[str] = ("duckdb",), **more: Any
) -> AssetSpec:
    """The spec of an asset that is a table: all that the registry knows of it."""
    return AssetSpec(
        key_of(table),
        deps=list(deps),
        group_name=table.schema,
        description=f"{table.description}\n\n{table.rows_are}",
        kinds=set(kinds),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"{DATABASE}.{table.full_name}",
            **_lineage(table),
        },
        freshness_policy=SOURCES_ARE_FRESH if table.schema == "raw" else None,
        **more,
    )


def _lineage(table: Table) -> dict[str, Any]:
    if table.full_name not in LINEAGE:
        return {}
    return {
        "dagster/column_lineage": TableColumnLineage(
            {
                name: [
                    TableColumnDep(asset_key=AssetKey(origin.source.split(".")), column_name=origin.column)
                    for origin in origins
                    if origin.column is not None
                ]
                for name, origins in LINEAGE[table.full_name].items()
            }
        ),
        "where columns come from": MetadataValue.md(lineage_table(table.full_name)),
    }


def column_schema(table: Table) -> TableSchema:
    """The columns as Dagster shows them, units included."""
    return TableSchema(
        columns=[
            TableColumn(
                name=column.name,
                type=column.type,
                description=column.description + (f" Unit: {column.unit}." if column.unit else ""),
                constraints=TableColumnConstraints(nullable=column.is_nullable, unique=table.key == (column.name,)),
            )
            for column in table.columns
        ]
    )


def check_specs(table: Table, descriptions: Mapping[str, str]) -> list[AssetCheckSpec]:
    """The specs of a table's checks: the registry's own, and those that are described.

    Those in `BLOCKING` keep the steps below from running. Checks of a table whose asset has partitions are not declared
    a partition: with dynamic ones Dagster's page of checks ends in an error then (1.13.29). They look at every
    prompt's rows instead where one prompt's success must not hide what is wrong with another.
    """
    registry = {"rows_fit_the_registry": "The key tells rows apart, and required columns are filled."}
    return [
        AssetCheckSpec(name, asset=key_of(table), description=description, blocking=name in BLOCKING)
        for name, description in {**registry, **descriptions}.items()
    ]


def table_result(
    warehouse: Warehouse,
    table: Table,
    *,
    data_version: str,
    partition: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    outcomes: Sequence[CheckOutcome] = (),
) -> MaterializeResult[Any]:
    """What an asset reports of a table that it has just filled: of one partition's rows, where given."""
    condition = " AND ".join(f"{name} = ?" for name in partition) if partition else "true"
    values = list((partition or {}).values())
    shown = ", ".join(name for name in table.column_names if name not in _HIDDEN)
    with warehouse.snapshot() as now:
        ((rows,),) = now.rows(f"SELECT count(*) FROM {table.full_name} WHERE {condition}", values)
        preview = now.read(f"SELECT {shown} FROM {table.full_name} WHERE {condition} LIMIT {PREVIEW_ROWS}", values)
        check_results = table_checks(now, table, outcomes)
    return MaterializeResult(
        asset_key=key_of(table),
        data_version=DataVersion(data_version),
        metadata={
            "dagster/row_count" if partition is None else "dagster/partition_row_count": rows,
            "preview": table_value(preview),
            **_rounded(metadata or {}),
        },
        check_results=check_results,
    )


def table_checks(warehouse: Warehouse, table: Table, outcomes: Sequence[CheckOutcome]) -> list[AssetCheckResult]:
    """The outcome of the check that every table has, and these, as Dagster takes them."""
    with warehouse.connect(read_only=True) as connection:
        registry = rows_fit_the_registry(connection, table)
    return [check_result(table, outcome) for outcome in (registry, *outcomes)]


def check_result(table: Table, outcome: CheckOutcome) -> AssetCheckResult:
    """A check's outcome as Dagster takes it."""
    found = {} if outcome.found is None else {"found": table_value(outcome.found)}
    return AssetCheckResult(
        passed=outcome.passed,
        asset_key=key_of(table),
        check_name=outcome.name,
        description=outcome.description,
        severity=AssetCheckSeverity.ERROR if outcome.is_error else AssetCheckSeverity.WARN,
        metadata={**_rounded(outcome.figures), **found},
    )


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Without the digits that binary fractions add: 0.005677529999999999 is 0.005678."""
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


def table_value(frame: pd.DataFrame) -> TableMetadataValue:
    """A frame as a table that the UI shows: figures as figures, all else as text without anything that acts, cut."""
    columns = [TableColumn(str(name), _type_of(frame[name])) for name in frame.columns]
    records = [
        TableRecord({str(name): _cell(value) for name, value in row.items()}) for row in frame.to_dict("records")
    ]
    return MetadataValue.table(records, TableSchema(columns))


def _type_of(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    if pd.api.types.is_integer_dtype(column):
        return "int"
    return "float" if pd.api.types.is_float_dtype(column) else "string"


def histogram(scores: pd.Series, low: float, high: float) -> str:
    """How many scores fall to each whole number of the scale, as a Markdown table with bars."""
    counts = ((scores.dropna() + 0.5) // 1).astype(int).value_counts()
    longest = max(int(counts.max()) if len(counts) else 0, 1)
    lines = ["| score | documents | |", "|--:|--:|:--|"]
    for value in range(int(low), int(high) + 1):
        count = int(counts.get(value, 0))
        lines.append(f"| {value} | {count:,} | {'█' * round(30 * count / longest)} |")
    return "\n".join(lines)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Our errors as Dagster failures: the sentence in the description, no retry."""
    try:
        yield
    except ExposureError as error:
        raise Failure(str(error), allow_retries=False) from error


def _cell(value: Any) -> str | int | float | bool | None:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if pd.api.types.is_bool(value):
        return bool(value)
    if pd.api.types.is_integer(value):
        return int(value)
    if pd.api.types.is_float(value):
        return round(float(value), 6)
    text = harmless(str(value) if pd.api.types.is_scalar(value) else ", ".join(str(one) for one in value))
    return text if len(text) <= CELL_LENGTH else text[: CELL_LENGTH - 1] + "…"
