"""The jobs, and the parts of the graph that they run."""

from __future__ import annotations

from collections.abc import Collection

from dagster import AssetKey, AssetSelection, define_asset_job

from exposure_dagster.core.tables import Table
from exposure_dagster.corpora.registry import CORPORA, STEPS
from exposure_dagster.corpora.registry import SOURCES as SOURCES_OF_CORPORA
from exposure_dagster.indices.tables import INDEX_VALUES, INDICES
from exposure_dagster.tables import DOCUMENT_FACTS, DOCUMENTS, MATCHES, OCCUPATIONS, RANKING_INPUTS, TEXTS

SOURCES_JOB = "refresh_sources"
SCORING_JOB = "score_prompts"
RANKING_JOB = "rank_prompts"
INPUTS_JOB = "collect_inputs"
PUBLISHING_JOB = "publish"
EVERYTHING_JOB = "everything"

SOURCES = AssetSelection.groups("raw", "parsed")
SCORING = AssetSelection.groups("scored", "ranked").materializable()
RANKING = AssetSelection.groups("ranked").materializable()
ACROSS_PROMPTS = AssetSelection.assets(AssetKey([OCCUPATIONS.schema, OCCUPATIONS.name]), AssetKey(["ranked", "digest"]))
PUBLISHING = AssetSelection.groups("published") | ACROSS_PROMPTS

SLOW_SOURCES = AssetSelection.assets(
    *(AssetKey([source.table.schema, source.table.name]) for source in SOURCES_OF_CORPORA if source.is_slow)
)
"""What takes long to fetch and others stand in for: a rehearsal takes it as it stands."""

INPUTS_KEY = AssetKey(["scored", "inputs"])
SCORES_KEY = AssetKey(["scored", "scores"])
RANKING_INPUTS_KEY = AssetKey([RANKING_INPUTS.schema, RANKING_INPUTS.name])

RETRIED_ONCE = {"dagster/max_retries": "1"}
"""Of a run whose process died. A job that spends is not begun again by itself."""


def sources_of(corpora: Collection[str]) -> AssetSelection:
    """The part of the sources that the given corpora need. Own documents and indices cost nothing to read: always
    among them."""
    tables = [table for corpus in corpora if corpus in CORPORA for table in CORPORA[corpus].tables]
    fetched = _assets(tables).upstream().required_multi_asset_neighbors().upstream()
    joined = [table for corpus in CORPORA.values() for table in corpus.joined]
    own = [table for step in STEPS if not step.after for table in step.tables]
    return fetched | _assets([*joined, *own, DOCUMENTS, TEXTS, DOCUMENT_FACTS, MATCHES, INDICES, INDEX_VALUES])


def _assets(tables: Collection[Table]) -> AssetSelection:
    return AssetSelection.assets(*(AssetKey([table.schema, table.name]) for table in tables))


ASSET_JOBS = (
    define_asset_job(
        SOURCES_JOB,
        selection=SOURCES,
        tags=RETRIED_ONCE,
        description="Fetch and parse the sources. Unchanged pages are neither fetched nor parsed again.",
    ),
    define_asset_job(
        SCORING_JOB,
        selection=SCORING,
        description="Read one prompt's file, ask for the answers that are missing or stale, and rank them.",
    ),
    define_asset_job(
        RANKING_JOB,
        selection=RANKING,
        tags=RETRIED_ONCE,
        description="Rank one prompt's standing answers anew: new weights, tiers or labels. Sends no request.",
    ),
    define_asset_job(
        INPUTS_JOB,
        selection=AssetSelection.assets(INPUTS_KEY, RANKING_INPUTS_KEY),
        tags=RETRIED_ONCE,
        description="Look again at what one prompt is asked about and ranked from. Sends no request, ranks nothing.",
    ),
    define_asset_job(
        PUBLISHING_JOB,
        selection=PUBLISHING,
        tags=RETRIED_ONCE,
        description="Write the published files of all that is ranked.",
    ),
    define_asset_job(
        EVERYTHING_JOB,
        selection=SOURCES | SCORING | PUBLISHING,
        description="From the sources to the published files, for one prompt.",
    ),
)
