"""Levels of education as O*NET names them, in its database and on its pages, brought to one short form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

REQUIRED_EDUCATION = "2.D.1"
"""Element of the database: the education that workers say is required of a new hire."""

EDUCATION_SCALE = "RL"

EDUCATION_LEVELS = {
    1: "Less than a high school diploma",
    2: "High school diploma",
    3: "Post-secondary certificate",
    4: "Some college courses",
    5: "Associate's degree",
    6: "Bachelor's degree",
    7: "Post-baccalaureate certificate",
    8: "Master's degree",
    9: "Post-master's certificate",
    10: "First professional degree",
    11: "Doctoral degree",
    12: "Post-doctoral training",
}
"""The categories of scale RL, for databases that come without their table of categories."""

_EXPLANATION = re.compile(r"\s+[-–—]\s.*|\s*\(.*|\s+or (?:the )?equivalent\b.*|\s*;.*", re.DOTALL)
_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'"})


@dataclass(frozen=True, slots=True)
class EducationShare:
    """A level, and the percentage of respondents who say that it is required."""

    level: str
    percent: float


def education_level(words: str) -> str:
    """A level in short: "High School Diploma - or the equivalent (…)" becomes "High school diploma"."""
    short = _EXPLANATION.sub("", " ".join(words.translate(_CURLY).split()))
    return short[:1].upper() + short[1:].lower()


def most_named(shares: Sequence[EducationShare]) -> list[EducationShare]:
    """The two levels named most, the most frequent first; of equals the one given first. No level at 0."""
    named = [share for share in shares if share.percent > 0]
    return sorted(named, key=lambda share: -share.percent)[:2]
