"""The records that parsing hands on: plain data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

PayBasis = Literal["annual", "hourly_only", "none"]
"""What a page says about pay: a yearly figure, an hourly figure alone, or openly nothing."""


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The address of a handbook page, of which category and slug are parts."""

    slug: str
    category: str
    url: str


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A title in the A–Z index. An alias ("X, see: Y") points to a page that bears another title."""

    title: str
    slug: str
    category: str
    url: str
    is_alias: bool


@dataclass(frozen=True, slots=True)
class UnreadField:
    """A field that ought to be on a page and could not be read, with what stood in its place."""

    slug: str
    field: str
    found: str


@dataclass(frozen=True, slots=True)
class ProjectionRow:
    """A row of a page's projections table. Jobs are counted singly; percent is a whole number.

    `row` counts from 1, `level` from 0 (the page as a whole). A row is a total where deeper rows follow
    it, so the rows that are not totals add up to row 1, up to BLS's rounding to hundreds.
    `soc_code` is null where BLS prints a dash: a total that is no class of the SOC.
    """

    slug: str
    row: int
    level: int
    occupation_title: str | None
    soc_code: str | None
    is_total: bool
    employment: int | None
    projected_employment: int | None
    change_pct: int | None
    change: int | None


@dataclass(frozen=True, slots=True)
class Occupation:
    """A handbook page. A field is null where the page has no such figure, or where it could not be read;
    the second case, and it alone, has an `UnreadField`.

    `soc_code` is the code in row 1 of the projections (an aggregate such as 29-1210 included), null where
    row 1 has a dash because the page spans several classes. `soc_codes` are the codes of all rows that are
    no totals, then those detailed codes of `onet_codes` that the projections combine into another one
    (13-2020 is followed by 13-2022 and 13-2023).

    `median_pay_annual` (USD) is BLS's own yearly figure and nothing else; `median_pay_hourly` is USD.
    `pay_is_top_coded`: BLS says "equal to or greater than". `pay_basis` and it are null if pay is unread.
    `entry_education`, `work_experience` and `training` are null where the page says "See How to Become
    One", which points elsewhere and names no level; "None" is a real value of the last two.
    `outlook_pct` is in percent from `base_year` to `projection_year`; `employment_change` is in jobs.
    `text` is tabs 2–6 as Markdown.
    """

    slug: str
    title: str | None
    category: str
    url: str
    description: str | None
    soc_code: str | None
    soc_codes: list[str]
    onet_codes: list[str]
    median_pay_annual: int | None
    median_pay_hourly: float | None
    pay_basis: PayBasis | None
    pay_is_top_coded: bool | None
    pay_year: int | None
    entry_education: str | None
    work_experience: str | None
    training: str | None
    jobs: int | None
    projected_jobs: int | None
    outlook_pct: int | None
    outlook_desc: str | None
    employment_change: int | None
    base_year: int | None
    projection_year: int | None
    last_modified: date | None
    text: str


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """All that was read from a handbook page, and all that should have been and was not."""

    occupation: Occupation
    projections: list[ProjectionRow]
    unread: list[UnreadField]


WHOLE_PAGE = "page"
"""The field of an `UnreadField` that says that a page could not be read at all."""
