"""The sensor that keeps Dagster's view of the prompts in step with the prompt folder. It costs nothing."""

import json
from collections.abc import Mapping, Sequence

from dagster import (
    AddDynamicPartitionsRequest,
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetKey,
    AssetMaterialization,
    AssetsDefinition,
    DagsterInstance,
    DefaultSensorStatus,
    DeleteDynamicPartitionsRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets import ranked, resilience, scored
from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_result
from exposure_dagster.automation.affirm import affirmed, current_versions
from exposure_dagster.automation.runs import DATA_VERSION_TAG, active_partitions, last_evaluation, recorded_versions
from exposure_dagster.checks import prompt_files_can_be_used
from exposure_dagster.jobs import INPUTS_KEY
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.stages.scored import forget_prompt, recorded_prompts
from exposure_dagster.stages.standing import PromptStanding, State, record_standings, standings
from exposure_dagster.tables import PROMPTS
from resources.pages import PromptsResource
from resources.scorers import ScorerResource
from resources.warehouse import WarehouseResource

PARTITIONS_NAME = "prompts"
PROMPTS_KEY = AssetKey(["scored", "prompts"])
DEFINITIONS_KEY = AssetKey(["ranked", "definitions"])


def prompt_sensors(interval_seconds: int) -> list[SensorDefinition]:
    """The sensor, looking every so many seconds."""
    return [
        sensor(
            minimum_interval_seconds=interval_seconds,
            default_status=DefaultSensorStatus.RUNNING,
            description=(
                "Follows the prompt folder: a new file becomes a missing partition, an edited one a stale one, a "
                "deleted one goes with its rows (its ledger stays). A broken file is named and takes no other down. "
                "Costs nothing."
            ),
        )(follow_prompts)
    ]


def follow_prompts(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> SensorResult:
    """One look at the folder: partitions, data versions and checks of what changed since the last.

    A prompt that a run is at work on is left to the run; the first look after it tells what changed meanwhile.
    """
    folder = prompt_files.load()
    store = warehouse.open()
    good = {prompt.name: prompt for prompt in folder.prompts}
    names = good.keys() | {broken.name for broken in folder.broken}
    partitions = _partition_requests(context.instance, names)
    busy = active_partitions(context.instance)
    gone = sorted(recorded_prompts(store) - names - busy)
    for name in gone:
        forget_prompt(store, name)
    events: list[AssetMaterialization | AssetCheckEvaluation] = []
    seen: list[PromptStanding] = []
    if store.exists:
        seen = [one for one in standings(store, folder, scorer.choice) if one.prompt in good.keys() - busy]
        record_standings(store, folder, seen)
        events += _what_dagster_does_not_know(context.instance, good, seen)
    # What is told now can be hung on by what stands at the next look, when it is recorded; so can what runs leave.
    cursor = json.dumps([_versions_of_shared_sources(context.instance), sorted(busy), len(events)])
    if not events and cursor != context.cursor:
        events += _what_stands_as_it_is(context.instance, seen)
    checks = _check_events(context.instance, folder)
    problems = [str(problem) for broken in folder.broken for problem in broken.problems]
    if not partitions and not events and not checks:
        nothing = SkipReason("; ".join(problems) or f"{len(names)} prompt files, nothing changed")
        return SensorResult(cursor=cursor, skip_reason=nothing)
    for line in [*problems, *(f"{name}: its file is gone; its rows are purged" for name in gone)]:
        context.log.warning(line)
    return SensorResult(
        dynamic_partitions_requests=partitions,
        asset_events=[*events, *checks],
        cursor=cursor,
        skip_reason=SkipReason("; ".join(problems)) if problems else None,
    )


def _partition_requests(
    instance: DagsterInstance, names: set[str]
) -> list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest]:
    present = set(instance.get_dynamic_partitions(PARTITIONS_NAME))
    requests: list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest] = []
    if added := sorted(names - present):
        requests.append(PROMPTS_PARTITIONS.build_add_request(added))
    if removed := sorted(present - names):
        requests.append(PROMPTS_PARTITIONS.build_delete_request(removed))
    return requests


def _what_dagster_does_not_know(
    instance: DagsterInstance, prompts: Mapping[str, Prompt], seen: Sequence[PromptStanding]
) -> list[AssetMaterialization]:
    """The data versions that Dagster lacks, so that it shows what is stale below them.

    Compared with Dagster's own records: a look that was cut short after the warehouse was written is made up for.
    """
    wanted: dict[AssetKey, dict[str, str]] = {
        PROMPTS_KEY: {one.prompt: prompts[one.prompt].asked.prompt_hash for one in seen},
        INPUTS_KEY: {one.prompt: one.wanted for one in seen if one.wanted and one.documents},
        DEFINITIONS_KEY: {one.prompt: prompts[one.prompt].ranking.ranking_hash for one in seen},
    }
    events = []
    for key, versions in wanted.items():
        known = recorded_versions(instance, key)
        events += [
            _materialization(key, name, version) for name, version in versions.items() if known.get(name) != version
        ]
    return events


def _what_stands_as_it_is(instance: DagsterInstance, seen: Sequence[PromptStanding]) -> list[AssetMaterialization]:
    """Inputs and rankings that no change of their sources touched."""
    collected = {one.prompt for one in seen if one.documents}
    ranked_so = {one.prompt for one in seen if one.state is not State.MISSING and not one.is_ranked_otherwise}
    return [
        event
        for key, deps in _SOURCES_OF.items()
        for event in affirmed(instance, key, collected if key == INPUTS_KEY else ranked_so, deps)
    ]


def _versions_of_shared_sources(instance: DagsterInstance) -> dict[str, str | None]:
    shared = {dep for deps in _SOURCES_OF.values() for dep, is_partitioned in deps.items() if not is_partitioned}
    return current_versions(instance, shared)


def _sources_of(assets: AssetsDefinition) -> dict[AssetKey, dict[AssetKey, bool]]:
    """By key, the assets that it hangs on, and whether they have a partition a prompt, as scores and definitions do."""
    return {
        spec.key: {dep.asset_key: dep.asset_key.path[0] in ("scored", "ranked") for dep in spec.deps}
        for spec in assets.specs
    }


_SOURCES_OF = {
    **_sources_of(scored.inputs),
    **_sources_of(ranked.rankings),
    **_sources_of(resilience.resilience),
    **_sources_of(resilience.task_rollups),
}


def _materialization(key: AssetKey, name: str, version: str) -> AssetMaterialization:
    return AssetMaterialization(
        asset_key=key,
        partition=name,
        description="Seen in the prompt folder; nothing was asked.",
        tags={DATA_VERSION_TAG: version},
    )


def _check_events(instance: DagsterInstance, folder: PromptFolder) -> list[AssetCheckEvaluation]:
    """The check of the prompt files, reported when its outcome is not the one that is recorded last."""
    result = check_result(PROMPTS, prompt_files_can_be_used(folder))
    told = last_evaluation(instance, AssetCheckKey(PROMPTS_KEY, scored.PROMPT_FILE_CHECK))
    is_told = result.passed if told is None else (told.passed, told.description) == (result.passed, result.description)
    if is_told:
        return []
    return [
        AssetCheckEvaluation(
            asset_key=PROMPTS_KEY,
            check_name=scored.PROMPT_FILE_CHECK,
            passed=result.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
        )
    ]
