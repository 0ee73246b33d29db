"""What must hold of the tables, as plain functions over the warehouse.

Each returns outcomes that say what was expected and what was found; assets report them as asset
checks. A check that cannot be run raises: it never counts as passed or failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten

import duckdb
import pandas as pd

from exposure_dagster.errors import WarehouseError
from exposure_dagster.progress import counted
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.ranking.summaries import GROUPINGS_THAT_ADD_UP, SOC_MAJOR_GROUPS
from exposure_dagster.scoring.mirror import differences, open_ledger
from exposure_dagster.stages.own_documents import OwnDocumentsReport
from exposure_dagster.stages.parsed import TitlesReport
from exposure_dagster.stages.raw import MissingPage
from exposure_dagster.stages.standing import PromptStanding, State
from exposure_dagster.tables import Table
from exposure_dagster.warehouse import Warehouse

ROUNDING_JOBS_A_ROW = 100
"""BLS rounds each figure to hundreds, so a sum may be off by as much a row."""


SHOWN_PROBLEMS = 5
"""Mistakes of a file that a sentence names; the table beside it has them all."""

SHOWN_CHARACTERS = 120
"""Of what was found in the place of a field."""


BLOCKING = frozenset(
    {
        "rows_fit_the_registry",
        "every_document_is_accounted_for",
        "every_score_is_ranked",
        "scores_lie_on_the_scale",
        "groups_add_up",
        "ranking_can_be_recomputed",
    }
)
"""Checks of what our own code promises of a table: where one fails, nothing that hangs on the table is made.

A page that cannot be read or a figure out of range is an error that is shown and blocks nothing: the rows of earlier
stand.
"""


@dataclass(frozen=True)
class CheckOutcome:
    """A check's result. `is_error` failures are errors, others warnings; `found` is a table to show.

    An error stops what hangs on the table only where the check is one of `BLOCKING`.
    """

    name: str
    passed: bool
    description: str
    found: pd.DataFrame | None = None
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    is_error: bool = True


def first_of(problems: Iterable[str]) -> str:
    """The first few problems in one clause, and how many more there are."""
    told = list(problems)
    more = f"; and {len(told) - SHOWN_PROBLEMS:,} more" if len(told) > SHOWN_PROBLEMS else ""
    return "; ".join(told[:SHOWN_PROBLEMS]) + more


def unread_fields(key: str, unread: pd.DataFrame) -> str:
    """What of pages could not be read, from rows of `field`, `found` and the page's `key`."""
    named = first_of(
        f"{row[key]}, {row['field']}: {shorten(row['found'], SHOWN_CHARACTERS, placeholder=' …')}"
        for row in unread.to_dict("records")
    )
    fields, pages = counted(len(unread), "field"), counted(unread[key].nunique(), "page")
    return f"{fields} on {pages} could not be read ({named})"


def rows_fit_the_registry(connection: duckdb.DuckDBPyConnection, table: Table) -> CheckOutcome:
    """The key tells rows apart, and required columns are filled."""
    key = ", ".join(table.key)
    doubled = connection.execute(
        f"SELECT {key}, count(*) AS rows FROM {table.full_name}"
        f" GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 20"
    ).df()
    required = [column.name for column in table.columns if not column.is_nullable]
    counts = ", ".join(f"count(*) FILTER ({name} IS NULL) AS {name}" for name in required)
    counts = counts or "count(*) FILTER (false) AS none"
    empty = connection.execute(f"SELECT {counts} FROM {table.full_name}").df().iloc[0]
    gaps = {str(name): int(count) for name, count in empty.items() if count}
    passed = doubled.empty and not gaps
    description = f"({key}) is unique, and no required cell is empty"
    if not passed:
        wrong = [f"({key}) is not unique: {first_of(_keys(doubled, table))}"] if len(doubled) else []
        wrong += [f"required cells are empty: {gaps}"] if gaps else []
        description = "; ".join(wrong)
    return CheckOutcome("rows_fit_the_registry", passed, description, None if doubled.empty else doubled)


def refuse_what_does_not_fit(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Rows that their table's own check refuses are not used, whichever run or hand wrote them.

    Raises WarehouseError.
    """
    for table in tables:
        outcome = rows_fit_the_registry(connection, table)
        if not outcome.passed:
            raise WarehouseError(
                f"its rows cannot be published: {outcome.description}",
                where=table.full_name,
                remedy="Mend the rows, or make the table anew, and run again. What was published before stands.",
            )


def _keys(rows: pd.DataFrame, table: Table) -> list[str]:
    return [f"{', '.join(str(row[name]) for name in table.key)} {row['rows']} times" for row in rows.to_dict("records")]


def every_listed_page_is_there(listed: int, missing: tuple[MissingPage, ...]) -> CheckOutcome:
    """Every page that was to be fetched could be; each that could not is named with status and reason."""
    if not missing:
        return CheckOutcome("every_listed_page_is_there", True, f"{counted(listed, 'page')}, none missing")
    found = pd.DataFrame(
        [
            {
                "page": page.url,
                "status": page.status or "no answer",
                "reason": page.reason,
                "in its place": "the last good body" if page.has_earlier_body else "nothing",
            }
            for page in missing
        ]
    )
    named = first_of(f"{page.url}: {page.reason}" for page in missing)
    kept = sum(page.has_earlier_body for page in missing)
    return CheckOutcome(
        "every_listed_page_is_there",
        False,
        f"{len(missing):,} of {listed:,} could not be had ({named}); the last good body of {kept:,} of them stands",
        found,
        is_error=False,
    )


def prompt_files_can_be_used(folder: PromptFolder) -> CheckOutcome:
    """No prompt file is broken; each that is, is named with what is wrong."""
    problems = [problem for broken in folder.broken for problem in broken.problems]
    if not problems:
        return CheckOutcome("prompt_files_can_be_used", True, f"{len(folder.prompts)} prompt files can be used")
    found = pd.DataFrame([{"file": p.file, "line": p.line, "problem": p.summary} for p in problems])
    names = ", ".join(broken.name for broken in folder.broken)
    return CheckOutcome("prompt_files_can_be_used", False, f"broken: {names}; the others are unaffected", found)


def own_files_can_be_used(report: OwnDocumentsReport) -> CheckOutcome:
    """Every file of a user's own documents can be used; each mistake is named with its line."""
    broken = [corpus for corpus in report.corpora if corpus.problems]
    if not broken:
        counts = ", ".join(f"{corpus.corpus}: {corpus.documents:,} documents" for corpus in report.corpora)
        return CheckOutcome("own_files_can_be_used", True, counts or "no corpus of your own is set")
    found = pd.DataFrame(
        [
            {"corpus": corpus.corpus, "file": corpus.file, "line": problem.line, "problem": problem.what}
            for corpus in broken
            for problem in corpus.problems
        ]
    )
    told = [
        f"{corpus.corpus} ({corpus.file}): {'; '.join(str(problem) for problem in corpus.problems[:SHOWN_PROBLEMS])}"
        + (f"; and {rest} more" if (rest := len(corpus.problems) - SHOWN_PROBLEMS) > 0 else "")
        + (f". The {corpus.documents:,} documents of its last good version stand" if corpus.documents else "")
        for corpus in broken
    ]
    return CheckOutcome("own_files_can_be_used", False, ". ".join(told), found.head(200))


def every_index_entry_is_read(report: TitlesReport) -> CheckOutcome:
    """No entry of the A–Z index was passed over."""
    found = pd.DataFrame([{"entry": field.found} for field in report.unread])
    passed = not report.unread
    description = f"{report.titles:,} titles read" if passed else f"{len(found)} entries could not be read"
    return CheckOutcome("every_index_entry_is_read", passed, description, None if passed else found)


def occupations(warehouse: Warehouse) -> list[CheckOutcome]:
    """What must hold of parsed.ooh_occupations."""
    return [_one_row_a_page(warehouse), _no_field_is_unread(warehouse), _figures_in_range(warehouse)]


def _one_row_a_page(warehouse: Warehouse) -> CheckOutcome:
    absent = warehouse.read(
        "SELECT url, coalesce(reason, 'not parsed') AS reason FROM raw.ooh_pages"
        " WHERE is_listed AND slug NOT IN (SELECT slug FROM parsed.ooh_occupations) ORDER BY url"
    )
    ((listed, rows),) = warehouse.rows(
        "SELECT (SELECT count(*) FROM raw.ooh_pages WHERE is_listed), (SELECT count(*) FROM parsed.ooh_occupations)"
    )
    return CheckOutcome(
        "every_listed_page_has_a_row",
        listed == rows,
        f"{rows:,} rows for {listed:,} pages in the A–Z index",
        None if absent.empty else absent,
        {"pages in the index": listed, "rows": rows},
        is_error=False,
    )


def _no_field_is_unread(warehouse: Warehouse) -> CheckOutcome:
    unread = warehouse.read("SELECT slug, field, found FROM parsed.ooh_unread ORDER BY field, slug")
    description = "every field that should be on a page was read"
    if len(unread):
        description = (
            f"{unread_fields('slug', unread)}. The pages' earlier rows stand, where there are any; "
            "if the layout has changed, the parser must follow"
        )
    return CheckOutcome("no_field_is_unread", unread.empty, description, None if unread.empty else unread.head(50))


def _figures_in_range(warehouse: Warehouse) -> CheckOutcome:
    outside = warehouse.read(
        """
        SELECT slug, median_pay_annual, median_pay_hourly, jobs, projected_jobs, outlook_pct, base_year, projection_year
        FROM parsed.ooh_occupations
        WHERE NOT coalesce(median_pay_annual BETWEEN 5000 AND 2000000, true)
           OR NOT coalesce(median_pay_hourly BETWEEN 2 AND 1000, true)
           OR NOT coalesce(jobs BETWEEN 0 AND 20000000, true)
           OR NOT coalesce(projected_jobs BETWEEN 0 AND 20000000, true)
           OR NOT coalesce(outlook_pct BETWEEN -100 AND 500, true)
           OR NOT coalesce(projection_year BETWEEN base_year + 1 AND base_year + 20, true)
           OR list_bool_or([NOT regexp_full_match(code, '\\d{2}-\\d{4}') FOR code IN soc_codes])
           OR list_bool_or([NOT regexp_full_match(code, '\\d{2}-\\d{4}\\.\\d{2}') FOR code IN onet_codes])
           OR NOT coalesce(left(soc_code, 2) IN (SELECT unnest(?)), true)
        ORDER BY slug
        """,
        [list(SOC_MAJOR_GROUPS)],
    )
    description = "pay, jobs, change, years and codes lie where they can"
    if len(outside):
        description = f"{len(outside)} pages have a figure or code that cannot be"
    return CheckOutcome("figures_are_in_range", outside.empty, description, None if outside.empty else outside)


def job_total(warehouse: Warehouse) -> CheckOutcome:
    """The pages' jobs agree with the rows of their projections tables that are no totals."""
    apart = warehouse.read(
        """
        SELECT slug, jobs, sum(employment) AS sum_of_rows, count(*) AS rows
        FROM parsed.ooh_occupations JOIN parsed.ooh_projections USING (slug)
        WHERE NOT is_total AND jobs IS NOT NULL
        GROUP BY slug, jobs HAVING abs(jobs - sum(employment)) > ? * count(*) ORDER BY slug
        """,
        [ROUNDING_JOBS_A_ROW],
    )
    ((total,),) = warehouse.rows("SELECT coalesce(sum(jobs), 0)::BIGINT FROM parsed.ooh_occupations")
    description = f"{total:,} jobs; every page agrees with its projections table"
    if len(apart):
        description = f"{total:,} jobs; {len(apart)} pages do not agree with their projections table"
    return CheckOutcome("job_total", apart.empty, description, None if apart.empty else apart, {"jobs": total})


def every_page_has_text(without_text: tuple[str, ...], documents: int) -> CheckOutcome:
    """Every page can be asked about."""
    passed = not without_text
    description = f"{documents:,} documents" if passed else f"{len(without_text)} have no text and are left out"
    found = None if passed else pd.DataFrame({"document": without_text})
    return CheckOutcome("every_page_has_text", passed, description, found)


def scores(warehouse: Warehouse, prompt: str) -> list[CheckOutcome]:
    """What must hold of scored.scores after a prompt was scored.

    What was refused or failed is told of every prompt: it stays in sight when another one is scored.
    """
    unaccounted = warehouse.read(
        "SELECT i.doc_id FROM scored.inputs i ANTI JOIN scored.scores s USING (prompt, doc_id)"
        " WHERE i.prompt = ? ORDER BY i.doc_id",
        [prompt],
    )
    unanswered = warehouse.read(
        "SELECT prompt, doc_id, status, error FROM scored.scores WHERE status != 'ok' ORDER BY prompt, status, doc_id"
    )
    ((documents,),) = warehouse.rows("SELECT count(*) FROM scored.inputs WHERE prompt = ?", [prompt])
    ((rows,),) = warehouse.rows("SELECT count(*) FROM scored.scores")
    by_prompt = unanswered.groupby("prompt").size().items()
    named = first_of(f"{name}: {counted(int(count), 'document')}" for name, count in by_prompt)
    return [
        CheckOutcome(
            "every_document_is_accounted_for",
            unaccounted.empty,
            f"{prompt}: {documents:,} documents to be asked about, {len(unaccounted):,} without a row",
            None if unaccounted.empty else unaccounted.head(50),
            {"documents": documents},
        ),
        CheckOutcome(
            "every_document_has_an_answer",
            unanswered.empty,
            f"refused or failed: {named}" if len(unanswered) else f"all {rows:,} rows hold an answer",
            None if unanswered.empty else unanswered.head(50),
            is_error=False,
        ),
    ]


def answers_are_current(standings: Sequence[PromptStanding]) -> CheckOutcome:
    """The answers that stand are to what files and documents say now, of every prompt that was ever answered.

    Documents that failed are another check's: nothing that was edited calls for asking them again.
    """
    scored = [one for one in standings if one.state is not State.MISSING]
    stale = [one for one in scored if one.state is State.STALE]
    description = f"{counted(len(scored), 'prompt')} answered, every one as it is now"
    if stale:
        named = first_of(f"{one.prompt} ({', '.join(one.reasons)})" for one in stale)
        description = f"{len(stale):,} of {counted(len(scored), 'prompt')} answered before a change: {named}"
    found = pd.DataFrame([{"prompt": one.prompt, "changed since": ", ".join(one.reasons)} for one in stale])
    return CheckOutcome("answers_are_current", not stale, description, found if stale else None)


def copy_of_ledger(warehouse: Warehouse) -> CheckOutcome:
    """The ledger's tables in the warehouse are what the ledger holds, as of the last run that ended."""
    found = differences(open_ledger(warehouse), warehouse)
    clauses = (f"{one.table}, {one.figure}: {one.warehouse:,.0f}, not {one.ledger:,.0f}" for one in found)
    return CheckOutcome(
        "the_copy_of_the_ledger_agrees",
        not found,
        f"the warehouse differs from the ledger ({first_of(clauses)}): `exposure check --rebuild` makes the copy anew"
        if found
        else "the warehouse holds what the ledger does",
        is_error=False,
    )


def rankings(warehouse: Warehouse, prompt: str) -> list[CheckOutcome]:
    """What must hold of one prompt's rows in ranked.rankings: nothing lost, ranks and scores in range."""
    ((scored, ranked, lost, outside, untitled),) = warehouse.rows(
        """
        SELECT (SELECT count(*) FROM scored.scores WHERE prompt = $prompt),
               count(*),
               count(*) FILTER (status = 'ok' AND rank IS NULL),
               count(*) FILTER (NOT coalesce(score BETWEEN (d.definition->>'$.scale_low')::DOUBLE
                                                   AND (d.definition->>'$.scale_high')::DOUBLE, true)
                                OR NOT coalesce(percentile BETWEEN 0 AND 100, true)
                                OR NOT coalesce(rank >= 1, true)),
               count(*) FILTER (rank IS NOT NULL AND tier IS NULL AND len(d.definition->'$.tiers'->>'$[*]') > 0)
        FROM ranked.rankings JOIN ranked.definitions d USING (prompt) WHERE prompt = $prompt
        """,
        {"prompt": prompt},
    )
    return [
        CheckOutcome(
            "every_score_is_ranked",
            scored == ranked and lost == 0,
            f"{prompt}: {scored:,} standing rows, {ranked:,} ranked rows, {lost:,} answers without a rank",
        ),
        CheckOutcome(
            "scores_lie_on_the_scale",
            outside == 0 and untitled == 0,
            f"{prompt}: {outside:,} rows outside the scale, {untitled:,} scores in no tier",
        ),
    ]


def groups_add_up(warehouse: Warehouse, prompt: str) -> CheckOutcome:
    """Every grouping is there and counts each document once (thresholds, which overlap, apart)."""
    off = warehouse.read(
        """
        SELECT wanted.grouping, coalesce(sum(occupations), 0)::BIGINT AS occupations,
               coalesce(sum(jobs), 0)::BIGINT AS jobs
        FROM (SELECT unnest($groupings) AS grouping
              UNION ALL SELECT 'quadrant' FROM ranked.definitions
              WHERE prompt = $prompt AND (definition->>'$.quadrants') IS NOT NULL) wanted
        LEFT JOIN ranked.summaries s ON s.grouping = wanted.grouping AND s.prompt = $prompt
        GROUP BY wanted.grouping
        HAVING occupations != (SELECT count(*) FROM ranked.rankings WHERE prompt = $prompt)
            OR jobs != (SELECT coalesce(sum(jobs), 0) FROM ranked.rankings WHERE prompt = $prompt)
        ORDER BY wanted.grouping
        """,
        {"prompt": prompt, "groupings": list(GROUPINGS_THAT_ADD_UP)},
    )
    description = f"{prompt}: every grouping adds up to all documents and jobs"
    if len(off):
        description = f"{prompt}: {len(off)} groupings do not add up to all documents and jobs"
    return CheckOutcome("groups_add_up", off.empty, description, None if off.empty else off)
