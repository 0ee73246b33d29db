"""The jobs, and the parts of the graph that they run."""

from __future__ import annotations

from dagster import AssetKey, AssetSelection, define_asset_job

SOURCES_JOB = "refresh_sources"
SCORING_JOB = "score_prompts"
RANKING_JOB = "rank_prompts"
PUBLISHING_JOB = "publish"
EVERYTHING_JOB = "everything"

SOURCES = AssetSelection.groups("raw", "parsed")
SCORING = AssetSelection.groups("scored", "ranked").materializable()
RANKING = AssetSelection.groups("ranked")
PUBLISHING = AssetSelection.groups("published")

SCORES_KEY = AssetKey(["scored", "scores"])

ASSET_JOBS = (
    define_asset_job(
        SOURCES_JOB,
        selection=SOURCES,
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
        description="Rank one prompt's standing answers anew: new weights, tiers or labels. Sends no request.",
    ),
    define_asset_job(
        PUBLISHING_JOB, selection=PUBLISHING, description="Write the published files of all that is ranked."
    ),
    define_asset_job(
        EVERYTHING_JOB,
        selection=SOURCES | SCORING | PUBLISHING,
        description="From the sources to the published files, for one prompt.",
    ),
)
