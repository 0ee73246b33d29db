"""Turns what the sources publish (pages and files, as bytes) into records.

Belongs here: reading one source at a time into typed records and Markdown, and naming what could not be
read. Does not belong here: fetching, storing, and anything that the sources do not say.

Of the Occupational Outlook Handbook (OOH): `html`, `grids` and `markdown` look at the tree of a page,
`page_words` keeps its words by where they stand; `figures`, `quick_facts` and `projections` say what the
words mean; `ooh_page` and `ooh_index` make the record of a page and the entries of the A–Z index. What
this module exports is that part's interface.
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
