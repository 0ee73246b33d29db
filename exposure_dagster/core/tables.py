"""Tables and their columns, as the registry declares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WAREHOUSE_FILE = "exposure.duckdb"
"""Name of the file that holds every table, in a home."""

ColumnType = Literal[
    "VARCHAR", "VARCHAR[]", "BLOB", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "JSON"
]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its DuckDB type, what it means, its unit, and where the figure comes from."""

    name: str
    type: ColumnType
    description: str
    unit: str | None = None
    is_nullable: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: `grain` is what one row stands for, `key` the columns that tell rows apart.

    `is_kept`: its rows cannot be made again, or only from what was paid for; they outlive every change of its
    declaration. The others are dropped when that changes, and the next run fills them. `filled_with`: the table whose
    rows say what of this one is filled.
    """

    schema: str
    name: str
    grain: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_append_only: bool = False
    is_kept: bool = False
    filled_with: str | None = None

    @property
    def full_name(self) -> str:
        """`schema.name`, as written in SQL."""
        return f"{self.schema}.{self.name}"

    @property
    def rows_are(self) -> str:
        """What one row stands for, as a sentence. A grain that begins with "the" is of a table with one row."""
        return f"One row: {self.grain}." if self.grain.startswith("the ") else f"One row for each {self.grain}."

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def ddl(self) -> str:
        """The `CREATE TABLE IF NOT EXISTS` statement, in SQL that DuckDB files and DuckLake both take."""
        lines = [f"{column.name} {column.type}{'' if column.is_nullable else ' NOT NULL'}" for column in self.columns]
        return f"CREATE TABLE IF NOT EXISTS {self.full_name} ({', '.join(lines)})"


def text(name: str, description: str, *, required: bool = False, unit: str | None = None) -> Column:
    return Column(name=name, type="VARCHAR", description=description, unit=unit, is_nullable=not required)


def whole(name: str, description: str, *, unit: str | None = None, required: bool = False) -> Column:
    return Column(name=name, type="BIGINT", description=description, unit=unit, is_nullable=not required)


def number(name: str, description: str, *, unit: str | None = None) -> Column:
    return Column(name=name, type="DOUBLE", description=description, unit=unit)


def flag(name: str, description: str) -> Column:
    return Column(name=name, type="BOOLEAN", description=description)


def moment(name: str, description: str) -> Column:
    return Column(name=name, type="TIMESTAMP", description=description, unit="UTC")


def json(name: str, description: str) -> Column:
    return Column(name=name, type="JSON", description=description)


FETCHED = (
    text("url", "Address that was asked for.", required=True),
    whole("status", "HTTP status of the last attempt; null where no answer came.", unit="HTTP status"),
    text("reason", "Why the last attempt gave no usable body; null where it did."),
    moment("fetched_at", "When the stored body was fetched."),
    moment("checked_at", "When the address was last asked, whatever the answer."),
    text("content_sha256", "SHA-256 of the stored body's bytes.", unit="hex"),
    text("etag", "ETag the server gave with the stored body."),
    text("last_modified", "Last-Modified the server gave with the stored body."),
    Column(name="body", type="BLOB", description="Last good body, as received.", unit="bytes"),
)
"""What every table of fetched bodies holds of each."""
