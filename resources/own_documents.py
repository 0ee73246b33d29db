"""The files of users' own documents."""

from __future__ import annotations

from pathlib import Path

from dagster import ConfigurableResource
from pydantic import Field

from exposure_dagster.corpora.own.names import OwnCorpus


class OwnDocumentsResource(ConfigurableResource[tuple[OwnCorpus, ...]]):
    """The corpora that are a user's own, by name."""

    files: dict[str, str] = Field(description="File of each corpus: CSV, Excel, Parquet or JSON lines.")
    corrections: str | None = Field(None, description="CSV file that says of documents which occupation they are.")

    def corpora(self) -> list[OwnCorpus]:
        """Every corpus with its file."""
        return [OwnCorpus(name, Path(file)) for name, file in self.files.items()]

    @property
    def corrections_file(self) -> Path | None:
        return Path(self.corrections) if self.corrections else None
