"""What comes packed, unpacked within limits: members of zip archives, and workbooks, which are archives themselves.

A few kilobytes can unpack to more than any machine holds. So a member is unpacked in parts and counted. The library
that reads workbooks raises no error then but ends the process, so a process of its own tries each one first.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from exposure_dagster.parsing import workbook_trial

MAX_ARCHIVE_BYTES = 200_000_000
"""A release has 13 MB as text and 40 MB as Excel files."""

MAX_FILE_BYTES = 256 * 1024**2
"""Of a file of an archive, unpacked. The largest of those that we use has 20 MB, a million rows about 200."""

MAX_CELLS = workbook_trial.MAX_CELLS
"""Of a table, empty cells included. A million rows have 15 million."""

BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)
"""What `zipfile` raises on an archive or a member that is damaged or cut off."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are not unpacked in parts of a size that one can choose."""

_UNREADABLE_FLAGS = {0x1: "encrypted", 0x20: "a patch of another file", 0x40: "encrypted"}
"""Bits of a member's flags with which it cannot be unpacked, and what they say of it."""

_PART = 1024**2
_TRIAL_S = 600


class TooLargeError(Exception):
    """Something is beyond a limit; its text is a clause that says which."""


class UnreadableError(Exception):
    """An archive or a member is packed in a way that is not read here; its text is a clause that says which."""


def open_archive(body: bytes) -> zipfile.ZipFile:
    """A zip archive. Raises UnreadableError, or one of BROKEN_ARCHIVE where it is damaged."""
    try:
        return zipfile.ZipFile(io.BytesIO(body))
    except NotImplementedError as error:  # what it says of members that a newer version of the format wrote
        raise UnreadableError(f"it cannot be read here: {error}") from error


def unpacked(archive: zipfile.ZipFile, name: str, most: int = MAX_FILE_BYTES) -> bytes:
    """A member, whole.

    Raises TooLargeError, UnreadableError, or one of BROKEN_ARCHIVE where it is damaged.
    """
    member_info = archive.getinfo(name)
    if member_info.compress_type not in _METHODS:
        raise UnreadableError("it is packed in another way than by deflate")
    for bit, what in _UNREADABLE_FLAGS.items():
        if member_info.flag_bits & bit:
            raise UnreadableError(f"it is {what}")
    body = bytearray()
    with archive.open(name) as member:
        while part := member.read(_PART):
            body += part
            if len(body) > most:
                raise TooLargeError(f"it unpacks to more than {most:,} bytes, which is the most that is read")
    return bytes(body)


def try_workbook(body: bytes, *sheets: str) -> None:
    """See whether the first of these sheets that is there can be read, else the only one; the first, if none is named.

    Raises TooLargeError where it is beyond a limit; other faults are left to who reads it.
    """
    command = [sys.executable, "-P", str(Path(workbook_trial.__file__)), *sheets]
    try:
        result = subprocess.run(command, input=body, capture_output=True, timeout=_TRIAL_S, check=False)
    except subprocess.TimeoutExpired:
        raise TooLargeError(f"it takes longer than {_TRIAL_S} seconds to read") from None
    if result.returncode == workbook_trial.TOO_MUCH:
        raise TooLargeError(result.stdout.decode())
    if result.returncode != 0:
        most = workbook_trial.MAX_MEMORY_BYTES
        raise TooLargeError(
            f"it is damaged, or needs more than {most:,} bytes of memory, which is all that it is given"
        )
