"""The DuckDB warehouse and the folder of published files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.gates import Gate
from exposure_dagster.publishing.content import Addresses
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.settings import load_settings
from exposure_dagster.store.warehouse import DEFAULT_WAIT_S, Warehouse


class WarehouseResource(ConfigurableResource[Warehouse]):
    """The DuckDB file that holds every table, or what machines share in its place. The address of a shared database may
    hold a password: it stays in the environment."""

    path: str = Field(description="The DuckDB file; made where it is missing.")
    wait_s: float = Field(DEFAULT_WAIT_S, description="Seconds to wait for another process that has it open.")
    is_shared: bool = Field(False, description="Whether the tables lie where EXPOSURE_DATABASE_URL says.")

    def open(self) -> Warehouse:
        """The warehouse; opens no connection yet."""
        return Warehouse(Path(self.path), self.wait_s, load_settings().shared if self.is_shared else None)

    @contextmanager
    def held(self) -> Iterator[Warehouse]:
        """The warehouse, kept open for all that a step reads and writes: not for one that waits for a network."""
        with self.open().held() as store:
            yield store


class PublishedFolderResource(ConfigurableResource[PublishedFolder]):
    """The folder that published files go to; where they are shared, the copies in the home."""

    path: str = Field(description="Folder of the publications and of the link `current`.")
    site_url: str | None = Field(None, description="Address at which the site is served, for links that unfold.")
    code_url: str | None = Field(None, description="Where the code lies, for the site's link to it.")
    is_shared: bool = Field(False, description="Whether publications lie where EXPOSURE_DATA_URL says.")
    gate: str = Field(Gate.ESSENTIAL.value, description="What keeps scores back: `essential`, `block` or `warn`.")

    @property
    def root(self) -> Path:
        return Path(self.path)

    def open(self) -> PublishedFolder:
        """What is published, wherever it lies."""
        return PublishedFolder(self.root, load_settings().shared if self.is_shared else None)

    @property
    def addresses(self) -> Addresses:
        """The addresses that the site's pages name."""
        return Addresses(self.site_url, self.code_url)

    @property
    def kept_back_by(self) -> Gate:
        """Which failed checks keep scores back."""
        return Gate(self.gate)
