"""A page of the handbook to its record: which fields there are, and which ought to be there.

A page is taken to have no figures at all (as the one on military careers) only if it announces no
summary and shows neither quick facts, nor projections, nor links to O*NET. On any other page every
field is wanted, and one that cannot be read is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.ooh.index import page_at
from exposure_dagster.corpora.ooh.page_words import TEXT_TABS, PageWords, Section, check_build, page_words
from exposure_dagster.corpora.ooh.projections import Projections, read_projections
from exposure_dagster.corpora.ooh.quick_facts import QuickFacts, read_quick_facts
from exposure_dagster.parsing.damage import DAMAGE, damage_of
from exposure_dagster.parsing.figures import read_date
from exposure_dagster.parsing.findings import Findings
from exposure_dagster.parsing.html import NestedTooDeeplyError
from exposure_dagster.parsing.records import IndexPage, Occupation, ParsedPage, ProjectionRow, UnreadField

_HEADING_IDS = dict(
    zip(TEXT_TABS, ["what-they-do", "work-environment", "become-one", "pay", "job-outlook"], strict=True)
)
_PAY_TAB = 5
_TOO_DEEP = "this is no handbook page: its elements are nested too deeply to be followed"
_ONET_CODE = re.compile(r"onetonline\.org/.*\b(\d{2}-\d{4}\.\d{2})\b")


@dataclass(frozen=True, slots=True)
class _Figures:
    """All that a page says in numbers and codes; by default nothing."""

    facts: QuickFacts = field(default_factory=QuickFacts)
    projections: Projections = field(default_factory=Projections)
    soc_code: str | None = None
    projected_jobs: int | None = None
    base_year: int | None = None
    projection_year: int | None = None


def parse_page(body: bytes, *, url: str) -> ParsedPage:
    """The record of the handbook page that was fetched from `url`.

    Raises SourceError if the body is no handbook page at all, or `url` is not the address of one.
    """
    page = page_at(url)
    if page is None:
        raise SourceError(
            "this is not the address of a handbook page",
            where=url,
            remedy="It should read https://www.bls.gov/ooh/<category>/<page>.htm",
        )
    try:
        words = page_words(body, url=url)
    except (NestedTooDeeplyError, RecursionError):
        raise SourceError(
            _TOO_DEEP,
            where=url,
            remedy="Open the address in a browser; if the page looks right there, report it",
        ) from None
    parsed = interpret(words, page)
    parsed.unread.extend(UnreadField(page.slug, DAMAGE, clause) for clause in damage_of(body))
    return parsed


def problem_of_page(body: bytes, url: str) -> str | None:
    """Why the body is no handbook page at all, as one clause; None where it has the build of one."""
    try:
        check_build(body, url=url)
    except SourceError as error:
        return error.what
    except (NestedTooDeeplyError, RecursionError):
        return _TOO_DEEP
    return None


def interpret(words: PageWords, page: IndexPage) -> ParsedPage:
    """The record that a page's words make, and the fields for which they do not suffice."""
    findings = Findings(page.slug)
    _check_address(words, page, findings)
    onet_codes = list(dict.fromkeys(match[1] for match in map(_ONET_CODE.search, words.links) if match))
    figures = _Figures()
    if onet_codes or _announces_figures(words):
        figures = _figures(words, findings)
        if not onet_codes:
            findings.report("onet_codes", f"{len(words.links)} links under more information, none to O*NET")
    facts, pay = figures.facts, figures.facts.pay
    occupation = Occupation(
        slug=page.slug,
        title=findings.required("title", words.title or None, "no heading of the page"),
        category=page.category,
        url=page.url,
        description=findings.required("description", words.description or None, "no description"),
        soc_code=figures.soc_code,
        soc_codes=_soc_codes(figures.projections, onet_codes),
        onet_codes=onet_codes,
        median_pay_annual=pay.annual if pay else None,
        median_pay_hourly=pay.hourly if pay else None,
        pay_basis=pay.basis if pay else None,
        pay_is_top_coded=pay.is_top_coded if pay else None,
        pay_year=facts.pay_year,
        entry_education=facts.entry_education,
        work_experience=facts.work_experience,
        training=facts.training,
        jobs=facts.jobs,
        projected_jobs=figures.projected_jobs,
        outlook_pct=facts.outlook_pct,
        outlook_desc=facts.outlook_desc,
        employment_change=facts.employment_change,
        base_year=figures.base_year,
        projection_year=figures.projection_year,
        last_modified=findings.required("last_modified", read_date(words.modified), repr(words.modified)),
        text=_text(words, findings),
    )
    return ParsedPage(occupation, figures.projections.rows, findings.unread)


def _check_address(words: PageWords, page: IndexPage, findings: Findings) -> None:
    if words.canonical not in {"", page.url} and page_at(words.canonical) != page:
        findings.report("url", f"the page calls itself {words.canonical}")


def _announces_figures(words: PageWords) -> bool:
    labels = words.tab_labels
    has_summary = "#tab-1" in labels or any(label.casefold() == "summary" for label in labels.values())
    return not labels or has_summary or words.facts is not None or words.projections is not None


def _figures(words: PageWords, findings: Findings) -> _Figures:
    pay_tab = words.sections.get(_PAY_TAB)
    facts = read_quick_facts(words.facts, "\n".join(pay_tab.blocks) if pay_tab else "", findings)
    if words.projections is None:
        findings.report("projections", "no table with a column of SOC codes")
        projections = Projections()
    else:
        projections = read_projections(words.projections, findings)
    first = projections.rows[0] if projections.rows else None
    _check_agreement(facts, first, findings)
    if first is None or (first.soc_code is None and not first.is_total):
        findings.report("soc_code", "no code in row 1 of the projections")
    return _Figures(
        facts,
        projections,
        soc_code=first.soc_code if first else None,
        projected_jobs=findings.required(
            "projected_jobs",
            first.projected_employment if first else None,
            "no figure in row 1 of the projections",
        ),
        base_year=_agreed("base_year", facts.base_year, projections.base_year, findings),
        projection_year=_agreed("projection_year", facts.projection_year, projections.projection_year, findings),
    )


def _check_agreement(facts: QuickFacts, first: ProjectionRow | None, findings: Findings) -> None:
    """Three figures stand twice on a page; where they differ, one of them was read from another's place."""
    if first is None:
        return
    for field_name, fact, in_row in (
        ("jobs", facts.jobs, first.employment),
        ("outlook_pct", facts.outlook_pct, first.change_pct),
        ("employment_change", facts.employment_change, first.change),
    ):
        if fact is not None and in_row is not None and fact != in_row:
            findings.report(field_name, f"{fact:,} in the quick facts, {in_row:,} in row 1 of the projections")


def _agreed(field: str, in_facts: int | None, in_projections: int | None, findings: Findings) -> int | None:
    years = {year for year in (in_facts, in_projections) if year is not None}
    if len(years) == 1:
        return years.pop()
    findings.report(field, f"{in_facts} in the quick facts, {in_projections} in the projections")
    return None


def _soc_codes(projections: Projections, onet_codes: list[str]) -> list[str]:
    of_rows = [row.soc_code for row in projections.rows if row.soc_code and not row.is_total]
    return list(dict.fromkeys(of_rows + [code.partition(".")[0] for code in onet_codes]))


def _text(words: PageWords, findings: Findings) -> str:
    blocks = [f"# {words.title}"] if words.title else []
    for number in TEXT_TABS:
        section = words.sections.get(number)
        problem = _problem(section, _HEADING_IDS[number])
        if problem:
            findings.report("text", f"tab {number}: {problem}")
        if section:
            blocks.extend(section.blocks)
            for flaw in section.flaws:
                findings.report("text", f"tab {number}: {flaw}")
    return "\n\n".join(blocks)


def _problem(section: Section | None, heading_id: str) -> str | None:
    if section is None:
        return "absent"
    if section.heading_id != heading_id and section.heading_id in _HEADING_IDS.values():
        return f"holds {section.heading_id!r} instead of {heading_id!r}"
    if not section.blocks or not section.blocks[0].startswith("## "):
        return f"no heading; it begins with {' '.join(section.blocks)[:80]!r}"
    if all(block.startswith("#") for block in section.blocks):
        return "nothing but headings"
    return None
