"""The O*NET database as released: the tables that we use of it, as typed frames.

A release is a zip archive or a folder, of text files (tab-separated, `.txt`) or of Excel workbooks.
How a file's cells come to a frame of strings is in `onet_files`; here the strings become columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.onet.files import Cells, TableFile, find_files, read_cells
from exposure_dagster.parsing.codes import ONET_CODE

OnetTable = Literal[
    "occupations",
    "reported_titles",
    "education",
    "education_categories",
    "tasks",
    "job_zones",
    "task_ratings",
]

RELEASE_TABLES: tuple[OnetTable, ...] = (
    "occupations",
    "reported_titles",
    "education",
    "education_categories",
    "tasks",
    "job_zones",
    "task_ratings",
)
"""The tables that are read where they are there; a whole release holds them all."""

NEEDED_TABLES: tuple[OnetTable, ...] = ("occupations", "reported_titles", "education", "education_categories", "tasks")
"""Those without which occupations lack texts or figures: what a fetched release must hold."""

_Kind = Literal["text", "code", "integer", "number", "flag"]
_SHOWN = 80
"""Characters of a cell that an error repeats."""

_ABSENT = ("", "n/a", "N/A")


@dataclass(frozen=True, kw_only=True)
class OnetDatabase:
    """The tables that were there, None in place of the others; `release` as in "30.2", where a name tells.

    - `occupations`: onet_code, title, description
    - `reported_titles`: onet_code, reported_title, is_in_my_next_move
    - `education` (also experience and training): onet_code, element_id, scale_id, category (Int64, null
      on scales without), value (percent of respondents on scales with categories)
    - `education_categories`: element_id, scale_id, category, description
    - `tasks`: onet_code, task_id, task, task_type (Core, Supplemental or null), incumbents_responding,
      date (MM/YYYY), domain_source
    - `job_zones`: onet_code, job_zone
    - `task_ratings`: onet_code, task_id, scale_id, category, value

    `files` says which file each table was read from.
    """

    release: str | None
    files: dict[OnetTable, str]
    occupations: pd.DataFrame | None = None
    reported_titles: pd.DataFrame | None = None
    education: pd.DataFrame | None = None
    education_categories: pd.DataFrame | None = None
    tasks: pd.DataFrame | None = None
    job_zones: pd.DataFrame | None = None
    task_ratings: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    title: str
    kind: _Kind
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class _Form:
    """A table of the release: its official name, and the columns that we use."""

    title: str
    columns: tuple[_Column, ...]
    key: tuple[str, ...]


_CODE = _Column("onet_code", "O*NET-SOC Code", "code")
_ELEMENT = _Column("element_id", "Element ID", "text")
_SCALE = _Column("scale_id", "Scale ID", "text")
_TASK_ID = _Column("task_id", "Task ID", "integer")
_VALUE = _Column("value", "Data Value", "number")

_FORMS: dict[OnetTable, _Form] = {
    "occupations": _Form(
        "Occupation Data",
        (_CODE, _Column("title", "Title", "text"), _Column("description", "Description", "text", is_nullable=True)),
        key=("onet_code",),
    ),
    "reported_titles": _Form(
        "Sample of Reported Titles",
        (
            _CODE,
            _Column("reported_title", "Reported Job Title", "text"),
            _Column("is_in_my_next_move", "Shown in My Next Move", "flag"),
        ),
        key=("onet_code", "reported_title"),
    ),
    "education": _Form(
        "Education, Training, and Experience",
        (_CODE, _ELEMENT, _SCALE, _Column("category", "Category", "integer", is_nullable=True), _VALUE),
        key=("onet_code", "element_id", "scale_id", "category"),
    ),
    "education_categories": _Form(
        "Education, Training, and Experience Categories",
        (
            _ELEMENT,
            _SCALE,
            _Column("category", "Category", "integer"),
            _Column("description", "Category Description", "text"),
        ),
        key=("element_id", "scale_id", "category"),
    ),
    "tasks": _Form(
        "Task Statements",
        (
            _CODE,
            _TASK_ID,
            _Column("task", "Task", "text"),
            _Column("task_type", "Task Type", "text", is_nullable=True),
            _Column("incumbents_responding", "Incumbents Responding", "integer", is_nullable=True),
            _Column("date", "Date", "text", is_nullable=True),
            _Column("domain_source", "Domain Source", "text", is_nullable=True),
        ),
        key=("onet_code", "task_id"),
    ),
    "job_zones": _Form(
        "Job Zones",
        (_CODE, _Column("job_zone", "Job Zone", "integer")),
        key=("onet_code",),
    ),
    "task_ratings": _Form(
        "Task Ratings",
        (_CODE, _TASK_ID, _SCALE, _Column("category", "Category", "integer", is_nullable=True), _VALUE),
        key=("onet_code", "task_id", "scale_id", "category"),
    ),
}

_OTHER_NAMES: dict[str, OnetTable] = {"etecategories": "education_categories"}
"""Short names that copies are saved under, as `_plain` writes them."""

_RELEASE = re.compile(r"(?<![a-z])db_(\d+)_(\d+)(?!\d)", re.IGNORECASE)


def database_url(release: str) -> str:
    """The address of a release's zip archive of text files; `release` as in "30.2"."""
    return f"https://www.onetcenter.org/dl_files/database/db_{release.replace('.', '_')}_text.zip"


def read_onet_database(
    source: Path | bytes, *, name: str | None = None, required: Collection[OnetTable] = ()
) -> OnetDatabase:
    """The tables of a release, read from a folder, the path of a zip archive, or the bytes of one.

    Whatever subset of the tables is there is read; those in `required` have to be. `name` is what errors
    call the source (by default its path); the release is looked for in it and in the names of files.

    Raises SourceError that names file, sheet, row and column where the source is no archive or only
    part of one, holds none of the tables or not those required, or one of them twice; where a sheet or
    a column is missing, a code or a figure has another form, or a key stands twice.
    """
    where = name or (str(source) if isinstance(source, Path) else "the O*NET database")
    found = find_files(source, where)
    files = _files_of_tables(found, where)
    _require(files, required, where)
    frames = {table: _typed(read_cells(file, _FORMS[table].title), _FORMS[table]) for table, file in files.items()}
    return OnetDatabase(
        release=_release([where, *(file.path for file in found)]),
        files={table: file.path for table, file in files.items()},
        occupations=frames.get("occupations"),
        reported_titles=frames.get("reported_titles"),
        education=frames.get("education"),
        education_categories=frames.get("education_categories"),
        tasks=frames.get("tasks"),
        job_zones=frames.get("job_zones"),
        task_ratings=frames.get("task_ratings"),
    )


def lacking_tables(source: Path | bytes, *, name: str | None = None) -> list[str]:
    """The official names of the needed tables that a release does not hold; those it holds are not read.

    Raises SourceError as `read_onet_database` does where the source is no archive, or only part of one.
    """
    where = name or (str(source) if isinstance(source, Path) else "the O*NET database")
    there = _files_of_tables(find_files(source, where), where)
    return [_FORMS[table].title for table in NEEDED_TABLES if table not in there]


def _files_of_tables(found: list[TableFile], where: str) -> dict[OnetTable, TableFile]:
    tables = {_plain(form.title): table for table, form in _FORMS.items()} | _OTHER_NAMES
    files: dict[OnetTable, TableFile] = {}
    for file in found:
        table = tables.get(_plain(file.stem))
        if table is None:
            continue
        if table in files:
            raise SourceError(
                f"{files[table].path!r} and {file.path!r} both hold the table {_FORMS[table].title!r}",
                where=where,
                remedy="Leave the one that is meant.",
            )
        files[table] = file
    return files


def _require(files: Mapping[OnetTable, TableFile], required: Collection[OnetTable], where: str) -> None:
    missing = [
        repr(form.title) for table, form in _FORMS.items() if table in (required or _FORMS) and table not in files
    ]
    if not missing or (files and not required):
        return
    raise SourceError(
        f"it {'lacks' if required else 'holds none of the tables'} {', '.join(missing)}",
        where=where,
        remedy="Name a whole release, or a folder with its files (.txt or .xlsx) under the names they have in it.",
    )


def _plain(name: str) -> str:
    """A file's name without what saved copies differ in: case, blanks and commas, "and"."""
    return re.sub(r"[^a-z]|\band\b", "", name.lower())


def _release(names: Iterable[str]) -> str | None:
    match = next(filter(None, map(_RELEASE.search, names)), None)
    return None if match is None else f"{match[1]}.{match[2]}"


def _typed(cells: Cells, form: _Form) -> pd.DataFrame:
    frame = pd.DataFrame({column.name: _column(cells, column) for column in form.columns})
    repeated = frame.duplicated(list(form.key)).to_numpy()
    if repeated.any():
        index = int(repeated.argmax())
        key = ", ".join(str(value) for value in frame.loc[index, list(form.key)])
        titles = {column.name: column.title for column in form.columns}
        raise cells.error(index, titles[form.key[-1]], f"a second row for {key}")
    return frame


def _column(cells: Cells, column: _Column) -> pd.Series:
    if column.title not in cells.frame.columns:
        raise cells.missing(column.title)
    words = cells.frame[column.title]
    is_absent = words.isin(_ABSENT)
    if not column.is_nullable:
        _check(cells, column, ~is_absent, "an empty cell")
    if column.kind in {"integer", "number"}:
        return _numbers(cells, column, words.mask(is_absent))
    if column.kind == "code":
        _check(cells, column, words.str.fullmatch(ONET_CODE), "{!r} is no O*NET-SOC code such as 29-1141.00")
    if column.kind == "flag":
        _check(cells, column, words.isin(["Y", "N"]), "{!r} is neither Y nor N")
        return words == "Y"
    return words.mask(is_absent, None)


def _numbers(cells: Cells, column: _Column, words: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(words, errors="coerce")
    is_good = numbers.notna() | words.isna()
    if column.kind == "integer":
        is_good &= words.isna() | (numbers % 1 == 0)
    _check(cells, column, is_good, f"{{!r}} is no {'whole ' if column.kind == 'integer' else ''}number")
    return numbers.astype("Int64" if column.kind == "integer" else "float64")


def _check(cells: Cells, column: _Column, is_good: pd.Series, what: str) -> None:
    """Raises the error of the first cell that is not good; `{!r}` in `what` stands for its words."""
    if not is_good.all():
        index = int((~is_good.astype(bool)).to_numpy().argmax())
        raise cells.error(index, column.title, what.format(cells.frame[column.title].iloc[index][:_SHOWN]))
