"""A rehearsal from the UI: a few documents of one prompt, shown and not kept, as `exposure run --limit` does it."""

from dagster import Config, MetadataValue, OpExecutionContext, ResourceParam, job, op
from pydantic import Field

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import readable_errors, table_value
from exposure_dagster.pipeline.rehearsal import RUN_PREFIX
from exposure_dagster.pipeline.rehearsal import rehearse as rehearse_prompt
from resources.pages import PromptsResource
from resources.progress import ProgressFactory
from resources.scorers import ScorerResource
from resources.warehouse import WarehouseResource


class RehearsalConfig(Config):
    """What a rehearsal is about."""

    limit: int = Field(default=5, ge=1, description="Documents that are asked about, spread over the corpus.")
    ask_again: bool = Field(default=False, description="Ask anew what an earlier rehearsal or run has answered.")


@op(
    description="Score and rank a few documents; scores, rankings and published files stand.",
    pool="scoring",
)
def rehearse_a_few(  # noqa: PLR0917 - Dagster hands it its resources by name
    context: OpExecutionContext,
    config: RehearsalConfig,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
    progress: ResourceParam[ProgressFactory],
) -> None:
    """Show what came of it on the step."""
    with readable_errors():
        rehearsal = rehearse_prompt(
            warehouse.open(),
            prompt_files.load_one(context.partition_key),
            config.limit,
            choice=scorer.choice,
            means=scorer.means(ask_again=config.ask_again),
            run_id=f"{RUN_PREFIX}{context.run_id}",
            progress=progress.make(context.log.info),
        )
    rows = rehearsal.rows
    context.add_output_metadata(
        {
            "answers": table_value(rows.drop(columns=["rationale"])),
            "rationales": MetadataValue.json(dict(zip(rows["title"], rows["rationale"], strict=True))),
            "documents of the corpus": rehearsal.documents,
            "scorer": rehearsal.scorer.value,
            "cost in USD": rehearsal.cost_usd,
        }
    )


@job(
    name="rehearse",
    partitions_def=PROMPTS_PARTITIONS,
    description="Try a prompt on a few documents. Nothing that stands is touched. SPENDS a little when Claude scores.",
)
def rehearsal() -> None:
    """The job behind the button."""
    rehearse_a_few()
