"""The registry of corpora: what there is to ask about, where it is fetched from, and by which steps it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from exposure_dagster.core.tables import Table
from exposure_dagster.corpora import KNOWN_CORPORA, OF_PARTS, SECTIONS
from exposure_dagster.corpora.corpus import Corpus, Publisher, Source, Step
from exposure_dagster.corpora.onet.corpus import PUBLISHER as ONET
from exposure_dagster.corpora.ooh.corpus import PUBLISHER as OOH
from exposure_dagster.corpora.own.corpus import PUBLISHER as OWN
from exposure_dagster.corpora.own.corpus import own_corpus

if TYPE_CHECKING:
    import pandas as pd

PUBLISHERS: tuple[Publisher, ...] = (OOH, ONET, OWN)

CORPORA: dict[str, Corpus] = {corpus.name: corpus for publisher in PUBLISHERS for corpus in publisher.corpora}
"""The corpora that come with the project, by name; a user's own stand beside them."""

assert tuple(CORPORA) == KNOWN_CORPORA
assert tuple(name for name, corpus in CORPORA.items() if corpus.parts_of) == OF_PARTS
assert {
    name: tuple(section.name for section in corpus.sections) for name, corpus in CORPORA.items() if corpus.sections
} == SECTIONS

SOURCES: tuple[Source, ...] = tuple(source for publisher in PUBLISHERS for source in publisher.sources)
STEPS: tuple[Step, ...] = tuple(step for publisher in PUBLISHERS for step in publisher.steps)
(JOINED_ON,) = (corpus for corpus in CORPORA.values() if corpus.is_joined_on)
"""The corpus whose documents are the rows of ranked.occupations."""

((MATCHED_WITH, ROLE_INDEX),) = ((corpus, corpus.role_index) for corpus in CORPORA.values() if corpus.role_index)
"""The corpus whose documents are the occupations of a user's roles, and what they are found by."""


Attribution = tuple[str, str | None, str | None]
"""Source, address, and licence with what is taken from it."""


def attributions_of(names: Iterable[str], shown: Mapping[str, pd.DataFrame]) -> tuple[Attribution, ...]:
    """Who is credited for what these corpora show: `shown` has, by corpus, the rows of its `SiteView.query`."""
    wanted = set(names)
    found: dict[Attribution, None] = {}
    for publisher in PUBLISHERS:
        if any(corpus.name in wanted for corpus in publisher.corpora):
            found.update(dict.fromkeys(publisher.attributions))
    for corpus in corpora_of(wanted):
        if corpus.credited is not None and corpus.name in shown:
            found.update(dict.fromkeys(corpus.credited(shown[corpus.name])))
    return tuple(found)


def corpus_of(name: str) -> Corpus:
    """The corpus of that name: one that comes with the project, else a user's own."""
    return CORPORA.get(name) or own_corpus(name)


def corpora_of(names: Iterable[str]) -> list[Corpus]:
    """The corpora of these names, those that come with the project first, each once."""
    wanted = set(names)
    return [*(c for c in CORPORA.values() if c.name in wanted), *map(own_corpus, sorted(wanted - CORPORA.keys()))]


FACT_TABLES: tuple[Table, ...] = tuple(
    dict.fromkeys(
        [
            *(table for corpus in CORPORA.values() for table in (*corpus.tables, *corpus.joined)),
            *(table for step in OWN.steps for table in step.tables),
        ]
    )
)
"""What documents and their facts are made from."""
