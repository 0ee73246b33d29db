"""Sensors: what happens without anyone pressing a button. None of them spends."""

from dagster import (
    AddDynamicPartitionsRequest,
    DefaultSensorStatus,
    DeleteDynamicPartitionsRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.partitions import PROMPTS_PARTITIONS
from resources.pages import PromptsResource

PARTITIONS_NAME = "prompts"


@sensor(
    minimum_interval_seconds=15,
    default_status=DefaultSensorStatus.RUNNING,
    description="Keeps one partition a prompt file: adds a new file's, removes a deleted one's. Costs nothing.",
)
def follow_prompts(context: SensorEvaluationContext, prompt_files: PromptsResource) -> SensorResult | SkipReason:
    """Add and remove partitions as prompt files come and go; a broken file keeps its partition."""
    folder = prompt_files.load()
    wanted = {prompt.name for prompt in folder.prompts} | {broken.name for broken in folder.broken}
    present = set(context.instance.get_dynamic_partitions(PARTITIONS_NAME))
    added, removed = sorted(wanted - present), sorted(present - wanted)
    if not added and not removed:
        return SkipReason(f"{len(present)} prompt files, none added or removed")
    requests: list[AddDynamicPartitionsRequest | DeleteDynamicPartitionsRequest] = []
    if added:
        requests.append(PROMPTS_PARTITIONS.build_add_request(added))
    if removed:
        requests.append(PROMPTS_PARTITIONS.build_delete_request(removed))
    return SensorResult(dynamic_partitions_requests=requests)
