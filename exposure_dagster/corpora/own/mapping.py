"""What a user says of a file of documents, in a small TOML file of the same name beside it (`roles.toml`).

    [columns]                    # which columns of the file are which fields; others keep their own names
    doc_id = "ISCO-08"
    text = ["What they do", "Tools"]  # several: one below the other; of a doc_id, with a stroke between them

    [values]                     # what holds for every row
    pay_currency = "NOK"
    pay_basis = "monthly"

    [times]                      # figures that the file has in thousands, say
    jobs = 1000

    [source]                     # who is credited where the documents are shown
    title = "..."
    url = "https://..."
    licence = "..."

Besides: `sheet`, `separator`, `encoding`, `decimal`, `missing`, `html`, `education_levels`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.characters import visible

MAX_MAPPING_BYTES = 100_000

ALIASES = {
    "pay": "median_pay_annual",
    "pay_annual": "median_pay_annual",
    "isco_code": "isco_codes",
    "esco_code": "esco_codes",
}
"""Other names of fields, in a file's header and in a mapping."""

FIELDS = (
    *("doc_id", "title", "text", "category", "jobs", "median_pay_annual", "pay_currency", "pay_basis"),
    *("pay_is_top_coded", "education", "education_order", "outlook_pct", "outlook_desc", "url", "soc_code"),
    *("soc_codes", "onet_codes", "isco_codes", "esco_codes", "parent"),
)
"""What is read of a row, by name."""

_Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class OwnSource(BaseModel):
    """Who is credited for a user's documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: _Line
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=1000)] | None = None
    licence: _Line | None = None


class OwnMapping(BaseModel):
    """What is said of a file; nothing of it has to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, _Line | list[_Line]] = Field({}, description="Titles of the columns of a field.")
    values: dict[str, str | int | float] = Field({}, description="Fields that are the same in every row.")
    times: dict[Literal["jobs", "pay", "pay_annual", "median_pay_annual", "outlook_pct"], float] = Field(
        {}, description="By what the figures of a field are multiplied."
    )
    sheet: str | None = Field(None, description="Sheet of a workbook; the first, where none is named.")
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = Field(None, description="Decimal mark of figures that are written as text.")
    missing: list[str] = Field([], description="Cells with one of these words are empty.")
    html: bool = Field(False, description="Whether the texts are HTML, of which the words alone are wanted.")
    education_levels: list[str] = Field([], description="Levels of education, lowest first.")
    source: OwnSource | None = None

    def titles_of(self, field: str) -> list[str]:
        """The titles under which a field stands in the file: those that are said, else its own name."""
        said = self.columns.get(field, [])
        return [said] if isinstance(said, str) else list(said)


class MappingError(ValueError):
    """A mapping that cannot be used; the text says what is wrong with it."""


def mapping_file(path: Path) -> Path:
    """Where the mapping of a file of documents is looked for."""
    return path.with_suffix(".toml")


def read_mapping(path: Path) -> OwnMapping:
    """The mapping beside a file of documents; an empty one where there is none. Raises MappingError."""
    file = mapping_file(path)
    try:
        body = read_bounded(file, MAX_MAPPING_BYTES)
    except FileNotFoundError:
        return OwnMapping()
    except OSError as error:
        raise MappingError(f"{file.name} cannot be read: {error.strerror}") from None
    try:
        mapping = OwnMapping.model_validate(tomllib.loads(body.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MappingError(f"{file.name} is no TOML: {visible(str(error))}") from None
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:10])
        raise MappingError(f"{file.name}: {visible(found)}") from None
    return _with_fields_named(mapping, file.name)


def _with_fields_named(mapping: OwnMapping, name: str) -> OwnMapping:
    for part, given in (("columns", mapping.columns), ("values", mapping.values)):
        unknown = [field for field in given if ALIASES.get(field, field) not in FIELDS]
        if unknown:
            known = ", ".join(FIELDS)
            raise MappingError(f"{name}: {part} has {visible(unknown[0])!r}, which is no field; those are: {known}")
    return mapping.model_copy(
        update={
            "times": {ALIASES.get(field, field): by for field, by in mapping.times.items()},
            "columns": {ALIASES.get(field, field): titles for field, titles in mapping.columns.items()},
            "values": {ALIASES.get(field, field): value for field, value in mapping.values.items()},
        }
    )
