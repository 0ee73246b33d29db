"""A whole run over what machines share: the sample, in PostgreSQL, DuckLake and a folder that all reach."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from exposure_dagster.core.shared import SharedStore
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.publishing.publication import checksums
from exposure_dagster.store.warehouse import Warehouse

RANKINGS = "SELECT * EXCLUDE (scored_at) FROM ranked.rankings ORDER BY ALL"


def exposure(home: Path, shared: SharedStore, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "EXPOSURE_HOME": str(home),
        "EXPOSURE_SITES": "sample",
        "EXPOSURE_SCORER": "baseline",
        "EXPOSURE_DATABASE_URL": shared.database_url,
        "EXPOSURE_DATA_URL": shared.data_url,
    }
    return subprocess.run(
        [Path(sys.executable).with_name("exposure"), *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sample_is_ranked_as_over_the_file_and_read_from_another_home(
    sample_run: Path, shared_store: SharedStore, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    ran = exposure(here, shared_store, "run", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert not list(here.glob("*.duckdb*")), "the tables lie elsewhere"
    over_file = Warehouse(sample_run / "exposure.duckdb").rows(RANKINGS)
    assert over_file
    assert Warehouse(there / "exposure.duckdb", shared=shared_store).rows(RANKINGS) == over_file
    read = PublishedFolder(there / "published", shared_store).current()
    assert read is not None
    assert checksums(read) == checksums(here / "published" / "current")
    checked = exposure(there, shared_store, "check")
    assert checked.returncode == 0, checked.stdout
    again = exposure(here, shared_store, "run", "--yes")
    assert again.returncode == 0, again.stderr
    assert "exposure  complete" in exposure(there, shared_store, "status").stdout
    assert shared_store.database_url not in "".join((ran.stdout, ran.stderr, checked.stdout, again.stdout))
