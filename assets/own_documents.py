"""raw.own_documents: users' own documents, as their files have them."""

from collections.abc import Iterator
from typing import Any

from dagster import MaterializeResult, multi_asset

from assets.reporting import check_specs, readable_errors, table_result, table_spec, table_value
from exposure_dagster import checks
from exposure_dagster.stages.own_documents import refresh_own_documents
from exposure_dagster.tables import OWN_DOCUMENTS
from resources.own_documents import OwnDocumentsResource
from resources.warehouse import WarehouseResource


@multi_asset(
    specs=[table_spec(OWN_DOCUMENTS, kinds=("duckdb", "csv", "parquet"))],
    check_specs=check_specs(
        OWN_DOCUMENTS, {"own_files_can_be_used": "Names each mistake in a file of your own, with its line."}
    ),
)
def own_documents(warehouse: WarehouseResource, own_files: OwnDocumentsResource) -> Iterator[MaterializeResult[Any]]:
    """Read the files that EXPOSURE_DOCUMENTS names."""
    with readable_errors():
        store = warehouse.open()
        report = refresh_own_documents(store, own_files.corpora())
        files = store.read(
            "SELECT corpus, any_value(file) AS file, any_value(file_sha256) AS sha256, any_value(read_at) AS read_at,"
            " count(*) AS documents FROM raw.own_documents GROUP BY corpus ORDER BY corpus"
        )
        yield table_result(
            store,
            OWN_DOCUMENTS,
            data_version=report.digest,
            metadata={"files": table_value(files)},
            outcomes=[checks.own_files_can_be_used(report)],
        )
