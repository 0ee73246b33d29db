"""The files of an O*NET release: a zip archive or a folder, text or Excel, each file to cells as strings.

What the cells mean is not decided here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.errors import SourceError
from exposure_dagster.parsing.csv_rows import CHANGED_FORM
from exposure_dagster.parsing.unpacking import (
    BROKEN_ARCHIVE,
    MAX_ARCHIVE_BYTES,
    MAX_CELLS,
    MAX_FILE_BYTES,
    TooLargeError,
    UnreadableError,
    open_archive,
    try_workbook,
    unpacked,
)

_LONGEST_SHEET_NAME = 31
"""Excel's limit: the sheet of a table with a longer name bears the beginning of it."""

_LIMIT_REMEDY = "Look whether it is what O*NET published; no file of a release comes near that."
_ARCHIVE_REMEDY = "Fetch it again, or unpack it and name the folder."


@dataclass(frozen=True, slots=True)
class TableFile:
    """A text file or workbook of a release: its path within the release, and how to get at its bytes."""

    path: str
    load: Callable[[], bytes]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def is_workbook(self) -> bool:
        return PurePosixPath(self.path).suffix.lower() == ".xlsx"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a table, all strings and stripped, under the titles of the file.

    `place` names file and sheet; a row of the frame has the number `index + 2` in the file.
    """

    frame: pd.DataFrame
    place: str

    def error(self, index: int, column: str, what: str) -> SourceError:
        """The error of a cell, which names file, sheet, row and column."""
        where = f"{self.place}, row {index + 2}, column {column!r}"
        return SourceError(what, where=where, remedy=CHANGED_FORM)

    def missing(self, column: str) -> SourceError:
        """The error of a column that is not there."""
        return SourceError(
            f"there is no column {column!r}; the columns are: {', '.join(self.frame.columns)}",
            where=f"{self.place}, row 1",
            remedy=CHANGED_FORM,
        )


def find_files(source: Path | bytes, where: str) -> list[TableFile]:
    """The text files and workbooks of a folder, of the zip archive at a path, or of an archive's bytes.

    Raises SourceError where there is no such folder or file, or it is no whole archive.
    """
    if isinstance(source, Path):
        if source.is_dir():
            paths = sorted(path for path in source.rglob("*") if path.is_file())
            return _tables([_saved(path, path.relative_to(source).as_posix()) for path in paths])
        try:
            source = read_bounded(source, MAX_ARCHIVE_BYTES)
        except OSError as error:
            remedy = "Name the zip archive of a release, or the folder that it was unpacked to."
            raise SourceError(f"it cannot be read: {error.strerror}", where=where, remedy=remedy) from error
    try:
        archive = open_archive(source)
    except UnreadableError as error:
        raise SourceError(str(error), where=where, remedy=_ARCHIVE_REMEDY) from error
    except BROKEN_ARCHIVE as error:
        raise SourceError("no zip archive, or not the whole of one", where=where, remedy=_ARCHIVE_REMEDY) from error
    return _tables([_member(archive, name, where) for name in archive.namelist()])


def read_cells(file: TableFile, title: str) -> Cells:
    """The cells of a table; `title` is its official name, under which a workbook has its sheet.

    Raises SourceError where the file cannot be read, the sheet is missing, or a row is too short or long.
    """
    return _workbook_cells(file, title[:_LONGEST_SHEET_NAME]) if file.is_workbook else _text_cells(file)


def _tables(files: list[TableFile]) -> list[TableFile]:
    return [file for file in files if _is_table(PurePosixPath(file.path))]


def _is_table(path: PurePosixPath) -> bool:
    # Names with a dot in front are what macOS adds to archives.
    return path.suffix.lower() in {".txt", ".xlsx"} and not path.name.startswith(".")


def _saved(path: Path, name: str) -> TableFile:
    def load() -> bytes:
        try:
            return read_bounded(path, MAX_FILE_BYTES)
        except OSError as error:
            raise SourceError(f"it cannot be read: {error.strerror}", where=name, remedy=CHANGED_FORM) from error

    return TableFile(name, load)


def _member(archive: zipfile.ZipFile, name: str, where: str) -> TableFile:
    def load() -> bytes:
        try:
            return unpacked(archive, name)
        except TooLargeError as error:
            raise SourceError(f"the file {name!r} in it: {error}", where=where, remedy=_LIMIT_REMEDY) from error
        except UnreadableError as error:
            raise SourceError(f"the file {name!r} in it: {error}", where=where, remedy=_ARCHIVE_REMEDY) from error
        except BROKEN_ARCHIVE as error:
            raise SourceError(
                f"the file {name!r} in it is damaged ({error})", where=where, remedy=_ARCHIVE_REMEDY
            ) from error

    return TableFile(name, load)


def _text_cells(file: TableFile) -> Cells:
    body = file.load()
    if body.count(b"\t") + body.count(b"\n") > MAX_CELLS:
        what = f"it has more than {MAX_CELLS:,} cells, which is the most that is read"
        raise SourceError(what, where=file.path, remedy=_LIMIT_REMEDY)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"no UTF-8 text ({error.reason})", where=file.path, remedy=CHANGED_FORM) from error
    header, *rows = ([cell.strip() for cell in line.split("\t")] for line in text.rstrip("\r\n").split("\n"))
    uneven = next((number for number, cells in enumerate(rows, start=2) if len(cells) != len(header)), None)
    if uneven is not None:
        what = f"{len(rows[uneven - 2])} cells where the header has {len(header)}"
        raise SourceError(what, where=f"{file.path}, row {uneven}", remedy=CHANGED_FORM)
    return _cells(pd.DataFrame(rows, columns=header, dtype=object), file.path)


def _workbook_cells(file: TableFile, sheet: str) -> Cells:
    from python_calamine import CalamineError

    body = file.load()
    try:
        try_workbook(body, sheet)
        with pd.ExcelFile(io.BytesIO(body), engine="calamine") as book:
            if sheet not in book.sheet_names:
                raise SourceError(
                    f"there is no sheet {sheet!r}; the sheets are: {', '.join(map(str, book.sheet_names))}",
                    where=file.path,
                    remedy=CHANGED_FORM,
                )
            frame = pd.read_excel(book, sheet_name=sheet, dtype=object, keep_default_na=False)
    except TooLargeError as error:
        raise SourceError(str(error), where=file.path, remedy=_LIMIT_REMEDY) from error
    except CalamineError as error:
        raise SourceError(
            "no Excel workbook, or not the whole of one", where=file.path, remedy="Fetch the file again."
        ) from error
    cells = frame.map(lambda cell: str(cell).strip())
    return _cells(cells.rename(columns=lambda title: str(title).strip()), f"{file.path}, sheet {sheet!r}")


def _cells(frame: pd.DataFrame, place: str) -> Cells:
    if frame.empty:
        raise SourceError("it has no rows", where=place, remedy=CHANGED_FORM)
    return Cells(frame, place)
