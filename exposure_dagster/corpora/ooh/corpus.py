"""The handbook as a corpus: how its pages are fetched and read, what is known of them, how the site shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.columns import column, dates, latest, texts
from exposure_dagster.core.lineage import made_from, same_as
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.corpus import Corpus, Export, Fetching, Filled, Publisher, Reading, SiteView, Source, Step
from exposure_dagster.corpora.ooh import NAME
from exposure_dagster.corpora.ooh.lineage import LINEAGE
from exposure_dagster.corpora.ooh.tables import (
    OOH_INDEX,
    OOH_OCCUPATIONS,
    OOH_PAGES,
    OOH_PROJECTIONS,
    OOH_TITLES,
    OOH_UNREAD,
)
from exposure_dagster.corpora.ooh.version import PARSER_VERSION

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.sources.kept import FetchReport

SOURCE_TITLE = "U.S. Bureau of Labor Statistics, Occupational Outlook Handbook"

_CATEGORY_NAMES = {
    "education-training-and-library": "Education, training, and library",
    "farming-fishing-and-forestry": "Farming, fishing, and forestry",
    "installation-maintenance-and-repair": "Installation, maintenance, and repair",
    "life-physical-and-social-science": "Life, physical, and social science",
}
"""Groups of the handbook whose commas the page's address does not keep."""

_PUBLISHED = Table(
    schema="published",
    name="handbook",
    grain="handbook page",
    description="Quick facts and codes of every handbook page, as BLS prints them. Nothing in it is imputed.",
    columns=tuple(
        column for column in OOH_OCCUPATIONS.columns if column.name not in ("text", "content_sha256", "parser_version")
    ),
    key=("slug",),
)


def _fetch_index(fetching: Fetching) -> FetchReport:
    from exposure_dagster.corpora.ooh.fetching import refresh_ooh_index

    return refresh_ooh_index(
        fetching.warehouse, fetching.site, fetching.fetcher, refetch_after_hours=fetching.refetch_after_hours
    )


def _fetch_pages(fetching: Fetching) -> FetchReport:
    from exposure_dagster.corpora.ooh.fetching import refresh_ooh_pages

    return refresh_ooh_pages(
        fetching.warehouse,
        fetching.site,
        fetching.fetcher,
        refetch_after_hours=fetching.refetch_after_hours,
        progress=fetching.progress,
    )


def _read_titles(reading: Reading) -> Sequence[Filled]:
    from exposure_dagster.corpora.ooh import checks
    from exposure_dagster.corpora.ooh.parsing import parse_ooh_titles

    report = parse_ooh_titles(reading.warehouse)
    outcomes = [checks.every_index_entry_is_read(report)]
    return [Filled(table=OOH_TITLES, digest=report.digest, figures={"aliases": report.aliases}, outcomes=outcomes)]


def _read_pages(reading: Reading) -> Sequence[Filled]:
    from exposure_dagster.corpora.ooh import checks
    from exposure_dagster.corpora.ooh.parsing import parse_ooh_pages

    report = parse_ooh_pages(reading.warehouse, progress=reading.progress)
    figures = {"pages": report.pages, "pages parsed now": report.parsed}
    with reading.warehouse.snapshot() as now:
        of_pages, of_rows = checks.occupations(now), [checks.job_total(now)]
    return [
        Filled(table=OOH_OCCUPATIONS, digest=report.occupations_digest, figures=figures, outcomes=of_pages),
        Filled(table=OOH_PROJECTIONS, digest=report.projections_digest, outcomes=of_rows),
        Filled(table=OOH_UNREAD, digest=report.unread_digest),
    ]


def _category(slug: Any) -> str | None:
    """A group of the handbook as people write it, from its part of the page's address."""
    if not isinstance(slug, str) or not slug:
        return None
    return _CATEGORY_NAMES.get(slug, slug.replace("-", " ").capitalize())


def _head(rows: pd.DataFrame) -> dict[str, Any]:
    modified = sorted(day for day in dates(rows, "last_modified") if day)
    return {
        "years": {
            "base": latest(rows, "base_year"),
            "projection": latest(rows, "projection_year"),
            "pay": latest(rows, "pay_year"),
        },
        "modified": [modified[0], modified[-1]] if modified else [None, None],
        "sources": {name: [SOURCE_TITLE] for name in ("pay", "outlook", "education")},
    }


def _columns(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "description": column(rows, "description"),
        "aliases": [texts(names) for names in column(rows, "aliases")],
    }


CORPUS = Corpus(
    name=NAME,
    title="Handbook occupations",
    tables=(OOH_OCCUPATIONS, OOH_TITLES),
    documents="SELECT slug AS doc_id, title, text FROM parsed.ooh_occupations ORDER BY slug",
    facts="""
        SELECT slug AS doc_id, title, category, jobs,
               'jobs of the page, in its base year' AS jobs_basis, median_pay_annual AS pay_annual,
               CASE WHEN pay_basis <> 'none' THEN 'USD' END AS pay_currency, pay_basis, pay_is_top_coded,
               entry_education AS education, outlook_pct, outlook_desc, url, soc_code, soc_codes, onet_codes
        FROM parsed.ooh_occupations
    """,
    other_titles="SELECT title, slug AS doc_id FROM parsed.ooh_titles ORDER BY title, slug",
    provenance=(
        "SELECT slug AS doc_id, url, content_sha256, fetched_at FROM raw.ooh_pages WHERE content_sha256 IS NOT NULL"
    ),
    occupations="SELECT slug AS doc_id, slug FROM parsed.ooh_occupations",
    about_work=("What ", "Work Environment", "How to Become "),
    document_lineage={
        **made_from("doc_id", "parsed.ooh_occupations.slug"),
        **same_as("parsed.ooh_occupations", "title text"),
    },
    facts_lineage={
        **made_from("doc_id", "parsed.ooh_occupations.slug"),
        **same_as(
            "parsed.ooh_occupations",
            "title category jobs pay_basis pay_is_top_coded outlook_pct outlook_desc url soc_code soc_codes onet_codes",
        ),
        **made_from("pay_annual", "parsed.ooh_occupations.median_pay_annual"),
        **made_from("education", "parsed.ooh_occupations.entry_education"),
    },
    site=SiteView(
        note="One page of the Occupational Outlook Handbook each.",
        query="""
            SELECT o.*, o.slug AS doc_id, a.aliases FROM (SELECT * EXCLUDE (text) FROM parsed.ooh_occupations) o
            LEFT JOIN (
                SELECT slug, list(title ORDER BY title) AS aliases FROM parsed.ooh_titles WHERE is_alias GROUP BY slug
            ) a USING (slug)
        """,
        figures={
            "outlook": "Projected change of employment (BLS).",
            "pay": "As published; nothing is imputed where there is none.",
            "education": "Education that is typically needed to enter.",
        },
        head=_head,
        columns=_columns,
        category=_category,
        link="Page at bls.gov",
        shows_unranked=True,
    ),
    exports=(
        Export(
            table=_PUBLISHED,
            stem="handbook",
            query=f"SELECT {', '.join(_PUBLISHED.column_names)} FROM parsed.ooh_occupations ORDER BY slug",
        ),
        Export(table=OOH_TITLES, stem="titles", query="SELECT * FROM parsed.ooh_titles ORDER BY title, slug"),
    ),
    is_joined_on=True,
    document_example="roofers",
)

PUBLISHER = Publisher(
    sources=(
        Source(
            table=OOH_INDEX,
            description="Fetch the handbook's A–Z index.",
            fetch=_fetch_index,
            kinds=("duckdb", "html"),
        ),
        Source(
            table=OOH_PAGES,
            description="Fetch every page that the A–Z index names.",
            fetch=_fetch_pages,
            after=(OOH_INDEX,),
            kinds=("duckdb", "html"),
        ),
    ),
    steps=(
        Step(
            name="ooh_titles",
            description="Read the titles and aliases of the A–Z index.",
            tables=(OOH_TITLES,),
            read=_read_titles,
            after=(OOH_INDEX,),
            checks={OOH_TITLES.full_name: {"every_index_entry_is_read": "No entry of the index was passed over."}},
        ),
        Step(
            name="ooh_occupations",
            description="Parse every page that changed.",
            tables=(OOH_OCCUPATIONS, OOH_PROJECTIONS, OOH_UNREAD),
            read=_read_pages,
            after=(OOH_PAGES,),
            code_version=PARSER_VERSION,
            checks={
                OOH_OCCUPATIONS.full_name: {
                    "every_listed_page_has_a_row": "As many rows as pages in the index.",
                    "no_field_is_unread": "Layout drift: names slug, field and what was found.",
                    "figures_are_in_range": "Pay, jobs, change, years and codes lie where they can.",
                },
                OOH_PROJECTIONS.full_name: {"job_total": "Pages agree with the rows of their projections tables."},
            },
            alerts=((OOH_OCCUPATIONS, "no_field_is_unread"), (OOH_OCCUPATIONS, "figures_are_in_range")),
        ),
    ),
    corpora=(CORPUS,),
    lineage=LINEAGE,
    attributions=((SOURCE_TITLE, "https://www.bls.gov/ooh/", "Public domain. Figures and occupation texts."),),
)
