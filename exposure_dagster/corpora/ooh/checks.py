"""What must hold of the handbook's tables."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.core.checks import CheckOutcome, unread_fields
from exposure_dagster.corpora.ooh.parsing import TitlesReport
from exposure_dagster.corpora.terms import SOC_MAJOR_GROUPS
from exposure_dagster.parsing.records import WHOLE_PAGE
from exposure_dagster.store.warehouse import Warehouse

ROUNDING_JOBS_A_ROW = 100
"""BLS rounds each figure to hundreds, so a sum may be off by as much a row."""


def every_index_entry_is_read(report: TitlesReport) -> CheckOutcome:
    """No entry of the A–Z index was passed over."""
    found = pd.DataFrame([{"entry": field.found} for field in report.unread])
    passed = not report.unread
    description = f"{report.titles:,} titles read" if passed else f"{len(found)} entries could not be read"
    return CheckOutcome("every_index_entry_is_read", passed, description, None if passed else found)


def occupations(warehouse: Warehouse) -> list[CheckOutcome]:
    """What must hold of parsed.ooh_occupations."""
    return [_one_row_a_page(warehouse), _no_field_is_unread(warehouse), _figures_in_range(warehouse)]


def job_total(warehouse: Warehouse) -> CheckOutcome:
    """The pages' jobs agree with the rows of their projections tables that are no totals."""
    apart = warehouse.read(
        """
        SELECT slug, jobs, sum(employment) AS sum_of_rows, count(*) AS rows
        FROM parsed.ooh_occupations JOIN parsed.ooh_projections USING (slug)
        WHERE NOT is_total AND jobs IS NOT NULL
        GROUP BY slug, jobs HAVING abs(jobs - sum(employment)) > ? * count(*) ORDER BY slug
        """,
        [ROUNDING_JOBS_A_ROW],
    )
    ((total,),) = warehouse.rows("SELECT coalesce(sum(jobs), 0)::BIGINT FROM parsed.ooh_occupations")
    description = f"{total:,} jobs; every page agrees with its projections table"
    if len(apart):
        description = f"{total:,} jobs; {len(apart)} pages do not agree with their projections table"
    return CheckOutcome("job_total", apart.empty, description, None if apart.empty else apart, {"jobs": total})


def _one_row_a_page(warehouse: Warehouse) -> CheckOutcome:
    absent = warehouse.read(
        "SELECT url, coalesce(reason, 'not parsed') AS reason FROM raw.ooh_pages"
        " WHERE is_listed AND slug NOT IN (SELECT slug FROM parsed.ooh_occupations) ORDER BY url"
    )
    ((listed, rows),) = warehouse.rows(
        "SELECT (SELECT count(*) FROM raw.ooh_pages WHERE is_listed), (SELECT count(*) FROM parsed.ooh_occupations)"
    )
    return CheckOutcome(
        "every_listed_page_has_a_row",
        listed == rows,
        f"{rows:,} rows for {listed:,} pages in the A–Z index",
        None if absent.empty else absent,
        {"pages in the index": listed, "rows": rows},
        is_error=False,
    )


def _no_field_is_unread(warehouse: Warehouse) -> CheckOutcome:
    """Of a page that the site answered with something else (status 200), the whole is unread."""
    unread = warehouse.read(
        """
        SELECT slug, field, found FROM parsed.ooh_unread
        UNION SELECT slug, ?, reason FROM raw.ooh_pages WHERE is_listed AND status = 200 AND reason IS NOT NULL
        ORDER BY field, slug, found
        """,
        [WHOLE_PAGE],
    )
    description = "every field that should be on a page was read"
    if len(unread):
        description = (
            f"{unread_fields('slug', unread)}. The pages' earlier rows stand, where there are any; "
            "if the layout has changed, the parser must follow"
        )
    return CheckOutcome("no_field_is_unread", unread.empty, description, None if unread.empty else unread.head(50))


def _figures_in_range(warehouse: Warehouse) -> CheckOutcome:
    outside = warehouse.read(
        """
        SELECT slug, median_pay_annual, median_pay_hourly, jobs, projected_jobs, outlook_pct, base_year, projection_year
        FROM parsed.ooh_occupations
        WHERE NOT coalesce(median_pay_annual BETWEEN 5000 AND 2000000, true)
           OR NOT coalesce(median_pay_hourly BETWEEN 2 AND 1000, true)
           OR NOT coalesce(jobs BETWEEN 0 AND 20000000, true)
           OR NOT coalesce(projected_jobs BETWEEN 0 AND 20000000, true)
           OR NOT coalesce(outlook_pct BETWEEN -100 AND 500, true)
           OR NOT coalesce(projection_year BETWEEN base_year + 1 AND base_year + 20, true)
           OR list_bool_or([NOT regexp_full_match(code, '\\d{2}-\\d{4}') FOR code IN soc_codes])
           OR list_bool_or([NOT regexp_full_match(code, '\\d{2}-\\d{4}\\.\\d{2}') FOR code IN onet_codes])
           OR NOT coalesce(left(soc_code, 2) IN (SELECT unnest(?)), true)
        ORDER BY slug
        """,
        [list(SOC_MAJOR_GROUPS)],
    )
    description = "pay, jobs, change, years and codes lie where they can"
    if len(outside):
        description = f"{len(outside)} pages have a figure or code that cannot be"
    return CheckOutcome("figures_are_in_range", outside.empty, description, None if outside.empty else outside)
