"""published.*: plain files, complete before the link that readers follow is switched to them."""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    AssetSpec,
    DataVersion,
    MaterializeResult,
    MetadataValue,
    multi_asset,
)

from assets.reporting import FILES_ARE_FRESH, OWNERS, key_of, readable_errors
from exposure_dagster.publishing.exports import missing_files
from exposure_dagster.stages import published
from exposure_dagster.tables import OCCUPATIONS, RANKINGS, RESILIENCE, SUMMARIES, TASK_ROLLUPS
from resources.pages import PromptsResource
from resources.warehouse import PublishedFolderResource, WarehouseResource

EXPORTS = AssetKey(["published", "exports"])


@multi_asset(
    specs=[
        AssetSpec(
            EXPORTS,
            deps=[key_of(table) for table in (RANKINGS, SUMMARIES, RESILIENCE, TASK_ROLLUPS, OCCUPATIONS)],
            group_name="published",
            description=(
                "Per prompt ranking.csv, .parquet, .json, the summaries and brief.md, with a data dictionary and the "
                "attributions beside them. published/current points at the latest complete publication."
            ),
            kinds={"csv", "parquet", "json"},
            owners=list(OWNERS),
            freshness_policy=FILES_ARE_FRESH,
        )
    ],
    check_specs=[AssetCheckSpec("publication_is_complete", asset=EXPORTS, description="No file of it is missing.")],
)
def exports(
    warehouse: WarehouseResource, published_folder: PublishedFolderResource, prompt_files: PromptsResource
) -> Iterator[MaterializeResult[Any]]:
    """Write the publication of everything that is ranked."""
    with readable_errors():
        store = warehouse.open()
        broken = {one.name: one.problems[0].summary for one in prompt_files.load().broken}
        fingerprint = published.ranked_fingerprint(store, broken)
        content = published.read_content(store, broken)
        folder = published.publish_exports(content, published_folder.root)
        missing = missing_files(content, folder)
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        yield MaterializeResult(
            asset_key=EXPORTS,
            data_version=DataVersion(content.digest),
            metadata={
                "folder": MetadataValue.path(folder),
                "prompts": len(content.prompts),
                published.FINGERPRINT: fingerprint or "",
                "files": MetadataValue.md("\n".join(f"- `{name}`" for name in files)),
            },
            check_results=[
                AssetCheckResult(
                    asset_key=EXPORTS,
                    passed=not missing,
                    check_name="publication_is_complete",
                    description=f"{len(files)} files" if not missing else f"missing: {', '.join(missing)}",
                )
            ],
        )
