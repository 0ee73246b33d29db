"""The code location: everything that Dagster loads, wired once.

`build_defs` makes fresh definitions for tests and the command line; `defs` is what the workspace
loads, with the settings of the environment.
"""

from __future__ import annotations

from dagster import (
    AssetSelection,
    Definitions,
    EnvVar,
    define_asset_job,
    in_process_executor,
    load_assets_from_modules,
)

from assets import parsed, published, ranked, raw, scored
from exposure_dagster.automation import follow_prompts
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.scoring.prices import load_prices
from exposure_dagster.settings import Settings, load_settings, variable_of
from exposure_dagster.warehouse import DEFAULT_WAIT_S
from resources.pages import PagesResource, PromptsResource
from resources.progress import ProgressFactory
from resources.scorers import ScorerResource
from resources.warehouse import PublishedFolderResource, WarehouseResource

SOURCES_JOB = "refresh_sources"
SCORING_JOB = "score_prompts"
PUBLISHING_JOB = "publish"
EVERYTHING_JOB = "everything"

SOURCES = AssetSelection.groups("raw", "parsed")
SCORING = AssetSelection.groups("scored", "ranked").materializable()
PUBLISHING = AssetSelection.groups("published")

JOBS = (
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
        PUBLISHING_JOB, selection=PUBLISHING, description="Write the published files of all that is ranked."
    ),
    define_asset_job(
        EVERYTHING_JOB,
        selection=SOURCES | SCORING | PUBLISHING,
        description="From the sources to the published files, for one prompt.",
    ),
)


def build_defs(settings: Settings, *, progress: ProgressFactory | None = None) -> Definitions:
    """Definitions over the given settings. `progress` is how long steps tell that they go on."""
    return Definitions(
        assets=[*load_assets_from_modules([raw, parsed, scored, ranked, published]), *scored.LEDGER_SPECS],
        jobs=JOBS,
        sensors=[follow_prompts],
        executor=in_process_executor,
        resources=resources_of(settings, progress or ProgressFactory()),
    )


def resources_of(settings: Settings, progress: ProgressFactory) -> dict[str, object]:
    """Every resource, with its fields from the settings. The contact stays a reference to its variable."""
    return {
        "warehouse": WarehouseResource(path=str(settings.warehouse_file), wait_s=DEFAULT_WAIT_S),
        "published_folder": PublishedFolderResource(path=str(settings.published_folder)),
        "pages": PagesResource(
            sites=settings.sites,
            contact=EnvVar(variable_of("contact")) if settings.contact else None,
            refetch_after_hours=settings.refetch_after_hours,
        ),
        "prompt_files": PromptsResource(
            folder=str(settings.prompts),
            known_models=sorted(load_prices(settings.prices)),
            known_corpora=list(KNOWN_CORPORA),
        ),
        "scorer": ScorerResource(
            scorer=settings.scorer_in_force.value,
            is_explicit=settings.scorer is not None,
            max_cost_usd=settings.max_cost_usd,
            max_cost_usd_per_day=settings.max_cost_usd_per_day,
            concurrency=settings.concurrency,
            prices=str(settings.prices) if settings.prices else None,
        ),
        "progress": progress,
    }


defs = build_defs(load_settings())
