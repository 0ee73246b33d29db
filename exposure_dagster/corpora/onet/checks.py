"""What must hold of the tables of O*NET and the projections."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.core.checks import CheckOutcome, unread_fields
from exposure_dagster.corpora.onet.parsing import OnetReport
from exposure_dagster.corpora.onet.releases import NEWEST_KNOWN, is_newer
from exposure_dagster.parsing.records import WHOLE_PAGE
from exposure_dagster.store.warehouse import Warehouse


def release_is_the_newest(warehouse: Warehouse) -> CheckOutcome:
    """Whether the publisher names no newer release than the one in use. One is recommended only if it can be read."""
    rows = warehouse.rows(
        "SELECT release, newest_release, is_newest_readable, newest_problem, url LIKE 'http%' FROM raw.onet_database"
        " WHERE body IS NOT NULL"
    )
    release, newest, is_readable, problem, is_fetched = rows[0] if rows else (None, None, None, None, True)
    is_behind = release is not None and newest is not None and is_newer(newest, release)
    if not is_behind:
        description = f"release {release or 'unknown'} is in use; newest named by its publisher: {newest or 'unknown'}"
    elif not is_newer(newest, NEWEST_KNOWN) or is_readable:
        how = f"set EXPOSURE_ONET_RELEASE={newest}" + ("" if is_fetched else " and unset EXPOSURE_ONET_DATABASE")
        lost = f", of which this version cannot read all ({problem})" if is_readable and problem else ""
        description = f"release {newest} is out and {release} is in use: {how}{lost}"
    elif is_readable is None:
        why = f" ({problem})" if problem else ""
        description = f"release {newest} is out, and whether this version can read it is not known{why}"
    else:
        description = f"release {newest} is out, and this version cannot read it: {problem}. {release} stays in use"
    return CheckOutcome("release_is_the_newest", not is_behind, description, is_error=False)


def every_table_is_read(report: OnetReport) -> CheckOutcome:
    """Whether the release in use holds the tables and columns that are needed.

    Those that can be done without are wanted only of a release that no reader here knows yet: there they may have been
    renamed.
    """
    is_unknown = report.release is not None and is_newer(report.release, NEWEST_KNOWN)
    wrong = [*report.not_read, *(f"there is no {one}" for one in report.absent if is_unknown)]
    rest = f"; it goes without {', '.join(report.absent)}" if report.absent else ""
    name = f"release {report.release or 'unknown'}"
    if wrong:
        description = f"{name}: {'; '.join(wrong)}: occupations go without"
    elif report.has_database:
        description = f"all tables that are needed are read of {name}{rest}"
    else:
        description = "there is no O*NET database"
    return CheckOutcome("every_table_is_read", not wrong, description, is_error=False)


def occupations(warehouse: Warehouse, report: OnetReport) -> list[CheckOutcome]:
    """What must hold of parsed.onet_occupations."""
    return [every_table_is_read(report), _has_figures(warehouse), _is_newest_edition(report), _is_in_range(warehouse)]


def no_field_is_unread(warehouse: Warehouse) -> CheckOutcome:
    """Whether every field that should be on a summary page was read.

    Of a page that the site answered with something else (status 200), the whole is unread.
    """
    unread = warehouse.read(
        """
        SELECT onet_code, field, found FROM parsed.onet_unread
        UNION SELECT onet_code, ?, reason FROM raw.onet_pages WHERE is_listed AND status = 200 AND reason IS NOT NULL
        ORDER BY field, onet_code, found
        """,
        [WHOLE_PAGE],
    )
    description = "every field that should be on a summary page was read"
    if len(unread):
        description = unread_fields("onet_code", unread)
    return CheckOutcome("no_field_is_unread", unread.empty, description, None if unread.empty else unread.head(50))


def crosswalk(warehouse: Warehouse) -> list[CheckOutcome]:
    """What must hold of parsed.soc_crosswalk."""
    unlisted = warehouse.read(
        "SELECT slug, onet_code FROM (SELECT slug, unnest(onet_codes) AS onet_code FROM parsed.ooh_occupations)"
        " WHERE onet_code NOT IN (SELECT onet_code FROM parsed.soc_crosswalk)"
        " AND (SELECT count(*) FROM parsed.soc_crosswalk) > 0 ORDER BY ALL"
    )
    apart = warehouse.read(
        "SELECT projection_soc_code, any_value(employment) AS jobs, sum(jobs_share)::BIGINT AS shared"
        " FROM parsed.soc_crosswalk JOIN parsed.employment_projections p ON p.soc_code = projection_soc_code"
        " GROUP BY 1 HAVING jobs != shared ORDER BY 1"
    )
    ((pages, codes),) = warehouse.rows(
        "SELECT count(DISTINCT slug), count(DISTINCT onet_code) FROM parsed.soc_crosswalk WHERE is_linked"
    )
    return [
        CheckOutcome(
            "every_linked_code_is_listed",
            unlisted.empty,
            f"{pages:,} handbook pages are joined to {codes:,} O*NET codes"
            if unlisted.empty
            else f"{len(unlisted):,} codes that pages link to are not in the list: the page or the list is older",
            None if unlisted.empty else unlisted.head(50),
            {"pages": pages, "codes": codes},
            is_error=False,
        ),
        CheckOutcome(
            "jobs_are_shared_out_once",
            apart.empty,
            "shares add up to the jobs of every row" if apart.empty else f"{len(apart)} rows do not add up",
            None if apart.empty else apart.head(50),
        ),
    ]


def _has_figures(warehouse: Warehouse) -> CheckOutcome:
    lacking = warehouse.read(
        "SELECT onet_code, title, growth_category, openings, tasks_count, text IS NOT NULL AS has_text"
        " FROM parsed.onet_occupations WHERE is_scoreable"
        " AND (growth_category IS NULL OR openings IS NULL OR text IS NULL) ORDER BY onet_code"
    )
    ((scoreable, growth, openings),) = warehouse.rows(
        "SELECT count(*), count(growth_category), count(openings) FROM parsed.onet_occupations WHERE is_scoreable"
    )
    return CheckOutcome(
        "every_occupation_has_its_figures",
        lacking.empty,
        f"{scoreable:,} scoreable occupations: growth of {growth:,}, openings of {openings:,},"
        f" {int((~lacking['has_text'].astype(bool)).sum()):,} without a text",
        None if lacking.empty else lacking.head(50),
        {"scoreable": scoreable, "growth": growth, "openings": openings},
        is_error=False,
    )


def _is_newest_edition(report: OnetReport) -> CheckOutcome:
    edition = report.newer_edition
    return CheckOutcome(
        "projections_are_the_newest",
        edition is None,
        "no summary page cites a later edition"
        if edition is None
        else f"summary pages cite the projections {edition[0]}–{edition[1]}: save that edition (EXPOSURE_PROJECTIONS)",
        is_error=False,
    )


def _is_in_range(warehouse: Warehouse) -> CheckOutcome:
    outside: pd.DataFrame = warehouse.read(
        """
        SELECT onet_code, soc_code, job_zone, median_wage_annual, median_wage_hourly, employment_change_pct, openings,
               education_top_pct
        FROM parsed.onet_occupations
        WHERE NOT coalesce(median_wage_annual BETWEEN 5000 AND 2000000, true)
           OR NOT coalesce(median_wage_hourly BETWEEN 2 AND 1000, true)
           OR NOT coalesce(employment_change_pct BETWEEN -100 AND 500, true)
           OR NOT coalesce(openings BETWEEN 0 AND 5000000, true)
           OR NOT coalesce(education_top_pct BETWEEN 0 AND 100, true)
           OR NOT coalesce(job_zone BETWEEN 1 AND 5, true)
           OR NOT regexp_full_match(onet_code, '\\d{2}-\\d{4}\\.\\d{2}')
        ORDER BY onet_code
        """
    )
    description = "wages, percentages, zones and codes lie where they can"
    if len(outside):
        description = f"{len(outside)} occupations have a figure or code that cannot be"
    return CheckOutcome("figures_are_in_range", outside.empty, description, None if outside.empty else outside)
