"""Rankings and published files follow by themselves. Nothing here sends a request to a model."""

from collections.abc import Iterator

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from assets.published import EXPORTS
from assets.reporting import key_of
from exposure_dagster.automation.runs import active_partitions, last_materialization_id, published_fingerprint
from exposure_dagster.jobs import EVERYTHING_JOB, PUBLISHING_JOB, RANKING_JOB, SCORING_JOB
from exposure_dagster.stages.published import ranked_fingerprint
from exposure_dagster.stages.standing import standings
from exposure_dagster.tables import RANKINGS
from resources.pages import PromptsResource
from resources.scorers import ScorerResource
from resources.warehouse import WarehouseResource


def downstream_sensors(interval_seconds: int) -> list[SensorDefinition]:
    """The sensors, looking every so many seconds."""
    return [
        sensor(
            job_name=RANKING_JOB,
            minimum_interval_seconds=interval_seconds,
            default_status=DefaultSensorStatus.RUNNING,
            description=(
                "Ranks a prompt anew when its tiers, weights or labels changed, or jobs and pay in the sources. "
                "Sends no request."
            ),
        )(rank_what_changed),
        sensor(
            job_name=PUBLISHING_JOB,
            minimum_interval_seconds=interval_seconds,
            default_status=DefaultSensorStatus.RUNNING,
            description="Publishes once for all that changed, when no prompt is being scored or ranked.",
        )(publish_what_changed),
    ]


def rank_what_changed(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> Iterator[RunRequest | SkipReason]:
    """One run a prompt whose rankings were made by another definition than its file's, or from other figures."""
    busy = active_partitions(context.instance, SCORING_JOB, RANKING_JOB, EVERYTHING_JOB)
    known = set(context.instance.get_dynamic_partitions("prompts"))
    requests = [
        RunRequest(
            partition_key=standing.prompt,
            run_key=":".join(
                (
                    standing.prompt,
                    str(standing.wanted_ranking),
                    str(last_materialization_id(context.instance, key_of(RANKINGS), standing.prompt)),
                )
            ),
        )
        for standing in standings(warehouse.open(), prompt_files.load(), scorer.choice)
        if standing.is_ranked_otherwise and standing.prompt in known - busy
    ]
    if not requests:
        yield SkipReason("every ranking is made as its file says, from the figures of now")
    yield from requests


def publish_what_changed(
    context: SensorEvaluationContext, prompt_files: PromptsResource, warehouse: WarehouseResource
) -> Iterator[RunRequest | SkipReason]:
    """A run when what is ranked is not what was last published."""
    under_way = active_partitions(context.instance, SCORING_JOB, RANKING_JOB, EVERYTHING_JOB)
    if under_way:
        yield SkipReason(f"{len(under_way)} prompts are being scored or ranked; waiting to publish once for all")
        return
    broken = prompt_files.load().what_is_broken
    fingerprint = ranked_fingerprint(warehouse.open(), broken)
    if fingerprint is None or fingerprint == published_fingerprint(context.instance):
        yield SkipReason("what is ranked is published")
        return
    yield RunRequest(run_key=f"{fingerprint}:{last_materialization_id(context.instance, EXPORTS)}")
