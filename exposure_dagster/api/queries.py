"""How a list is narrowed, sorted and paged: the parameters, and what they do to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from exposure_dagster.api.snapshots import Record

Words = Annotated[str, Field(max_length=200)]
AnyOf = Annotated[list[str], Field(max_length=50)]

_SORT = "What to sort by; with a minus, from the highest. What is not known comes last."


class Paging(BaseModel):
    """The parameters of every list. Unknown parameters are a mistake, and are told."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1000, description="Items on a page at most.")
    offset: int = Field(0, ge=0, le=10_000_000, description="Items to leave out before the first.")


OCCUPATION_SORTS = ("title", "jobs", "median_pay_annual", "outlook_pct")
"""Facts by which occupations can be sorted, beside the score of any prompt."""


class OccupationQuery(Paging):
    q: Words | None = Field(
        None, description="Words that must all stand in the title, in another title of it or in a code."
    )
    category: AnyOf = Field([], description="Occupation group in the handbook; repeat it for any of several.")
    education: AnyOf = Field([], description="Typical entry-level education; repeat it for any of several.")
    min_pay: FiniteFloat | None = Field(None, description="Lowest median annual pay. Unit: USD per year.")
    max_pay: FiniteFloat | None = Field(None, description="Highest median annual pay. Unit: USD per year.")
    min_jobs: int | None = Field(None, description="Least employment. Unit: jobs.")
    sort: str = Field(
        "title",
        max_length=200,
        description=f"{_SORT} One of {', '.join(OCCUPATION_SORTS)}, or a published prompt: by its score.",
    )


class RankingQuery(Paging):
    q: Words | None = Field(None, description="Words that must all stand in title, id or rationale.")
    tier: AnyOf = Field([], description="Tier; repeat it for any of several.")
    quadrant: AnyOf = Field([], description="Quadrant; repeat it for any of several.")
    category: AnyOf = Field([], description="Occupation group; repeat it for any of several.")
    education: AnyOf = Field([], description="Typical entry-level education; repeat it for any of several.")
    status: Literal["ok", "refused", "failed"] | None = Field(None, description="What became of the question.")
    min_score: FiniteFloat | None = Field(None, description="Lowest score, itself included.")
    max_score: FiniteFloat | None = Field(None, description="Highest score, itself included.")
    sort: Literal[
        "rank", "-rank", "score", "-score", "title", "-title", "jobs", "-jobs", "median_pay_annual",
        "-median_pay_annual", "wages", "-wages", "outlook_pct", "-outlook_pct",
    ] = Field("rank", description=_SORT)  # fmt: skip


class ChangeQuery(Paging):
    prompt: AnyOf = Field([], description="Prompt; repeat it for any of several.")
    change: Annotated[list[Literal["up", "down", "same", "added", "gone"]], Field(max_length=5)] = Field(
        [], description="What became of the score; repeat it for any of several."
    )


class AgreementQuery(Paging):
    prompt: AnyOf = Field([], description="Prompt; repeat it for any of several.")
    reference: AnyOf = Field([], description="Index; repeat it for any of several.")


class SummaryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    grouping: Literal[
        "all", "tier", "quadrant", "score_threshold", "pay_band", "education", "outlook", "category", "soc_major_group"
    ] | None = Field(None, description="Only the groups of this grouping.")  # fmt: skip


def matching_occupations(
    rows: Sequence[Record], query: OccupationQuery, aliases: Callable[[str], Iterable[str]]
) -> list[Record]:
    """The occupations that the query asks for, sorted."""

    def is_wanted(row: Record) -> bool:
        return (
            _is_any(row["category"], query.category)
            and _is_any(row["entry_education"], query.education)
            and _lies_within(row["median_pay_annual"], query.min_pay, query.max_pay)
            and _lies_within(row["jobs"], query.min_jobs, None)
            and _has_words(
                query.q,
                lambda: (
                    row["title"], row["slug"], row["soc_code"], *(row["soc_codes"] or ()), *(row["onet_codes"] or ()),
                    *aliases(row["slug"]),
                ),
            )
        )  # fmt: skip

    column = query.sort.removeprefix("-")
    found = [row for row in rows if is_wanted(row)]
    if column in OCCUPATION_SORTS:
        return ordered(found, query.sort, "slug")
    scored = [{**row, column: row["by_prompt"].get(column, {}).get("score")} for row in found]
    return [
        {name: value for name, value in row.items() if name != column} for row in ordered(scored, query.sort, "slug")
    ]


def matching_rankings(rows: Sequence[Record], query: RankingQuery) -> list[Record]:
    """The rows of a ranking that the query asks for, sorted."""

    def is_wanted(row: Record) -> bool:
        return (
            _is_any(row["tier"], query.tier)
            and _is_any(row["quadrant"], query.quadrant)
            and _is_any(row["category"], query.category)
            and _is_any(row["entry_education"], query.education)
            and (query.status is None or row["status"] == query.status)
            and _lies_within(row["score"], query.min_score, query.max_score)
            and _has_words(query.q, lambda: (row["title"], row["doc_id"], row["rationale"]))
        )

    return ordered([row for row in rows if is_wanted(row)], query.sort, "doc_id")


def ordered(rows: Sequence[Record], sort: str, key: str) -> list[Record]:
    """Rows by the column that `sort` names (with a minus, descending), then by title and key; unknowns last."""
    column = sort.removeprefix("-")
    by_name = sorted(rows, key=lambda row: (row["title"] or "", row[key]))
    known = [row for row in by_name if row[column] is not None]
    known.sort(key=lambda row: row[column], reverse=sort.startswith("-"))
    return known + [row for row in by_name if row[column] is None]


def page(rows: Sequence[Record], paging: Paging, request: Request) -> Record:
    """The part of the rows that is asked for, with the addresses of its neighbours on this server."""
    limit, offset, total = paging.limit, paging.offset, len(rows)
    return {
        "total": total,
        "limit": limit,
        "offset": offset,
        "next": _address(request, offset + limit) if offset + limit < total else None,
        "previous": _address(request, max(0, offset - limit)) if offset else None,
        "items": rows[offset : offset + limit],
    }


def _address(request: Request, offset: int) -> str:
    url = request.url.include_query_params(offset=offset)
    return f"{url.path}?{url.query}"


def _is_any(value: Any, wanted: Sequence[str]) -> bool:
    return not wanted or value in wanted


def _lies_within(value: float | None, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _has_words(words: str | None, texts: Callable[[], Iterable[str | None]]) -> bool:
    if not words or not words.strip():
        return True
    text = "\n".join(part for part in texts() if part).casefold()
    return all(word in text for word in words.casefold().split())
