"""Turns saved pages of the BLS Occupational Outlook Handbook (OOH) into records.

Belongs here: reading bytes of HTML into typed records and Markdown. Does not belong here: fetching
pages, storing records, and anything computed from several pages.

`html`, `grids` and `markdown` look at the tree; `figures` and `projections` interpret the words that
were found in it; `ooh_page` and `ooh_index` put both together for a page and for the A–Z index.
"""

from exposure_dagster.parsing.figures import HOURS_PER_YEAR, imputed_annual_pay
from exposure_dagster.parsing.ooh_index import INDEX_URL, index_pages, page_at, parse_index, unread_entries
from exposure_dagster.parsing.ooh_page import PARSER_VERSION, parse_page
from exposure_dagster.parsing.records import (
    IndexEntry,
    IndexPage,
    Occupation,
    ParsedPage,
    PayBasis,
    ProjectionRow,
    UnreadField,
)

__all__ = [
    "HOURS_PER_YEAR",
    "INDEX_URL",
    "PARSER_VERSION",
    "IndexEntry",
    "IndexPage",
    "Occupation",
    "ParsedPage",
    "PayBasis",
    "ProjectionRow",
    "UnreadField",
    "imputed_annual_pay",
    "index_pages",
    "page_at",
    "parse_index",
    "parse_page",
    "unread_entries",
]
