"""How the site shows pay: the currency, its bands, and the scale that colours and axes use."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from exposure_dagster.core.columns import plain
from exposure_dagster.ranking.pay import USD, bands_of, currency_of, named_currencies, rounded, sign_of

_USD_SCALE = {
    "low": 20_000,
    "high": 200_000,
    "step": 1_000,
    "threshold": 100_000,
    "edges": [0, 30_000, 35_000, 40_000, 50_000, 60_000, 75_000, 100_000, 125_000, 150_000],
    "ticks": [20_000, 35_000, 60_000, 100_000, 200_000],
    "axis": [20_000, 30_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000],
}


def money_of(rows: pd.DataFrame) -> dict[str, Any] | None:
    """Of the rows of a set, whose pay is in `pay_currency` where they say so; null where none has pay."""
    pay = _pay(rows, "median_pay_annual").fillna(_pay(rows, "median_pay_hourly"))
    currency = currency_of(currencies_of(rows), pay)
    if currency is None:
        return None
    annual = _pay(rows, "median_pay_annual").where(currencies_of(rows) == currency)
    return {
        "currency": currency,
        "sign": sign_of(currency),
        "bands": [{"label": label, "low": low, "high": plain(high)} for label, low, high in bands_of(currency, annual)],
        **(_USD_SCALE if currency == USD else _scale(annual.dropna())),
    }


def currencies_of(rows: pd.DataFrame) -> pd.Series:
    """The currency of each row."""
    if "pay_currency" not in rows:
        return pd.Series(USD, index=rows.index, dtype="object")
    return named_currencies(rows["pay_currency"])


def _pay(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        return pd.Series(float("nan"), index=rows.index, dtype="float64")
    return pd.to_numeric(rows[name]).astype("float64")


def _scale(pay: pd.Series) -> dict[str, Any]:
    """From the lowest pay to the highest, by its logarithm."""
    paid = pay[pay > 0]
    lowest, highest = (rounded(paid.min()), rounded(paid.max())) if len(paid) else (1.0, 2.0)
    if highest <= lowest:
        lowest, highest = lowest / 2, lowest * 2

    def spread(parts: int) -> list[float]:
        found = (rounded(lowest * (highest / lowest) ** (at / parts)) for at in range(parts + 1))
        return [plain(value) for value in dict.fromkeys(found)]

    return {
        "low": plain(lowest),
        "high": plain(highest),
        "step": plain(10 ** max(0, math.floor(math.log10(highest - lowest)) - 2)),
        "threshold": plain(rounded(lowest * (highest / lowest) ** 0.7)),
        "edges": [0, *spread(8)],
        "ticks": spread(4),
        "axis": spread(6),
    }
