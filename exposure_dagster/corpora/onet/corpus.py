"""O*NET's occupations and their tasks as corpora: how they are fetched and read, what is known of them, how shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.columns import column, latest, texts
from exposure_dagster.core.lineage import made_from, same_as
from exposure_dagster.corpora.corpus import (
    Corpus,
    Fetching,
    Filled,
    Publisher,
    Reading,
    Section,
    SiteView,
    Source,
    Step,
)
from exposure_dagster.corpora.onet import NAME, SECTIONS, TASKS_NAME
from exposure_dagster.corpora.onet.lineage import LINEAGE
from exposure_dagster.corpora.onet.roles import ROLE_INDEX
from exposure_dagster.corpora.onet.tables import (
    EMPLOYMENT_PROJECTIONS,
    ONET_DATABASE,
    ONET_FEATURES,
    ONET_LIST,
    ONET_OCCUPATIONS,
    ONET_PAGES,
    ONET_TASKS,
    ONET_TITLES,
    ONET_UNREAD,
    RAW_PROJECTIONS,
    SOC_CROSSWALK,
)
from exposure_dagster.corpora.ooh.tables import OOH_OCCUPATIONS

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.core.checks import CheckOutcome
    from exposure_dagster.sources.kept import FetchReport
    from exposure_dagster.store.warehouse import Warehouse

PROJECTIONS_TITLE = "U.S. Bureau of Labor Statistics, Employment Projections"

_AUTHOR = "U.S. Department of Labor, Employment and Training Administration, CC BY 4.0"

_SITE_FIGURES = ("pay", "outlook", "education")


def _fetch_list(fetching: Fetching) -> FetchReport:
    from exposure_dagster.corpora.onet.fetching import refresh_onet_list

    return refresh_onet_list(
        fetching.warehouse, fetching.site, fetching.fetcher, refetch_after_hours=fetching.refetch_after_hours
    )


def _fetch_database(fetching: Fetching) -> FetchReport:
    from exposure_dagster.corpora.onet.fetching import refresh_onet_database

    return refresh_onet_database(
        fetching.warehouse,
        fetching.site,
        fetching.fetcher,
        release=fetching.settings.get("onet_release"),
        saved=_path(fetching.settings.get("onet_database")),
        refetch_after_hours=fetching.refetch_after_hours,
    )


def _fetch_projections(fetching: Fetching) -> FetchReport:
    from exposure_dagster.corpora.onet.fetching import refresh_projections

    return refresh_projections(
        fetching.warehouse,
        fetching.site,
        fetching.fetcher,
        saved=_path(fetching.settings.get("projections")),
        refetch_after_hours=fetching.refetch_after_hours,
    )


def _fetch_pages(fetching: Fetching) -> FetchReport:
    from exposure_dagster.corpora.onet.fetching import refresh_onet_pages

    return refresh_onet_pages(
        fetching.warehouse,
        fetching.site,
        fetching.fetcher,
        is_wanted=fetching.settings["onet_pages"],
        refetch_after_hours=fetching.refetch_after_hours,
        progress=fetching.progress,
    )


def _path(path: str | None) -> Path | None:
    return Path(path) if path else None


def _newest_release(warehouse: Warehouse) -> Sequence[CheckOutcome]:
    from exposure_dagster.corpora.onet import checks

    return [checks.release_is_the_newest(warehouse)]


def _read_projections(reading: Reading) -> Sequence[Filled]:
    from exposure_dagster.corpora.onet.parsing import parse_employment_projections

    return [Filled(table=EMPLOYMENT_PROJECTIONS, digest=parse_employment_projections(reading.warehouse).digest)]


def _read_occupations(reading: Reading) -> Sequence[Filled]:
    from exposure_dagster.corpora.onet import checks
    from exposure_dagster.corpora.onet.parsing import parse_onet

    report = parse_onet(reading.warehouse, progress=reading.progress)
    with reading.warehouse.snapshot() as now:
        outcomes = {
            ONET_OCCUPATIONS: checks.occupations(now, report),
            ONET_UNREAD: [checks.no_field_is_unread(now)],
        }
    return [
        Filled(
            table=table,
            digest=report.tables[table.name].digest,
            figures={"release": report.release or "none"},
            outcomes=outcomes.get(table, ()),
            note=report.note if table is ONET_OCCUPATIONS else None,
        )
        for table in (ONET_OCCUPATIONS, ONET_TASKS, ONET_TITLES, ONET_FEATURES, ONET_UNREAD)
    ]


def _join_codes(reading: Reading) -> Sequence[Filled]:
    from exposure_dagster.corpora.onet import checks
    from exposure_dagster.corpora.onet.parsing import join_codes

    report = join_codes(reading.warehouse)
    with reading.warehouse.snapshot() as now:
        outcomes = checks.crosswalk(now)
    return [Filled(table=SOC_CROSSWALK, digest=report.digest, outcomes=outcomes)]


def _head(rows: pd.DataFrame) -> dict[str, Any]:
    """Years and sources of the figures, and shares: how many equal parts of how many of a row's jobs each has."""
    pay_is_projected = set(column(rows, "pay_origin")) <= {"projections", None}
    return {
        "years": {
            "base": latest(rows, "base_year"),
            "projection": latest(rows, "projection_year"),
            "pay": latest(rows, "wage_year") if pay_is_projected else None,
        },
        "sources": {name: _sources(rows, name) for name in _SITE_FIGURES},
        "shares": _shares(rows),
    }


def _sources(rows: pd.DataFrame, figure: str) -> list[str]:
    """Where a figure comes from, the source of most occupations first."""
    counts = Counter(origin for origin in column(rows, f"{figure}_origin") if origin)
    release = next((text for text in column(rows, "onet_release") if text), None)
    base, projection = latest(rows, "base_year"), latest(rows, "projection_year")
    names = {
        "page": f"O*NET OnLine, {_AUTHOR}",
        "database": f"O*NET Database{f' {release}' if release else ''}, {_AUTHOR}",
        "projections": f"{PROJECTIONS_TITLE}{f' {base}–{projection}' if base else ''}",
    }
    if len(counts) < 2:
        return [names[origin] for origin in counts]
    return [f"{names[origin]} (for {count})" for origin, count in counts.most_common()]


def _shares(rows: pd.DataFrame) -> list[list[Any] | None]:
    names = ("shares", "sharing", "row_jobs", "projection_soc_code")
    found = zip(*(column(rows, name) for name in names), strict=True)
    return [list(row) if row[0] and row[0] < row[1] else None for row in found]


def _columns(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "url": [None] * len(rows),
        "url_pattern": "https://www.onetonline.org/link/summary/{id}",
        "job_zone": column(rows, "job_zone"),
        "openings": column(rows, "openings"),
        "aliases": [texts(titles) for titles in column(rows, "sample_titles")],
    }


_PROVENANCE = """
    SELECT {document} AS doc_id, coalesce(p.url, d.url) AS url,
           coalesce(p.content_sha256, d.content_sha256) AS content_sha256,
           coalesce(p.fetched_at, d.fetched_at) AS fetched_at
    FROM {table} LEFT JOIN (FROM raw.onet_pages WHERE content_sha256 IS NOT NULL) p USING (onet_code)
    LEFT JOIN (FROM raw.onet_database WHERE content_sha256 IS NOT NULL LIMIT 1) d ON true
"""

_SITE = SiteView(
    note=(
        "A finer division than the handbook's. Several occupations can lie in one row of the employment "
        "projections. The jobs of each are then an equal share of the row's, which says nothing about how many "
        "work in one specialty; openings and outlook, and pay where it comes from there, are the whole row's."
    ),
    query="""
        SELECT o.onet_code AS doc_id, o.title, jobs.jobs, o.median_wage_annual AS median_pay_annual,
               o.wage_is_top_coded AS pay_is_top_coded, o.employment_change_pct AS outlook_pct,
               CASE o.growth_category WHEN 'Average' THEN 'As fast as average' ELSE o.growth_category END
                 AS outlook_desc,
               o.education_top AS entry_education, o.soc_code, o.job_zone, o.openings, o.sample_titles,
               o.projection_soc_code, jobs.shares, jobs.sharing, p.employment AS row_jobs, o.base_year,
               o.projection_year, p.wage_year, o.origins ->> 'median_wage_annual' AS pay_origin,
               o.origins ->> 'employment_change_pct' AS outlook_origin,
               o.origins ->> 'education_top' AS education_origin,
               (SELECT any_value(release) FROM raw.onet_database) AS onet_release
        FROM parsed.onet_occupations o
        LEFT JOIN (
            SELECT onet_code, sum(jobs_share)::BIGINT AS jobs, count(jobs_share) AS shares, max(sharing) AS sharing
            FROM parsed.soc_crosswalk GROUP BY 1
        ) jobs USING (onet_code)
        LEFT JOIN parsed.employment_projections p ON p.soc_code = o.projection_soc_code
        WHERE o.is_scoreable
    """,
    figures={
        "outlook": "Projected change of employment (BLS) in the row of the projections that an occupation lies in.",
        "pay": (
            "Of the row of the projections that an occupation lies in, or as its O*NET page says; nothing is imputed."
        ),
        "education": (
            "The level that most of the people asked say a new hire needs; where nobody was asked, the level that BLS "
            "takes for typical."
        ),
    },
    head=_head,
    columns=_columns,
    category_column="soc_major_group",
    link="Summary at O*NET OnLine",
)

_HEADINGS = ("Skills that matter most", "Software", "Work activities that matter most", "Related occupations")
_RELATIVES = "related"

_FEATURES = """
    SELECT onet_code AS doc_id, list(name ORDER BY place) AS items FROM parsed.onet_features
    WHERE feature = '{name}' GROUP BY onet_code
"""

OCCUPATIONS = Corpus(
    name=NAME,
    title="O*NET occupations",
    tables=(ONET_OCCUPATIONS, ONET_TITLES, ONET_FEATURES),
    joined=(SOC_CROSSWALK,),
    documents=(
        "SELECT onet_code AS doc_id, title, text FROM parsed.onet_occupations WHERE is_scoreable ORDER BY onet_code"
    ),
    facts="""
        SELECT onet_code AS doc_id, o.title, 'Job zone ' || job_zone AS category, jobs.jobs,
               'equal share of the jobs of its row of the projections' AS jobs_basis,
               median_wage_annual AS pay_annual,
               CASE WHEN coalesce(median_wage_annual, median_wage_hourly) IS NOT NULL THEN 'USD' END AS pay_currency,
               CASE WHEN median_wage_annual IS NOT NULL THEN 'annual'
                    WHEN median_wage_hourly IS NOT NULL THEN 'hourly_only' ELSE 'none' END AS pay_basis,
               wage_is_top_coded AS pay_is_top_coded, education_top AS education,
               employment_change_pct AS outlook_pct,
               CASE growth_category WHEN 'Average' THEN 'As fast as average' ELSE growth_category END AS outlook_desc,
               url, soc_code, [soc_code] AS soc_codes, [onet_code] AS onet_codes,
               to_json({
                   job_zone: job_zone, median_wage_annual: median_wage_annual, growth_category: growth_category,
                   employment_change_pct: employment_change_pct, openings: openings, sample_titles: sample_titles,
                   projection_match: projection_match
               }) AS figures
        FROM parsed.onet_occupations o LEFT JOIN (
            SELECT onet_code, sum(jobs_share)::BIGINT AS jobs FROM parsed.soc_crosswalk GROUP BY 1
        ) jobs USING (onet_code)
        WHERE is_scoreable
    """,
    other_titles="SELECT title, onet_code AS doc_id FROM parsed.onet_titles ORDER BY title, onet_code",
    provenance=_PROVENANCE.format(document="onet_code", table="parsed.onet_occupations"),
    sections=tuple(
        Section(
            name=name,
            title=title,
            query=_FEATURES.format(name=name),
            made_from="parsed.onet_features.name",
            names_relatives=name == _RELATIVES,
        )
        for name, title in zip(SECTIONS, _HEADINGS, strict=True)
    ),
    occupations="SELECT onet_code AS doc_id, slug FROM parsed.soc_crosswalk WHERE slug IS NOT NULL",
    document_lineage={
        **made_from("doc_id", "parsed.onet_occupations.onet_code"),
        **same_as("parsed.onet_occupations", "title text"),
    },
    facts_lineage={
        **made_from("doc_id onet_codes", "parsed.onet_occupations.onet_code"),
        **same_as("parsed.onet_occupations", "title url soc_code"),
        **made_from("soc_codes", "parsed.onet_occupations.soc_code"),
        **made_from("category", "parsed.onet_occupations.job_zone"),
        **made_from("jobs", "parsed.soc_crosswalk.jobs_share"),
        **made_from("pay_annual", "parsed.onet_occupations.median_wage_annual"),
        **made_from("pay_is_top_coded", "parsed.onet_occupations.wage_is_top_coded"),
        **made_from("education", "parsed.onet_occupations.education_top"),
        **made_from("outlook_pct", "parsed.onet_occupations.employment_change_pct"),
        **made_from("outlook_desc", "parsed.onet_occupations.growth_category"),
        **made_from(
            "pay_basis pay_currency",
            "parsed.onet_occupations.median_wage_annual",
            "parsed.onet_occupations.median_wage_hourly",
        ),
        **made_from(
            "figures",
            *(
                f"parsed.onet_occupations.{name}"
                for name in (
                    *("job_zone", "median_wage_annual", "growth_category", "employment_change_pct", "openings"),
                    *("sample_titles", "projection_match"),
                )
            ),
        ),
    },
    site=_SITE,
    published_from=(
        "SELECT * EXCLUDE (text) FROM parsed.onet_occupations",
        "SELECT soc_code, employment, wage_year FROM parsed.employment_projections",
    ),
    role_index=ROLE_INDEX,
    document_example="29-1141.00",
)

TASKS = Corpus(
    name=TASKS_NAME,
    title="O*NET tasks",
    tables=(ONET_TASKS, ONET_OCCUPATIONS),
    documents=(
        "SELECT doc_id, title, task || E'\\n\\nA task of: ' || title AS text FROM parsed.onet_tasks ORDER BY doc_id"
    ),
    # A task has no jobs: its occupation's would be counted once a task.
    facts="""
        SELECT doc_id, task AS title, o.title AS category, o.soc_code, [o.soc_code] AS soc_codes,
               [onet_code] AS onet_codes, o.url, onet_code AS parent,
               to_json({
                   task_type: task_type, task_id: task_id, parent_title: t.title, importance: importance
               }) AS figures
        FROM parsed.onet_tasks t JOIN parsed.onet_occupations o USING (onet_code)
    """,
    provenance=_PROVENANCE.format(document="doc_id", table="parsed.onet_tasks"),
    document_lineage={
        **same_as("parsed.onet_tasks", "doc_id title"),
        **made_from("text", "parsed.onet_tasks.task", "parsed.onet_tasks.title"),
    },
    facts_lineage={
        **same_as("parsed.onet_tasks", "doc_id"),
        **made_from("title", "parsed.onet_tasks.task"),
        **made_from("category", "parsed.onet_occupations.title"),
        **made_from("parent onet_codes", "parsed.onet_tasks.onet_code"),
        **same_as("parsed.onet_occupations", "soc_code url"),
        **made_from("soc_codes", "parsed.onet_occupations.soc_code"),
        **made_from(
            "figures", *(f"parsed.onet_tasks.{name}" for name in ("task_type", "task_id", "title", "importance"))
        ),
    },
    site=_SITE,
    parts_of=NAME,
    document_example="29-1141.00-8823",
)


def _source(
    table: Any, description: str, fetch: Callable[[Fetching], FetchReport], kinds: tuple[str, ...], **more: Any
) -> Source:
    return Source(table=table, description=description, fetch=fetch, kinds=("duckdb", *kinds), **more)


PUBLISHER = Publisher(
    sources=(
        _source(ONET_LIST, "Fetch the list of all O*NET occupations.", _fetch_list, ("csv",)),
        _source(
            ONET_DATABASE,
            "Fetch the O*NET database, or take the saved one.",
            _fetch_database,
            (),
            checks={"release_is_the_newest": "Says when a newer release is out than the one in use."},
            look=_newest_release,
        ),
        _source(
            RAW_PROJECTIONS,
            "Fetch BLS's employment projections, or take the saved file.",
            _fetch_projections,
            ("csv",),
        ),
        _source(
            ONET_PAGES,
            "Fetch the summary page of every occupation with data: about 17 minutes live, and only when changed.",
            _fetch_pages,
            ("html",),
            after=(ONET_LIST, ONET_DATABASE),
            is_slow=True,
        ),
    ),
    steps=(
        Step(
            name="employment_projections",
            description="Read the employment projections.",
            tables=(EMPLOYMENT_PROJECTIONS,),
            read=_read_projections,
            after=(RAW_PROJECTIONS,),
        ),
        Step(
            name="onet_occupations",
            description="Read list, database and summary pages, and put together what they say of each occupation.",
            tables=(ONET_OCCUPATIONS, ONET_TASKS, ONET_TITLES, ONET_FEATURES, ONET_UNREAD),
            read=_read_occupations,
            after=(ONET_LIST, ONET_PAGES, ONET_DATABASE, EMPLOYMENT_PROJECTIONS),
            checks={
                ONET_OCCUPATIONS.full_name: {
                    "every_table_is_read": "Names the tables and columns of O*NET's database that are not read.",
                    "every_occupation_has_its_figures": "Growth and openings are known of every scoreable occupation.",
                    "projections_are_the_newest": "Says when summary pages cite a later edition than the one in use.",
                    "figures_are_in_range": "Wages, percentages, zones and codes lie where they can.",
                },
                ONET_UNREAD.full_name: {"no_field_is_unread": "Layout drift: names code, field and what was found."},
            },
            alerts=((ONET_UNREAD, "no_field_is_unread"),),
        ),
        Step(
            name="soc_crosswalk",
            description="Join handbook pages, SOC codes and O*NET codes.",
            tables=(SOC_CROSSWALK,),
            read=_join_codes,
            after=(OOH_OCCUPATIONS, ONET_LIST, EMPLOYMENT_PROJECTIONS),
            checks={
                SOC_CROSSWALK.full_name: {
                    "every_linked_code_is_listed": "Every O*NET code that a handbook page links to is in the list.",
                    "jobs_are_shared_out_once": "The shares of each row of the projections add up to its jobs.",
                }
            },
        ),
    ),
    corpora=(OCCUPATIONS, TASKS),
    lineage=LINEAGE,
    attributions=(
        (
            PROJECTIONS_TITLE,
            "https://data.bls.gov/projections/occupationProj",
            "Public domain. Growth, openings and jobs of O*NET occupations.",
        ),
        (
            "O*NET OnLine and O*NET Database, U.S. Department of Labor, Employment and Training Administration",
            "https://www.onetcenter.org/database.html",
            "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Occupations, descriptions, tasks and their "
            "importance, titles, education, skills, software, work activities, relatives; read out, joined and scored "
            "here, which its authors have not approved, endorsed or tested. O*NET is a trademark of the department.",
        ),
    ),
)
