"""What must hold of a user's own documents."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from exposure_dagster.core.checks import SHOWN_PROBLEMS, CheckOutcome
from exposure_dagster.corpora.own.files import RowProblem
from exposure_dagster.corpora.own.reading import OwnDocumentsReport

SHOWN_LINES = 10
"""Lines that are named of the mistakes of one kind."""


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
        f"{corpus.corpus} ({corpus.file}): {'; '.join((kinds := grouped(corpus.problems))[:SHOWN_PROBLEMS])}"
        + (f"; and {rest} more kinds of mistake" if (rest := len(kinds) - SHOWN_PROBLEMS) > 0 else "")
        + (f". The {corpus.documents:,} documents of its last good version stand" if corpus.documents else "")
        for corpus in broken
    ]
    return CheckOutcome("own_files_can_be_used", False, ". ".join(told), found.head(200))


def grouped(problems: Sequence[RowProblem]) -> list[str]:
    """A sentence for each kind of mistake, with the first one in full and the lines of the others, up to a bound."""
    kinds: dict[str, list[RowProblem]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind or problem.what, []).append(problem)
    return [_of_kind(found) for found in kinds.values()]


def _of_kind(found: Sequence[RowProblem]) -> str:
    first, *others = found
    if not others:
        return str(first)
    lines = ", ".join(str(one.line) for one in others[:SHOWN_LINES])
    rest = len(others) - SHOWN_LINES
    more = f" and {rest:,} more" if rest > 0 else ""
    return f"{first} (likewise in line{'s' if len(others) > 1 else ''} {lines}{more})"
