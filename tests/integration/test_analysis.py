"""The home as Python sees it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import exposure_dagster
from exposure_dagster.core.errors import PromptError, WarehouseError


def test_frames_hold_what_stands(sample_run: Path) -> None:
    home = exposure_dagster.open(sample_run)
    (question,) = home.questions().to_dict("records")
    assert (question["question"], question["documents"], question["scored"]) == ("exposure", 30, 30)
    ranking = home.ranking("exposure")
    assert len(ranking) == 30
    assert ranking["rank"].is_monotonic_increasing
    assert set(home.uncertainty("exposure")["doc_id"]) == set(ranking["doc_id"])
    assert {"all", "tier"} <= set(home.totals("exposure")["grouping"])
    assert home.answers("exposure").empty  # the baseline gave them
    assert home.agreement("exposure").empty
    states = home.status().set_index("prompt")["state"]
    assert states["exposure"] == "fresh"


def test_a_query_reads_and_changes_nothing(sample_run: Path) -> None:
    home = exposure_dagster.open(sample_run)
    assert home.sql("SELECT count(*) AS n FROM parsed.documents")["n"].tolist() == [30]
    with pytest.raises(duckdb.Error, match="read-only"):
        home.sql("DELETE FROM scored.scores")


def test_what_there_is_not_is_told(sample_run: Path, tmp_path: Path) -> None:
    home = exposure_dagster.open(str(sample_run))
    with pytest.raises(PromptError, match=r"no scores of exposur stand; did you mean exposure\?"):
        home.ranking("exposur")
    with pytest.raises(PromptError, match="two are needed to compare"):
        home.changes("exposure")
    with pytest.raises(WarehouseError, match="nothing was run in this home yet"):
        exposure_dagster.open(tmp_path / "new").questions()


def test_a_run_from_python_asks_what_it_is_told_and_is_there_afterwards(
    sample_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPOSURE_SITES", "sample")
    monkeypatch.setenv("EXPOSURE_SCORER", "baseline")
    home = exposure_dagster.open(sample_home)
    home.run("robotics")
    assert list(home.questions()["question"]) == ["exposure", "robotics"]
    assert len(home.ranking("robotics")) == 30
