"""A model on loopback and a warehouse to score."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.scoring.faulty_model import FaultyModel, running_model
from tests.integration.scoring.scene import PROVIDERS, Scene, asked_prompt


@pytest.fixture
def model() -> Iterator[FaultyModel]:
    """A model that answers well until told otherwise."""
    with running_model() as model:
        yield model


@pytest.fixture
def provider() -> str:
    """Who is asked; a module whose promises hold for everyone tries them all."""
    return "ANTHROPIC"


@pytest.fixture
def store() -> str:
    """Where the ledger lies: `file`, or `database`; a module whose promises hold for both tries both."""
    return "file"


@pytest.fixture
def scene(tmp_path: Path, model: FaultyModel, provider: str, store: str, request: pytest.FixtureRequest) -> Scene:
    """Ten documents and a prompt with one scale."""
    shared = request.getfixturevalue("shared_store") if store == "database" else None
    return Scene(tmp_path, model, asked=asked_prompt(model=PROVIDERS[provider]), provider=provider, shared=shared)
