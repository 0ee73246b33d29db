"""Reads a sheet of the workbook on standard input, with bounds on memory; run as a program, it shares none with ours.

Ends with 0 where the sheet is within the limits, and where it is missing or no workbook came: who reads it next says
that. Ends with TOO_MUCH and one clause where it holds too much, and in another way where reading it fails altogether.
"""

from __future__ import annotations

import io
import resource
import sys
from contextlib import suppress

MAX_MEMORY_BYTES = 4 * 1024**3
MAX_CELLS = 20_000_000
MAX_TEXT = 256 * 1024**2
"""Characters of all cells of a sheet."""

TOO_MUCH = 3


def excess_of(body: bytes, sheet: str) -> str | None:
    """Which limit a sheet is beyond (the first one, where `sheet` is empty); None where it is within all."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        sheet = sheet or next(iter(book.sheet_names), "")
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False) if sheet in book.sheet_names else []
    except CalamineError:
        return None
    if sum(map(len, rows)) > MAX_CELLS:
        return f"the sheet has more than {MAX_CELLS:,} cells, which is the most that is read"
    if sum(len(cell) for row in rows for cell in row if isinstance(cell, str)) > MAX_TEXT:
        return f"the cells have more than {MAX_TEXT:,} characters, which is the most that is read"
    return None


if __name__ == "__main__":
    with suppress(ValueError, OSError):  # a system that knows no such limit is spared the crash of our own process
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    found = excess_of(sys.stdin.buffer.read(), sys.argv[1])
    if found is not None:
        sys.stdout.write(found)
        sys.exit(TOO_MUCH)
