"""ranked.*: answers, ranked and summed up. Changing how costs no request."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, multi_asset

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec, table_value
from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.gates import CHECKS
from exposure_dagster.indices.tables import INDEX_VALUES
from exposure_dagster.pipeline import checks, history, ranked
from exposure_dagster.pipeline.gate import look_at_scores, outcomes
from exposure_dagster.pipeline.ranking_inputs import collect_ranking_inputs
from exposure_dagster.ranking import FORMULA_VERSION
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DEFINITIONS,
    DOCUMENT_FACTS,
    GATE,
    RANKING_INPUTS,
    RANKINGS,
    RELIABILITY,
    SCORES,
    SUMMARIES,
    UNCERTAINTY,
)
from resources.pages import PromptsResource
from resources.warehouse import PublishedFolderResource, WarehouseResource

HIGHEST = 15
MOVERS = 15


@multi_asset(
    specs=[table_spec(DEFINITIONS, kinds=("duckdb", "markdown"))],
    check_specs=check_specs(DEFINITIONS, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def definitions(
    context: AssetExecutionContext, warehouse: WarehouseResource, prompt_files: PromptsResource
) -> Iterator[MaterializeResult[Any]]:
    """Read from the prompt file how its answers are ranked."""
    with readable_errors(), warehouse.held() as store:
        prompt = prompt_files.load_one(context.partition_key)
        ranking_hash = ranked.record_definition(store, prompt)
        yield table_result(store, DEFINITIONS, data_version=ranking_hash, partition={"prompt": context.partition_key})


@multi_asset(
    specs=[
        table_spec(
            RANKING_INPUTS,
            deps=[key_of(table) for table in (SCORES, DEFINITIONS, DOCUMENT_FACTS, INDEX_VALUES)],
            code_version=FORMULA_VERSION,
        )
    ],
    check_specs=check_specs(RANKING_INPUTS, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def ranking_inputs(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Take the digest of what the prompt's rankings are made from: all that follows hangs on it alone.

    So a change of figures that no other prompt is ranked by makes no other prompt's rankings stale.
    """
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        digest = collect_ranking_inputs(store, name)
        yield table_result(store, RANKING_INPUTS, data_version=digest, partition={"prompt": name})


@multi_asset(
    specs=[
        table_spec(RANKINGS, deps=[key_of(RANKING_INPUTS)], kinds=("duckdb", "pandas"), code_version=FORMULA_VERSION)
    ],
    check_specs=check_specs(
        RANKINGS,
        {
            "every_score_is_ranked": "No standing row is lost on the way.",
            "scores_lie_on_the_scale": "Scores, percentiles, ranks and tiers are in range.",
        },
    ),
    partitions_def=PROMPTS_PARTITIONS,
)
def rankings(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Rank the prompt's documents."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = ranked.rank_prompt(store, name)
        top = report.rows[["rank", "title", "score", "tier", "jobs", "rationale", "url", "prompt_hash"]].head(HIGHEST)
        with store.snapshot() as now:
            result = table_result(
                now,
                RANKINGS,
                data_version=report.digest,
                partition={"prompt": name},
                metadata={"highest": table_value(top)},
                outcomes=checks.rankings(now, name),
            )
        yield result


@multi_asset(
    specs=[table_spec(UNCERTAINTY, deps=[key_of(RANKINGS)], kinds=("duckdb", "pandas"), code_version=FORMULA_VERSION)],
    check_specs=check_specs(UNCERTAINTY, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def uncertainty(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Say how sure each score is: by its samples, its models, or the examples that the baseline left out."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = ranked.tell_uncertainty(store, name)
        least_sure = report.rows.sort_values("se", ascending=False)[["doc_id", "mean", "lo90", "hi90", "method"]]
        yield table_result(
            store,
            UNCERTAINTY,
            data_version=report.digest,
            partition={"prompt": name},
            metadata={"least sure": table_value(least_sure.head(HIGHEST))},
        )


@multi_asset(
    specs=[table_spec(RELIABILITY, deps=[key_of(RANKINGS)], kinds=("duckdb", "pandas"), code_version=FORMULA_VERSION)],
    check_specs=check_specs(RELIABILITY, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def reliability(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Measure how well samples and models agree, and whether the place in a request matters."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = ranked.tell_reliability(store, name)
        yield table_result(
            store,
            RELIABILITY,
            data_version=report.digest,
            partition={"prompt": name},
            metadata={"agreement": table_value(report.rows.drop(columns="prompt"))},
        )


@multi_asset(
    specs=[
        table_spec(
            SUMMARIES,
            deps=[key_of(RANKINGS), key_of(UNCERTAINTY)],
            kinds=("duckdb", "pandas"),
            code_version=FORMULA_VERSION,
        )
    ],
    check_specs=check_specs(SUMMARIES, {"groups_add_up": "Every grouping counts each document once."}),
    partitions_def=PROMPTS_PARTITIONS,
)
def summaries(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Sum up jobs, wages and mean scores by group."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = ranked.summarize_prompt(store, name)
        shown = report.rows[["grouping", "group_label", "occupations", "jobs", "mean_score", "job_weighted_mean"]]
        with store.snapshot() as now:
            result = table_result(
                now,
                SUMMARIES,
                data_version=report.digest,
                partition={"prompt": name},
                metadata={"by group": table_value(shown)},
                outcomes=[checks.groups_add_up(now, name)],
            )
        yield result


@multi_asset(
    specs=[
        table_spec(CHANGES, deps=[key_of(RANKING_INPUTS)], kinds=("duckdb", "pandas"), code_version=FORMULA_VERSION)
    ],
    check_specs=check_specs(CHANGES, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def changes(context: AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Say what moved since the answers of another prompt version or model."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        comparison = history.record_changes(store, name)
        metadata: dict[str, Any] = {"compared": "there is no earlier version yet"}
        digest = "none"
        if comparison is not None:
            digest = frame_digest(comparison.changes)
            metadata = {
                "compared": f"{comparison.before} with {comparison.after}",
                "what moved": table_value(history.summary_table(comparison)),
                "largest movers": table_value(history.movers(comparison, MOVERS)),
            }
        yield table_result(store, CHANGES, data_version=digest, partition={"prompt": name}, metadata=metadata)


@multi_asset(
    specs=[
        table_spec(
            GATE,
            deps=[key_of(table) for table in (RANKINGS, UNCERTAINTY, RELIABILITY, CHANGES, AGREEMENT)],
            kinds=("duckdb", "pandas"),
            code_version=FORMULA_VERSION,
        )
    ],
    check_specs=check_specs(GATE, CHECKS),
    partitions_def=PROMPTS_PARTITIONS,
)
def gate(
    context: AssetExecutionContext, warehouse: WarehouseResource, published_folder: PublishedFolderResource
) -> Iterator[MaterializeResult[Any]]:
    """Look at the prompt's scores before they are published."""
    name = context.partition_key
    with readable_errors(), warehouse.held() as store:
        report = look_at_scores(store, name)
        with store.snapshot() as now:
            result = table_result(
                now,
                GATE,
                data_version=report.digest,
                partition={"prompt": name},
                metadata={"found": table_value(report.rows.drop(columns="prompt"))},
                outcomes=outcomes(now, published_folder.kept_back_by),
            )
        yield result
