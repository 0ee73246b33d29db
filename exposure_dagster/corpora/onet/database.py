"""The O*NET database as released: the tables that we use of it, as typed frames.

A release is a zip archive or a folder, of text files (tab-separated, `.txt`), of CSV files or of Excel workbooks. Which
tables are read, and what they are called in which release, stands in `release_tables`; how a file's cells come to a
frame of strings in `files`. Here files become tables, and strings become columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.onet.files import Cells, MissingColumnError, TableFile, find_files, read_cells
from exposure_dagster.corpora.onet.release_tables import (
    NEEDED_TABLES,
    RELEASE_TABLES,
    OnetTable,
    ReleaseTable,
    TableColumn,
)
from exposure_dagster.corpora.onet.releases import release_of
from exposure_dagster.parsing.codes import ONET_CODE

_SHOWN = 80
"""Characters of a cell that an error repeats."""

_SHOWN_FILES = 12
"""Files that a message names at most."""

_NOTES = re.compile(r"read[\s_-]*me", re.IGNORECASE)
"""Files of a release that are no tables."""

_ABSENT = ("", "n/a", "N/A")


@dataclass(frozen=True, kw_only=True)
class OnetDatabase:
    """The tables that were there, None in place of the others; `release` as in "30.2", where a name tells.

    - `occupations`: onet_code, title, description
    - `reported_titles`: onet_code, reported_title, is_in_my_next_move
    - `job_titles`: onet_code, job_title, short_title
    - `education` (up to 30.2 experience and training, too): onet_code, element_id, scale_id, category (Int64, null
      on scales without), value (percent of respondents on scales with categories)
    - `education_categories`: element_id, scale_id, category, description
    - `tasks`: onet_code, task_id, task, task_type (Core, Supplemental or null), incumbents_responding,
      date (MM/YYYY), domain_source
    - `job_zones`: onet_code, job_zone
    - `task_ratings`: onet_code, task_id, scale_id, value; of importance alone
    - `essential_skills` (up to 30.2 all skills), `transferable_skills`, `work_activities`: onet_code, element_id,
      element_name, scale_id, value; of importance alone
    - `software`: onet_code, example, is_hot, is_in_demand
    - `related`: onet_code, related_code, place (1 is the nearest)

    `files` says which file each table was read from; `not_read` names needed tables that are not there and others that
    lack a column, `absent` the tables and columns that can be done without and are not there.
    """

    release: str | None
    files: dict[OnetTable, str]
    not_read: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    occupations: pd.DataFrame | None = None
    reported_titles: pd.DataFrame | None = None
    job_titles: pd.DataFrame | None = None
    education: pd.DataFrame | None = None
    education_categories: pd.DataFrame | None = None
    tasks: pd.DataFrame | None = None
    job_zones: pd.DataFrame | None = None
    task_ratings: pd.DataFrame | None = None
    essential_skills: pd.DataFrame | None = None
    transferable_skills: pd.DataFrame | None = None
    software: pd.DataFrame | None = None
    work_activities: pd.DataFrame | None = None
    related: pd.DataFrame | None = None


@dataclass(frozen=True)
class _Found:
    """The files of a release: those that hold tables which are read, and the rest."""

    tables: Mapping[OnetTable, TableFile]
    others: Sequence[TableFile]
    paths: Sequence[str]


ARCHIVE_FORMS = ("text", "csv", "excel")
"""The forms of a release that are read, the one that is read fastest first."""


def database_url(release: str, form: str = ARCHIVE_FORMS[0]) -> str:
    """The address of a release's zip archive; `release` as in "30.2"."""
    return f"https://www.onetcenter.org/dl_files/database/db_{release.replace('.', '_')}_{form}.zip"


def read_onet_database(
    source: Path | bytes, *, name: str | None = None, required: Collection[OnetTable] = ()
) -> OnetDatabase:
    """The tables of a release, read from a folder, the path of a zip archive, or the bytes of one.

    Whatever subset of the tables is there is read; those in `required` have to be. `name` is what errors
    call the source (by default its path); the release is looked for in it and in the names of files.

    Raises SourceError that names file, sheet, row and column where the source is no archive or only
    part of one, holds none of the tables or not those required, or one of them twice; where a sheet or
    a column of a needed table is missing, a code or a figure has another form, or a key stands twice. A table that can
    be done without is left out where it lacks a column.
    """
    where = _where(source, name)
    found = _find(source, where)
    _require(found, required, where)
    lacking = [table for table in RELEASE_TABLES if table not in found.tables and not _stands_elsewhere(table, found)]
    not_read = [f"there is no table {_sought(table)}" for table in lacking if table in NEEDED_TABLES]
    absent = [f"table {RELEASE_TABLES[table].named}" for table in lacking if table not in NEEDED_TABLES]
    frames: dict[OnetTable, pd.DataFrame] = {}
    for table, file in found.tables.items():
        try:
            frames[table] = _read(file, RELEASE_TABLES[table], absent)
        except MissingColumnError as error:
            if table in NEEDED_TABLES:
                raise
            not_read.append(f"table {RELEASE_TABLES[table].title!r} is left out ({error.where}: {error.what})")
    return OnetDatabase(
        release=next(filter(None, map(release_of, [where, *found.paths])), None),
        files={table: file.path for table, file in found.tables.items() if table in frames},
        not_read=tuple(not_read),
        absent=tuple(absent),
        **frames,
    )


def table_files(source: Path | bytes, *, name: str | None = None) -> list[str]:
    """The files of a release that hold tables which are read, by their paths in it. Their rows are not read."""
    return [file.path for file in _find(source, _where(source, name)).tables.values()]


def lacking_tables(source: Path | bytes, *, name: str | None = None) -> list[str]:
    """The names of the needed tables that a release does not hold; those it holds are not read.

    Raises SourceError as `read_onet_database` does where the source is no archive, or only part of one.
    """
    found = _find(source, _where(source, name))
    return [RELEASE_TABLES[table].title for table in NEEDED_TABLES if table not in found.tables]


def is_whole_release(source: Path | bytes, *, name: str | None = None) -> bool:
    """Whether a release holds other tables than those that are read, so that nobody chose them."""
    return any(not _NOTES.match(file.stem) for file in _find(source, _where(source, name)).others)


def _where(source: Path | bytes, name: str | None) -> str:
    return name or (str(source) if isinstance(source, Path) else "the O*NET database")


def _find(source: Path | bytes, where: str) -> _Found:
    """The tables by their names; needed ones that no file is named after by their columns."""
    files = find_files(source, where)
    names = {_plain(name): table for table, form in RELEASE_TABLES.items() for name in form.names}
    tables: dict[OnetTable, TableFile] = {}
    others: list[TableFile] = []
    for file in files:
        table = names.get(_plain(file.stem))
        if table is None:
            others.append(file)
        elif table in tables:
            raise SourceError(
                f"{tables[table].path!r} and {file.path!r} both hold the table {RELEASE_TABLES[table].title!r}",
                where=where,
                remedy="Leave the one that is meant.",
            )
        else:
            tables[table] = file
    if lacking := [table for table in NEEDED_TABLES if table not in tables]:
        for file in list(others):
            table = _known_by_columns(file, lacking)
            if table is not None and table not in tables:
                tables[table] = file
                others.remove(file)
    order = {table: place for place, table in enumerate(RELEASE_TABLES)}
    ordered = dict(sorted(tables.items(), key=lambda item: order[item[0]]))
    return _Found(ordered, others, [file.path for file in files])


def _known_by_columns(file: TableFile, tables: Iterable[OnetTable]) -> OnetTable | None:
    """Which of the tables a file under another name is, by the columns that no other has; None where it is none."""
    try:
        cells = read_cells(file, ())
    except SourceError:  # notes on a release are text files too
        return None
    for table in tables:
        form = RELEASE_TABLES[table]
        titles = [_title(cells, form.column(name)) for name in form.known_by]
        if not titles or None in titles:
            continue
        if form.element is None or form.element in set(cells.frame[_title(cells, form.column("element_id"))]):
            return table
    return None


def _title(cells: Cells, column: TableColumn) -> str | None:
    """The title under which a table has the column."""
    return next((title for title in column.titles if title in cells.header), None)


def _require(found: _Found, required: Collection[OnetTable], where: str) -> None:
    missing = [table for table in RELEASE_TABLES if table in (required or NEEDED_TABLES) and table not in found.tables]
    if not missing or (found.tables and not required):
        return
    wanted = "; ".join(map(_sought, missing))
    there = ", ".join(repr(file.stem) for file in found.others[:_SHOWN_FILES]) or "none"
    more = f" and {len(found.others) - _SHOWN_FILES} more" if len(found.others) > _SHOWN_FILES else ""
    raise SourceError(
        f"it {'lacks' if required else 'holds none of the tables'} {wanted}. Other files in it: {there}{more}",
        where=where,
        remedy="Name a whole release, or a folder with files of it (.txt, .csv or .xlsx) under the names they have "
        "there. Where O*NET has renamed tables again, the reader has to follow.",
    )


def _sought(table: OnetTable) -> str:
    """A table by all of its names, and the columns by which it is known under another."""
    form = RELEASE_TABLES[table]
    names = [f"{releases}: {name!r}" for name, releases in list(form.names.items())[1:]]
    columns = ", ".join(" or ".join(map(repr, form.column(name).titles)) for name in form.known_by)
    rows = f" and rows of {form.element}" if form.element else ""
    return f"{form.title!r} ({'; '.join([*names, f'known by the columns {columns}{rows}'])})"


def _stands_elsewhere(table: OnetTable, found: _Found) -> bool:
    """Up to 30.2 one table holds all skills."""
    file = found.tables.get("essential_skills")
    is_old = file is not None and _plain(file.stem) != _plain(RELEASE_TABLES["essential_skills"].title)
    return table == "transferable_skills" and is_old


def _plain(name: str) -> str:
    """A file's name without what saved copies differ in: case, blanks and commas, "and"."""
    return re.sub(r"[^a-z]|(?<![a-z])and(?![a-z])", "", name.lower())


def _read(file: TableFile, form: ReleaseTable, absent: list[str]) -> pd.DataFrame:
    """A table's columns. Those that may be missing and are put down in `absent`, and are empty."""
    scale = None if form.scale is None else (form.column("scale_id").titles[0], form.scale)
    titles = {title for column in form.columns for title in column.titles}
    cells = read_cells(file, form.names, titles, scale)
    columns = {}
    for column in form.columns:
        title = _title(cells, column)
        if title is not None:
            columns[column.name] = _column(cells, column, title)
        elif column.may_be_missing:
            absent.append(f"column {column.titles[0]!r} of table {form.title!r} ({cells.place})")
            columns[column.name] = pd.Series(None, index=cells.frame.index, dtype=_EMPTY[column.kind])
        else:
            raise cells.missing(column.titles)
    frame = pd.DataFrame(columns)
    repeated = frame.duplicated(list(form.key)).to_numpy() if form.key else frame.index.to_numpy() < 0
    if repeated.any():
        position = int(repeated.argmax())
        key = ", ".join(str(value) for value in frame[list(form.key)].iloc[position])
        last = form.column(form.key[-1])
        raise cells.error(position, _title(cells, last) or last.titles[0], f"a second row for {key}")
    return frame.reset_index(drop=True)


_EMPTY = {"text": "object", "code": "object", "integer": "Int64", "number": "float64", "flag": "object"}


def _column(cells: Cells, column: TableColumn, title: str) -> pd.Series:
    words = cells.frame[title]
    is_absent = words.isin(_ABSENT)
    if not column.may_be_empty:
        _check(cells, title, ~is_absent, "an empty cell")
    if column.kind in {"integer", "number"}:
        return _numbers(cells, column, title, words.mask(is_absent))
    if column.kind == "code":
        _check(cells, title, words.str.fullmatch(ONET_CODE), "{!r} is no O*NET-SOC code such as 29-1141.00")
    if column.kind == "flag":
        _check(cells, title, words.isin(["Y", "N"]), "{!r} is neither Y nor N")
        return words == "Y"
    return words.mask(is_absent, None)


def _numbers(cells: Cells, column: TableColumn, title: str, words: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(words, errors="coerce")
    is_good = numbers.notna() | words.isna()
    if column.kind == "integer":
        is_good &= words.isna() | (numbers % 1 == 0)
    _check(cells, title, is_good, f"{{!r}} is no {'whole ' if column.kind == 'integer' else ''}number")
    return numbers.astype("Int64" if column.kind == "integer" else "float64")


def _check(cells: Cells, title: str, is_good: pd.Series, what: str) -> None:
    """Raises the error of the first cell that is not good; `{!r}` in `what` stands for its words."""
    if not is_good.all():
        position = int((~is_good.astype(bool)).to_numpy().argmax())
        raise cells.error(position, title, what.format(cells.frame[title].iloc[position][:_SHOWN]))
