"""The code location: everything that Dagster loads, wired once.

`build_defs` makes fresh definitions for tests and the command line; `defs` is what the workspace
loads, with the settings of the environment.
"""

from __future__ import annotations

from exposure_dagster.systems import refuse_windows

refuse_windows()  # before anything is imported that is not there

# ruff: noqa: E402
from dagster import Definitions, EnvVar, definitions, in_process_executor, load_assets_from_modules

from assets import ledger, parsed, published, ranked, raw, resilience, scored
from exposure_dagster.automation.alerts import alert_sensors
from exposure_dagster.automation.prompt_files import prompt_sensors
from exposure_dagster.automation.publishing import downstream_sensors
from exposure_dagster.automation.rescoring import rescore_stale, rescoring_sensors, schedules
from exposure_dagster.jobs import ASSET_JOBS
from exposure_dagster.private import keep_files_private
from exposure_dagster.scoring.prices import load_prices
from exposure_dagster.settings import Settings, load_settings, variable_of
from exposure_dagster.warehouse import DEFAULT_WAIT_S
from resources.own_documents import OwnDocumentsResource
from resources.pages import PagesResource, PromptsResource
from resources.progress import ProgressFactory
from resources.scorers import ScorerResource
from resources.warehouse import PublishedFolderResource, WarehouseResource


def build_defs(settings: Settings, *, progress: ProgressFactory | None = None, ask_again: bool = False) -> Definitions:
    """Definitions over the given settings. `progress` is how long steps tell that they go on.

    With `ask_again` every question is asked anew, whatever the ledger holds.
    """
    return Definitions(
        assets=[
            *raw.ASSETS,
            *parsed.ASSETS,
            *load_assets_from_modules([scored, ranked, resilience, published]),
            ranked.MADE_FROM_SPEC,
            *ledger.LEDGER_SPECS,
        ],
        jobs=[*ASSET_JOBS, rescore_stale],
        sensors=[
            *prompt_sensors(settings.sensor_interval_seconds),
            *rescoring_sensors(settings.sensor_interval_seconds),
            *downstream_sensors(settings.sensor_interval_seconds),
            *alert_sensors(settings.alert_webhook),
        ],
        schedules=schedules(settings),
        executor=in_process_executor,
        resources=resources_of(settings, progress or ProgressFactory(), ask_again=ask_again),
    )


def resources_of(settings: Settings, progress: ProgressFactory, *, ask_again: bool) -> dict[str, object]:
    """Every resource, with its fields from the settings. The contact stays a reference to its variable."""
    load_prices(settings.prices)  # a file of prices that cannot be used is an error at once
    return {
        "warehouse": WarehouseResource(path=str(settings.warehouse_file), wait_s=DEFAULT_WAIT_S),
        "published_folder": PublishedFolderResource(path=str(settings.published_folder)),
        "pages": PagesResource(
            sites=settings.sites,
            contact=EnvVar(variable_of("contact")) if settings.contact else None,
            refetch_after_hours=settings.refetch_after_hours,
            source_settings=settings.source_settings,
        ),
        "own_files": OwnDocumentsResource(files={corpus.name: str(corpus.path) for corpus in settings.own_corpora}),
        "prompt_files": PromptsResource(
            folder=str(settings.prompts),
            prices=str(settings.prices) if settings.prices else None,
            known_corpora=list(settings.known_corpora),
        ),
        "scorer": scorer_of(settings, ask_again=ask_again),
        "progress": progress,
    }


def scorer_of(settings: Settings, *, ask_again: bool) -> ScorerResource:
    """Who answers, and within which limits."""
    return ScorerResource(
        scorer=settings.scorer_in_force.value,
        is_explicit=settings.scorer is not None,
        max_cost_usd=settings.max_cost_usd,
        max_cost_usd_per_day=settings.max_cost_usd_per_day,
        concurrency=settings.concurrency,
        cancel_batches=settings.cancel_batches,
        ask_again=ask_again,
        prices=str(settings.prices) if settings.prices else None,
    )


@definitions
def defs() -> Definitions:
    """What the workspace loads. Read when Dagster asks for it, so that other front doors need no such settings."""
    keep_files_private()
    return build_defs(load_settings())
