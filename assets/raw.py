"""raw.*: sources as fetched. One factory for all of them."""

from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    multi_asset,
)

from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec
from exposure_dagster.corpora.corpus import Fetching, Source
from exposure_dagster.corpora.registry import SOURCES
from exposure_dagster.sources.kept import FetchReport, every_listed_page_is_there, turn_at
from resources.pages import PagesResource
from resources.progress import ProgressFactory
from resources.warehouse import WarehouseResource

MISSING = {"every_listed_page_is_there": "Names each page that could not be had, with status and reason."}


def fetched_asset(source: Source) -> AssetsDefinition:
    """The asset that fetches a source."""
    table = source.table

    @multi_asset(
        name=f"{table.schema}_{table.name}",
        description=source.description,
        specs=[table_spec(table, deps=[key_of(one) for one in source.after], kinds=source.kinds)],
        check_specs=check_specs(table, {**MISSING, **source.checks}),
    )
    def fetched(
        context: AssetExecutionContext,
        warehouse: WarehouseResource,
        pages: PagesResource,
        progress: ResourceParam[ProgressFactory],
    ) -> Iterator[MaterializeResult[Any]]:
        with readable_errors():
            store, site = warehouse.open(), pages.open()
            with turn_at(store, site), site.fetcher() as fetcher:
                report = source.fetch(
                    Fetching(
                        warehouse=store,
                        site=site,
                        fetcher=fetcher,
                        refetch_after_hours=pages.refetch_after_hours,
                        settings=pages.source_settings,
                        progress=progress.make(context.log.info),
                    )
                )
            if report.note:
                context.log.warning(report.note)
            yield table_result(
                store,
                table,
                data_version=report.digest,
                metadata=_figures(report),
                outcomes=[every_listed_page_is_there(report.listed, report.missing), *source.look(store)],
            )

    return fetched


def _figures(report: FetchReport) -> dict[str, Any]:
    note = {"note": MetadataValue.text(report.note)} if report.note else {}
    return {
        "pages in the index": report.listed,
        "pages asked for": report.asked,
        "new or changed bodies": report.new_bodies,
        "pages missing": len(report.missing),
        "content digest": MetadataValue.text(report.digest),
        **note,
    }


ASSETS = [fetched_asset(source) for source in SOURCES]
