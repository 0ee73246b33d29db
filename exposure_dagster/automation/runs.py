"""What Dagster's instance tells about runs of ours."""

from __future__ import annotations

from dagster import AssetKey, DagsterInstance, DagsterRunStatus, RunsFilter

WANTED_TAG = "exposure/wanted"
"""The input_hash that a run was launched for."""

PARTITION_TAG = "dagster/partition"

ACTIVE = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def active_partitions(instance: DagsterInstance, job: str) -> set[str]:
    """Partitions that a run of the job is at work on, or queued for."""
    runs = instance.get_runs(filters=RunsFilter(job_name=job, statuses=ACTIVE))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def last_materialization_id(instance: DagsterInstance, key: AssetKey, partition: str | None = None) -> int:
    """Id of the latest materialization; 0 where there is none."""
    from dagster import AssetRecordsFilter

    filters = AssetRecordsFilter(asset_key=key, asset_partitions=[partition] if partition else None)
    records = instance.fetch_materializations(filters, limit=1).records
    return records[0].storage_id if records else 0


def last_other_launch(instance: DagsterInstance, job: str, partition: str, wanted: str) -> str:
    """Run id of the latest launch for the partition that wanted another version; "none" where there is none."""
    for run in instance.get_runs(filters=RunsFilter(job_name=job, tags={PARTITION_TAG: partition}), limit=50):
        if run.tags.get(WANTED_TAG, wanted) != wanted:
            return run.run_id
    return "none"
