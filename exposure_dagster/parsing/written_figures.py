"""Figures as people write them: `$45,000`, `45.000,50 €`, `1 200`, `>=239,200`, `3,5 %`.

Whether `45.000` is forty-five or forty-five thousand, no cell says by itself. The other figures of the file do, or its
user; where neither does, it is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NOT_KNOWN = frozenset(
    {
        *("n/a", "#n/a", "na", "n.a.", "n. a.", "null", "none", "nan", "not available", "unknown", "missing"),
        *("-", "--", "–", "—", "−", ".", "..", "...", "…", ":", "#", "*", "**", "***", "#value!", "#null!"),
    }
)
"""Words and signs of statistical offices and spreadsheets for a figure that is not there, in lower case."""

NOT_SAID = frozenset({"n/a", "#n/a", "null", "nan", "-", "--", "–", "—", "−"})
"""Of these, those that stand for an empty text too: `None` is an answer, of what experience a job takes, say."""

CURRENCY_OF_SIGN = {
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "R$": "BRL",
    "₹": "INR",
    "₩": "KRW",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "₺": "TRY",
    "₽": "RUB",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "₱": "PHP",
    "₦": "NGN",
    "₴": "UAH",
    "元": "CNY",
    "円": "JPY",
    "원": "KRW",
}
SEVERAL_CURRENCIES = {"$": ("USD", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN"), "kr": ("NOK", "SEK", "DKK", "ISK")} | {
    "kr.": ("DKK", "NOK", "SEK", "ISK"),
    "¥": ("JPY", "CNY"),
    "Fr.": ("CHF",),
}
"""Signs of several currencies. `$` alone means USD; the others need a `pay_currency`."""

_CODE = re.compile(r"[A-Z]{3}")
_FIGURE = re.compile(
    r"(?P<bound>≥|>=)?\s*(?P<before>[^\d\s.,'’+−–-]{0,4}?)\s*(?P<minus>[+−–-]?)\s*"
    r"(?P<digits>\d(?:[\d.,'’]|\s(?=\d))*)(?P<exponent>[eE][+-]?\d{1,3})?\s*(?P<after>%|[^\d\s%]{1,4})?"
)
_SPACED = re.compile(r"\d{1,3}(?:[\s'’]\d{3})+(?=[.,]|$)")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}") for mark in ".,"}
_OTHER = {".": ",", ",": "."}


class AmbiguousError(ValueError):
    """A figure that may be one of two."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure. `sign` is the currency's, as written; `is_percent` where a percent sign follows."""

    value: float
    sign: str | None = None
    is_percent: bool = False
    is_lower_bound: bool = False


def decimal_mark(texts: Iterable[str]) -> str | None:
    """The decimal mark that these figures show by themselves; None where none or both do."""
    found = {mark for text in texts if (match := _FIGURE.fullmatch(text)) and (mark := _shown(match["digits"]))}
    return found.pop() if len(found) == 1 else None


def figure(text: str, decimal: str | None, *, is_small: bool = False) -> Figure | None:
    """The figure of a cell; None where it is none. `decimal` is that of the file, where it is known.

    `is_small`: it is one of percent, where a mark before three digits is a decimal mark. Raises AmbiguousError.
    """
    match = _FIGURE.fullmatch(text)
    if match is None:
        return None
    signs = [sign for sign in (match["before"], match["after"]) if sign and sign != "%"]
    if len(signs) > 1 or not all(map(_is_currency, signs)):
        return None
    plain = _plain(match["digits"], decimal, is_small)
    if plain is None:
        return None
    value = float(plain + (match["exponent"] or ""))
    is_negative = match["minus"] not in ("", "+")
    return Figure(
        -value if is_negative else value,
        signs[0] if signs else None,
        match["after"] == "%",
        match["bound"] is not None,
    )


def _is_currency(sign: str) -> bool:
    return sign in CURRENCY_OF_SIGN or sign in SEVERAL_CURRENCIES or _CODE.fullmatch(sign) is not None


def _shown(digits: str) -> str | None:
    """The decimal mark that a figure shows by itself."""
    digits = re.sub(r"[\s'’]", "", digits)
    marks = [mark for mark in ".," if mark in digits]
    if len(marks) == 2:
        return max(marks, key=digits.rfind)
    if not marks:
        return None
    (mark,) = marks
    head, _, tail = digits.rpartition(mark)
    if digits.count(mark) > 1:
        return _OTHER[mark]
    return mark if len(tail) != 3 or len(head) > 3 or head == "0" else None


def _plain(digits: str, decimal: str | None, is_small: bool) -> str | None:
    """As Python writes it; None where the marks stand where none can."""
    if re.search(r"[\s'’]", digits):
        if not _SPACED.match(digits):
            return None
        whole = _SPACED.match(digits)
        assert whole is not None
        digits = re.sub(r"[\s'’]", "", whole[0]) + digits[whole.end() :]
        if re.search(r"[\s'’]", digits):
            return None
    marks = [mark for mark in ".," if mark in digits]
    if not marks:
        return digits
    mark = _shown(digits) or decimal
    if mark is None:
        if not is_small:
            raise AmbiguousError(f"may be {digits.replace(marks[0], '')} or {float(digits.replace(',', '.')):g}")
        mark = marks[0]
    whole_part, _, fraction = digits.partition(mark)
    thousands = _OTHER[mark]
    if thousands in fraction or mark in fraction:
        return None
    if thousands in whole_part:
        if not _GROUPED[thousands].fullmatch(whole_part):
            return None
        whole_part = whole_part.replace(thousands, "")
    return f"{whole_part}.{fraction}" if fraction else whole_part
