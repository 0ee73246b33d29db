"""The sensor that keeps Dagster's view of the prompts in step with the prompt folder. It costs nothing."""

import json

from dagster import (
    AddDynamicPartitionsRequest,
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DefaultSensorStatus,
    DeleteDynamicPartitionsRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.partitions import PROMPTS_PARTITIONS
from assets.scored import PROMPT_FILE_CHECK
from exposure_dagster.automation.runs import active_partitions
from exposure_dagster.jobs import SCORING_JOB
from exposure_dagster.prompts.files import BrokenPrompt
from exposure_dagster.prompts.model import Prompt, content_hash
from exposure_dagster.stages.ranked import record_definition
from exposure_dagster.stages.scored import (
    ScorerChoice,
    collect_inputs,
    forget_prompt,
    record_prompt,
    recorded_prompts,
)
from exposure_dagster.stages.standing import PromptStanding, standings
from exposure_dagster.warehouse import Warehouse
from resources.pages import PromptsResource
from resources.scorers import ScorerResource
from resources.warehouse import WarehouseResource

PARTITIONS_NAME = "prompts"
PROMPTS_KEY = AssetKey(["scored", "prompts"])
INPUTS_KEY = AssetKey(["scored", "inputs"])
DEFINITIONS_KEY = AssetKey(["ranked", "definitions"])


@sensor(
    minimum_interval_seconds=15,
    default_status=DefaultSensorStatus.RUNNING,
    description=(
        "Follows the prompt folder: a new file becomes a missing partition, an edited one a stale one, a deleted one "
        "goes with its rows (its ledger stays). A broken file is named and takes no other down. Costs nothing."
    ),
)
def follow_prompts(
    context: SensorEvaluationContext,
    prompt_files: PromptsResource,
    warehouse: WarehouseResource,
    scorer: ScorerResource,
) -> SensorResult | SkipReason:
    """One look at the folder: partitions, data versions and checks of what changed since the last."""
    folder = prompt_files.load()
    store = warehouse.open()
    good = {prompt.name: prompt for prompt in folder.prompts}
    names = good.keys() | {broken.name for broken in folder.broken}
    partitions = _partition_requests(context.instance, names)
    gone = _purge(context.instance, store, names)
    events: list[AssetMaterialization | AssetCheckEvaluation] = []
    if store.exists:
        for standing in standings(store, folder, scorer.choice):
            if standing.prompt in good:
                events += _reported(store, good[standing.prompt], standing, scorer.choice)
    checks, cursor = _check_events(context.cursor, list(folder.broken), sorted(good))
    problems = [str(problem) for broken in folder.broken for problem in broken.problems]
    if not partitions and not events and not checks:
        return SkipReason("; ".join(problems) or f"{len(names)} prompt files, nothing changed")
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


def _purge(instance: DagsterInstance, store: Warehouse, names: set[str]) -> list[str]:
    """Purge what no file stands for any more, unless a run is still writing it: then the next look does."""
    gone = sorted(recorded_prompts(store) - names)
    if gone:
        busy = active_partitions(instance, SCORING_JOB)
        gone = [name for name in gone if name not in busy]
    for name in gone:
        forget_prompt(store, name)
    return gone


def _reported(
    store: Warehouse, prompt: Prompt, standing: PromptStanding, choice: ScorerChoice
) -> list[AssetMaterialization]:
    """Record what changed about a prompt, so that Dagster shows by data versions what is stale below it."""
    events = []
    if standing.is_prompt_unrecorded:
        record_prompt(store, prompt)
        events.append(_materialization(PROMPTS_KEY, prompt.name, prompt.asked.prompt_hash))
    if standing.is_input_unrecorded:
        report = collect_inputs(store, prompt.name, choice)
        events.append(_materialization(INPUTS_KEY, prompt.name, report.input_hash))
    if standing.is_ranking_stale:
        record_definition(store, prompt)
        events.append(_materialization(DEFINITIONS_KEY, prompt.name, prompt.ranking.ranking_hash))
    return events


def _materialization(key: AssetKey, name: str, version: str) -> AssetMaterialization:
    return AssetMaterialization(
        asset_key=key,
        partition=name,
        description="Seen in the prompt folder; nothing was asked.",
        tags={"dagster/data_version": version},
    )


def _check_events(
    cursor: str | None, broken: list[BrokenPrompt], good: list[str]
) -> tuple[list[AssetCheckEvaluation], str]:
    """The check of the prompt files, reported when its outcome changes."""
    digest = content_hash([[str(problem) for problem in one.problems] for one in broken])
    before = json.loads(cursor)["broken"] if cursor else None
    if digest == before or (before is None and not broken):
        return [], json.dumps({"broken": digest})
    description = f"{len(good)} prompt files can be used"
    if broken:
        description = "; ".join(str(problem) for one in broken for problem in one.problems)
    evaluation = AssetCheckEvaluation(
        asset_key=PROMPTS_KEY,
        check_name=PROMPT_FILE_CHECK,
        passed=not broken,
        severity=AssetCheckSeverity.ERROR,
        description=description,
    )
    return [evaluation], json.dumps({"broken": digest})
