"""The sensor that keeps Dagster's view of the prompts in step with the prompt folder. It costs nothing."""

from collections.abc import Mapping, Sequence

from dagster import (
    AddDynamicPartitionsRequest,
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckResult,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DefaultSensorStatus,
    DeleteDynamicPartitionsRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.partitions import PROMPTS_PARTITIONS
from assets.reporting import check_result, key_of
from assets.scored import ANSWERS_CHECK, PROMPT_FILE_CHECK
from exposure_dagster.automation.jobs import INPUTS_KEY, SCORES_KEY
from exposure_dagster.automation.looks import standings_now
from exposure_dagster.automation.runs import (
    DATA_VERSION_TAG,
    active_partitions,
    last_evaluation,
    recorded_versions,
)
from exposure_dagster.core.checks import rows_fit_the_registry
from exposure_dagster.core.progress import counted
from exposure_dagster.pipeline.checks import answers_are_current, prompt_files_can_be_used
from exposure_dagster.pipeline.prompts import STAYS, forget_prompt, owner_of_prompts, recorded_prompts
from exposure_dagster.pipeline.standing import PromptStanding, record_standings
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.settings import load_settings
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DEFINITIONS, INPUTS, PROMPTS, SCORES
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
    busy = active_partitions(context.instance)
    claim = load_settings().prompts_claim
    owner = owner_of_prompts(store, claim)
    gone = sorted(recorded_prompts(store) - names - busy)
    purged = gone if owner == claim else []
    for name in purged:
        forget_prompt(store, name)
    partitions = _partition_requests(context.instance, names, may_remove=owner == claim)
    events: list[AssetMaterialization] = []
    answers: list[AssetCheckEvaluation] = []
    if store.exists:
        everything = standings_now(store, folder, scorer.choice)
        seen = [one for one in everything if one.prompt in good.keys() - busy]
        record_standings(store, folder, seen)
        events += _what_dagster_does_not_know(context.instance, good, seen)
        answers = [] if busy else _answer_checks(context.instance, everything)
    told = {event.asset_key for event in events}
    checks = [*_check_events(context.instance, folder, told), *_registry_checks(store, told), *answers]
    problems = [str(problem) for broken in folder.broken for problem in broken.problems]
    problems += [STAYS.format(name=name, owner=owner) for name in gone if name not in purged]
    if not partitions and not events and not checks:
        return SensorResult(
            skip_reason=SkipReason("; ".join(problems) or f"{counted(len(names), 'prompt file')}, nothing changed")
        )
    for line in [*problems, *(f"{name}: its file is gone; its rows are purged" for name in purged)]:
        context.log.warning(line)
    return SensorResult(
        dynamic_partitions_requests=partitions,
        asset_events=[*events, *checks],
        skip_reason=SkipReason("; ".join(problems)) if problems else None,
    )


def _partition_requests(
    instance: DagsterInstance, names: set[str], *, may_remove: bool
) -> list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest]:
    present = set(instance.get_dynamic_partitions(PARTITIONS_NAME))
    requests: list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest] = []
    if added := sorted(names - present):
        requests.append(PROMPTS_PARTITIONS.build_add_request(added))
    if may_remove and (removed := sorted(present - names)):
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


def _materialization(key: AssetKey, name: str, version: str) -> AssetMaterialization:
    return AssetMaterialization(
        asset_key=key,
        partition=name,
        description="Seen in the prompt folder; nothing was asked.",
        tags={DATA_VERSION_TAG: version},
    )


def _check_events(instance: DagsterInstance, folder: PromptFolder, told: set[AssetKey]) -> list[AssetCheckEvaluation]:
    """The check of the prompt files, reported when its outcome is not the one that is recorded last.

    And with each new record of its asset (among those `told`): a check counts for the latest record only.
    """
    result = check_result(PROMPTS, prompt_files_can_be_used(folder))
    is_known = _is_known(instance, AssetCheckKey(PROMPTS_KEY, PROMPT_FILE_CHECK), result)
    return [] if is_known and PROMPTS_KEY not in told else [_evaluation(PROMPTS_KEY, result)]


def _answer_checks(instance: DagsterInstance, all_standings: Sequence[PromptStanding]) -> list[AssetCheckEvaluation]:
    """Whether answers are current, reported when that is not what is recorded last."""
    if not instance.get_latest_materialization_event(SCORES_KEY):
        return []
    result = check_result(SCORES, answers_are_current(all_standings))
    is_known = _is_known(instance, AssetCheckKey(SCORES_KEY, ANSWERS_CHECK), result)
    return [] if is_known else [_evaluation(SCORES_KEY, result)]


def _is_known(instance: DagsterInstance, key: AssetCheckKey, result: AssetCheckResult) -> bool:
    last = last_evaluation(instance, key)
    return result.passed if last is None else (last.passed, last.description) == (result.passed, result.description)


def _registry_checks(store: Warehouse, told: set[AssetKey]) -> list[AssetCheckEvaluation]:
    """The check that every table has, of the tables of which something is told."""
    if not told:
        return []
    with store.connect(read_only=True) as connection:
        return [
            _evaluation(key_of(table), check_result(table, rows_fit_the_registry(connection, table)))
            for table in (PROMPTS, INPUTS, DEFINITIONS)
            if key_of(table) in told
        ]


def _evaluation(key: AssetKey, result: AssetCheckResult) -> AssetCheckEvaluation:
    assert result.check_name is not None
    return AssetCheckEvaluation(
        asset_key=key,
        check_name=result.check_name,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
