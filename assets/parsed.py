"""parsed.*: what was read out of the pages."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, MaterializeResult, ResourceParam, multi_asset

from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec
from exposure_dagster import checks
from exposure_dagster.parsing.ooh_page import PARSER_VERSION
from exposure_dagster.stages import parsed
from exposure_dagster.tables import (
    DOCUMENTS,
    ONET_OCCUPATIONS,
    ONET_TASKS,
    OOH_INDEX,
    OOH_OCCUPATIONS,
    OOH_PAGES,
    OOH_PROJECTIONS,
    OOH_TITLES,
    OOH_UNREAD,
    OWN_DOCUMENTS,
    TEXTS,
)
from resources.progress import ProgressFactory
from resources.warehouse import WarehouseResource

CORPUS_TABLES = (OOH_OCCUPATIONS, ONET_OCCUPATIONS, ONET_TASKS, OWN_DOCUMENTS)
"""What documents are made from."""


@multi_asset(
    specs=[table_spec(OOH_TITLES, deps=[key_of(OOH_INDEX)])],
    check_specs=check_specs(OOH_TITLES, {"every_index_entry_is_read": "No entry of the index was passed over."}),
)
def ooh_titles(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Read the titles and aliases of the A–Z index."""
    with readable_errors():
        store = warehouse.open()
        report = parsed.parse_ooh_titles(store)
        yield table_result(
            store,
            OOH_TITLES,
            data_version=report.digest,
            metadata={"aliases": report.aliases},
            outcomes=[checks.every_index_entry_is_read(report)],
        )


@multi_asset(
    specs=[
        table_spec(table, deps=[key_of(OOH_PAGES)], code_version=PARSER_VERSION)
        for table in (OOH_OCCUPATIONS, OOH_PROJECTIONS, OOH_UNREAD)
    ],
    check_specs=[
        *check_specs(
            OOH_OCCUPATIONS,
            {
                "every_listed_page_has_a_row": "As many rows as pages in the index.",
                "no_field_is_unread": "Layout drift: names slug, field and what was found.",
                "figures_are_in_range": "Pay, jobs, change, years and codes lie where they can.",
            },
        ),
        *check_specs(OOH_PROJECTIONS, {"job_total": "Pages agree with the rows of their projections tables."}),
        *check_specs(OOH_UNREAD, {}),
    ],
)
def ooh_occupations(
    context: AssetExecutionContext, warehouse: WarehouseResource, progress: ResourceParam[ProgressFactory]
) -> Iterator[MaterializeResult[Any]]:
    """Parse every page that changed."""
    with readable_errors():
        store = warehouse.open()
        report = parsed.parse_ooh_pages(store, progress=progress.make(context.log.info))
        yield table_result(
            store,
            OOH_OCCUPATIONS,
            data_version=report.occupations_digest,
            metadata={"pages": report.pages, "pages parsed now": report.parsed},
            outcomes=checks.occupations(store),
        )
        yield table_result(
            store, OOH_PROJECTIONS, data_version=report.projections_digest, outcomes=[checks.job_total(store)]
        )
        yield table_result(store, OOH_UNREAD, data_version=report.unread_digest)


@multi_asset(
    specs=[table_spec(table, deps=[key_of(source) for source in CORPUS_TABLES]) for table in (DOCUMENTS, TEXTS)],
    check_specs=[
        *check_specs(DOCUMENTS, {"every_page_has_text": "Every page can be asked about."}),
        *check_specs(TEXTS, {}),
    ],
)
def documents(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Collect what a prompt can be asked about, and keep every text."""
    with readable_errors():
        store = warehouse.open()
        report = parsed.collect_documents(store)
        yield table_result(
            store,
            DOCUMENTS,
            data_version=report.digest,
            metadata={"documents": report.documents},
            outcomes=[checks.every_page_has_text(report.without_text, report.documents)],
        )
        yield table_result(store, TEXTS, data_version=report.digest, metadata={"new texts": report.new_texts})
