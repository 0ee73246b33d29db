"""The words of a cell, whatever type the file gave it: never the notation of a programming language."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal

from exposure_dagster.corpora.own.cells import Cell, is_missing

LARGEST_EXACT = 2**53
"""Beyond it, a floating-point number is no longer the whole number that was meant."""

_LOOKS_LIKE_HTML = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6});|</?[a-zA-Z][^<>]{0,200}>")
_BREAKS = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)
_UNSHOWN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_FILLERS = "\u2800\u3164\u115f\u1160\uffa0"
"""Letters and signs that show nothing."""


class CellError(ValueError):
    """A cell that cannot be used: `kind` says why, and the text says it with what stands there."""

    def __init__(self, what: str, kind: str = "") -> None:
        super().__init__(what)
        self.kind = kind or what


def is_seen(text: str) -> bool:
    """Whether a text shows anything: no-break and zero-width spaces, joiners and fillers alone do not."""
    return any(
        character not in _FILLERS and unicodedata.category(character) not in {"Cf", "Cc", "Zs", "Zl", "Zp", "Cn"}
        for character in text
    )


def as_text(cell: Cell, between: str | None, *, is_code: bool = False) -> str:
    """The words of a cell. `between` joins the items of a list. Raises CellError where they cannot be told."""
    if isinstance(cell, float | Decimal):
        return _number(cell)
    if isinstance(cell, bytes | bytearray):
        return _decoded(bytes(cell))
    if isinstance(cell, date):
        return _day(cell, is_code=is_code)
    if isinstance(cell, list | tuple):
        items = [as_text(item, None) for item in cell if not is_missing(item)]
        if len(items) > 1 and between is None:
            raise CellError(f"holds a list of {len(items)} where one value is wanted", "holds a list")
        return (between or "").join(items)
    if isinstance(cell, dict):
        raise CellError("holds a structure of several fields where a text is wanted")
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _decoded(cell: bytes) -> str:
    """Parquet of some programs has its texts as bytes."""
    try:
        return cell.decode()
    except UnicodeDecodeError:
        raise CellError("holds bytes that are no text in UTF-8") from None


def _day(cell: date, *, is_code: bool) -> str:
    if is_code:
        raise CellError(
            f"is the date {cell:%Y-%m-%d}, which a spreadsheet may have made of a code such as 11-2011",
            "is a date, which a spreadsheet may have made of a code",
        )
    is_day = not isinstance(cell, datetime) or (cell.hour, cell.minute, cell.second) == (0, 0, 0)
    return f"{cell:%Y-%m-%d}" if is_day else cell.isoformat()


def _number(number: float | Decimal) -> str:
    if number != number // 1:
        return str(number)
    if isinstance(number, float) and abs(number) > LARGEST_EXACT:
        raise CellError(f"is {number}, too large for the file's type of number to hold it whole", "is too large")
    return str(int(number))


def looks_like_html(text: str) -> bool:
    """Whether tags or entities stand in it."""
    return _LOOKS_LIKE_HTML.search(text) is not None


def without_markup(text: str) -> str:
    """The words of HTML, a line for each of its lines."""
    words = _TAG.sub("", _BREAKS.sub("\n", _UNSHOWN.sub("", text)))
    return "\n".join(line.strip() for line in html.unescape(words).split("\n")).strip()
