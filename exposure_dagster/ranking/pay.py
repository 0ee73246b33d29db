"""Pay in the currency that the facts have it in: the bands by which it is grouped, and how it is written.

Currencies are never converted. Where the documents of a corpus are paid in several, that of most of them is shown, and
the others count as documents without pay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

USD = "USD"

PAY_BANDS: tuple[tuple[str, float, float], ...] = (
    ("below $35K", 0, 35_000),
    ("$35K to $50K", 35_000, 50_000),
    ("$50K to $75K", 50_000, 75_000),
    ("$75K to $100K", 75_000, 100_000),
    ("$100K and more", 100_000, float("inf")),
)
"""Label, lowest pay (inclusive) and highest pay (exclusive), USD per year."""

_SIGNS = {USD: "$", "EUR": "€", "GBP": "£"}
_SIZES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def currency_of(currencies: pd.Series, pay: pd.Series) -> str | None:
    """The currency of most documents with pay, USD where they name none; null where there is no pay."""
    counts = named_currencies(currencies)[pay.notna()].value_counts()
    if counts.empty:
        return None
    return str(max(counts.index, key=lambda code: (counts[code], code == USD, code)))


def named_currencies(currencies: pd.Series) -> pd.Series:
    """The currency of each document: USD where none is named."""
    found = currencies.astype("object")
    return found.where(found.notna(), USD)


def sign_of(currency: str) -> str:
    """What stands before an amount."""
    return _SIGNS.get(currency, f"{currency} ")


def bands_of(currency: str, pay: pd.Series) -> tuple[tuple[str, float, float], ...]:
    """Label, lowest pay (inclusive) and highest pay (exclusive) of each band, lowest first.

    Those of USD are always the same. In another currency a fifth of the documents lies in each, but for rounding.
    """
    if currency == USD:
        return PAY_BANDS
    known = pay.dropna().astype("float64")
    found = (rounded(float(value)) for value in known.quantile([0.2, 0.4, 0.6, 0.8])) if len(known) else ()
    edges = sorted({edge for edge in found if edge > 0})
    sign = sign_of(currency)
    if not edges:
        return ()
    between = [(f"{sign}{short(low)} to {sign}{short(high)}", low, high) for low, high in pairwise(edges)]
    last = (f"{sign}{short(edges[-1])} and more", edges[-1], float("inf"))
    return ((f"below {sign}{short(edges[0])}", 0.0, edges[0]), *between, last)


def rounded(value: float) -> float:
    """To two digits that count."""
    return round(value, 1 - math.floor(math.log10(value))) if value > 0 else 0.0


def short(value: float) -> str:
    """450000 as 450K."""
    size, unit = next(((size, unit) for size, unit in _SIZES if value >= size), (1.0, ""))
    return f"{value / size:g}{unit}"


def band_labels(pay: pd.Series, bands: Sequence[tuple[str, float, float]]) -> pd.Series:
    """The label of each pay's band; null without pay."""
    if not bands:
        return pd.Series(None, index=pay.index, dtype="object")
    edges = [bands[0][1], *(band[2] for band in bands)]
    labels = pd.cut(pay.astype("float64"), edges, right=False, labels=[band[0] for band in bands])
    return labels.astype("object")
