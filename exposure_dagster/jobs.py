"""The jobs, and the parts of the graph that they run."""

from __future__ import annotations

from collections.abc import Collection

from dagster import AssetKey, AssetSelection, define_asset_job

from exposure_dagster.corpora import ONET_CORPUS, ONET_TASKS_CORPUS, OOH_CORPUS
from exposure_dagster.tables import (
    DOCUMENTS,
    OCCUPATIONS,
    ONET_OCCUPATIONS,
    ONET_PAGES,
    ONET_TASKS,
    ONET_TITLES,
    OOH_OCCUPATIONS,
    OOH_TITLES,
    OWN_DOCUMENTS,
    RANKING_INPUTS,
    SOC_CROSSWALK,
    TEXTS,
    Table,
)

SOURCES_JOB = "refresh_sources"
SCORING_JOB = "score_prompts"
RANKING_JOB = "rank_prompts"
INPUTS_JOB = "collect_inputs"
PUBLISHING_JOB = "publish"
EVERYTHING_JOB = "everything"

SOURCES = AssetSelection.groups("raw", "parsed")
SCORING = AssetSelection.groups("scored", "ranked").materializable()
RANKING = AssetSelection.groups("ranked")
ACROSS_PROMPTS = AssetSelection.assets(AssetKey([OCCUPATIONS.schema, OCCUPATIONS.name]), AssetKey(["ranked", "digest"]))
PUBLISHING = AssetSelection.groups("published") | ACROSS_PROMPTS

SLOW_SOURCES = AssetSelection.assets(AssetKey([ONET_PAGES.schema, ONET_PAGES.name]))
"""What takes long to fetch and others stand in for: a rehearsal takes it as it stands."""

INPUTS_KEY = AssetKey(["scored", "inputs"])
SCORES_KEY = AssetKey(["scored", "scores"])
RANKING_INPUTS_KEY = AssetKey([RANKING_INPUTS.schema, RANKING_INPUTS.name])

RETRIED_ONCE = {"dagster/max_retries": "1"}
"""Of a run whose process died. A job that spends is not begun again by itself."""

_TABLES_OF_CORPUS = {
    OOH_CORPUS: (OOH_OCCUPATIONS, OOH_TITLES),
    ONET_CORPUS: (ONET_OCCUPATIONS, ONET_TITLES),
    ONET_TASKS_CORPUS: (ONET_TASKS,),
}
"""What answers about a corpus, their ranking and the baseline need of the parsed tables."""


def sources_of(corpora: Collection[str]) -> AssetSelection:
    """The part of the sources that the given corpora need. Own documents cost nothing to read: always among them."""
    tables = [table for corpus in corpora for table in _TABLES_OF_CORPUS.get(corpus, ())]
    fetched = _assets(tables).upstream().required_multi_asset_neighbors().upstream()
    # The crosswalk takes the handbook's pages as they stand: jobs of O*NET occupations do not hang on them.
    joined = [SOC_CROSSWALK] if {OOH_CORPUS, ONET_CORPUS} & set(corpora) else []
    return fetched | _assets([OWN_DOCUMENTS, DOCUMENTS, TEXTS, *joined])


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
