"""parsed.*: what was read out of the sources, and what is collected from every corpus."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, MaterializeResult, ResourceParam, multi_asset

from assets.reporting import check_specs, key_of, readable_errors, table_result, table_spec, table_value
from exposure_dagster.corpora.corpus import Reading, Step
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS
from exposure_dagster.corpora.registry import FACT_TABLES, ROLE_INDEX, STEPS
from exposure_dagster.matching import MATCHING_VERSION
from exposure_dagster.pipeline import checks
from exposure_dagster.pipeline import documents as stage
from exposure_dagster.pipeline.matches import corrections_can_be_used, match_own_documents
from exposure_dagster.tables import DOCUMENT_FACTS, DOCUMENTS, MATCHES, TEXTS
from resources.own_documents import OwnDocumentsResource
from resources.progress import ProgressFactory
from resources.warehouse import WarehouseResource


def read_asset(step: Step) -> AssetsDefinition:
    """The asset that a step of a source's folder becomes."""

    @multi_asset(
        name=step.name,
        description=step.description,
        specs=[
            table_spec(
                table, deps=[key_of(one) for one in step.after], kinds=step.kinds, code_version=step.code_version
            )
            for table in step.tables
        ],
        check_specs=[
            spec for table in step.tables for spec in check_specs(table, step.checks.get(table.full_name, {}))
        ],
    )
    def read(
        context: AssetExecutionContext,
        warehouse: WarehouseResource,
        own_files: OwnDocumentsResource,
        progress: ResourceParam[ProgressFactory],
    ) -> Iterator[MaterializeResult[Any]]:
        with readable_errors():
            store = warehouse.open()
            reading = Reading(
                warehouse=store, progress=progress.make(context.log.info), own_corpora=own_files.corpora()
            )
            results = step.read(reading)
            for filled in results:
                if filled.note:
                    context.log.warning(filled.note)
            with store.snapshot() as now:
                shown = [
                    table_result(
                        now,
                        filled.table,
                        data_version=filled.digest,
                        metadata={name: _shown(value) for name, value in filled.figures.items()},
                        outcomes=filled.outcomes,
                    )
                    for filled in results
                ]
            yield from shown

    return read


def _shown(value: Any) -> Any:
    return table_value(value) if isinstance(value, pd.DataFrame) else value


@multi_asset(
    specs=[table_spec(table, deps=[key_of(source) for source in FACT_TABLES]) for table in (DOCUMENTS, TEXTS)],
    check_specs=[
        *check_specs(DOCUMENTS, {"every_page_has_text": "Every page can be asked about."}),
        *check_specs(TEXTS, {}),
    ],
)
def documents(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Collect what a prompt can be asked about, and keep every text."""
    with readable_errors(), warehouse.held() as store:
        report = stage.collect_documents(store)
        with store.snapshot() as now:
            results = [
                table_result(
                    now,
                    DOCUMENTS,
                    data_version=report.digest,
                    metadata={"documents": report.documents},
                    outcomes=[checks.every_page_has_text(report.without_text, report.documents)],
                ),
                table_result(now, TEXTS, data_version=report.digest, metadata={"new texts": report.new_texts}),
            ]
        yield from results


@multi_asset(
    specs=[table_spec(DOCUMENT_FACTS, deps=[key_of(source) for source in FACT_TABLES])],
    check_specs=check_specs(DOCUMENT_FACTS, {}),
)
def document_facts(warehouse: WarehouseResource) -> Iterator[MaterializeResult[Any]]:
    """Collect what is known of the documents of every corpus, in the same columns."""
    with readable_errors(), warehouse.held() as store:
        report = stage.collect_facts(store)
        with store.snapshot() as now:
            result = table_result(now, DOCUMENT_FACTS, data_version=report.digest)
        yield result


@multi_asset(
    specs=[
        table_spec(
            MATCHES,
            deps=[key_of(source) for source in (OWN_DOCUMENTS, *ROLE_INDEX.tables)],
            kinds=("duckdb", "scikitlearn"),
            code_version=MATCHING_VERSION,
        )
    ],
    check_specs=check_specs(
        MATCHES, {"corrections_can_be_used": "Names each line of the file of corrections that is left out."}
    ),
)
def matches(warehouse: WarehouseResource, own_files: OwnDocumentsResource) -> Iterator[MaterializeResult[Any]]:
    """Find the O*NET occupation of each of the user's own documents."""
    with readable_errors():
        store = warehouse.open()
        report = match_own_documents(store, own_files.corrections_file)
        with store.snapshot() as now:
            result = table_result(
                now,
                MATCHES,
                data_version=report.digest,
                metadata={"documents": report.documents, "accepted": report.accepted, "result": report.result},
                outcomes=[corrections_can_be_used(report)],
            )
        yield result


ASSETS = [*(read_asset(step) for step in STEPS), documents, document_facts, matches]
