"""The indices that scores are held against."""

from __future__ import annotations

from pathlib import Path

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.indices.names import NamedIndex


class IndicesResource(ConfigurableResource[tuple[NamedIndex, ...]]):
    """The indices that are set, by name."""

    files: dict[str, str] = Field(description="File of each index; nothing for one that comes with the project.")

    def named(self) -> list[NamedIndex]:
        """Every index with its file."""
        return [NamedIndex(name, Path(file) if file else None) for name, file in self.files.items()]
