"""raw.* and parsed.* of O*NET and the employment projections: as fetched, and what was read out of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam, multi_asset

from assets.raw import MISSING, fetch_figures
from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec
from exposure_dagster import checks, onet_checks
from exposure_dagster.stages import onet, onet_raw, raw
from exposure_dagster.stages.raw import FetchReport
from exposure_dagster.tables import (
    EMPLOYMENT_PROJECTIONS,
    ONET_DATABASE,
    ONET_LIST,
    ONET_OCCUPATIONS,
    ONET_PAGES,
    ONET_TASKS,
    ONET_TITLES,
    ONET_UNREAD,
    OOH_OCCUPATIONS,
    RAW_PROJECTIONS,
    SOC_CROSSWALK,
    Table,
)
from exposure_dagster.warehouse import Warehouse
from resources.pages import PagesResource
from resources.progress import ProgressFactory
from resources.warehouse import WarehouseResource


@multi_asset(specs=[table_spec(ONET_LIST, kinds=("duckdb", "csv"))], check_specs=check_specs(ONET_LIST, MISSING))
def onet_list(
    context: AssetExecutionContext, warehouse: WarehouseResource, pages: PagesResource
) -> Iterator[MaterializeResult[Any]]:
    """Fetch the list of all O*NET occupations."""
    with readable_errors():
        store, site = warehouse.open(), pages.open()
        with raw.turn_at(store, site), site.fetcher() as fetcher:
            report = onet_raw.refresh_onet_list(store, site, fetcher, refetch_after_hours=pages.refetch_after_hours)
        yield _fetched(context, store, ONET_LIST, report)


@multi_asset(
    specs=[table_spec(ONET_DATABASE, kinds=("duckdb",))],
    check_specs=check_specs(
        ONET_DATABASE, {**MISSING, "release_is_the_newest": "Says when a newer release is out than the one in use."}
    ),
)
def onet_database(
    context: AssetExecutionContext, warehouse: WarehouseResource, pages: PagesResource
) -> Iterator[MaterializeResult[Any]]:
    """Fetch the O*NET database, or take the saved one."""
    with readable_errors():
        store, site = warehouse.open(), pages.open()
        with raw.turn_at(store, site), site.fetcher() as fetcher:
            report = onet_raw.refresh_onet_database(
                store,
                site,
                fetcher,
                release=pages.onet_release,
                saved=_path(pages.onet_database),
                refetch_after_hours=pages.refetch_after_hours,
            )
        yield _fetched(context, store, ONET_DATABASE, report, onet_checks.release_is_the_newest(store))


@multi_asset(
    specs=[table_spec(RAW_PROJECTIONS, kinds=("duckdb", "csv"))],
    check_specs=check_specs(RAW_PROJECTIONS, MISSING),
)
def raw_projections(
    context: AssetExecutionContext, warehouse: WarehouseResource, pages: PagesResource
) -> Iterator[MaterializeResult[Any]]:
    """Fetch BLS's employment projections, or take the saved file."""
    with readable_errors():
        store, site = warehouse.open(), pages.open()
        with raw.turn_at(store, site), site.fetcher() as fetcher:
            report = onet_raw.refresh_projections(
                store,
                site,
                fetcher,
                saved=_path(pages.projections),
                refetch_after_hours=pages.refetch_after_hours,
            )
        yield _fetched(context, store, RAW_PROJECTIONS, report)


@multi_asset(
    specs=[table_spec(ONET_PAGES, deps=[key_of(ONET_LIST), key_of(ONET_DATABASE)], kinds=("duckdb", "html"))],
    check_specs=check_specs(ONET_PAGES, MISSING),
)
def onet_pages(
    context: AssetExecutionContext,
    warehouse: WarehouseResource,
    pages: PagesResource,
    progress: ResourceParam[ProgressFactory],
) -> Iterator[MaterializeResult[Any]]:
    """Fetch the summary page of every occupation with data: about 17 minutes live, and only when changed."""
    with readable_errors():
        store, site = warehouse.open(), pages.open()
        with raw.turn_at(store, site), site.fetcher() as fetcher:
            report = onet_raw.refresh_onet_pages(
                store,
                site,
                fetcher,
                is_wanted=pages.onet_pages,
                refetch_after_hours=pages.refetch_after_hours,
                progress=progress.make(context.log.info),
            )
        yield _fetched(context, store, ONET_PAGES, report)


@multi_asset(
    specs=[table_spec(EMPLOYMENT_PROJECTIONS, deps=[key_of(RAW_PROJECTIONS)])],
    check_specs=check_specs(EMPLOYMENT_PROJECTIONS, {}),
)
def employment_projections(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Read the employment projections."""
    with readable_errors():
        store = warehouse.open()
        report = onet.parse_employment_projections(store)
        yield table_result(store, EMPLOYMENT_PROJECTIONS, data_version=report.digest)


_OF_ONET = (ONET_OCCUPATIONS, ONET_TASKS, ONET_TITLES, ONET_UNREAD)


@multi_asset(
    specs=[
        table_spec(
            table,
            deps=[key_of(source) for source in (ONET_LIST, ONET_PAGES, ONET_DATABASE, EMPLOYMENT_PROJECTIONS)],
        )
        for table in _OF_ONET
    ],
    check_specs=[
        *check_specs(
            ONET_OCCUPATIONS,
            {
                "every_occupation_has_its_figures": "Growth and openings are known of every scoreable occupation.",
                "projections_are_the_newest": "Says when summary pages cite a later edition than the one in use.",
                "figures_are_in_range": "Wages, percentages, zones and codes lie where they can.",
            },
        ),
        *(spec for table in (ONET_TASKS, ONET_TITLES) for spec in check_specs(table, {})),
        *check_specs(ONET_UNREAD, {"no_field_is_unread": "Layout drift: names code, field and what was found."}),
    ],
)
def onet_occupations(
    context: AssetExecutionContext, warehouse: WarehouseResource, progress: ResourceParam[ProgressFactory]
) -> Iterator[MaterializeResult[Any]]:
    """Read list, database and summary pages, and put together what they say of each occupation."""
    with readable_errors():
        store = warehouse.open()
        report = onet.parse_onet(store, progress=progress.make(context.log.info))
        if report.note:
            context.log.warning(report.note)
        with store.snapshot() as now:
            outcomes = {
                ONET_OCCUPATIONS: onet_checks.occupations(now, report),
                ONET_UNREAD: [onet_checks.no_field_is_unread(now)],
            }
            results = [
                table_result(
                    now,
                    table,
                    data_version=report.tables[table.name].digest,
                    metadata={"release": report.release or "none"},
                    outcomes=outcomes.get(table, []),
                )
                for table in _OF_ONET
            ]
        yield from results


@multi_asset(
    specs=[
        table_spec(SOC_CROSSWALK, deps=[key_of(OOH_OCCUPATIONS), key_of(ONET_LIST), key_of(EMPLOYMENT_PROJECTIONS)])
    ],
    check_specs=check_specs(
        SOC_CROSSWALK,
        {
            "every_linked_code_is_listed": "Every O*NET code that a handbook page links to is in the list.",
            "jobs_are_shared_out_once": "The shares of each row of the projections add up to its jobs.",
        },
    ),
)
def soc_crosswalk(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Join handbook pages, SOC codes and O*NET codes."""
    with readable_errors():
        store = warehouse.open()
        report = onet.join_codes(store)
        with store.snapshot() as now:
            result = table_result(now, SOC_CROSSWALK, data_version=report.digest, outcomes=onet_checks.crosswalk(now))
        yield result


def _fetched(
    context: AssetExecutionContext, store: Warehouse, table: Table, report: FetchReport, *more: checks.CheckOutcome
) -> MaterializeResult[Any]:
    if report.note:
        context.log.warning(report.note)
    note = {"note": MetadataValue.text(report.note)} if report.note else {}
    return table_result(
        store,
        table,
        data_version=report.digest,
        metadata={**fetch_figures(report), **note},
        outcomes=[checks.every_listed_page_is_there(report.listed, report.missing), *more],
    )


def _path(path: str | None) -> Path | None:
    return Path(path) if path else None
