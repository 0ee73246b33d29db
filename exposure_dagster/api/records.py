"""What an answer looks like: models made from the registry of tables, so that a column is explained once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field, create_model

from exposure_dagster.core.tables import Column
from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.publishing.tables import (
    HANDBOOK,
    NOT_OF_RESILIENCE,
    OF_PROMPT,
    PROVENANCE,
    PUBLISHED_PROMPTS,
    PUBLISHED_VERSIONS,
    SECTIONS,
    columns_of,
)
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DISAGREEMENTS,
    OCCUPATIONS,
    RANKINGS,
    RELIABILITY,
    RESILIENCE,
    SUMMARIES,
    TASK_ROLLUPS,
    UNCERTAINTY,
)

_TYPES: dict[str, Any] = {
    "VARCHAR": str,
    "VARCHAR[]": list[str],
    "BOOLEAN": bool,
    "INTEGER": int,
    "BIGINT": int,
    "DOUBLE": float,
    "DATE": date,
    "TIMESTAMP": datetime,
    "JSON": dict[str, Any],
}


class Answer(BaseModel):
    """What every answer holds."""

    digest: str = Field(description="The publication that the whole answer was read from.")
    notes: list[str] = Field(
        description="What must be known of the scores: that they are a baseline's, or of a sample."
    )


class Page(Answer):
    """A part of a list. `items` stands in the models made by `page_of`."""

    total: int = Field(description="Items that match, on all pages.")
    limit: int = Field(description="Items on a page at most.")
    offset: int = Field(description="Items before the first of this page.")
    next: str | None = Field(description="Address of the next page; null on the last.")
    previous: str | None = Field(description="Address of the page before; null on the first.")


def page_of(row: type[BaseModel]) -> type[BaseModel]:
    """The model of a page of such rows."""
    items: Any = (list[row], Field(description="The items."))  # type: ignore[valid-type]
    return create_model(f"{row.__name__}Page", __base__=Page, items=items)


def list_of(row: type[BaseModel]) -> type[BaseModel]:
    """The model of a whole list of such rows."""
    items: Any = (list[row], Field(description="The items."))  # type: ignore[valid-type]
    return create_model(f"{row.__name__}List", __base__=Answer, items=items)


def row_of(
    name: str,
    columns: Iterable[Column],
    *,
    leave_out: Iterable[str] = (),
    base: type[BaseModel] = BaseModel,
    **more: Any,
) -> type[BaseModel]:
    """The model of a row: a field a column, with its description and unit, and the fields of `more`.

    Of columns of one name the first counts.
    """
    fields: dict[str, Any] = {}
    for column in columns:
        if column.name in leave_out or column.name in fields:
            continue
        kind = _TYPES[column.type]
        text = column.description if column.unit is None else f"{column.description} Unit: {column.unit}."
        fields[column.name] = (kind if not column.is_nullable else kind | None, Field(description=text))
    return create_model(name, __base__=base, __doc__=None, **{**fields, **more})


_PROMPT = Field(description="Name of the prompt.")
_ATTRIBUTES = (dict[str, float] | None, Field(description=columns_of(RANKINGS, "attributes")[0].description))

Ranking = row_of(
    "Ranking",
    RANKINGS.columns,
    attributes=_ATTRIBUTES,
)
Summary = row_of("Summary", SUMMARIES.columns)
Change = row_of("Change", CHANGES.columns)
Resilience = row_of("Resilience", RESILIENCE.columns, leave_out=NOT_OF_RESILIENCE)
TaskRollup = row_of("TaskRollup", TASK_ROLLUPS.columns, leave_out=("prompt",))
Uncertainty = row_of("Uncertainty", UNCERTAINTY.columns)
Reliability = row_of("Reliability", RELIABILITY.columns)
Agreement = row_of("Agreement", AGREEMENT.columns)
Disagreement = row_of("Disagreement", DISAGREEMENTS.columns)

HowSure = row_of("HowSure", UNCERTAINTY.columns, leave_out=("prompt", "doc_id", "mean"))
_HOW_SURE = (
    HowSure | None,
    Field(description="How sure the score is; null where there is none, and of a publication that did not say."),
)

_OF_PAGE = tuple(column for column in OCCUPATIONS.columns if column.name not in OF_PROMPT)

OccupationPrompt = row_of("OccupationPrompt", columns_of(OCCUPATIONS, *OF_PROMPT), leave_out=("prompt",))

_BY_PROMPT = (
    dict[str, OccupationPrompt],  # type: ignore[valid-type]
    Field(description="What every ranked prompt says of it, by prompt: of the page itself, or of what it covers."),
)

Occupation = row_of("Occupation", (*_OF_PAGE, *HANDBOOK.columns), by_prompt=_BY_PROMPT)
PromptVersion = row_of("PromptVersion", PUBLISHED_VERSIONS.columns, leave_out=("prompt",))

_OF_SCORE = (
    "doc_id", "title", "score", "score_sd", "rank", "percentile", "tier", "quadrant", "attributes", "rationale",
    "status", "scorer", "model", "prompt_hash", "ranking_hash", "scored_at",
)  # fmt: skip

_OF_DOCUMENT = ("jobs", "median_pay_annual", "pay_currency", "outlook_pct", "entry_education")

OccupationScore = row_of(
    "OccupationScore",
    columns_of(RANKINGS, "prompt", *_OF_SCORE),
    prompt_title=(str, Field(description="Display title of the prompt.")),
    corpus=(
        str,
        Field(description="Corpus of the document: that of the page itself, or of an O*NET code or other document."),
    ),
    scale_low=(float, Field(description="Lowest answer of the prompt's scale.")),
    scale_high=(float, Field(description="Highest answer of the prompt's scale.")),
    attributes=_ATTRIBUTES,
    uncertainty=_HOW_SURE,
)

OccupationResilience = row_of(
    "OccupationResilience", RESILIENCE.columns, leave_out=NOT_OF_RESILIENCE, prompt=(str, _PROMPT)
)

OccupationTaskRollup = row_of("OccupationTaskRollup", TASK_ROLLUPS.columns)

DocumentSection = row_of("DocumentSection", SECTIONS.columns)

OccupationDetail = row_of(
    "OccupationDetail",
    (*_OF_PAGE, *HANDBOOK.columns),
    base=Answer,
    by_prompt=_BY_PROMPT,
    aliases=(list[str], Field(description="Other titles that the handbook's index leads from.")),
    scores=(list[OccupationScore], Field(description="Its scores, and those of what it covers, of every prompt.")),  # type: ignore[valid-type]
    resilience_of_codes=(
        list[OccupationResilience],  # type: ignore[valid-type]
        Field(description="The resilience ranking of each of its O*NET codes."),
    ),
    task_rollups=(
        list[OccupationTaskRollup],  # type: ignore[valid-type]
        Field(description="Scores of single tasks, rolled up to its O*NET codes."),
    ),
    sections=(
        list[DocumentSection],  # type: ignore[valid-type]
        Field(description="What more is known of it and of its O*NET codes, the first few of each kind."),
    ),
)

_OF_MANIFEST: dict[str, Any] = {
    "prompt_hash": (str, Field(description="Version of the prompt that most standing answers are about. Unit: hex.")),
    "scorers": (list[str], Field(description="Who answered: claude, baseline.")),
    "models": (list[str], Field(description="Models that answered, or the baseline's version.")),
    "scored_at": (datetime | None, Field(description="When the last of its answers came. Unit: UTC.")),
    "documents": (int, Field(description="Documents asked about. Unit: documents.")),
    "out_of_date": (str | None, Field(description="Why the scores are not what the prompt's file asks for now.")),
}

PromptHead = row_of(
    "Prompt",
    PUBLISHED_PROMPTS.columns,
    leave_out=("definition",),
    **_OF_MANIFEST,
    versions=(list[str], Field(description="Hashes of its answered versions, oldest first.")),
)
PromptDetail = row_of(
    "PromptDetail",
    PUBLISHED_PROMPTS.columns,
    leave_out=("definition",),
    base=Answer,
    **_OF_MANIFEST,
    definition=(RankingDefinition, Field(description="Tiers, labels, weights and formula of its ranking.")),
    versions=(
        list[PromptVersion],  # type: ignore[valid-type]
        Field(description="Its answered versions, oldest first, with the question as it was asked."),
    ),
)

Provenance = row_of(
    "Provenance",
    (*columns_of(RANKINGS, "prompt", *_OF_SCORE, *_OF_DOCUMENT), *PROVENANCE.columns),
    base=Answer,
    attributes=_ATTRIBUTES,
    uncertainty=_HOW_SURE,
    version=(
        PromptVersion | None,
        Field(description="The version of the prompt that was answered, with the question as it was asked."),
    ),
    sections=(
        list[DocumentSection],  # type: ignore[valid-type]
        Field(description="What more is known of the document, the first few of each kind."),
    ),
)


class Source(BaseModel):
    """A source, and what is taken from it under which licence."""

    source: str = Field(description="Its name.")
    url: str | None = Field(description="Its address.")
    licence: str | None = Field(description="Its licence, and what is taken from it.")


class Sources(Answer):
    """Where the figures come from, how they are made, and what they do not mean."""

    sources: list[Source] = Field(description="Every source, with the attribution that it asks for.")
    method: str = Field(description="How the figures are made.")
    caveats: str = Field(description="What the scores do not mean.")


class File(BaseModel):
    """A file of the publication."""

    path: str = Field(description="Path in the publication.")
    url: str = Field(description="Address of the file on this server.")
    size_bytes: int = Field(description="Size. Unit: bytes.")


class Files(Answer):
    """The exported files of the publication."""

    files: list[File] = Field(description="Every exported file.")


class DamagedFile(BaseModel):
    """A file of the publication that is not served, nor what would be read from it."""

    path: str = Field(description="Path in the publication.")
    problem: str = Field(description="What is wrong with it.")


class Health(Answer):
    """That the server can answer, and what it answers from. Of a damaged publication what is whole is counted."""

    status: str = Field(description="ok, or damaged where files of the publication are.")
    damaged: list[DamagedFile] = Field(description="Every damaged file; publish again to have them whole.")
    version: str | None = Field(
        description="Version of the project that wrote the publication. Null: the manifest is damaged."
    )
    published_at: datetime = Field(description="When the publication became the current one. Unit: UTC.")
    is_sample: bool | None = Field(
        description="True where the pages are those of the bundled sample. Null: the manifest is damaged."
    )
    has_site: bool = Field(description="True where the publication holds the site.")
    prompts: int = Field(description="Published prompts.")
    occupations: int = Field(description="Handbook pages.")
    scores: int = Field(description="Documents that have a score, over all prompts.")
