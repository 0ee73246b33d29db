"""What Dagster's instance tells about runs of ours."""

from __future__ import annotations

import time
from datetime import timedelta

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    RunsFilter,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from assets.published import EXPORTS
from exposure_dagster.instance import close_orphans
from exposure_dagster.jobs import INPUTS_KEY
from exposure_dagster.stages.published import FINGERPRINT

WANTED_TAG = "exposure/wanted"
"""The input_hash that a run was launched for."""

PARTITION_TAG = "dagster/partition"
DATA_VERSION_TAG = "dagster/data_version"

LOOKED_BACK = 50
"""Runs and records of one prompt that are gone through for an earlier version of it."""

ACTIVE = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def active_partitions(instance: DagsterInstance) -> set[str]:
    """Partitions that a run is at work on, or queued for, whichever job or page of the UI it was launched by.

    Runs whose process was killed are closed first.
    """
    close_orphans(instance)
    runs = instance.get_runs(filters=RunsFilter(statuses=ACTIVE))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def retry_mark(instance: DagsterInstance, job: str, partition: str | None = None) -> str:
    """For the run key of a job that costs nothing: changes every hour while its latest run stands as failed."""
    tags = {} if partition is None else {PARTITION_TAG: partition}
    runs = instance.get_runs(filters=RunsFilter(job_name=job, tags=tags), limit=1)
    is_failed = bool(runs) and runs[0].status == DagsterRunStatus.FAILURE
    return f"again in hour {this_hour()}" if is_failed else ""


def this_hour() -> int:
    """Hours since 1970."""
    return int(time.time() // 3600)


def last_materialization_id(instance: DagsterInstance, key: AssetKey, partition: str | None = None) -> int:
    """Id of the latest materialization; 0 where there is none."""
    filters = AssetRecordsFilter(asset_key=key, asset_partitions=[partition] if partition else None)
    records = instance.fetch_materializations(filters, limit=1).records
    return records[0].storage_id if records else 0


def published_fingerprint(instance: DagsterInstance) -> str | None:
    """What `ranked_fingerprint` gave when the latest publication was made; None where there is none."""
    event = instance.get_latest_materialization_event(EXPORTS)
    value = event.asset_materialization.metadata.get(FINGERPRINT) if event and event.asset_materialization else None
    return None if value is None else str(value.value)


def age_of_publication(instance: DagsterInstance) -> timedelta | None:
    """How long ago the latest publication was made; None where there is none."""
    event = instance.get_latest_materialization_event(EXPORTS)
    return None if event is None else timedelta(seconds=time.time() - event.timestamp)


def last_evaluation(instance: DagsterInstance, key: AssetCheckKey) -> AssetCheckEvaluation | None:
    """The latest outcome of a check; one that a run plans and has not come to is passed over."""
    ended = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=ended)
    event = records[0].event.dagster_event if records and records[0].event else None
    return None if event is None else event.asset_check_evaluation_data


def recorded_versions(instance: DagsterInstance, key: AssetKey) -> dict[str, str]:
    """The data version of each partition's latest materialization."""
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        key, DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION_TAG]
    )
    return {partition: of_partition[DATA_VERSION_TAG] for partition, of_partition in tags.items()}


def last_other_launch(instance: DagsterInstance, job: str, partition: str, wanted: str) -> str:
    """Run id of the latest launch for the partition that wanted another version; "none" where there is none."""
    for run in instance.get_runs(filters=RunsFilter(job_name=job, tags={PARTITION_TAG: partition}), limit=LOOKED_BACK):
        if run.tags.get(WANTED_TAG, wanted) != wanted:
            return run.run_id
    return "none"


def last_other_input(instance: DagsterInstance, partition: str, wanted: str) -> int:
    """Id of the latest record of the partition's input in another version; 0 where there is none."""
    filters = AssetRecordsFilter(asset_key=INPUTS_KEY, asset_partitions=[partition])
    for record in instance.fetch_materializations(filters, limit=LOOKED_BACK).records:
        materialization = record.asset_materialization
        if materialization and (materialization.tags or {}).get(DATA_VERSION_TAG) != wanted:
            return record.storage_id
    return 0
