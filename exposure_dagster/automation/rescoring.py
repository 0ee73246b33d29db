"""Scoring what is stale: a sensor and a schedule that are off until a user turns them on, and a job for now.

These are the only automation that spends, always under both budgets.
"""

from collections.abc import Iterator
from typing import Any

from dagster import (
    DagsterInvalidDefinitionError,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    OpExecutionContext,
    RunRequest,
    RunStatusSensorContext,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    job,
    op,
    run_status_sensor,
    schedule,
    sensor,
)
from dagster import DagsterRunStatus as Status

from assets.reporting import table_value
from exposure_dagster.automation.jobs import ASSET_JOBS, SCORES_KEY, SCORING_JOB, SOURCES_JOB
from exposure_dagster.automation.looks import standings_now
from exposure_dagster.automation.runs import (
    PARTITION_TAG,
    WANTED_TAG,
    active_partitions,
    last_materialization_id,
    last_other_input,
    last_other_launch,
)
from exposure_dagster.core.errors import SettingError
from exposure_dagster.core.progress import counted
from exposure_dagster.pipeline.standing import PromptStanding, standing_table
from exposure_dagster.settings import Settings, variable_of
from resources.pages import PromptsResource
from resources.scorers import ScorerResource
from resources.warehouse import WarehouseResource

RESCORE_STALE_JOB = "rescore_stale"


def rescoring_sensors(interval_seconds: int) -> list[SensorDefinition]:
    """The sensor that spends, and the one behind the job `rescore_stale`, looking every so many seconds."""
    return [
        sensor(
            job_name=SCORING_JOB,
            minimum_interval_seconds=interval_seconds,
            default_status=DefaultSensorStatus.STOPPED,
            description=(
                "Launches a run for exactly the stale or missing prompts, once each; after a failure not again until "
                "something changes. SPENDS when Claude scores: turn it on once the budgets are set as you want them."
            ),
        )(rescore_what_is_stale),
        run_status_sensor(
            run_status=Status.SUCCESS,
            monitored_jobs=[rescore_stale],
            request_job=next(job for job in ASSET_JOBS if job.name == SCORING_JOB),
            minimum_interval_seconds=interval_seconds,
            default_status=DefaultSensorStatus.RUNNING,
            description="Launches the runs that a run of rescore_stale asked for. Does nothing by itself.",
        )(launch_rescoring),
    ]


def rescore_what_is_stale(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> Iterator[RunRequest | SkipReason]:
    """Compare what is wanted with what stands, and ask for the difference."""
    busy = active_partitions(context.instance)  # before the standings: what ends meanwhile is left to the next look
    wanted = [
        standing
        for standing in standings_now(warehouse.open(), prompt_files.load(), scorer.choice)
        if standing.needs_scoring and standing.is_due
    ]
    idle = [standing for standing in wanted if standing.prompt not in busy]
    if not idle:
        yield SkipReason(
            f"{counted(len(wanted), 'prompt')} to score, all under way" if wanted else "every prompt is fresh"
        )
        return
    known = set(context.instance.get_dynamic_partitions("prompts"))
    for standing in idle:
        if standing.prompt in known:
            assert standing.wanted is not None
            yield RunRequest(
                partition_key=standing.prompt,
                run_key=":".join(
                    (
                        standing.prompt,
                        standing.wanted,
                        str(last_materialization_id(context.instance, SCORES_KEY, standing.prompt)),
                        last_other_launch(context.instance, SCORING_JOB, standing.prompt, standing.wanted),
                        str(last_other_input(context.instance, standing.prompt, standing.wanted)),
                    )
                ),
                tags={WANTED_TAG: standing.wanted},
            )


@op(description="List what is stale, missing or incomplete. The runs follow within half a minute.")
def list_what_is_stale(
    context: OpExecutionContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> None:
    """Show what `launch_rescoring` is about to launch."""
    due = [one for one in standings_now(warehouse.open(), prompt_files.load(), scorer.choice) if one.is_due]
    context.add_output_metadata({"to be scored": table_value(standing_table(due))})
    context.log.info("to be scored: %s", ", ".join(standing.prompt for standing in due) or "nothing")


@job(
    name=RESCORE_STALE_JOB,
    description="Everything stale, now: lists it, and a run for each such prompt follows. Spends when Claude scores.",
)
def rescore_stale() -> None:
    """The job behind the button."""
    list_what_is_stale()


def launch_rescoring(
    context: RunStatusSensorContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> Iterator[RunRequest | SkipReason]:
    """One run a prompt that is stale, missing or incomplete."""
    yield from _requests(
        [one for one in standings_now(warehouse.open(), prompt_files.load(), scorer.choice) if one.is_due],
        context.dagster_run.run_id,
    )


def _requests(due: list[PromptStanding], occasion: str) -> Iterator[RunRequest | SkipReason]:
    if not due:
        yield SkipReason("every prompt is fresh")
    for standing in due:
        assert standing.wanted is not None
        yield RunRequest(
            run_key=f"{occasion}:{standing.prompt}",
            job_name=SCORING_JOB,
            partition_key=standing.prompt,
            tags={WANTED_TAG: standing.wanted, PARTITION_TAG: standing.prompt},
        )


def _cron(field: str, expression: str) -> str:
    """The expression, if Dagster takes it. Raises SettingError that names its variable."""
    try:
        ScheduleDefinition(job_name=SCORING_JOB, cron_schedule=expression)
    except DagsterInvalidDefinitionError:
        raise SettingError(
            f"{variable_of(field)}={expression!r} is no cron expression",
            where="environment",
            remedy="Write minute, hour, day, month and weekday: `0 6 * * 1` is six o'clock on Mondays.",
        ) from None
    return expression


def schedules(settings: Settings) -> list[ScheduleDefinition]:
    """The two schedules, off until they are turned on: sources weekly, rescoring monthly.

    Raises SettingError where a cron expression is none.
    """

    @schedule(
        name="rescore_monthly",
        job_name=SCORING_JOB,
        cron_schedule=_cron("rescoring_cron", settings.rescoring_cron),
        execution_timezone=settings.time_zone,
        default_status=DefaultScheduleStatus.STOPPED,
        description="Scores what is stale, missing or incomplete. It does not ask again what stands. SPENDS.",
    )
    def rescore_monthly(
        context: ScheduleEvaluationContext,
        prompt_files: PromptsResource,
        warehouse: WarehouseResource,
        scorer: ScorerResource,
    ) -> Any:
        """One run a prompt that is stale, missing or incomplete."""
        due = [one for one in standings_now(warehouse.open(), prompt_files.load(), scorer.choice) if one.is_due]
        return list(_requests(due, context.scheduled_execution_time.isoformat()))

    sources = ScheduleDefinition(
        name="refresh_sources_weekly",
        job_name=SOURCES_JOB,
        cron_schedule=_cron("sources_cron", settings.sources_cron),
        execution_timezone=settings.time_zone,
        default_status=DefaultScheduleStatus.STOPPED,
        description="Fetches and parses the sources. Costs no money; unchanged pages change nothing below them.",
    )
    return [sources, rescore_monthly]
