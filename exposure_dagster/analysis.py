"""A home as an analyst sees it: frames of what stands in the warehouse, and a way to run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from exposure_dagster.core.errors import PromptError, WarehouseError
from exposure_dagster.core.hints import meant
from exposure_dagster.settings import Settings, load_settings
from exposure_dagster.store.warehouse import Warehouse


@dataclass(frozen=True)
class Home:
    """What was fetched, asked and ranked. Every frame is read anew, in one moment, and holds no lock afterwards.

    Columns and their units are those of the data dictionary that is published beside the files. Methods raise
    WarehouseError where nothing was run yet, and PromptError for a question of which nothing stands.
    """

    settings: Settings

    @classmethod
    def of(cls, home: str | Path | None) -> Home:
        """The home at a path, with the settings otherwise as the environment has them.

        A path means what lies there: what several machines share is read where no path is given.
        """
        if home is None:
            return cls(load_settings())
        return cls(Settings(home=Path(home).expanduser().resolve(), database_url=None, data_url=None))

    @property
    def path(self) -> Path:
        return self.settings.home

    def questions(self) -> pd.DataFrame:
        """The questions of which scores stand: question, title, corpus, scorers, documents, scored."""
        return self.sql(
            "SELECT s.prompt AS question, any_value(p.title) AS title, any_value(p.corpus) AS corpus,"
            " list(DISTINCT s.scorer ORDER BY s.scorer) AS scorers, count(*) AS documents,"
            " count(*) FILTER (s.status = 'ok') AS scored"
            " FROM scored.scores s LEFT JOIN scored.prompts p USING (prompt) GROUP BY 1 ORDER BY 1"
        )

    def ranking(self, question: str) -> pd.DataFrame:
        """A row a document, by rank: title, score, tier, jobs, pay, rationale, who answered …"""
        return self._of("ranked.rankings", question, "rank NULLS LAST, doc_id")

    def uncertainty(self, question: str) -> pd.DataFrame:
        """A row a document with a score: standard error, 90 % interval of score and rank, and what they come from."""
        return self._of("ranked.uncertainty", question, "doc_id")

    def totals(self, question: str) -> pd.DataFrame:
        """Jobs, wages and job-weighted means with their intervals, by grouping and group."""
        return self._of("ranked.summaries", question, "ALL")

    def answers(self, question: str) -> pd.DataFrame:
        """Every accepted answer of a model behind the scores: a row an answer, with its sample, variant and place."""
        from exposure_dagster.pipeline.ranked import stored_definition
        from exposure_dagster.pipeline.samples import standing_answers

        self._of("ranked.rankings", question, "doc_id")
        with self._warehouse().snapshot() as now:
            return standing_answers(now, question, stored_definition(now, question))

    def changes(self, question: str, *, before: str | None = None, after: str | None = None) -> pd.DataFrame:
        """What moved between two versions of the answers, the largest shifts first.

        A version is named by the beginning of its prompt hash, or by its number; left out, they are the latest one and
        the one before that was asked otherwise. Raises PromptError where there are no two.
        """
        from exposure_dagster.pipeline.history import compare

        return compare(self._warehouse(), question, before=before, after=after).changes

    def agreement(self, question: str) -> pd.DataFrame:
        """How far the scores agree with each index that is set: correlations with intervals, coverage, expectations."""
        return self._of("ranked.agreement", question, "reference, subset")

    def disagreements(self, question: str) -> pd.DataFrame:
        """Where scores and indices lie furthest apart, by percentiles."""
        return self._of("ranked.disagreements", question, "abs(gap) DESC, doc_id")

    def status(self) -> pd.DataFrame:
        """How each prompt file stands: prompt, state, why, documents, requests that a run would send."""
        from exposure_dagster.cli.prompts import load_prompts
        from exposure_dagster.pipeline.inputs import choice_of
        from exposure_dagster.pipeline.standing import standing_table, standings

        folder = load_prompts(self.settings)
        return standing_table(standings(self.settings.warehouse, folder, choice_of(self.settings)))

    def run(self, *questions: str, distil: int = 0, ask_again: bool = False) -> None:
        """Fetch, ask what is stale, rank and publish, as `exposure run --yes` does; the budgets decide what is spent.

        Without a name it is all questions that are enabled.
        """
        from exposure_dagster.cli.run import run_pipeline

        run_pipeline(self.settings, names=questions, distil=distil, ask_again=ask_again, is_confirmed=True)

    def sql(self, query: str) -> pd.DataFrame:
        """The rows of a DuckDB query over the warehouse, which it cannot change. (`COPY … TO` writes files.)

        Raises WarehouseError for more than one statement.
        """
        if len(duckdb.extract_statements(query)) > 1:
            raise WarehouseError("it is more than one statement", where=query, remedy="Ask one after the other.")
        return self._warehouse().read(query)

    def _of(self, table: str, question: str, order: str) -> pd.DataFrame:
        found = self._warehouse().read(f"SELECT * FROM {table} WHERE prompt = ? ORDER BY {order}", [question])
        if found.empty:
            self._refuse_unknown(question, set(self.questions()["question"]))
        return found

    def _refuse_unknown(self, question: str, known: Collection[str]) -> None:
        if question not in known:
            raise PromptError(
                f"no scores of {question} stand{meant(question, known)}",
                where=str(self.path),
                remedy=f"There are scores of {', '.join(sorted(known))}." if known else "Run it first.",
            )

    def _warehouse(self) -> Warehouse:
        warehouse = self.settings.warehouse
        if not warehouse.exists:
            raise WarehouseError("nothing was run in this home yet", where=str(self.path), remedy="Call `run()`.")
        return warehouse
