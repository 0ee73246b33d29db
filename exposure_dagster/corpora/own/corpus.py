"""A user's own documents as a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.columns import column, texts
from exposure_dagster.core.lineage import made_from, same_as
from exposure_dagster.corpora.corpus import Corpus, Filled, Publisher, Reading, SiteView, Step
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS

if TYPE_CHECKING:
    import pandas as pd


def own_corpus(name: str) -> Corpus:
    """The corpus of that name, of whatever its file holds. `name` is lower-case letters, digits and underscores."""
    rows = f"FROM raw.own_documents WHERE corpus = '{name}'"
    return Corpus(
        name=name,
        title=name,
        tables=(OWN_DOCUMENTS,),
        # Each under its title, as handbook pages are: another title is another text.
        documents=f"SELECT doc_id, title, '# ' || title || E'\\n\\n' || text AS text {rows} ORDER BY doc_id",
        facts=f"""
            SELECT doc_id, title, category, jobs,
                   CASE WHEN jobs IS NOT NULL THEN 'jobs of its file' END AS jobs_basis,
                   median_pay_annual AS pay_annual,
                   CASE WHEN coalesce(median_pay_annual, median_pay_hourly) IS NOT NULL
                        THEN coalesce(pay_currency, 'USD') END AS pay_currency,
                   CASE WHEN median_pay_annual IS NOT NULL THEN 'annual'
                        WHEN median_pay_hourly IS NOT NULL THEN 'hourly_only' END AS pay_basis,
                   pay_is_top_coded, education, education_order, outlook_pct, outlook_desc, url, soc_code, soc_codes,
                   onet_codes, parent,
                   CASE WHEN coalesce(isco_codes, esco_codes) IS NOT NULL
                        THEN to_json({{isco_codes: isco_codes, esco_codes: esco_codes}}) END AS figures
            {rows}
        """,
        provenance=f"SELECT doc_id, NULL AS url, file_sha256 AS content_sha256, read_at AS fetched_at {rows}",
        occupations=f"""
            SELECT DISTINCT doc_id, slug FROM (SELECT doc_id, unnest(onet_codes) AS onet_code {rows})
            JOIN parsed.soc_crosswalk USING (onet_code) WHERE slug IS NOT NULL
        """,
        document_lineage=DOCUMENT_LINEAGE,
        facts_lineage=FACTS_LINEAGE,
        site=SiteView(
            note="",
            query=f"""
                SELECT * EXCLUDE (text, file, file_sha256, read_at)
                         REPLACE (coalesce(pay_currency, 'USD') AS pay_currency), education AS entry_education
                {rows}
            """,
            figures={
                "outlook": "Projected change of employment, as the file says.",
                "pay": "Pay, as the file says.",
                "education": "Education, as the file says.",
            },
            head=lambda rows: {"sources": {figure: _titles(rows, name) for figure in _SITE_FIGURES}},
            columns=_classifications,
        ),
        credited=_credited,
        published_from=(f"SELECT doc_id, file_sha256 {rows}",),
    )


_SITE_FIGURES = ("pay", "outlook", "education")
_CLASSIFICATIONS = {"isco_codes": "ISCO-08", "esco_codes": "ESCO"}


def _titles(rows: pd.DataFrame, name: str) -> list[str]:
    return [title for title, _, _ in _credited(rows)] or [f"own documents ({name})"]


def _credited(rows: pd.DataFrame) -> tuple[tuple[str, str | None, str | None], ...]:
    """The sources that the mapping beside the file names."""
    columns = [column(rows, name) for name in ("source", "source_url", "source_licence")]
    return tuple(dict.fromkeys(one for one in zip(*columns, strict=True) if one[0] is not None))


def _classifications(rows: pd.DataFrame) -> dict[str, Any]:
    """Codes of other classifications, by its name, where any document has them."""
    codes = {title: [texts(one) for one in column(rows, name)] for name, title in _CLASSIFICATIONS.items()}
    return {"classifications": {title: lists for title, lists in codes.items() if any(lists)}}


DOCUMENT_LINEAGE = same_as("raw.own_documents", "doc_id title") | made_from(
    "text", "raw.own_documents.title", "raw.own_documents.text"
)
FACTS_LINEAGE = {
    **same_as(
        "raw.own_documents",
        "doc_id title category jobs pay_currency pay_is_top_coded education education_order outlook_pct outlook_desc "
        "url soc_code soc_codes onet_codes parent",
    ),
    **made_from("pay_annual", "raw.own_documents.median_pay_annual"),
    **made_from("pay_basis", "raw.own_documents.median_pay_annual", "raw.own_documents.median_pay_hourly"),
    **made_from("figures", "raw.own_documents.isco_codes", "raw.own_documents.esco_codes"),
}


def _read_files(reading: Reading) -> Sequence[Filled]:
    from exposure_dagster.corpora.own.checks import own_files_can_be_used
    from exposure_dagster.corpora.own.reading import refresh_own_documents

    report = refresh_own_documents(reading.warehouse, reading.own_corpora)
    files = reading.warehouse.read(
        "SELECT corpus, any_value(file) AS file, any_value(file_sha256) AS sha256, any_value(read_at) AS read_at,"
        " count(*) AS documents FROM raw.own_documents GROUP BY corpus ORDER BY corpus"
    )
    figures: dict[str, Any] = {"files": files}
    outcomes = [own_files_can_be_used(report)]
    return [Filled(table=OWN_DOCUMENTS, digest=report.digest, figures=figures, outcomes=outcomes)]


PUBLISHER = Publisher(
    steps=(
        Step(
            name="own_documents",
            description="Read the files that EXPOSURE_DOCUMENTS names.",
            tables=(OWN_DOCUMENTS,),
            read=_read_files,
            kinds=("duckdb", "csv", "excel"),
            checks={
                OWN_DOCUMENTS.full_name: {
                    "own_files_can_be_used": "Names each mistake in a file of your own, with its line."
                }
            },
        ),
    ),
)
