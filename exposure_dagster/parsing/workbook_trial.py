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


def chosen_sheet(there: list[str], wanted: list[str]) -> str | None:
    """The first of the wanted sheets that is there, else the only one; None where there are several others, or none.

    Where none is wanted by name, the first of all.
    """
    if not wanted:
        return next(iter(there), None)
    named = next((sheet for sheet in wanted if sheet in there), None)
    return there[0] if named is None and len(there) == 1 else named


def excess_of(body: bytes, sheets: list[str]) -> str | None:
    """Which limit the chosen sheet is beyond; None where it is within all."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        sheet = chosen_sheet(book.sheet_names, sheets)
        rows = [] if sheet is None else book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
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
    found = excess_of(sys.stdin.buffer.read(), sys.argv[1:])
    if found is not None:
        sys.stdout.write(found)
        sys.exit(TOO_MUCH)
