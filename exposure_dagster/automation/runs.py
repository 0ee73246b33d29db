"""What Dagster's instance tells about runs of ours."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    EventLogRecord,
    RunsFilter,
)

from assets.published import EXPORTS
from exposure_dagster.automation.instance import close_orphans
from exposure_dagster.automation.jobs import INPUTS_KEY
from exposure_dagster.automation.looks import fingerprint_now
from exposure_dagster.pipeline.published import FINGERPRINT
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.publishing.content import Addresses
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.settings import load_settings
from exposure_dagster.store.warehouse import Warehouse

WANTED_TAG = "exposure/wanted"
"""The input_hash that a run was launched for."""

PARTITION_TAG = "dagster/partition"
DATA_VERSION_TAG = "dagster/data_version"
_NOTED_VERSION = "dagster/input_data_version/"

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
    close_orphans(instance, load_settings().shared)
    runs = instance.get_runs(filters=RunsFilter(statuses=ACTIVE))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def is_under_way(instance: DagsterInstance, job: str) -> bool:
    """Whether a run of the job is at work, or queued."""
    return instance.get_runs_count(RunsFilter(job_name=job, statuses=ACTIVE)) > 0


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
    record = _latest_materialization(instance, key, partition)
    return record.storage_id if record else 0


@dataclass(frozen=True)
class PublicationSeen:
    """Whether what is published is what is ranked. `fingerprint` is of the latter, None where nothing is ranked: then
    nothing stays published, and `is_withdrawn` says whether something was."""

    fingerprint: str | None
    is_current: bool
    is_withdrawn: bool = False


def look_at_publication(
    instance: DagsterInstance,
    warehouse: Warehouse,
    published: PublishedFolder,
    folder: PromptFolder,
    addresses: Addresses,
) -> PublicationSeen:
    """Compare what is ranked with what is published; `folder` are the prompt files."""
    fingerprint = fingerprint_now(warehouse, folder, addresses)
    if fingerprint is None:
        return PublicationSeen(None, is_current=True, is_withdrawn=published.withdraw())
    is_current = fingerprint == _published_fingerprint(instance) and published.is_published()
    return PublicationSeen(fingerprint, is_current)


def _published_fingerprint(instance: DagsterInstance) -> str | None:
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
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=LOOKED_BACK):
        event = record.event.dagster_event if record.event else None
        if event is not None and event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            return event.asset_check_evaluation_data
    return None


def recorded_versions(instance: DagsterInstance, key: AssetKey) -> dict[str, str]:
    """The data version of each partition's latest materialization."""
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        key, DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION_TAG]
    )
    return {partition: of_partition[DATA_VERSION_TAG] for partition, of_partition in tags.items()}


def made_from_earlier_sources(
    instance: DagsterInstance, key: AssetKey, partitions: Collection[str], sources: Collection[AssetKey]
) -> set[str]:
    """Those of an asset's partitions that Dagster shows as stale because of its sources without partitions.

    It compares the data version of a source with the one that a run noted; where no run made the partition, and so
    nothing is noted, an event of the source after it is enough.
    """
    latest = {source: _latest_materialization(instance, source) for source in sources}
    stale = set()
    for partition in partitions:
        record = _latest_materialization(instance, key, partition)
        if record is None:
            continue
        noted = _tags(record)
        is_of_a_run = any(tag.startswith(_NOTED_VERSION) for tag in noted)
        for source, now in latest.items():
            if now is None:
                continue
            is_other = noted.get(f"{_NOTED_VERSION}{source.to_user_string()}") != _tags(now).get(DATA_VERSION_TAG)
            if is_other if is_of_a_run else now.storage_id > record.storage_id:
                stale.add(partition)
    return stale


def _latest_materialization(
    instance: DagsterInstance, key: AssetKey, partition: str | None = None
) -> EventLogRecord | None:
    filters = AssetRecordsFilter(asset_key=key, asset_partitions=None if partition is None else [partition])
    records = instance.fetch_materializations(filters, limit=1).records
    return records[0] if records else None


def _tags(record: EventLogRecord) -> Mapping[str, str]:
    return (record.asset_materialization.tags if record.asset_materialization else None) or {}


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
        if record.asset_materialization and _tags(record).get(DATA_VERSION_TAG) != wanted:
            return record.storage_id
    return 0
