"""Words of the field that all corpora share: levels of education, outlooks, groups of the Standard Occupational
Classification (SOC)."""

from __future__ import annotations

from collections.abc import Sequence

EDUCATION_ORDER = (
    "No formal educational credential",
    "Less than a high school diploma",
    "High school diploma",
    "High school diploma or equivalent",
    "Post-secondary certificate",
    "Some college courses",
    "Some college, no degree",
    "Postsecondary nondegree award",
    "Associate's degree",
    "Bachelor's degree",
    "Post-baccalaureate certificate",
    "Master's degree",
    "Post-master's certificate",
    "First professional degree",
    "Doctoral degree",
    "Doctoral or professional degree",
    "Post-doctoral training",
)
"""Levels of education as BLS and O*NET name them, lowest first. The two put certificates and a beginning of college
in different orders: here each keeps its own."""

OUTLOOK_ORDER = (
    "Decline",
    "Little or no change",
    "Slower than average",
    "As fast as average",
    "Faster than average",
    "Much faster than average",
)
"""BLS's phrases for projected change, lowest first."""

SOC_MAJOR_GROUPS = {
    "11": "Management",
    "13": "Business and financial operations",
    "15": "Computer and mathematical",
    "17": "Architecture and engineering",
    "19": "Life, physical, and social science",
    "21": "Community and social service",
    "23": "Legal",
    "25": "Educational instruction and library",
    "27": "Arts, design, entertainment, sports, and media",
    "29": "Healthcare practitioners and technical",
    "31": "Healthcare support",
    "33": "Protective service",
    "35": "Food preparation and serving related",
    "37": "Building and grounds cleaning and maintenance",
    "39": "Personal care and service",
    "41": "Sales and related",
    "43": "Office and administrative support",
    "45": "Farming, fishing, and forestry",
    "47": "Construction and extraction",
    "49": "Installation, maintenance, and repair",
    "51": "Production",
    "53": "Transportation and material moving",
    "55": "Military specific",
}
"""Names of the 2018 SOC major groups by the first two digits of a code (BLS)."""

SEVERAL_GROUPS = "Several major groups"


def soc_major_group(soc_code: str | None, soc_codes: Sequence[str]) -> str | None:
    """Name of the SOC major group of a page: of its own code, or of all codes it covers.

    A page whose codes lie in several groups is in `SEVERAL_GROUPS`; one without codes has none.
    """
    prefixes = {soc_code[:2]} if soc_code else {code[:2] for code in soc_codes}
    if not prefixes:
        return None
    if len(prefixes) > 1:
        return SEVERAL_GROUPS
    return SOC_MAJOR_GROUPS.get(prefixes.pop())
