"""What is published, as records: all that a publication is made from, and the digest of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.core.characters import harmless
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.registry import CORPORA, JOINED_ON, MATCHED_WITH, Attribution, attributions_of
from exposure_dagster.prompts.composites import Composite
from exposure_dagster.prompts.model import AskedPrompt, RankingDefinition
from exposure_dagster.publishing.tables import ROLE_OCCUPATIONS
from exposure_dagster.store.spool import Spool
from exposure_dagster.tables import OCCUPATIONS

BASELINE_NOTE = (
    "Scores whose scorer is “baseline” are estimates of the bundled baseline (text statistics, no language model). "
    "They stand in until a model is asked, and are not that model's answers."
)

BASELINE_QUADRANTS_NOTE = (
    "Quadrants need a model: the baseline estimates both of their numbers from the same words, so that they rise and "
    "fall together, and hardly anything is high on the one and low on the other."
)

BASELINE_METHOD = (
    "The baseline averages three things: the balance of the prompt's listed words in the parts of a text that are "
    "about the work; what all other texts teach of that balance; and, at half the weight, an axis between the "
    "examples of the levels. What each example gets without itself brings the average to the scale and says how far "
    "an estimate errs. Measured with the bundled question of exposure to AI against published scores of 185 pages "
    "that are no examples: rank correlation .91 (90 % interval .88 to .93), mean absolute error .74 of 10 "
    "points (.67 to .82). By its examples an estimate errs by 1.16; an interval of nominal 80 % holds 88 % of those "
    "scores, one of nominal 90 % 95 %. With the bundled question about single tasks, against people's labels: rank "
    "correlation .54 on tasks and .84 on the occupations that they are rolled up to. Those pages were seen while it "
    "was made: on others the version before reached .85. Other questions have not been measured. Where a model was "
    "asked about some documents alone, the others are estimated from its answers by ridge regression on the same "
    "texts. With published scores standing in for a model, 60 answers estimate the other pages at a rank correlation "
    "of .92 (mean absolute error .66) and put the job-weighted mean within a standard error of .06."
)
"""How estimates are made and how good they are, by benchmarks/baseline.py: whoever changes the baseline measures it."""

SAMPLE_NOTE = (
    "The pages are those of the bundled sample: 30 occupations, with real figures and texts that were written for "
    "the sample. Nothing here is a finding."
)

METHOD = (
    "Ranks run from the highest score, or from the highest final ranking where a prompt has a resilience formula; ties "
    "share the lowest number. A tier is that of the score rounded to a whole number, halves up; tiers that are given "
    "in fractions reach up to where the next begins. Wages are jobs × median annual pay, and are missing where either "
    "is: pages that print hourly pay alone have no annual pay here and nothing is imputed; where pay is a lower bound "
    "(“at least”), wages are one too. A job-weighted mean is Σ jobs·score / Σ jobs over the scored occupations whose "
    "jobs are known. Occupations that lack a figure stand in a group of their own."
)
"""How figures in a publication are made, for those who read it without the documentation."""

CAVEATS = (
    "A score says how far the question applies to the work as described. It is no forecast of job losses: how "
    "demand answers to lower prices, what law, unions and custom allow, what customers prefer and how fast firms "
    "adopt are all left out, and within an occupation people do very different work."
)

PUBLICATION_VERSION = f"{__version__}.7"
"""Of what makes a publication of its content. Its last number is raised by whoever changes the files that the same
content gives: it is then published anew."""


MOST_SHOWN = 8_000
"""Documents of a corpus that the site shows: of a longer list those with the most jobs. A page that held a million
would take a browser's whole memory; the exported files and the API have them all."""

MOST_HELD = 20_000
"""Rows of a published table that are held in memory: of a longer one those of the documents that the site shows."""


@dataclass(frozen=True)
class WholeTable:
    """A table that is too long to be held: where its rows are, in their order, how many, and a digest of them."""

    spool: Spool
    rows: int
    digest: str


@dataclass(frozen=True)
class PublishedPrompt:
    """One prompt's results: its question, how it is ranked, and its rows of the ranked tables.

    `out_of_date` says why they are not what the prompt's file asks for now, where its file cannot be used. Of very many
    rows `rankings` has those that the site shows, `whole` all of them, and `answered` who answered them and when.
    """

    name: str
    asked: AskedPrompt
    definition: RankingDefinition
    rankings: pd.DataFrame
    summaries: pd.DataFrame
    out_of_date: str | None = None
    corpus: str = JOINED_ON.name
    is_enabled: bool = True
    whole: WholeTable | None = None
    answered: pd.DataFrame | None = None

    @property
    def documents(self) -> int:
        """How many are ranked, whether they are held or not."""
        return len(self.rankings) if self.whole is None else self.whole.rows

    @property
    def _answered(self) -> pd.DataFrame:
        return self.rankings if self.answered is None else self.answered

    @property
    def scorers(self) -> tuple[str, ...]:
        """Who answered: one name, or several where answers of different scorers stand side by side."""
        return tuple(sorted(self._answered["scorer"].dropna().unique()))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted(self._answered["model"].dropna().unique()))

    @property
    def answered_by(self) -> str | None:
        """The models as people read them, those that estimated apart where others answered; None where nobody did."""
        is_estimate = self._answered["scorer"] == "baseline"
        answered, estimated = (
            " and ".join(sorted(self._answered.loc[which, "model"].dropna().unique()))
            for which in (~is_estimate, is_estimate)
        )
        if answered and estimated:
            return f"{answered}, the others estimated by {estimated}"
        return answered or estimated or None

    @property
    def has_baseline_scores(self) -> bool:
        return "baseline" in self.scorers

    @property
    def baseline_note(self) -> str | None:
        """What must be known of scores that are the baseline's; None where there are none."""
        if not self.has_baseline_scores:
            return None
        return BASELINE_NOTE if self.definition.quadrants is None else f"{BASELINE_NOTE} {BASELINE_QUADRANTS_NOTE}"

    @property
    def scored_at(self) -> datetime | None:
        latest = self._answered["scored_at"].max()
        return None if pd.isna(latest) else latest.to_pydatetime()

    @property
    def digest(self) -> str:
        """Digest of all that is published of the prompt."""
        return content_hash(
            [
                self.name,
                self.asked.model_dump(mode="json"),
                self.definition.model_dump(mode="json"),
                self.rankings.to_csv(index=False) if self.whole is None else self.whole.digest,
                self.summaries.to_csv(index=False),
                self.out_of_date,
                self.corpus,
                self.is_enabled,
            ]
        )


@dataclass(frozen=True)
class PublishedTable:
    """A table that is published as `stem` .csv, .parquet and .json, below the folder of its prompt if it has one.

    `rows` are in the order in which they are written, with the columns that are; of very many rows those about
    documents that the site shows, and `whole` are all.
    """

    table: Table
    stem: str
    rows: pd.DataFrame
    prompt: str | None = None
    whole: WholeTable | None = None

    @property
    def path(self) -> str:
        """The files' path in the publication, without the ending."""
        return self.stem if self.prompt is None else f"{self.prompt}/{self.stem}"

    @property
    def digest(self) -> str:
        """Digest of all that is published of it."""
        return content_hash([self.path, self.rows.to_csv(index=False) if self.whole is None else self.whole.digest])


@dataclass(frozen=True)
class Addresses:
    """Where others find the site, with a slash at its end, and the code; None where it is not known."""

    site: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class PublishedContent:
    """Everything that one publication holds: files and site.

    `shown` has for each corpus that is published, and for the one that occupations are joined on, what the site shows
    of its documents: the rows of its `SiteView.query`; `titles` other titles that its documents go by (title, doc_id),
    where there are any. `changes` is ranked.changes, for all prompts; it may be empty, as may `history`, the
    scores of the latest versions of prompts that have several (prompt, version, versioned_at, model, doc_id, score).
    `index_credits` are of the
    indices that scores are held against, `index_values` what these say of documents: index, corpus, doc_id, value.
    `addresses` are those that the site's pages are to name. `cut` has for each corpus that is too long to be shown
    whole how many documents it has; `shown` then has `MOST_SHOWN` of them. `composites` are those whose rows are among
    the tables; `left_out` says of others why they cannot be made.
    """

    prompts: tuple[PublishedPrompt, ...]
    is_sample: bool = False
    tables: tuple[PublishedTable, ...] = ()
    shown: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    titles: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    changes: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    index_credits: tuple[Attribution, ...] = ()
    index_values: pd.DataFrame = field(default_factory=pd.DataFrame)
    addresses: Addresses = Addresses()
    composites: tuple[Composite, ...] = ()
    left_out: tuple[str, ...] = ()
    cut: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def sources(self) -> tuple[Attribution, ...]:
        """Who is credited: the sources of what is shown, and of no more."""
        names = {prompt.corpus for prompt in self.prompts}
        joined = {OCCUPATIONS.name, *(export.table.name for export in JOINED_ON.exports)}
        if any(table.table.name in joined for table in self.tables):
            names |= CORPORA.keys()
        if any(table.table is ROLE_OCCUPATIONS for table in self.tables):
            names.add(MATCHED_WITH.name)
        return (*attributions_of(names, self.shown), *self.index_credits)

    @cached_property
    def digest(self) -> str:
        """Name of the publication: the same content, written by the same version, has the same name."""
        parts = [prompt.digest for prompt in self.prompts] + [table.digest for table in self.tables]
        frames = [frame.sort_values("doc_id").to_csv(index=False) for _, frame in sorted(self.shown.items())]
        frames += [frame.to_csv(index=False) for _, frame in sorted(self.titles.items())]
        frames.append(self.changes.to_csv(index=False))
        frames += [self.history.to_csv(index=False)] if len(self.history) else []
        frames.append(self.index_values.to_csv(index=False))
        presented = [self.addresses.site, self.addresses.code, *(one.model_dump() for one in self.composites)]
        return content_hash([PUBLICATION_VERSION, self.is_sample, parts, frames, presented])[:16]


def listed_sources(sources: Iterable[Attribution]) -> list[dict[str, str | None]]:
    """The sources, as files and pages have them."""
    return [{"source": source, "url": url, "licence": licence} for source, url, licence in sources]


def source_lines(sources: Iterable[Attribution]) -> list[str]:
    """The sources as lines of Markdown."""
    return [
        f"- {source}{f': <{url}>' if url else ''}.{f' {licence}' if licence else ''}"
        for source, url, licence in sources
    ]


def harmless_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, without the characters of its texts (those in lists too) that act instead of being read."""
    changed: dict[str, Any] = {}
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            before = list(frame[name])
            after = [_harmless(value) for value in before]
            if any(old is not new for old, new in zip(before, after, strict=True)):
                changed[str(name)] = pd.Series(after, index=frame.index, dtype=frame[name].dtype)
    return frame.assign(**changed)


def _harmless(value: Any) -> Any:
    """The same object, where nothing is to be taken out of it."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, list | np.ndarray):
        after = [_harmless(one) for one in value]
        return after if any(old is not new for old, new in zip(value, after, strict=True)) else value
    return value
