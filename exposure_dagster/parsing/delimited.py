"""Text files of rows, as people and programs save them: their encoding and separator, by what stands in them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

SEPARATORS = (",", ";", "\t", "|")

LONGEST_CELL = 1_000_000_000
"""Characters. The csv module's own limit of 131,072 is less than a handbook in a cell."""

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_SAMPLE = 1_000_000
"""Of a file, by which its form is known."""
_ASCII = bytes(range(128))
_SEP_LINE = re.compile(r'"?sep=(?P<separator>[^\r\n"])"?,*(?:\r\n|\n|\r|$)', re.IGNORECASE)
_SEVERAL_BYTES = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
TITLES_WITHIN = 30
"""Rows in which column titles are looked for: a table may have a heading above them."""


class NotTextError(ValueError):
    """Bytes that cannot be read as text; the text is a clause that says why, `line` where, if that is known."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True, slots=True)
class Lines:
    """The text of a file below an Excel `sep=` line, where there is one: which line it begins in, and its separator."""

    text: str
    begins: int
    separator: str | None


def decoded(body: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file, without a byte order mark, and the name of its encoding.

    Where none is named: by the byte order mark, else UTF-16 where every other byte is zero, else UTF-8, else
    Windows-1252. Raises NotTextError where it is none of them: what merely has no invalid byte in Windows-1252, which
    is most files, is not taken for it.
    """
    if encoding is not None:
        try:
            return body.decode(encoding).removeprefix("\ufeff"), encoding
        except LookupError:
            raise NotTextError(f"{encoding!r} is no encoding that is known here") from None
        except UnicodeDecodeError as error:
            raise NotTextError(f"byte {body[error.start]:#04x} is not {encoding}", _line(body, error.start)) from None
    for mark, name in (*_BYTE_ORDER_MARKS, *_utf_16_without_mark(body)):
        if body.startswith(mark):
            try:
                return body.decode(name), name.removesuffix("-sig")
            except UnicodeDecodeError as error:
                what = f"byte {body[error.start]:#04x} is not {name.removesuffix('-sig').upper()}, as it begins"
                raise NotTextError(what, _line(body, error.start)) from None
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        return _as_windows_1252(body, error.start), "cp1252"


def without_sep_line(text: str) -> Lines:
    """The text without the line by which Excel is told the separator (`sep=;`)."""
    found = _SEP_LINE.match(text)
    if found is None:
        return Lines(text, 1, None)
    return Lines(text[found.end() :], 2, found["separator"])


def separator_of(text: str, known: Callable[[list[str]], int] = lambda titles: 0) -> str:
    """The separator with which one of the first rows has most titles that are known, else the first has most cells."""

    def speaks_for(separator: str) -> tuple[int, int]:
        rows = records(text[:_SAMPLE], separator)
        first: list[list[str]] = []
        with suppress(csv.Error):  # a quote in a later row: what came before speaks
            first.extend(cells for _, cells in islice(rows, TITLES_WITHIN))
        return max(map(known, first), default=0), len(first[0]) if first else 0

    return max(SEPARATORS, key=speaks_for)


def records(text: str, separator: str, *, begins: int = 1, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the line that it begins in. Raises csv.Error where the text is no CSV."""
    csv.field_size_limit(LONGEST_CELL)
    # not io.StringIO, which takes four bytes for every character
    reader = csv.reader((found[0] for found in _LINE.finditer(text)), delimiter=separator, strict=strict)
    line = begins
    for cells in reader:
        if cells:
            yield line, cells
        line = begins + reader.line_num


def _utf_16_without_mark(body: bytes) -> tuple[tuple[bytes, str], ...]:
    sample = body[:_SAMPLE]
    if b"\x00" not in sample:
        return ()
    evens, odds = sample[::2].count(0), sample[1::2].count(0)
    most = len(sample) / 4
    if odds > most and not evens:
        return ((b"", "utf-16-le"),)
    return ((b"", "utf-16-be"),) if evens > most and not odds else ()


def _as_windows_1252(body: bytes, wrong: int) -> str:
    what = f"byte {body[wrong]:#04x} is not UTF-8"
    high = len(body.translate(None, _ASCII))
    if 4 * len(_SEVERAL_BYTES.findall(body)) > high:  # mostly UTF-8, and damaged
        raise NotTextError(f"{what}, as the rest of the file is", _line(body, wrong))
    try:
        text = body.decode("cp1252")
    except UnicodeDecodeError as error:
        what = f"byte {body[error.start]:#04x} is neither UTF-8 nor Windows-1252"
        raise NotTextError(what, _line(body, error.start)) from None
    letters = [character for character in text[:_SAMPLE] if character.isalpha()]
    if sum(character > "\x7f" for character in letters) > len(letters) / 3:
        raise NotTextError(f"{what}, and the words are none of Windows-1252", _line(body, wrong))
    return text


def _line(body: bytes, position: int) -> int:
    return body.count(b"\n", 0, position) + 1
