"""A real model, asked by the command line. No part of `make test`: `make local-model` sets it up (see docs/models.md),
`python -m pytest tests/local_model` runs this, and sets up what is missing, which takes twenty minutes and more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_model import WAYS, run, serving, set_up
from exposure_dagster.settings import project_root
from exposure_dagster.store.warehouse import Warehouse

pytestmark = pytest.mark.local_model
CHAT, MESSAGES = WAYS


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server, weights = set_up(project_root() / "data" / "local-model")
    with serving(server, weights, tmp_path_factory.mktemp("server") / "log") as at:
        yield at


def ask(home: Path, way: str, address: str) -> Warehouse:
    model, variable, path = WAYS[way]
    run(home, model, "samples: 2", {variable: address + path, "EXPOSURE_SCORER": "model"})
    return Warehouse(home / "exposure.duckdb")


def test_every_document_is_answered_twice_for_nothing_and_none_is_asked_again(tmp_path: Path, address: str) -> None:
    warehouse = ask(tmp_path, CHAT, address)
    scores = warehouse.read("SELECT status, score, samples FROM scored.scores")
    assert set(scores["status"]) == {"ok"}
    assert scores["score"].between(0, 10).all()
    assert set(scores["samples"]) == {2}
    attempts = warehouse.read("SELECT answered_by, endpoint, cost_usd, request_key FROM scored.responses")
    assert attempts["answered_by"].notna().any()
    assert set(attempts["endpoint"]) == {"local-compatible"}
    assert attempts["cost_usd"].sum() == 0
    again = ask(tmp_path, CHAT, address).read("SELECT request_key FROM scored.responses")
    assert len(again) == len(attempts)


def test_what_is_no_answer_scores_nothing(tmp_path: Path, address: str) -> None:
    warehouse = ask(tmp_path, MESSAGES, address)
    attempts = warehouse.read("SELECT status, is_accepted, attributes FROM scored.responses")
    assert len(attempts) > 0
    assert attempts.loc[~attempts["is_accepted"], "attributes"].isna().all()
    accepted = int(attempts["is_accepted"].sum())
    assert warehouse.read("SELECT coalesce(sum(samples), 0) AS n FROM scored.scores")["n"].sum() == accepted
