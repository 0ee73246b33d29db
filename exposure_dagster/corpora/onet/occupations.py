"""One record an O*NET occupation, from its summary page, the database and BLS's projections.

The one rule of precedence: for each figure the summary page comes first, then the database, then the
projections, for a page speaks of the very occupation and is the latest to be brought up to date, while
the projections speak of the whole SOC occupation, or of several taken together. Figures that belong
together (wages; shares of education) come from one source. A page's growth and openings count only if
they are of the same years as the projections at hand, so that one ranking mixes no editions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import pandas as pd

from exposure_dagster.core.growth import GrowthCategory, growth_category
from exposure_dagster.corpora.onet.crosswalk import ProjectionLink, ProjectionMatch, projection_link
from exposure_dagster.corpora.onet.database import OnetDatabase
from exposure_dagster.corpora.onet.employment_projections import ProjectionOccupation
from exposure_dagster.corpora.onet.listing import ListedOccupation
from exposure_dagster.corpora.onet.page import OnetPage
from exposure_dagster.parsing.codes import soc_code_of, summary_url
from exposure_dagster.parsing.education import (
    EDUCATION_LEVELS,
    EDUCATION_SCALE,
    REQUIRED_EDUCATION,
    EducationShare,
    education_level,
    most_named,
)

Origin = Literal["page", "database", "projections"]


@dataclass(frozen=True, slots=True)
class OnetOccupation:
    """An O*NET occupation. Figures are null where no source has them.

    Wages are USD, lower bounds where `wage_is_top_coded`; `openings` are jobs a year, `employment_change_pct`
    percent from `base_year` to `projection_year`. Wages, growth and openings are those of the SOC occupation,
    or of the combined code (`projection_soc_code`), that the occupation is or lies in (`projection_match`).
    `education_top` is the level that most respondents say a new hire needs; where nobody was asked, what
    BLS takes for the typical entry level, without a percentage. `origins` says for each figure that is
    not null where it comes from.
    """

    onet_code: str
    soc_code: str
    title: str
    job_zone: int | None
    is_scoreable: bool
    description: str | None
    median_wage_annual: int | None
    median_wage_hourly: float | None
    wage_is_top_coded: bool | None
    growth_category: GrowthCategory | None
    employment_change_pct: float | None
    openings: int | None
    education_top: str | None
    education_top_pct: float | None
    education_second: str | None
    education_second_pct: float | None
    sample_titles: tuple[str, ...]
    tasks_count: int | None
    url: str
    projection_soc_code: str | None
    projection_match: ProjectionMatch | None
    base_year: int | None
    projection_year: int | None
    origins: dict[str, Origin]


@dataclass(frozen=True, slots=True)
class _Wages:
    annual: int | None
    hourly: float | None
    is_top_coded: bool


@dataclass(frozen=True, slots=True)
class _Education:
    top: str
    top_pct: float | None
    second: str | None = None
    second_pct: float | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one source says about one occupation; what belongs together is one field."""

    description: str | None = None
    wages: _Wages | None = None
    growth_category: GrowthCategory | None = None
    employment_change_pct: float | None = None
    openings: int | None = None
    education: _Education | None = None
    sample_titles: tuple[str, ...] | None = None
    tasks_count: int | None = None


_NOTHING = _Facts()
_COLUMNS = {
    "wages": ("median_wage_annual", "median_wage_hourly", "wage_is_top_coded"),
    "education": ("education_top", "education_top_pct", "education_second", "education_second_pct"),
}
"""Columns of a field that fills several."""


def onet_occupations(
    listed: Sequence[ListedOccupation],
    *,
    pages: Iterable[OnetPage] | None = None,
    database: OnetDatabase | None = None,
    projections: Sequence[ProjectionOccupation] | None = None,
) -> list[OnetOccupation]:
    """A record for every listed occupation, in the order of the list, from whichever sources there are."""
    rows = {row.soc_code: row for row in projections or ()}
    edition = _edition(projections or ())
    by_page = {page.onet_code: page for page in pages or ()}
    by_database = {} if database is None else _database_facts(database)
    occupations = []
    for item in listed:
        link = projection_link(item.onet_code, rows)
        row = None if link is None else rows[link.soc_code]
        page = by_page.get(item.onet_code)
        sources: dict[Origin, _Facts] = {
            "page": _NOTHING if page is None else _page_facts(page, edition),
            "database": by_database.get(item.onet_code, _NOTHING),
            "projections": _NOTHING if row is None else _projection_facts(row),
        }
        years = edition or (page and (page.base_year, page.projection_year)) or (None, None)
        occupations.append(_occupation(item, link, years, sources))
    return occupations


def newer_edition(pages: Iterable[OnetPage], projections: Sequence[ProjectionOccupation]) -> tuple[int, int] | None:
    """The years of a later edition of the projections that summary pages already cite; None if of none."""
    cited = [
        (page.base_year, page.projection_year)
        for page in pages
        if page.base_year is not None and page.projection_year is not None
    ]
    at_hand = _edition(projections)
    latest = max(cited, default=None)
    return latest if latest is not None and at_hand is not None and latest > at_hand else None


def _edition(projections: Sequence[ProjectionOccupation]) -> tuple[int, int] | None:
    return (projections[0].base_year, projections[0].projection_year) if projections else None


def _occupation(
    item: ListedOccupation,
    link: ProjectionLink | None,
    years: tuple[int | None, int | None],
    sources: Mapping[Origin, _Facts],
) -> OnetOccupation:
    facts, origins = _chosen(sources)
    wages = facts.wages or _Wages(None, None, is_top_coded=False)
    education = facts.education
    has_growth = facts.growth_category is not None or facts.openings is not None
    occupation = OnetOccupation(
        onet_code=item.onet_code,
        soc_code=soc_code_of(item.onet_code),
        title=item.title,
        job_zone=item.job_zone,
        is_scoreable=item.is_scoreable,
        description=facts.description,
        median_wage_annual=wages.annual,
        median_wage_hourly=wages.hourly,
        wage_is_top_coded=wages.is_top_coded if facts.wages else None,
        growth_category=facts.growth_category,
        employment_change_pct=facts.employment_change_pct,
        openings=facts.openings,
        education_top=education.top if education else None,
        education_top_pct=education.top_pct if education else None,
        education_second=education.second if education else None,
        education_second_pct=education.second_pct if education else None,
        sample_titles=facts.sample_titles or (),
        tasks_count=facts.tasks_count,
        url=summary_url(item.onet_code),
        projection_soc_code=link.soc_code if link else None,
        projection_match=link.match if link else None,
        base_year=years[0] if has_growth else None,
        projection_year=years[1] if has_growth else None,
        origins={},
    )
    present = {column: origin for column, origin in origins.items() if getattr(occupation, column) is not None}
    return replace(occupation, origins=present)


def _chosen(sources: Mapping[Origin, _Facts]) -> tuple[_Facts, dict[str, Origin]]:
    """For each field the first source that has it, in the order of `sources`."""
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for field in fields(_Facts):
        for origin, facts in sources.items():
            value = getattr(facts, field.name)
            if value is not None:
                values[field.name] = value
                origins |= dict.fromkeys(_COLUMNS.get(field.name, (field.name,)), origin)
                break
    return _Facts(**values), origins


def _page_facts(page: OnetPage, edition: tuple[int, int] | None) -> _Facts:
    is_current = edition in (None, (page.base_year, page.projection_year))
    has_wages = page.median_wage_annual is not None or page.median_wage_hourly is not None
    return _Facts(
        description=page.description,
        wages=_Wages(page.median_wage_annual, page.median_wage_hourly, page.wage_is_top_coded) if has_wages else None,
        growth_category=page.growth_category if is_current else None,
        openings=page.openings if is_current else None,
        education=_education(page.education),
        sample_titles=page.sample_titles or None,
        tasks_count=page.tasks_count,
    )


def _projection_facts(row: ProjectionOccupation) -> _Facts:
    wage = row.median_wage_annual
    return _Facts(
        wages=None if wage is None else _Wages(wage, None, row.wage_is_top_coded),
        growth_category=growth_category(row.change_pct),
        employment_change_pct=row.change_pct,
        openings=row.openings,
        education=_Education(education_level(row.entry_education), None) if row.entry_education else None,
    )


def _database_facts(database: OnetDatabase) -> dict[str, _Facts]:
    descriptions = {} if database.occupations is None else _by_code(database.occupations, "description")
    titles = {} if database.reported_titles is None else _by_code(database.reported_titles, "reported_title")
    tasks = {} if database.tasks is None else _by_code(database.tasks, "task_id")
    education = education_shares(database)
    return {
        code: _Facts(
            description=next(iter(descriptions.get(code, ())), None),
            education=_education(education.get(code, ())),
            sample_titles=titles.get(code) or None,
            tasks_count=len(tasks[code]) if code in tasks else None,
        )
        for code in {*descriptions, *titles, *tasks, *education}
    }


def education_shares(database: OnetDatabase) -> dict[str, tuple[EducationShare, ...]]:
    """For each code, the levels of education by the percentage who say that it is required, lowest level first."""
    if database.education is None:
        return {}
    levels = dict(EDUCATION_LEVELS)
    if (names := database.education_categories) is not None:
        of_scale = names[(names["element_id"] == REQUIRED_EDUCATION) & (names["scale_id"] == EDUCATION_SCALE)]
        levels |= {
            int(category): education_level(words)
            for category, words in zip(of_scale["category"], of_scale["description"], strict=True)
        }
    table = database.education
    asked = table[(table["element_id"] == REQUIRED_EDUCATION) & (table["scale_id"] == EDUCATION_SCALE)]
    shares: dict[str, list[EducationShare]] = {}
    asked = asked.sort_values(["onet_code", "category"])
    for code, category, percent in zip(asked["onet_code"], asked["category"], asked["value"], strict=True):
        level = levels.get(int(category), f"Category {category}")
        shares.setdefault(str(code), []).append(EducationShare(level, float(percent)))
    return {code: tuple(of_code) for code, of_code in shares.items()}


def _education(shares: Sequence[EducationShare]) -> _Education | None:
    named = most_named(shares)
    if not named:
        return None
    top, second = named[0], named[1] if len(named) > 1 else None
    return _Education(top.level, top.percent, second.level if second else None, second.percent if second else None)


def _by_code(frame: pd.DataFrame, column: str) -> dict[str, tuple[Any, ...]]:
    """The values of a column for each code, in the order of the frame, without the missing ones."""
    values: dict[str, list[Any]] = {}
    for code, value in zip(frame["onet_code"], frame[column], strict=True):
        if not pd.isna(value):
            values.setdefault(code, []).append(value)
    return {code: tuple(of_code) for code, of_code in values.items()}
