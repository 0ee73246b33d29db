"""Words of the handbook to values: amounts, years, dates, pay, outlook. Strings in, no HTML.

Each reader returns None where the words are not of the known form; what that means for the page is
decided by the caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from exposure_dagster.parsing.records import PayBasis

HOURS_PER_YEAR = 2080
"""52 weeks of 40 hours: the hours by which BLS's wage survey turns hourly into annual pay."""

_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
_COUNT = re.compile(rf"([-−–]?)({_NUMBER})")
_YEAR = re.compile(r"\b\d{4}\b")
_YEARS = re.compile(r"\b(\d{4})\s*[-–—]\s*(\d{4}|\d{2})\b")
_DATE = re.compile(r"(?P<month>[A-Z][a-z]+) (?P<day>\d{1,2}), (?P<year>\d{4})")
_OUTLOOK = re.compile(r"([-−–]?\d+)\s?%(?: \((.+)\))?")
_PAY = re.compile(
    r"(?P<floor>this wage is equal to or greater than )?"
    rf"(?:\$(?P<annual>{_NUMBER}) per year)?"
    rf"(?: ?(?:or )?\$(?P<hourly>(?:{_NUMBER})(?:\.\d+)?) per hour)?\.?",
    re.IGNORECASE,
)
_NOT_AVAILABLE = re.compile(r"n/a|[—–-]|[^$\d]*\bnot available\b[^$\d]*", re.IGNORECASE)
_WAGE_DATA = re.compile(
    r"\bwage data\b[^.]*\b(?:not available|updated most recently in (?:\w+ )?(?P<year>\d{4}))", re.IGNORECASE
)
# Spelt out, because `strptime` and `calendar` follow the locale.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_POINTER = "see how to become one"


@dataclass(frozen=True, slots=True)
class Pay:
    """Median pay as a page gives it: USD a year and USD an hour."""

    annual: int | None
    hourly: float | None
    is_top_coded: bool

    @property
    def basis(self) -> PayBasis:
        if self.annual is not None:
            return "annual"
        return "none" if self.hourly is None else "hourly_only"


NO_PAY = Pay(None, None, is_top_coded=False)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Projected growth: whole percent, and BLS's phrase for it."""

    percent: int
    phrase: str | None


def imputed_annual_pay(hourly: float) -> int:
    """USD a year for full-time work at an hourly wage: an imputation, never BLS's own annual figure.

    For pages of `pay_basis` hourly_only; whoever shows the result marks it as imputed.
    """
    return round(hourly * HOURS_PER_YEAR)


def read_count(words: str) -> int | None:
    """ "839,000" or "-1,000" (any dash as the sign)."""
    match = _COUNT.fullmatch(words)
    if match is None:
        return None
    number = int(match[2].replace(",", ""))
    return -number if match[1] else number


def read_year(words: str) -> int | None:
    """The first year named: 2024 in "Number of Jobs, 2024"."""
    match = _YEAR.search(words)
    return None if match is None else int(match[0])


def read_last_year(words: str) -> int | None:
    """The end of a span of years: 2034 in "Job Outlook, 2024–34"."""
    match = _YEARS.search(words)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    if last < 100:
        last += first - first % 100
    return last if last > first else last + 100


def read_date(words: str) -> date | None:
    """ "Thursday, August 28, 2025"."""
    match = _DATE.search(words)
    if match is None or match["month"] not in _MONTHS:
        return None
    try:
        return date(int(match["year"]), _MONTHS.index(match["month"]) + 1, int(match["day"]))
    except ValueError:
        return None


def read_pay(words: str) -> Pay | None:
    """The forms that BLS uses: a year and an hour, either alone, and a lower bound for both."""
    if _NOT_AVAILABLE.fullmatch(words):
        return NO_PAY
    match = _PAY.fullmatch(words)
    if match is None or not (match["annual"] or match["hourly"]):
        return None
    return Pay(
        int(match["annual"].replace(",", "")) if match["annual"] else None,
        float(match["hourly"].replace(",", "")) if match["hourly"] else None,
        is_top_coded=match["floor"] is not None,
    )


def is_pay_withheld(pay_section: str, pay_year: int | None) -> bool:
    """Whether a page says in words that it has no pay of its year, so that an empty cell is no accident.

    So does a page whose wage data "are not available", or "were updated most recently in" an earlier year.
    """
    match = _WAGE_DATA.search(pay_section)
    if match is None:
        return False
    return match["year"] is None or (pay_year is not None and int(match["year"]) < pay_year)


def read_outlook(words: str) -> Outlook | None:
    """ "-5% (Decline)"."""
    match = _OUTLOOK.fullmatch(words)
    if match is None:
        return None
    percent = read_count(match[1])
    return None if percent is None else Outlook(percent, match[2])


def is_pointer(words: str) -> bool:
    """Whether a quick fact names no level and sends the reader to another tab."""
    return words.casefold() == _POINTER
