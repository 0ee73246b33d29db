"""The contract: what the rest of the project has to know of a corpus, and all that it knows.

A corpus is what prompts ask about: one document an occupation, a task, a role. Its folder holds how it is fetched,
read and checked; one `Corpus` hands that on as values, and `registry.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.lineage import Origins
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.core.tables import Table

if TYPE_CHECKING:  # what a corpus is, is known without what reads it
    import pandas as pd

    from exposure_dagster.core.checks import CheckOutcome
    from exposure_dagster.corpora.own.names import OwnCorpus
    from exposure_dagster.matching.matcher import KnownOccupation
    from exposure_dagster.sources.fetching import Fetcher
    from exposure_dagster.sources.kept import FetchReport
    from exposure_dagster.sources.sites import Site
    from exposure_dagster.store.warehouse import Warehouse

FACTS = (
    *("doc_id", "title", "category", "jobs", "jobs_basis", "pay_annual", "pay_currency", "pay_basis"),
    *("pay_is_top_coded", "education", "outlook_pct", "outlook_desc", "url", "soc_code", "soc_codes", "onet_codes"),
    *("parent", "figures"),
)
"""Columns of parsed.document_facts that a corpus fills; what it does not know is null."""


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """What a source is fetched with. `settings` are those that sources read, by name."""

    warehouse: Warehouse
    site: Site
    fetcher: Fetcher
    refetch_after_hours: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = NO_PROGRESS


def _nothing(_: Warehouse) -> Sequence[CheckOutcome]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """A raw table that is filled over the network or from a folder of pages.

    `checks` describes, by name, the checks whose outcomes `look` gives; that of missing pages is every source's.
    """

    table: Table
    description: str
    fetch: Callable[[Fetching], FetchReport]
    after: tuple[Table, ...] = ()
    kinds: tuple[str, ...] = ("duckdb",)
    checks: Mapping[str, str] = field(default_factory=dict)
    look: Callable[[Warehouse], Sequence[CheckOutcome]] = _nothing
    is_slow: bool = False
    """Takes long to fetch, and others stand in for it: a rehearsal takes it as it stands."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a step reads with. `own_corpora` are the files that EXPOSURE_DOCUMENTS names."""

    warehouse: Warehouse
    progress: Progress = NO_PROGRESS
    own_corpora: Sequence[OwnCorpus] = ()


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What became of a table. `digest` changes if and only if its content did; `note` is what a reader should know."""

    table: Table
    digest: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    outcomes: Sequence[CheckOutcome] = ()
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """Fills tables from tables, or from files of the user's. `checks` describes them by the full name of the table."""

    name: str
    description: str
    tables: tuple[Table, ...]
    read: Callable[[Reading], Sequence[Filled]]
    after: tuple[Table, ...] = ()
    kinds: tuple[str, ...] = ("duckdb",)
    code_version: str | None = None
    checks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alerts: tuple[tuple[Table, str], ...] = ()
    """Checks of which somebody should be told when they fail."""


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """How the site shows a corpus: a set of documents that share a map.

    `query` gives a row a document, by `doc_id`: the facts, and whatever else the page shows of it. `head` makes what
    is said of the set as a whole, `columns` what stands beside the facts of every set, both from these rows.
    `figures` says of outlook, pay and education where they come from.
    """

    note: str
    query: str
    figures: Mapping[str, str]
    head: Callable[[pd.DataFrame], dict[str, Any]]
    columns: Callable[[pd.DataFrame], dict[str, Any]] = lambda rows: {}
    category: Callable[[Any], str | None] = lambda name: name
    category_column: str = "category"
    link: str | None = None
    """What a link to a document's page is called."""
    shows_unranked: bool = False
    """Documents that no prompt asked about have a tile too."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """A table of the corpus's own that is published as `stem` .csv, .parquet and .json."""

    table: Table
    stem: str
    query: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """More that is known of documents, under a heading: shown with a document, and part of the text that is asked about
    where a prompt includes it by `name`.

    `query`: doc_id and items, a list of texts of which the first say most; documents without any are left out.
    `made_from` is the column that the items stand in. With `names_relatives` the items are titles of other documents of
    the corpus, the nearest relative first.
    """

    name: str
    title: str
    query: str
    made_from: str
    names_relatives: bool = False


@dataclass(frozen=True, kw_only=True)
class RoleIndex:
    """What roles of a user's own are matched with: the documents of a corpus, as occupations with their titles.

    Queries of a code and what is known of it: `names` the name and a description, `titles` a title, `duties` a
    sentence, `neighbours` a relative's name and its place, 1 for the nearest. `tables` are what roles are matched by;
    `made_from` their columns. `of_saved` reads the same from the release that `setting` names.
    """

    names: str
    titles: str
    duties: str
    neighbours: str
    tables: tuple[Table, ...]
    made_from: tuple[str, ...]
    setting: str
    of_saved: Callable[[Path], Sequence[KnownOccupation]]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """All that is known of a corpus. Queries are SQL over the warehouse, each row a document.

    `documents`: doc_id, title, text. `facts`: `FACTS`. `other_titles`: title, doc_id; titles that a document also goes
    by. `provenance`: doc_id, url, content_sha256, fetched_at of what its text was read from. `occupations`: doc_id,
    slug; to which documents of the corpus that occupations are joined on each belongs.

    `about_work` are the beginnings of the headings (of level two) under which the texts speak of the work itself, and
    not of pay or prospects: the baseline, which has no judgment, reads those alone. Without any it reads all of a text.
    A model is always sent the whole.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    documents: str
    facts: str
    provenance: str
    document_lineage: Origins
    facts_lineage: Origins
    site: SiteView
    joined: tuple[Table, ...] = ()
    """Tables that join it with other corpora: made again from what stands, so that nothing else is fetched for it."""
    other_titles: str | None = None
    occupations: str | None = None
    sections: tuple[Section, ...] = ()
    about_work: tuple[str, ...] = ()
    exports: tuple[Export, ...] = ()
    published_from: tuple[str, ...] = ()
    """Queries of all that a publication reads of the corpus besides its facts."""
    parts_of: str | None = None
    """Its documents are parts of those of that corpus (`parent`), to which their scores can be rolled up."""
    is_joined_on: bool = False
    """Its documents are the rows of ranked.occupations, and the site opens with it. One corpus is."""
    credited: Callable[[pd.DataFrame], tuple[tuple[str, str | None, str | None], ...]] | None = None
    """Sources that its documents name, of the rows of its `SiteView.query`, beside the attributions of its publisher:
    title, address and licence, as far as they are known."""
    role_index: RoleIndex | None = None
    """A user's own documents are matched with its documents. One corpus has such an index."""
    document_example: str | None = None
    """What an id of its documents looks like, for messages."""


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """What a folder of this package brings: raw tables, the steps that read them, corpora, and where they come from.

    `attributions` are source, address, licence and what is taken from it.
    """

    sources: tuple[Source, ...] = ()
    steps: tuple[Step, ...] = ()
    corpora: tuple[Corpus, ...] = ()
    lineage: Mapping[str, Origins] = field(default_factory=dict)
    attributions: tuple[tuple[str, str, str], ...] = ()
