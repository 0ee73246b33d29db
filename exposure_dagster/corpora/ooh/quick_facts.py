"""The quick facts of a page: pay, entry requirements, jobs and outlook."""

from __future__ import annotations

from dataclasses import dataclass

from exposure_dagster.corpora.ooh.page_words import Fact
from exposure_dagster.parsing.figures import (
    NO_PAY,
    Outlook,
    Pay,
    is_pay_withheld,
    is_pointer,
    read_count,
    read_last_year,
    read_outlook,
    read_pay,
    read_year,
)
from exposure_dagster.parsing.findings import Findings

# Rows are known by these words; the labels carry the edition's years as well.
_LABELS = {
    "median_pay_annual": "median pay",
    "entry_education": "entry-level education",
    "work_experience": "work experience",
    "training": "on-the-job training",
    "jobs": "number of jobs",
    "outlook_pct": "job outlook",
    "employment_change": "employment change",
}


@dataclass(frozen=True, slots=True)
class QuickFacts:
    """What the quick facts say; by default what stands for a page without any figures.

    `pay` is None only where it could not be read. `base_year` and `projection_year` are None where
    the labels name none.
    """

    pay: Pay | None = NO_PAY
    pay_year: int | None = None
    entry_education: str | None = None
    work_experience: str | None = None
    training: str | None = None
    jobs: int | None = None
    outlook_pct: int | None = None
    outlook_desc: str | None = None
    employment_change: int | None = None
    base_year: int | None = None
    projection_year: int | None = None


def read_quick_facts(facts: list[Fact] | None, pay_section: str, findings: Findings) -> QuickFacts:
    """Reads all facts; those without a row, or with words of no known form, are reported.

    `pay_section` is the text of the pay tab: it tells an empty cell from a cell that should not be empty.
    """
    rows = _rows(facts, findings)
    pay_year = None
    if (pay_row := rows.get("median_pay_annual")) is not None:
        pay_year = findings.required("pay_year", read_year(pay_row.label), pay_row.label)
    outlook = _outlook(rows, findings)
    return QuickFacts(
        pay=_pay(pay_row, pay_section, pay_year, findings),
        pay_year=pay_year,
        entry_education=_requirement("entry_education", rows, findings),
        work_experience=_requirement("work_experience", rows, findings),
        training=_requirement("training", rows, findings),
        jobs=_count("jobs", rows, findings),
        outlook_pct=outlook.percent if outlook else None,
        outlook_desc=outlook.phrase if outlook else None,
        employment_change=_count("employment_change", rows, findings),
        base_year=read_year(rows["jobs"].label) if "jobs" in rows else None,
        projection_year=read_last_year(rows["outlook_pct"].label) if "outlook_pct" in rows else None,
    )


def _rows(facts: list[Fact] | None, findings: Findings) -> dict[str, Fact]:
    rows: dict[str, Fact] = {}
    for field, words in _LABELS.items():
        row = next((fact for fact in facts or [] if words in fact.label.casefold()), None)
        if row is not None:
            rows[field] = row
        elif facts is None:
            findings.report(field, "no table of quick facts")
        else:
            findings.report(field, f"no such row among: {'; '.join(fact.label for fact in facts)}")
    return rows


def _pay(row: Fact | None, pay_section: str, pay_year: int | None, findings: Findings) -> Pay | None:
    if row is None:
        return None
    if not row.words and is_pay_withheld(pay_section, pay_year):
        return NO_PAY
    return findings.required("median_pay_annual", read_pay(row.words), repr(row.words))


def _requirement(field: str, rows: dict[str, Fact], findings: Findings) -> str | None:
    if field not in rows:
        return None
    words = rows[field].words
    return None if is_pointer(words) else findings.required(field, words or None, "an empty cell")


def _count(field: str, rows: dict[str, Fact], findings: Findings) -> int | None:
    if field not in rows:
        return None
    return findings.required(field, read_count(rows[field].words), repr(rows[field].words))


def _outlook(rows: dict[str, Fact], findings: Findings) -> Outlook | None:
    if "outlook_pct" not in rows:
        return None
    words = rows["outlook_pct"].words
    outlook = findings.required("outlook_pct", read_outlook(words), repr(words))
    if outlook is None or outlook.phrase is None:
        findings.report("outlook_desc", repr(words))
    return outlook
