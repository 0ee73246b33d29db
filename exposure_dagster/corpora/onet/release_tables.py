"""Which tables of an O*NET release are read, and under which names they and their columns stand in which release.

Release 30.3 rebuilt the content model: tables were split and renamed. What a release holds is found by this one list:
a file is a table if it bears one of its names, else if it has the columns by which alone the table is known. A release
that renames more of them needs a name here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from exposure_dagster.parsing.education import REQUIRED_EDUCATION

OnetTable = Literal[
    "occupations",
    "reported_titles",
    "job_titles",
    "education",
    "education_categories",
    "tasks",
    "job_zones",
    "task_ratings",
    "essential_skills",
    "transferable_skills",
    "software",
    "work_activities",
    "related",
]

Kind = Literal["text", "code", "integer", "number", "flag"]

IMPORTANCE = "IM"
"""The scale of importance, from 1 to 5."""

NEW_MODEL = "30.3 on"
OLD_MODEL = "to 30.2"
ALWAYS = "27 on"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: our name, its titles in the releases, the newest first, and what its cells are.

    `may_be_empty`: some cells are. `may_be_missing`: not every release has it, or it can be done without.
    """

    name: str
    titles: tuple[str, ...]
    kind: Kind
    may_be_empty: bool = False
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseTable:
    """A table: its names with the releases that use them, the newest first, and the columns that are read.

    `key` tells rows apart, and is empty where rows may repeat. `scale`: only rows of that scale are read.
    `known_by` are columns that no other table has together: a file under another name is the table if it has them,
    and, where `element` is given, rows of that element of the content model.
    """

    names: Mapping[str, str]
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...] = ()
    scale: str | None = None
    known_by: tuple[str, ...] = ()
    element: str | None = None

    @property
    def title(self) -> str:
        """Its newest name."""
        return next(iter(self.names))

    @property
    def named(self) -> str:
        """All of its names, with their releases, for messages."""
        title, *earlier = self.names
        return f"{title!r}" + "".join(f" ({self.names[name]}: {name!r})" for name in earlier)

    def column(self, name: str) -> TableColumn:
        return next(column for column in self.columns if column.name == name)


def _column(name: str, titles: str, kind: Kind, *, empty: bool = False, missing: bool = False) -> TableColumn:
    return TableColumn(name, tuple(titles.split(" | ")), kind, may_be_empty=empty or missing, may_be_missing=missing)


_CODE = _column("onet_code", "O*NET-SOC Code", "code")
_ELEMENT = _column("element_id", "Element ID", "text")
_ELEMENT_NAME = _column("element_name", "Element Name", "text")
_SCALE = _column("scale_id", "Scale ID", "text")
_CATEGORY = _column("category", "Category", "integer", empty=True)
_TASK_ID = _column("task_id", "Task ID", "integer")
_VALUE = _column("value", "Data Value", "number")


def _ratings(names: Mapping[str, str]) -> ReleaseTable:
    """A table of ratings of elements. They all have the same columns, so that only their names tell them apart."""
    return ReleaseTable(names, (_CODE, _ELEMENT, _ELEMENT_NAME, _SCALE, _VALUE), scale=IMPORTANCE)


RELEASE_TABLES: Mapping[OnetTable, ReleaseTable] = {
    "occupations": ReleaseTable(
        {"Occupation Data": ALWAYS},
        (_CODE, _column("title", "Title", "text"), _column("description", "Description", "text", empty=True)),
        key=("onet_code",),
        known_by=("onet_code", "title", "description"),
    ),
    "reported_titles": ReleaseTable(
        {"Sample of Reported Titles": ALWAYS},
        (
            _CODE,
            _column("reported_title", "Reported Job Title", "text"),
            _column("is_in_my_next_move", "Shown in My Next Move", "flag", missing=True),
        ),
        key=("onet_code", "reported_title"),
        known_by=("onet_code", "reported_title"),
    ),
    "job_titles": ReleaseTable(
        {"Job Titles": NEW_MODEL, "Alternate Titles": OLD_MODEL},
        (
            _CODE,
            _column("job_title", "Job Title | Alternate Title", "text"),
            _column("short_title", "Short Title", "text", missing=True),
        ),
        known_by=("onet_code", "job_title"),
    ),
    "education": ReleaseTable(
        {"Education": NEW_MODEL, "Education, Training, and Experience": OLD_MODEL},
        (_CODE, _ELEMENT, _SCALE, _CATEGORY, _VALUE),
        key=("onet_code", "element_id", "scale_id", "category"),
        known_by=("onet_code", "element_id", "scale_id", "category", "value"),
        element=REQUIRED_EDUCATION,
    ),
    "education_categories": ReleaseTable(
        {
            "Education Categories": NEW_MODEL,
            "Education, Training, and Experience Categories": OLD_MODEL,
            "ETE Categories": "saved copies",
        },
        (
            _ELEMENT,
            _SCALE,
            _column("category", "Category", "integer"),
            _column("description", "Category Description", "text"),
        ),
        key=("element_id", "scale_id", "category"),
        known_by=("element_id", "scale_id", "category", "description"),
        element=REQUIRED_EDUCATION,
    ),
    "tasks": ReleaseTable(
        {"Task Statements": ALWAYS},
        (
            _CODE,
            _TASK_ID,
            _column("task", "Task", "text"),
            _column("task_type", "Task Type", "text", empty=True),
            _column("incumbents_responding", "Incumbents Responding", "integer", missing=True),
            _column("date", "Date", "text", missing=True),
            _column("domain_source", "Domain Source", "text", missing=True),
        ),
        key=("onet_code", "task_id"),
        known_by=("onet_code", "task_id", "task", "task_type"),
    ),
    "job_zones": ReleaseTable(
        {"Job Zones": ALWAYS},
        (_CODE, _column("job_zone", "Job Zone", "integer")),
        key=("onet_code",),
        known_by=("onet_code", "job_zone"),
    ),
    "task_ratings": ReleaseTable(
        {"Task Ratings": ALWAYS},
        (_CODE, _TASK_ID, _SCALE, _VALUE),
        key=("onet_code", "task_id", "scale_id"),
        scale=IMPORTANCE,
        known_by=("onet_code", "task_id", "scale_id", "value"),
    ),
    "essential_skills": _ratings({"Essential Skills": NEW_MODEL, "Skills": f"{OLD_MODEL}, with the transferable ones"}),
    "transferable_skills": _ratings({"Transferable Skills": NEW_MODEL}),
    "software": ReleaseTable(
        {"Software Skills": NEW_MODEL, "Technology Skills": OLD_MODEL},
        (
            _CODE,
            _column("example", "Workplace Example | Example", "text"),
            _column("is_hot", "Hot Technology", "flag", missing=True),
            _column("is_in_demand", "In Demand", "flag", missing=True),
        ),
        known_by=("onet_code", "example", "is_hot"),
    ),
    "work_activities": _ratings({"Work Activities": ALWAYS}),
    "related": ReleaseTable(
        {"Related Occupations": ALWAYS},
        (
            _CODE,
            _column("related_code", "Related O*NET-SOC Code", "code"),
            _column("place", "Index", "integer", missing=True),
        ),
        known_by=("onet_code", "related_code"),
    ),
}
"""The tables that are read where they are there; what else a release holds is not looked at."""

NEEDED_TABLES: tuple[OnetTable, ...] = ("occupations", "reported_titles", "education", "education_categories", "tasks")
"""Those without which occupations lack texts or figures: what a whole release must hold."""
