"""Handbook page ↔ SOC ↔ O*NET: which codes stand for the same jobs, and how the jobs are shared out.

The unit of employment is a row of BLS's projections. Every row belongs to one handbook page at most,
and several O*NET occupations may lie in it: the specialties of a SOC occupation, and the occupations of
a combined code. None of these has employment of its own. So the jobs of a row are shared equally among
the O*NET occupations in it: shares add up to the row, and to the page, and nobody is counted twice. A
share is a weight for adding up; it says nothing about how many people work in one specialty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation
from exposure_dagster.corpora.onet.listing import ListedOccupation
from exposure_dagster.parsing.codes import is_specialty, soc_code_of

COMBINED_CODES = {
    "13-1021": "13-1020",
    "13-1022": "13-1020",
    "13-1023": "13-1020",
    "13-2022": "13-2020",
    "13-2023": "13-2020",
    "21-1011": "21-1018",
    "21-1014": "21-1018",
    "25-2055": "25-2052",
    "25-2056": "25-2052",
    "25-9042": "25-9045",
    "25-9043": "25-9045",
    "25-9049": "25-9045",
    "29-2011": "29-2010",
    "29-2012": "29-2010",
    "31-1121": "31-1120",
    "31-1122": "31-1120",
    "39-7011": "39-7010",
    "39-7012": "39-7010",
    "47-4091": "47-4090",
    "47-4099": "47-4090",
    "51-2022": "51-2028",
    "51-2023": "51-2028",
    "51-2092": "51-2090",
    "51-2099": "51-2090",
    "53-1042": "53-1047",
    "53-1043": "53-1047",
    "53-1044": "53-1047",
    "53-1049": "53-1047",
}
"""Detailed SOC codes that the projections (2024–34) do not list, to the code that takes them together."""


class ProjectionMatch(StrEnum):
    """How a row of the projections stands to an O*NET occupation.

    EXACT: the row of its own SOC code, of which it is the whole. SPECIALTY: the same, of which it is
    a part. COMBINED: a row that takes its SOC code together with others.
    """

    EXACT = "exact"
    SPECIALTY = "specialty"
    COMBINED = "combined"


@dataclass(frozen=True, slots=True)
class ProjectionLink:
    """The row of the projections that an O*NET occupation lies in."""

    soc_code: str
    match: ProjectionMatch


@dataclass(frozen=True, slots=True)
class PageCodes:
    """The codes of a handbook page: those it links to at O*NET, and the SOC codes it covers."""

    slug: str
    onet_codes: Sequence[str]
    soc_codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """An O*NET occupation with the handbook page that covers it and the row of the projections it lies in.

    `slug` is null where no page covers it; `is_linked` tells whether the page itself links to it.
    `jobs_share` are the jobs of the row in the base year, shared equally among the `sharing` occupations
    that lie in it; null (and 0) where the projections do not have it.
    """

    onet_code: str
    soc_code: str
    title: str
    is_scoreable: bool
    slug: str | None
    is_linked: bool
    projection_soc_code: str | None
    projection_match: ProjectionMatch | None
    jobs_share: int | None = None
    sharing: int = 0


def projection_link(onet_code: str, available: Container[str]) -> ProjectionLink | None:
    """The row that an O*NET occupation lies in, if it is among the `available` codes of the projections."""
    soc_code = soc_code_of(onet_code)
    if soc_code in available:
        return ProjectionLink(soc_code, ProjectionMatch.SPECIALTY if is_specialty(onet_code) else ProjectionMatch.EXACT)
    combined = COMBINED_CODES.get(soc_code)
    return ProjectionLink(combined, ProjectionMatch.COMBINED) if combined and combined in available else None


def soc_crosswalk(
    pages: Sequence[PageCodes], listed: Sequence[ListedOccupation], projections: Sequence[ProjectionOccupation]
) -> list[CrosswalkRow]:
    """A row for every listed occupation, in the order of the list; two where two pages link to it.

    A page covers what it links to. An occupation that no page links to is covered by the page among
    whose SOC codes is its own, or the combined one of the projections.
    """
    employment = {row.soc_code: row.employment for row in projections}
    linking = _slugs_by_code((code, page.slug) for page in pages for code in page.onet_codes)
    covering = _slugs_by_code((code, page.slug) for page in pages for code in page.soc_codes)
    rows = []
    for occupation in listed:
        link = projection_link(occupation.onet_code, employment)
        linked = linking.get(occupation.onet_code, [])
        codes = [soc_code_of(occupation.onet_code), *([link.soc_code] if link else [])]
        by_soc = [slug for code in codes for slug in covering.get(code, [])]
        slugs: Sequence[str | None] = linked or by_soc[:1] or [None]
        rows += [_row(occupation, link, slug, is_linked=bool(linked)) for slug in slugs]
    return _with_jobs(rows, employment)


def _slugs_by_code(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    slugs: dict[str, list[str]] = {}
    for code, slug in sorted(set(pairs)):
        slugs.setdefault(code, []).append(slug)
    return slugs


def _row(
    occupation: ListedOccupation, link: ProjectionLink | None, slug: str | None, *, is_linked: bool
) -> CrosswalkRow:
    return CrosswalkRow(
        onet_code=occupation.onet_code,
        soc_code=soc_code_of(occupation.onet_code),
        title=occupation.title,
        is_scoreable=occupation.is_scoreable,
        slug=slug,
        is_linked=is_linked,
        projection_soc_code=None if link is None else link.soc_code,
        projection_match=None if link is None else link.match,
    )


def _with_jobs(rows: list[CrosswalkRow], employment: Mapping[str, int]) -> list[CrosswalkRow]:
    sharing = Counter(row.projection_soc_code for row in rows)
    seen: Counter[str | None] = Counter()
    shared = []
    for row in rows:
        code = row.projection_soc_code
        if code is not None:
            # What does not divide goes to the first ones, a job each, so that shares add up to the row.
            jobs, rest = divmod(employment[code], sharing[code])
            row = replace(row, jobs_share=jobs + (seen[code] < rest), sharing=sharing[code])  # noqa: PLW2901
            seen[code] += 1
        shared.append(row)
    return shared
