"""What must hold of a user's own documents."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.core.checks import SHOWN_PROBLEMS, CheckOutcome
from exposure_dagster.corpora.own.reading import OwnDocumentsReport


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
