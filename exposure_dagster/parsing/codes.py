"""Occupation codes: the O*NET-SOC code 29-1141.01 and the SOC code 29-1141 that it refines."""

from __future__ import annotations

import re

ONET_CODE = re.compile(r"\d{2}-\d{4}\.\d{2}")
SOC_CODE = re.compile(r"\d{2}-\d{4}")


def is_onet_code(text: str) -> bool:
    return ONET_CODE.fullmatch(text) is not None


def soc_code_of(onet_code: str) -> str:
    """The SOC code that an O*NET-SOC code refines."""
    return onet_code.partition(".")[0]


def is_specialty(onet_code: str) -> bool:
    """Whether O*NET has set the occupation apart within a SOC occupation; `.00` is the whole of one."""
    return not onet_code.endswith(".00")


def summary_url(onet_code: str) -> str:
    """The address of an occupation's summary page."""
    return f"https://www.onetonline.org/link/summary/{onet_code}"
