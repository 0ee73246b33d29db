"""What must hold of prompts, answers and rankings, as plain functions over the warehouse.

Each returns outcomes that say what was expected and what was found; assets report them as asset
checks. A check that cannot be run raises: it never counts as passed or failed. What must hold of a corpus's tables
stands in its folder.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from exposure_dagster.core.checks import CheckOutcome, first_of
from exposure_dagster.core.progress import counted
from exposure_dagster.pipeline.standing import PromptStanding, State
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.ranking.summaries import GROUPINGS_THAT_ADD_UP
from exposure_dagster.scoring.mirror import differences, open_ledger
from exposure_dagster.store.warehouse import Warehouse


def prompt_files_can_be_used(folder: PromptFolder) -> CheckOutcome:
    """No prompt file is broken; each that is, is named with what is wrong."""
    problems = [problem for broken in folder.broken for problem in broken.problems]
    if not problems:
        return CheckOutcome("prompt_files_can_be_used", True, f"{len(folder.prompts)} prompt files can be used")
    found = pd.DataFrame([{"file": p.file, "line": p.line, "problem": p.summary} for p in problems])
    names = ", ".join(broken.name for broken in folder.broken)
    return CheckOutcome("prompt_files_can_be_used", False, f"broken: {names}; the others are unaffected", found)


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


def ranking_can_be_recomputed(warehouse: Warehouse, prompt: str) -> CheckOutcome:
    """Every final_ranking of one prompt's rows in ranked.resilience follows from the figures beside it."""
    off = warehouse.read(
        """
        WITH formula AS (
            SELECT (definition->>'$.resilience.scale[0]')::DOUBLE AS low,
                   (definition->>'$.resilience.scale[1]')::DOUBLE AS high,
                   (definition->>'$.resilience.signals.score')::DOUBLE AS score,
                   (definition->>'$.resilience.signals.growth')::DOUBLE AS growth,
                   (definition->>'$.resilience.signals.openings')::DOUBLE AS openings
            FROM ranked.definitions WHERE prompt = $prompt
        )
        SELECT onet_code, ai_proof_score, growth_norm, openings_norm, final_ranking,
               f.score * (ai_proof_score - low) / (high - low) + f.growth * coalesce(growth_norm, 0)
               + f.openings * coalesce(openings_norm, 0) AS recomputed
        FROM ranked.resilience, formula f
        WHERE prompt = $prompt AND ai_proof_score IS NOT NULL
          AND (final_ranking IS NULL OR rank IS NULL OR abs(recomputed - final_ranking) > 0.00051)
        ORDER BY onet_code
        """,
        {"prompt": prompt},
    )
    ((rows, scored),) = warehouse.rows(
        "SELECT count(*), count(ai_proof_score) FROM ranked.resilience WHERE prompt = ?", [prompt]
    )
    description = f"{prompt}: {scored:,} of {rows:,} occupations scored, and every ranking recomputed"
    if len(off):
        description = f"{prompt}: {len(off):,} rankings do not follow from the figures beside them"
    return CheckOutcome("ranking_can_be_recomputed", off.empty, description, None if off.empty else off.head(50))


def no_job_is_counted_twice(warehouse: Warehouse) -> CheckOutcome:
    """The shares of each page's O*NET codes add up to the page's own jobs, within BLS's rounding."""
    apart = warehouse.read(
        "SELECT DISTINCT slug, jobs, onet_jobs FROM ranked.occupations"
        " WHERE abs(jobs - onet_jobs) > greatest(1000, 0.01 * jobs) ORDER BY slug"
    )
    ((jobs, shared),) = warehouse.rows(
        "SELECT coalesce(sum(jobs), 0)::BIGINT, coalesce(sum(onet_jobs), 0)::BIGINT"
        " FROM (SELECT DISTINCT slug, jobs, onet_jobs FROM ranked.occupations) WHERE onet_jobs IS NOT NULL"
    )
    description = f"{shared:,} jobs shared out over O*NET codes, {jobs:,} on their pages"
    return CheckOutcome(
        "no_job_is_counted_twice", apart.empty, description, None if apart.empty else apart, is_error=False
    )
