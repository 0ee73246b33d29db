"""The code location: everything that Dagster loads, wired once.

`build_defs` makes fresh definitions for tests and the command line; `defs` is what the workspace
loads, with the settings of the environment.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from exposure_dagster.core.systems import refuse_windows

refuse_windows()  # before anything is imported that is not there

# ruff: noqa: E402
from dagster import (
    AnchorBasedFilePathMapping,
    AssetsDefinition,
    AssetSpec,
    BetaWarning,
    Definitions,
    EnvVar,
    definitions,
    in_process_executor,
    link_code_references_to_git,
    load_assets_from_modules,
    map_asset_specs,
    with_source_code_references,
)

from assets import indices, ledger, parsed, published, ranked, raw, resilience, scored
from exposure_dagster.automation.alerts import alert_sensors
from exposure_dagster.automation.alive import held_in_process
from exposure_dagster.automation.jobs import ASSET_JOBS
from exposure_dagster.automation.prompt_files import prompt_sensors
from exposure_dagster.automation.publishing import downstream_sensors
from exposure_dagster.automation.rehearsing import rehearsal
from exposure_dagster.automation.rescoring import rescore_stale, rescoring_sensors, schedules
from exposure_dagster.core.private import keep_files_private
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.settings import Settings, load_settings, project_root, variable_of
from exposure_dagster.store.warehouse import DEFAULT_WAIT_S
from resources.indices import IndicesResource
from resources.own_documents import OwnDocumentsResource
from resources.pages import PagesResource, PromptsResource
from resources.progress import ProgressFactory
from resources.scorers import ScorerResource
from resources.warehouse import PublishedFolderResource, WarehouseResource

Assets = Sequence[AssetsDefinition | AssetSpec]


def build_defs(
    settings: Settings,
    *,
    progress: ProgressFactory | None = None,
    ask_again: bool = False,
    is_shown: bool = False,
) -> Definitions:
    """Definitions over the given settings. `progress` is how long steps tell that they go on.

    With `ask_again` every question is asked anew, whatever the ledger holds. With `is_shown` the assets say what only
    the UI needs of them: who answers for them, where they lie and where their code is.
    """
    assets = all_assets()
    return Definitions(
        assets=as_shown(assets, settings) if is_shown else assets,
        jobs=[*ASSET_JOBS, rescore_stale, rehearsal],
        sensors=[
            *prompt_sensors(settings.sensor_interval_seconds),
            *rescoring_sensors(settings.sensor_interval_seconds),
            *downstream_sensors(settings.sensor_interval_seconds),
            *alert_sensors(settings.alert_webhook),
        ],
        schedules=schedules(settings),
        executor=in_process_executor if settings.shared is None else held_in_process(settings.shared),
        resources=resources_of(settings, progress or ProgressFactory(), ask_again=ask_again),
    )


def all_assets() -> Assets:
    """Every asset of the modules of `assets`."""
    modules = load_assets_from_modules([indices, scored, ranked, resilience, published])
    found: list[Any] = [*raw.ASSETS, *parsed.ASSETS, *modules, *ledger.LEDGER_SPECS]
    return found


def as_shown(assets: Assets, settings: Settings) -> Assets:
    """The same with owner, place and source."""

    def described(spec: AssetSpec) -> AssetSpec:
        is_file = spec.group_name == published.EXPORTS.path[0]
        place = settings.published_folder / "current" if is_file else settings.warehouse_file
        uri = place.absolute().as_uri() if is_file or settings.data_url is None else settings.data_url
        return spec.replace_attributes(
            owners=[settings.owner] if settings.owner else [],
            metadata={**spec.metadata, "dagster/uri": uri},
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)  # of references to code, several an asset
        referenced: Any = with_source_code_references(list(map_asset_specs(described, assets)))
        if settings.code_url is None:
            return list(referenced)
        repository, _, reference = settings.code_url.rpartition("/tree/")
        mapping = AnchorBasedFilePathMapping(local_file_anchor=project_root(), file_anchor_path_in_repository="")
        linked: Any = link_code_references_to_git(referenced, repository.removesuffix("/-"), reference, mapping)
    return list(linked)


def resources_of(settings: Settings, progress: ProgressFactory, *, ask_again: bool) -> dict[str, object]:
    """Every resource, with its fields from the settings. The contact stays a reference to its variable."""
    is_shared = settings.shared is not None
    load_prices(settings.prices)  # a file of prices that cannot be used is an error at once
    return {
        "warehouse": WarehouseResource(path=str(settings.warehouse_file), wait_s=DEFAULT_WAIT_S, is_shared=is_shared),
        "published_folder": PublishedFolderResource(
            path=str(settings.published_folder),
            is_shared=is_shared,
            gate=settings.gate.value,
            site_url=settings.site_url,
            code_url=settings.code_url,
        ),
        "pages": PagesResource(
            sites=settings.sites,
            contact=EnvVar(variable_of("contact")) if settings.contact else None,
            refetch_after_hours=settings.refetch_after_hours,
            source_settings=settings.source_settings,
        ),
        "own_files": OwnDocumentsResource(
            files={corpus.name: str(corpus.path) for corpus in settings.own_corpora},
            corrections=str(settings.matches) if settings.matches else None,
        ),
        "index_files": IndicesResource(files={one.name: str(one.path or "") for one in settings.named_indices}),
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
    return build_defs(load_settings(), is_shown=True)
