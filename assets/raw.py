"""raw.*: pages as fetched."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam, multi_asset

from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec
from exposure_dagster import checks
from exposure_dagster.stages import raw
from exposure_dagster.tables import OOH_INDEX, OOH_PAGES
from resources.pages import PagesResource
from resources.progress import ProgressFactory
from resources.warehouse import WarehouseResource

MISSING = {"every_listed_page_is_there": "Names each page that could not be had, with status and reason."}


@multi_asset(specs=[table_spec(OOH_INDEX, kinds=("duckdb", "html"))], check_specs=check_specs(OOH_INDEX, MISSING))
def ooh_index(warehouse: WarehouseResource, pages: PagesResource) -> Iterator[MaterializeResult[Any]]:
    """Fetch the handbook's A–Z index."""
    with readable_errors():
        store = warehouse.open()
        site = pages.open()
        with raw.turn_at(store, site), site.fetcher() as fetcher:
            report = raw.refresh_ooh_index(store, site, fetcher, refetch_after_hours=pages.refetch_after_hours)
        yield table_result(
            store,
            OOH_INDEX,
            data_version=report.digest,
            metadata=fetch_figures(report),
            outcomes=[checks.every_listed_page_is_there(report.listed, report.missing)],
        )


@multi_asset(
    specs=[table_spec(OOH_PAGES, deps=[key_of(OOH_INDEX)], kinds=("duckdb", "html"))],
    check_specs=check_specs(OOH_PAGES, MISSING),
)
def ooh_pages(
    context: AssetExecutionContext,
    warehouse: WarehouseResource,
    pages: PagesResource,
    progress: ResourceParam[ProgressFactory],
) -> Iterator[MaterializeResult[Any]]:
    """Fetch every page that the A–Z index names."""
    with readable_errors():
        store = warehouse.open()
        site = pages.open()
        with raw.turn_at(store, site), site.fetcher() as fetcher:
            report = raw.refresh_ooh_pages(
                store,
                site,
                fetcher,
                refetch_after_hours=pages.refetch_after_hours,
                progress=progress.make(context.log.info),
            )
        yield table_result(
            store,
            OOH_PAGES,
            data_version=report.digest,
            metadata=fetch_figures(report),
            outcomes=[checks.every_listed_page_is_there(report.listed, report.missing)],
        )


def fetch_figures(report: raw.FetchReport) -> dict[str, Any]:
    return {
        "pages in the index": report.listed,
        "pages asked for": report.asked,
        "new or changed bodies": report.new_bodies,
        "pages missing": len(report.missing),
        "content digest": MetadataValue.text(report.digest),
    }
