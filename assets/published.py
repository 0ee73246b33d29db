"""published.*: plain files and the site, complete before the link that readers follow is switched to them."""

import base64
import logging
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

from assets.reporting import FILES_ARE_FRESH, key_of, readable_errors
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.corpora.registry import CORPORA
from exposure_dagster.indices.tables import INDEX_VALUES
from exposure_dagster.pipeline import gate, published
from exposure_dagster.publishing.exports import missing_files
from exposure_dagster.publishing.site import (
    PICTURE,
    SHARE_FOLDER,
    SITE_FILES,
    SITE_FOLDER,
    missing_site_files,
)
from exposure_dagster.tables import (
    CHANGES,
    DOCUMENT_FACTS,
    GATE,
    MATCHES,
    OCCUPATIONS,
    RANKINGS,
    RELIABILITY,
    RESILIENCE,
    SUMMARIES,
    TASK_ROLLUPS,
    UNCERTAINTY,
)
from resources.pages import PromptsResource
from resources.warehouse import PublishedFolderResource, WarehouseResource

_log = logging.getLogger(__name__)

DIGEST = AssetKey(["ranked", "digest"])
EXPORTS = AssetKey(["published", "exports"])
SITE = AssetKey(["published", "site"])

_PUBLISHED = [
    key_of(table)
    for table in (
        *(RANKINGS, UNCERTAINTY, RELIABILITY, SUMMARIES, CHANGES, RESILIENCE, TASK_ROLLUPS, OCCUPATIONS),
        *(export.table for corpus in CORPORA.values() for export in corpus.exports if export.table.schema == "parsed"),
        DOCUMENT_FACTS,
        MATCHES,
        INDEX_VALUES,
        GATE,
    )
]


@multi_asset(
    specs=[
        AssetSpec(
            DIGEST,
            deps=_PUBLISHED,
            group_name="ranked",
            description=(
                "One digest of all that is to be published. Dagster tells an asset below a partitioned one as stale "
                "up to 100 partitions; below this digest it does, however many prompts there are."
            ),
            kinds={"duckdb"},
        )
    ]
)
def digest(
    warehouse: WarehouseResource, published_folder: PublishedFolderResource, prompt_files: PromptsResource
) -> Iterator[MaterializeResult[Any]]:
    """Take the digest of all prompts' rankings, and of what is published beside them."""
    with readable_errors():
        folder = prompt_files.load()
        fingerprint = published.ranked_fingerprint(
            warehouse.open(), folder.what_is_broken, published_folder.addresses, folder.composites
        )
        found = fingerprint or "nothing"
        yield MaterializeResult(asset_key=DIGEST, data_version=DataVersion(found), metadata={"digest": found})


@multi_asset(
    specs=[
        AssetSpec(
            EXPORTS,
            deps=[DIGEST],
            group_name="published",
            description=(
                "Per prompt ranking.csv, .parquet, .json, .xlsx, the summaries and brief.md, with a data dictionary "
                "and the attributions beside them. published/current points at the latest complete publication."
            ),
            kinds={"csv", "parquet", "excel"},
            freshness_policy=FILES_ARE_FRESH,
        ),
        AssetSpec(
            SITE,
            deps=[DIGEST],
            group_name="published",
            description=(
                "The map and its other views, a static site of the same publication: it opens from its folder, "
                "without a server or a network. `exposure serve` serves it with the API."
            ),
            kinds={"html", "javascript"},
            freshness_policy=FILES_ARE_FRESH,
        ),
    ],
    check_specs=[
        AssetCheckSpec("publication_is_complete", asset=EXPORTS, description="No file of it is missing."),
        AssetCheckSpec("site_is_complete", asset=SITE, description="No file of it is missing."),
    ],
)
def publication(
    warehouse: WarehouseResource, published_folder: PublishedFolderResource, prompt_files: PromptsResource
) -> Iterator[MaterializeResult[Any]]:
    """Write one publication of everything that is ranked: both assets are parts of it, of one digest."""
    with readable_errors():
        store = warehouse.open()
        gate.refuse_what_is_kept_back(store, published_folder.kept_back_by)
        prompts = prompt_files.load()
        presented = (prompts.what_is_broken, published_folder.addresses, prompts.composites)
        with store.snapshot() as now:
            fingerprint = published.ranked_fingerprint(now, *presented)
            content = published.read_content(now, *presented)
        folder = published.publish_content(content, published_folder.open())
        try:
            store.tidy()
        except WarehouseError as error:  # what is published stands; the next publication tidies up
            _log.warning("the shared tables are not tidied up: %s", error)
        site = folder / SITE_FOLDER
        missing = missing_files(content, folder)
        shared = site / SHARE_FOLDER
        paths = [path for path in folder.rglob("*") if path.is_file()]
        files = sorted(path.relative_to(folder).as_posix() for path in paths if not path.is_relative_to(shared))
        picture = base64.b64encode((site / PICTURE).read_bytes()).decode()
        yield MaterializeResult(
            asset_key=EXPORTS,
            data_version=DataVersion(content.digest),
            metadata={
                "folder": MetadataValue.path(folder),
                "prompts": len(content.prompts),
                "composites": len(content.composites),
                "composites left out": MetadataValue.md(
                    "\n".join(f"- {one}" for one in [*content.left_out, *map(str, prompts.broken_composites)]) or "none"
                ),
                published.FINGERPRINT: fingerprint or "",
                "files": MetadataValue.md("\n".join(f"- `{name}`" for name in files)),
            },
            check_results=[_completeness(EXPORTS, "publication_is_complete", missing, len(files))],
        )
        missing = missing_site_files(site)
        yield MaterializeResult(
            asset_key=SITE,
            data_version=DataVersion(content.digest),
            metadata={
                "map": MetadataValue.md(f"![The map that the site opens with](data:image/png;base64,{picture})"),
                "page": MetadataValue.path(published_folder.root / "current" / SITE_FOLDER / "index.html"),
                "link": MetadataValue.md(
                    "<http://127.0.0.1:8000/> while `exposure serve` runs; the page also opens from its folder"
                ),
                "folder": MetadataValue.path(site),
                "size in bytes": sum(path.stat().st_size for path in paths if path.is_relative_to(site)),
                "pages of single occupations": sum(path.suffix == ".html" for path in shared.rglob("*")),
            },
            check_results=[_completeness(SITE, "site_is_complete", missing, len(SITE_FILES))],
        )


def _completeness(key: AssetKey, name: str, missing: list[str], files: int) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=key,
        passed=not missing,
        check_name=name,
        description=f"{files} files" if not missing else f"missing: {', '.join(missing)}",
    )
