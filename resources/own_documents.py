"""The files of users' own documents."""

from __future__ import annotations

from pathlib import Path

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.corpora.own.names import OwnCorpus


class OwnDocumentsResource(ConfigurableResource[tuple[OwnCorpus, ...]]):
    """The corpora that are a user's own, by name."""

    files: dict[str, str] = Field(description="File of each corpus: CSV, Excel, Parquet or JSON lines.")

    def corpora(self) -> list[OwnCorpus]:
        """Every corpus with its file."""
        return [OwnCorpus(name, Path(file)) for name, file in self.files.items()]
