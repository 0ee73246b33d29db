"""The projections table of a page: rows with their levels, and totals told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from exposure_dagster.corpora.ooh.grids import Grid
from exposure_dagster.parsing.figures import read_count, read_last_year, read_year
from exposure_dagster.parsing.findings import Findings
from exposure_dagster.parsing.records import ProjectionRow

_SOC_CODE = re.compile(r"\d{2}-\d{4}")
_ROUNDING = 100
"""BLS rounds jobs to hundreds."""

_DASHES = frozenset({"—", "–", "-"})

# Columns are known by their words, which carry the edition's years.
_COLUMNS = {
    "occupation_title": re.compile(r"occupational title", re.IGNORECASE),
    "soc_code": re.compile(r"soc code", re.IGNORECASE),
    "employment": re.compile(r"employment, ?\d{4}", re.IGNORECASE),
    "projected_employment": re.compile(r"projected employment", re.IGNORECASE),
    "change_pct": re.compile(r"change.*percent", re.IGNORECASE),
    "change": re.compile(r"change.*numeric", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Projections:
    """The rows of a page's table, and the years that its header names."""

    rows: list[ProjectionRow] = field(default_factory=list)
    base_year: int | None = None
    projection_year: int | None = None


def is_projections(grid: Grid) -> bool:
    return any(_COLUMNS["soc_code"].match(title) for title in grid.header)


def read_projections(grid: Grid, findings: Findings) -> Projections:
    columns = _columns(grid, findings)
    titles = {name: grid.header[index] for name, index in columns.items()}
    rows = [_row(grid, index, columns, findings) for index in range(len(grid.body))]
    if not rows:
        findings.report("projections", "a table without rows")
    if grid.flaw:
        findings.report("projections", grid.flaw)
    _check_rows(rows, findings)
    _check_levels(grid.indents, findings)
    _check_sum(rows, findings)
    return Projections(
        rows,
        read_year(titles.get("employment", "")),
        read_year(titles.get("projected_employment", "")) or read_last_year(titles.get("change_pct", "")),
    )


def _columns(grid: Grid, findings: Findings) -> dict[str, int]:
    columns = {}
    for name, words in _COLUMNS.items():
        index = next((at for at, title in enumerate(grid.header) if words.match(title)), None)
        if index is None:
            findings.report(f"projections.{name}", f"no such column among: {', '.join(grid.header)}")
        else:
            columns[name] = index
    return columns


def _row(grid: Grid, index: int, columns: dict[str, int], findings: Findings) -> ProjectionRow:
    def cell(name: str) -> str | None:
        return grid.body[index][columns[name]] if name in columns else None

    def unread(name: str, found: str) -> None:
        findings.report(f"projections.{name}", f"row {index + 1}: {found!r}")

    def count(name: str) -> int | None:
        words = cell(name)
        number = None if words is None else read_count(words)
        if words is not None and number is None:
            unread(name, words)
        return number

    title, soc = cell("occupation_title"), cell("soc_code")
    is_total = _is_total(grid.indents, index)
    if title == "":
        unread("occupation_title", title)
    has_code = soc is not None and _SOC_CODE.fullmatch(soc) is not None
    if soc is not None and not has_code and not (is_total and soc in _DASHES):
        unread("soc_code", soc)
    return ProjectionRow(
        slug=findings.slug,
        row=index + 1,
        level=grid.indents[index],
        occupation_title=title or None,
        soc_code=soc if has_code else None,
        is_total=is_total,
        employment=count("employment"),
        projected_employment=count("projected_employment"),
        change_pct=count("change_pct"),
        change=count("change"),
    )


def _is_total(levels: list[int], index: int) -> bool:
    """Row 1 of several is the page's total; any other row is one where a deeper row follows it."""
    following = index + 1 < len(levels)
    return following and (index == 0 or levels[index + 1] > levels[index])


def _check_rows(rows: list[ProjectionRow], findings: Findings) -> None:
    """Figures read from another's place do not fit together: change is what jobs grow by, percent what part of them."""
    for row in rows:
        jobs, later, change, percent = row.employment, row.projected_employment, row.change, row.change_pct
        if jobs is None or later is None or change is None:
            continue
        told = f"row {row.row}: from {jobs:,} to {later:,}, which is called a change of {change:,}"
        if abs(jobs + change - later) > 2 * _ROUNDING:
            findings.report("projections.change", told)
        elif percent is not None and not _can_be_percent(percent, change, jobs):
            findings.report("projections.change_pct", f"{told} or {percent} percent")
    named = [(row.occupation_title, row.soc_code) for row in rows]
    doubled = next((row for row in rows if named.count((row.occupation_title, row.soc_code)) > 1), None)
    if doubled is not None:
        findings.report("projections", f"two rows for {doubled.occupation_title} {doubled.soc_code or ''}")


def _can_be_percent(percent: int, change: int, jobs: int) -> bool:
    """Whether whole percent can be had from figures that were rounded to hundreds after it was computed."""
    half = _ROUNDING / 2
    bounds = [100 * (change + up) / max(jobs + more, 1) for up in (-half, half) for more in (-half, half)]
    return min(bounds) - 1 <= percent <= max(bounds) + 1


def _check_levels(levels: list[int], findings: Findings) -> None:
    shallow = [number for number, level in enumerate(levels, start=1) if number > 1 and level <= levels[0]]
    if shallow:
        findings.report("projections.level", f"row {shallow[0]} of {len(levels)} is not set in below row 1")


def _check_sum(rows: list[ProjectionRow], findings: Findings) -> None:
    """Totals told apart wrongly show up in the sum, which rounding to hundreds can move only so far."""
    parts = [row.employment for row in rows if not row.is_total]
    known = [jobs for jobs in parts if jobs is not None]
    if len(rows) < 2 or len(known) < len(parts) or rows[0].employment is None:
        return
    if abs(sum(known) - rows[0].employment) > _ROUNDING / 2 * (len(parts) + 1):
        findings.report("projections.is_total", f"parts add up to {sum(known):,}, row 1 says {rows[0].employment:,}")
