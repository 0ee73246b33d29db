"""scored.*: prompts, what they are asked about, and their answers. The only stage that spends."""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    Config,
    DagsterInstance,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    multi_asset,
)
from pydantic import Field

from assets.ledger import LEDGER_CHECKS, LEDGER_OUTPUTS, ledger_results, report_ledger, report_written
from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import (
    check_specs,
    histogram,
    key_of,
    readable_errors,
    table_checks,
    table_result,
    table_spec,
)
from exposure_dagster.core.checks import CheckOutcome
from exposure_dagster.core.errors import ExposureError
from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.pipeline import checks
from exposure_dagster.pipeline.inputs import collect_inputs
from exposure_dagster.pipeline.prompts import is_enabled, record_prompt
from exposure_dagster.pipeline.scores import ScoreReport, score_prompt
from exposure_dagster.pipeline.standing import standings
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DOCUMENTS, INPUTS, PROMPT_VERSIONS, PROMPTS, SCORES
from resources.pages import PromptsResource
from resources.progress import ProgressFactory
from resources.scorers import ScorerResource
from resources.warehouse import WarehouseResource

PROMPT_FILE_CHECK = "prompt_files_can_be_used"
ANSWERS_CHECK = "answers_are_current"


@multi_asset(
    specs=[table_spec(PROMPTS, kinds=("duckdb", "markdown"))],
    check_specs=check_specs(
        PROMPTS,
        {PROMPT_FILE_CHECK: "Names each prompt file that is broken, and what is wrong."},
    ),
    partitions_def=PROMPTS_PARTITIONS,
)
def prompts(
    context: AssetExecutionContext, warehouse: WarehouseResource, prompt_files: PromptsResource
) -> Iterator[MaterializeResult[Any]]:
    """Read the prompt file, and keep its version."""
    with readable_errors(), warehouse.held() as store:
        prompt = prompt_files.load_one(context.partition_key)
        record_prompt(store, prompt)
        yield table_result(
            store,
            PROMPTS,
            data_version=prompt.asked.prompt_hash,
            partition={"prompt": prompt.name},
            outcomes=[checks.prompt_files_can_be_used(prompt_files.load())],
            metadata={
                "prompt_hash": prompt.asked.prompt_hash,
                "model": prompt.asked.model_names,
                "as the model reads it": MetadataValue.md(f"```text\n{prompt.asked.system}\n```"),
            },
        )
        report_written(context, store, PROMPT_VERSIONS)


@multi_asset(
    specs=[table_spec(INPUTS, deps=[key_of(PROMPTS), key_of(DOCUMENTS)])],
    check_specs=check_specs(INPUTS, {}),
    partitions_def=PROMPTS_PARTITIONS,
)
def inputs(
    context: AssetExecutionContext, warehouse: WarehouseResource, scorer: ScorerResource
) -> Iterator[MaterializeResult[Any]]:
    """List the documents that the prompt is to be asked about."""
    with readable_errors(), warehouse.held() as store:
        report = collect_inputs(store, context.partition_key, scorer.choice)
        yield table_result(
            store,
            INPUTS,
            data_version=report.input_hash,
            partition={"prompt": context.partition_key},
            metadata={"documents": report.documents, "prompt_hash": report.prompt_hash},
        )


BACKFILL_TAG = "dagster/backfill"


class ScoresConfig(Config):
    """What a person may say of a run, or of all runs of a backfill. A rehearsal is a job of its own, `rehearse`."""

    named: list[str] = Field(
        default=[],
        description="Prompts that are asked in a backfill of several too, though their files say `enabled: false`.",
    )
    ask_again: bool = Field(
        default=False, description="Ask every question anew, on purpose, whatever the ledger holds. SPENDS."
    )
    distil: int = Field(
        default=0,
        ge=0,
        description="Ask a model about so many documents, chosen by jobs, and estimate the others from its answers; 0 "
        "asks about all. A run without it, a sensor's too, asks about the others.",
    )


@multi_asset(
    specs=[
        table_spec(SCORES, deps=[key_of(INPUTS)], kinds=("duckdb", "anthropic", "numpy"), skippable=True),
        *LEDGER_OUTPUTS,
    ],
    check_specs=[
        *check_specs(
            SCORES,
            {
                "every_document_is_accounted_for": "Each document to be asked about has a row, whatever became of it.",
                "every_document_has_an_answer": "Names the documents that were refused or failed, of every prompt.",
                ANSWERS_CHECK: "Names each prompt that answered what its file or its documents no longer say.",
                "the_copy_of_the_ledger_agrees": "scored.responses, .batches and .runs are what ledger.sqlite holds.",
            },
        ),
        *LEDGER_CHECKS,
    ],
    partitions_def=PROMPTS_PARTITIONS,
    pool="scoring",
    can_subset=True,  # else its checks have to have an outcome where nothing is asked
)
def scores(  # noqa: PLR0917 - Dagster hands it its resources by name
    context: AssetExecutionContext,
    config: ScoresConfig,
    warehouse: WarehouseResource,
    prompt_files: PromptsResource,
    scorer: ScorerResource,
    progress: ResourceParam[ProgressFactory],
) -> Iterator[MaterializeResult[Any] | AssetCheckResult]:
    """Ask for the answers that are wanted and not yet there; where the checks alone are selected, nothing.

    A prompt that is not enabled is asked where it is named: by its own partition, or in the configuration of the run.
    """
    name = context.partition_key
    with readable_errors():
        store = warehouse.open()
        if key_of(SCORES) not in context.selected_asset_keys:
            found = table_checks(store, SCORES, _outcomes(store, name, prompt_files, scorer))
            selected = {key.name for key in context.selected_asset_check_keys if key.asset_key == key_of(SCORES)}
            yield from (one for one in found if one.check_name in selected)
            yield from ledger_results(context, store)
            return
        is_one_of_many = _is_one_of_many(context.instance, context.run.tags.get(BACKFILL_TAG))
        if is_one_of_many and name not in config.named and not is_enabled(store, name):
            context.log.warning(
                f"{name} is left out: its file says `enabled: false`, and this run is one of a backfill of several "
                f"prompts. To ask it, choose its partition alone, or name it in the configuration: "
                f'{{"ops": {{"scores": {{"config": {{"named": ["{name}"]}}}}}}}}'
            )
            return
        try:
            report = score_prompt(
                store,
                name,
                choice=scorer.choice,
                means=scorer.means(ask_again=config.ask_again),
                run_id=context.run.run_id,
                distil=config.distil,
                progress=progress.make(context.log.info),
            )
        except ExposureError:
            report_ledger(context, store, has_failed=True)
            raise
        if report.note:
            context.log.warning(report.note)
        outcomes = _outcomes(store, name, prompt_files, scorer)
        with store.snapshot() as now:
            rows = now.read(
                "SELECT * EXCLUDE (scored_at, input_hash) FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [name]
            )
            result = table_result(
                now,
                SCORES,
                data_version=frame_digest(rows),
                partition={"prompt": name},
                metadata={"prompt_hash": ", ".join(rows["prompt_hash"].dropna().unique()), **_figures(report)},
                outcomes=outcomes,
            )
        yield result
        yield from ledger_results(context, store)
        report_ledger(context, store)


def _outcomes(store: Warehouse, name: str, prompt_files: PromptsResource, scorer: ScorerResource) -> list[CheckOutcome]:
    copy_of_ledger = checks.copy_of_ledger(store)  # first, since a ledger that is missing is made
    with store.snapshot() as now:
        current = checks.answers_are_current(standings(now, prompt_files.load(), scorer.choice))
        return [*checks.scores(now, name), current, copy_of_ledger]


def _is_one_of_many(instance: DagsterInstance, backfill_id: str | None) -> bool:
    """Whether a run belongs to a backfill of several partitions, or to one of which nothing is known any more."""
    if backfill_id is None:
        return False
    backfill = instance.get_backfill(backfill_id)
    if backfill is None:
        return True
    if backfill.asset_backfill_data is None:
        return len(backfill.partition_names or ()) != 1
    subset = backfill.asset_backfill_data.get_target_partitions_subset(key_of(SCORES))
    return len(list(subset.get_partition_keys())) != 1


def _distributions(report: ScoreReport) -> str:
    tables = {one.attribute: histogram(one.values, one.low, one.high) for one in report.answers}
    return "\n\n".join(tables.values() if len(tables) == 1 else (f"**{name}**\n\n{t}" for name, t in tables.items()))


def _figures(report: ScoreReport) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "scorer": report.scorer,
        "documents": report.documents,
        "is complete": report.is_complete,
        "distribution of scores": MetadataValue.md(_distributions(report)),
        **report.figures,
    }
    if report.note:
        figures["note"] = report.note
    return figures
