"""Saying of what stands that it is still what would be made now.

Dagster marks an asset as stale when a source that it hangs on has a new data version, although of that source only
another prompt's part may have changed. Where the warehouse knows better, the same data version is reported again, as
made from the sources of now. Nothing below it is stale by that.
"""

from collections.abc import Collection, Mapping

from dagster import AssetKey, AssetMaterialization, AssetRecordsFilter, DagsterInstance, EventLogRecord
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    INPUT_DATA_VERSION_TAG_PREFIX,
    INPUT_EVENT_POINTER_TAG_PREFIX,
)

from exposure_dagster.automation.runs import DATA_VERSION_TAG, recorded_versions


def current_versions(instance: DagsterInstance, keys: Collection[AssetKey]) -> dict[str, str | None]:
    """Data versions of assets without partitions, by name; None where one was never materialized."""
    return {key.to_user_string(): _version(_latest(instance, key, None)) for key in sorted(keys)}


def affirmed(
    instance: DagsterInstance, key: AssetKey, partitions: Collection[str], deps: Mapping[AssetKey, bool]
) -> list[AssetMaterialization]:
    """Materializations of those of the partitions that were made from earlier versions of their deps.

    `deps` says of each dep whether it has the same partitions. The metadata stay as they were.
    """
    shared = {dep: _latest(instance, dep, None) for dep, is_partitioned in deps.items() if not is_partitioned}
    events = []
    for partition in sorted(set(partitions) & recorded_versions(instance, key).keys()):
        latest = _latest(instance, key, partition)
        assert latest is not None and latest.asset_materialization is not None
        tags = latest.asset_materialization.tags or {}
        sources: dict[str, str] = {}
        for dep, is_partitioned in deps.items():
            record = _latest(instance, dep, partition) if is_partitioned else shared[dep]
            version = _version(record)
            if record is not None and version is not None:
                sources[f"{INPUT_DATA_VERSION_TAG_PREFIX}/{dep.to_user_string()}"] = version
                sources[f"{INPUT_EVENT_POINTER_TAG_PREFIX}/{dep.to_user_string()}"] = str(record.storage_id)
        versions = {tag: value for tag, value in sources.items() if tag.startswith(INPUT_DATA_VERSION_TAG_PREFIX)}
        if any(tags.get(tag) != value for tag, value in versions.items()):
            own = {
                DATA_VERSION_TAG: tags[DATA_VERSION_TAG],
                DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
                CODE_VERSION_TAG: tags.get(CODE_VERSION_TAG, "none"),
            }
            events.append(
                AssetMaterialization(
                    asset_key=key,
                    partition=partition,
                    description="Still what would be made now; nothing was made again.",
                    metadata=latest.asset_materialization.metadata,
                    tags={**own, **sources},
                )
            )
    return events


def _latest(instance: DagsterInstance, key: AssetKey, partition: str | None) -> EventLogRecord | None:
    filters = AssetRecordsFilter(asset_key=key, asset_partitions=None if partition is None else [partition])
    records = instance.fetch_materializations(filters, limit=1).records
    return records[0] if records else None


def _version(record: EventLogRecord | None) -> str | None:
    if record is None or record.asset_materialization is None:
        return None
    return (record.asset_materialization.tags or {}).get(DATA_VERSION_TAG)
