"""Columns of frames as JSON can hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def plain(value: Any) -> Any:
    """A number without needless digits (integers whole, others to six decimals), a text, a list, or None."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0:
        return [plain(part) for part in value.tolist()]
    if value is None or _is_missing(value):
        return None
    number = float(value)
    if number in (float("inf"), float("-inf")):
        return None
    return int(number) if number.is_integer() else round(number, 6)


def column(rows: pd.DataFrame, name: str) -> list[Any]:
    """The column's values, plain; nulls where there is no such column."""
    if name not in rows.columns:
        return [None] * len(rows)
    return [plain(value) for value in rows[name].tolist()]


def dates(rows: pd.DataFrame, name: str) -> list[str | None]:
    """The column's days as YYYY-MM-DD."""
    if name not in rows.columns:
        return [None] * len(rows)
    return [None if _is_missing(value) else f"{value:%Y-%m-%d}" for value in rows[name]]


def coded(values: Iterable[Any], order: Sequence[str] = ()) -> dict[str, Any]:
    """Texts as positions in the different ones: those of `order` first, the rest by name."""
    listed = [value if isinstance(value, str) else None for value in values]
    present = {value for value in listed if value is not None}
    names = [*(name for name in order if name in present), *sorted(present - set(order))]
    position = {name: index for index, name in enumerate(names)}
    return {"names": names, "at": [None if value is None else position[value] for value in listed]}


def texts(value: Any) -> list[str]:
    """A list of texts, of a list column's cell; empty where there is none."""
    return [str(part) for part in value] if isinstance(value, list) else []


def latest(rows: pd.DataFrame, name: str) -> int | None:
    """The highest number of the column; None where it holds none."""
    return max((value for value in column(rows, name) if value is not None), default=None)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
