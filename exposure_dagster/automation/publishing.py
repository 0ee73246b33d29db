"""Rankings and published files follow by themselves. Nothing here sends a request to a model."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetKey,
    AssetsDefinition,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets import ranked, scored
from assets.published import EXPORTS
from assets.reporting import key_of
from exposure_dagster.automation.jobs import (
    INPUTS_JOB,
    INPUTS_KEY,
    PUBLISHING_JOB,
    RANKING_INPUTS_KEY,
    RANKING_JOB,
    SOURCES_JOB,
)
from exposure_dagster.automation.looks import standings_now
from exposure_dagster.automation.runs import (
    active_partitions,
    age_of_publication,
    is_under_way,
    last_materialization_id,
    look_at_publication,
    made_from_earlier_sources,
    retry_mark,
)
from exposure_dagster.core.checks import first_of
from exposure_dagster.core.progress import counted
from exposure_dagster.pipeline.gate import kept_back
from exposure_dagster.tables import RANKINGS
from resources.pages import PromptsResource
from resources.scorers import ScorerResource
from resources.warehouse import PublishedFolderResource, WarehouseResource

PUBLISHED_AGAIN_AFTER = timedelta(days=30)
"""What is published is looked through again so often, though nothing changed: it is not stale for being old."""


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
        sensor(
            job_name=INPUTS_JOB,
            minimum_interval_seconds=interval_seconds,
            default_status=DefaultSensorStatus.RUNNING,
            description=(
                "Looks again at what a prompt is asked about and ranked from, where a source changed that other "
                "prompts share. Sends no request, and ranks nothing."
            ),
        )(look_at_inputs_again),
    ]


def rank_what_changed(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> Iterator[RunRequest | SkipReason]:
    """One run a prompt whose rankings were made by another definition than its file's, or from other figures."""
    busy = active_partitions(context.instance)
    known = set(context.instance.get_dynamic_partitions("prompts"))
    requests = [
        RunRequest(
            partition_key=standing.prompt,
            run_key=":".join(
                (
                    standing.prompt,
                    str(standing.wanted_ranking),
                    str(last_materialization_id(context.instance, key_of(RANKINGS), standing.prompt)),
                    retry_mark(context.instance, RANKING_JOB, standing.prompt),
                )
            ),
        )
        for standing in standings_now(warehouse.open(), prompt_files.load(), scorer.choice)
        if standing.is_ranked_otherwise and standing.prompt in known - busy
    ]
    if not requests:
        yield SkipReason("every ranking is made as its file says, from the figures of now")
    yield from requests


def look_at_inputs_again(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> SensorResult:
    """One run a prompt whose inputs Dagster shows as stale, though the change of a source did not touch them.

    Sources are shared by all prompts: documents of one's own, say, are a new version of `parsed/documents`. A run finds
    the same inputs again, and nothing below them is stale by that.
    """
    instance = context.instance
    busy = active_partitions(instance)
    if is_under_way(instance, SOURCES_JOB):
        return SensorResult(skip_reason="sources are being fetched and parsed; waiting for all of them")
    newest = max(last_materialization_id(instance, key) for key in set.union(*_SHARED_SOURCES.values()))
    seen = f"{newest}:{':'.join(str(last_materialization_id(instance, key)) for key in _SHARED_SOURCES)}"
    nothing = SkipReason("all inputs are made from the sources of now")
    if seen == context.cursor:
        return SensorResult(cursor=seen, skip_reason=nothing)
    idle = [
        one for one in standings_now(warehouse.open(), prompt_files.load(), scorer.choice) if one.prompt not in busy
    ]
    is_unchanged = {
        INPUTS_KEY: {one.prompt for one in idle if one.documents and not one.is_input_unrecorded},
        RANKING_INPUTS_KEY: {one.prompt for one in idle if not one.is_ranked_otherwise},
    }
    stale = {
        key: made_from_earlier_sources(instance, key, prompts, _SHARED_SOURCES[key])
        for key, prompts in is_unchanged.items()
    }
    due = sorted(set.union(*stale.values()) & set(instance.get_dynamic_partitions("prompts")))
    if not due:
        return SensorResult(cursor=None if busy else seen, skip_reason=nothing)
    requests = []
    for prompt in due:
        keys = [key for key, prompts in stale.items() if prompt in prompts]
        names = ",".join(key.to_user_string() for key in keys)
        mark = f"{prompt}:{names}:{newest}:{retry_mark(instance, INPUTS_JOB, prompt)}"
        requests.append(RunRequest(partition_key=prompt, asset_selection=keys, run_key=mark))
    return SensorResult(run_requests=requests)


def _shared_sources(assets: AssetsDefinition) -> dict[AssetKey, set[AssetKey]]:
    """By key, those of the assets that it hangs on that have no partition a prompt."""
    return {
        spec.key: {dep.asset_key for dep in spec.deps if dep.asset_key.path[0] in ("raw", "parsed")}
        for spec in assets.specs
    }


_SHARED_SOURCES = {**_shared_sources(scored.inputs), **_shared_sources(ranked.ranking_inputs)}


def publish_what_changed(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    published_folder: PublishedFolderResource,
) -> Iterator[RunRequest | SkipReason]:
    """A run when what is ranked is not what is published, or was published long ago.

    Where nothing is ranked any more, nothing stays published.
    """
    under_way = active_partitions(context.instance)
    if under_way:
        yield SkipReason(f"{counted(len(under_way), 'prompt')} under way; waiting to publish once for all")
        return
    folder = prompt_files.load()
    if reasons := kept_back(warehouse.open(), published_folder.kept_back_by):
        yield SkipReason(f"kept back (EXPOSURE_GATE): {first_of(reasons)}")
        return
    seen = look_at_publication(
        context.instance, warehouse.open(), published_folder.open(), folder, published_folder.addresses
    )
    if seen.fingerprint is None:
        yield SkipReason(f"nothing is ranked{': what was published is withdrawn' if seen.is_withdrawn else ''}")
        return
    age = age_of_publication(context.instance)
    if seen.is_current and age is not None and age < PUBLISHED_AGAIN_AFTER:
        yield SkipReason("what is ranked is published")
        return
    latest = last_materialization_id(context.instance, EXPORTS)
    yield RunRequest(run_key=f"{seen.fingerprint}:{latest}:{retry_mark(context.instance, PUBLISHING_JOB)}")
