"""The files of an O*NET release: a zip archive or a folder, text, CSV or Excel, each file to cells as strings.

What the cells mean is not decided here.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
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
from exposure_dagster.parsing.workbook_trial import chosen_sheet

_LONGEST_SHEET_NAME = 31
"""Excel's limit: the sheet of a table with a longer name bears the beginning of it."""

_ENDINGS = {".txt", ".csv", ".xlsx"}

_NO_ROWS = "it has no rows"
_LIMIT_REMEDY = "Look whether it is what O*NET published; no file of a release comes near that."
_ARCHIVE_REMEDY = "Fetch it again, or unpack it and name the folder."


@dataclass(frozen=True, slots=True)
class TableFile:
    """A text file, CSV file or workbook of a release: its path within it, and how to get at its bytes."""

    path: str
    load: Callable[[], bytes]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def ending(self) -> str:
        return PurePosixPath(self.path).suffix.lower()


class MissingColumnError(SourceError):
    """A table lacks a column."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a table that are wanted, all strings and stripped, under the titles of the file.

    `place` names file and sheet, `header` has all titles; the row of the frame that is labelled `label` has the number
    `label + 2` in the file.
    """

    frame: pd.DataFrame
    place: str
    header: Sequence[str]

    def error(self, position: int, column: str, what: str) -> SourceError:
        """The error of a cell, which names file, sheet, row and column."""
        where = f"{self.place}, row {self.frame.index[position] + 2}, column {column!r}"
        return SourceError(what, where=where, remedy=CHANGED_FORM)

    def missing(self, titles: Sequence[str]) -> MissingColumnError:
        """The error of a column that is not there under any of its titles."""
        return MissingColumnError(
            f"there is no column {' or '.join(map(repr, titles))}; the columns are: {', '.join(self.header)}",
            where=f"{self.place}, row 1",
            remedy=CHANGED_FORM,
        )


def find_files(source: Path | bytes, where: str) -> list[TableFile]:
    """The text files, CSV files and workbooks of a folder, of the zip archive at a path, or of an archive's bytes.

    Raises SourceError where there is no such folder or file, or it is no whole archive.
    """
    if isinstance(source, Path):
        if source.is_dir() and (archive := saved_archive(source)) is not None:
            return find_files(archive, where)
        if source.is_dir():
            paths = sorted(path for path in source.rglob("*") if path.is_file())
            return _tables([_saved(path, path.relative_to(source).as_posix()) for path in paths])
        try:
            source = read_bounded(source, MAX_ARCHIVE_BYTES)
        except OSError as error:
            remedy = "Name the zip archive of a release, or the folder that it was unpacked to."
            raise SourceError(f"it cannot be read: {error.strerror}", where=where, remedy=remedy) from error
    try:
        opened = open_archive(source)
    except UnreadableError as error:
        raise SourceError(str(error), where=where, remedy=_ARCHIVE_REMEDY) from error
    except BROKEN_ARCHIVE as error:
        raise SourceError("no zip archive, or not the whole of one", where=where, remedy=_ARCHIVE_REMEDY) from error
    return _tables([_member(opened, name, where) for name in opened.namelist()])


def read_cells(
    file: TableFile,
    names: Iterable[str],
    wanted: Collection[str] | None = None,
    only: tuple[str, str] | None = None,
) -> Cells:
    """The cells of a table in the columns that are `wanted`, all by default.

    `names` are those of the table, under one of which a workbook has its sheet; where it has but one sheet, that is it.
    `only` is a title and the one value of that column with which rows are read.

    Raises SourceError where the file cannot be read, the sheet is missing, or a row is too short or long.
    """
    if file.ending == ".xlsx":
        sheet, place = _workbook(file, [name[:_LONGEST_SHEET_NAME] for name in names])
        header = list(sheet.columns)
        if not len(sheet):
            raise SourceError(_NO_ROWS, where=place, remedy=CHANGED_FORM)
        frame = sheet[_chosen(header, wanted)].map(lambda cell: str(cell).strip())
    else:
        (header, rows), place = _text_rows(file, only), file.path
        places = {title: header.index(title) for title in _chosen(header, wanted)}
        columns = {title: [row[at].strip() for row in rows.values()] for title, at in places.items()}
        frame = pd.DataFrame(columns, index=list(rows), dtype=object)
    if only is not None and only[0] in frame:
        frame = frame[frame[only[0]] == only[1]]
    return Cells(frame, place, header)


def saved_archive(folder: Path) -> Path | None:
    """The archive of a folder that holds one archive and no table; None where it holds anything else."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    archives = [path for path in paths if path.suffix.lower() == ".zip" and not path.name.startswith(".")]
    has_tables = any(_is_table(PurePosixPath(path.name)) for path in paths)
    return archives[0] if len(archives) == 1 and not has_tables else None


def _chosen(header: Sequence[str], wanted: Collection[str] | None) -> list[str]:
    return [title for title in dict.fromkeys(header) if wanted is None or title in wanted]


def _tables(files: list[TableFile]) -> list[TableFile]:
    return [file for file in files if _is_table(PurePosixPath(file.path))]


def _is_table(path: PurePosixPath) -> bool:
    # Names with a dot in front are what macOS adds to archives.
    return path.suffix.lower() in _ENDINGS and not path.name.startswith(".")


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


def _text_rows(file: TableFile, only: tuple[str, str] | None) -> tuple[list[str], dict[int, list[str]]]:
    """Header and rows, by their labels, of a text file with tabs or of a CSV file.

    Rows in which the value of `only` is nowhere are left out: of large tables a small part is used.
    """
    body = file.load()
    is_csv = file.ending == ".csv"
    if body.count(b"," if is_csv else b"\t") + body.count(b"\n") > MAX_CELLS:
        what = f"it has more than {MAX_CELLS:,} cells, which is the most that is read"
        raise SourceError(what, where=file.path, remedy=_LIMIT_REMEDY)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"no UTF-8 text ({error.reason})", where=file.path, remedy=CHANGED_FORM) from error
    if is_csv:
        first, *lists = _csv_lines(text, file.path) or [[]]
        lengths = [len(cells) for cells in lists]
        rows = dict(enumerate(lists))
    else:
        head, *lines = text.rstrip("\r\n").split("\n")
        first = head.split("\t")
        lengths = [line.count("\t") + 1 for line in lines]
        wanted = enumerate(lines) if only is None else ((at, line) for at, line in enumerate(lines) if only[1] in line)
        rows = {at: line.split("\t") for at, line in wanted}
    if not lengths:
        raise SourceError(_NO_ROWS, where=file.path, remedy=CHANGED_FORM)
    uneven = next((at for at, length in enumerate(lengths) if length != len(first)), None)
    if uneven is not None:
        what = f"{lengths[uneven]} cells where the header has {len(first)}"
        raise SourceError(what, where=f"{file.path}, row {uneven + 2}", remedy=CHANGED_FORM)
    return [title.strip() for title in first], rows


def _csv_lines(text: str, place: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        return [cells for cells in reader if cells]
    except csv.Error as error:
        raise SourceError(f"no CSV ({error})", where=f"{place}, line {reader.line_num}", remedy=CHANGED_FORM) from error


def _workbook(file: TableFile, sheets: list[str]) -> tuple[pd.DataFrame, str]:
    """The sheet of a table, and where it stands."""
    from python_calamine import CalamineError

    body = file.load()
    try:
        try_workbook(body, *sheets)
        with pd.ExcelFile(io.BytesIO(body), engine="calamine") as book:
            sheet = chosen_sheet([str(name) for name in book.sheet_names], sheets)
            if sheet is None:
                raise SourceError(
                    f"there is no sheet {' or '.join(map(repr, sheets))}; "
                    f"the sheets are: {', '.join(map(str, book.sheet_names))}",
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
    return frame.rename(columns=lambda title: str(title).strip()), f"{file.path}, sheet {sheet!r}"
