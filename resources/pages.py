"""The page fetcher and the folder of prompt files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.prompts.files import PromptFolder, load_folder, load_named
from exposure_dagster.prompts.model import Prompt
from exposure_dagster.providers.prices import PriceTable, load_prices
from exposure_dagster.scoring.room import check_room, with_room
from exposure_dagster.settings import load_settings
from exposure_dagster.sources.sites import Site, open_site


class PagesResource(ConfigurableResource[Site]):
    """Where pages come from."""

    sites: str = Field(description="`live`, `sample`, or a folder that holds one folder a host.")
    contact: str | None = Field(None, description="E-mail address for the User-Agent; live fetching needs it.")
    refetch_after_hours: float = Field(24.0, description="Hours in which a live page is not asked for again.")
    source_settings: dict[str, Any] = Field({}, description="What single sources are fetched with, by setting.")

    def open(self) -> Site:
        """The site. Raises SettingError where it cannot be used."""
        return open_site(self.sites, contact=self.contact)


class PromptsResource(ConfigurableResource[PromptFolder]):
    """The folder of prompt files."""

    folder: str = Field(description="Folder of Markdown files, one a prompt.")
    prices: str | None = Field(None, description="File of model prices that adds to the bundled table.")
    known_corpora: list[str] = Field(description="Corpora that a prompt can be asked about.")

    def load(self) -> PromptFolder:
        """All prompt files, good and broken."""
        prices = self._prices()
        folder = load_folder(Path(self.folder), known_corpora=self.known_corpora, known_models=prices)
        return with_room(folder, prices)

    def load_one(self, name: str) -> Prompt:
        """One prompt. Raises PromptError that lists what is wrong with its file."""
        prices = self._prices()
        prompt = load_named(Path(self.folder), name, known_corpora=self.known_corpora, known_models=prices)
        return check_room(prompt, prices)

    def _prices(self) -> PriceTable:
        return load_prices(Path(self.prices) if self.prices else None, load_settings().endpoints)
