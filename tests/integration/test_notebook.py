"""The notebook for analysts runs over a publication, with the packages that the project has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.ranked_tables import fill

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "analysis.ipynb"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    warehouse = Warehouse(tmp_path / "exposure.duckdb", wait_s=5)
    fill(warehouse, "exposure", "robotics")
    return publish_content(read_content(warehouse), tmp_path / "published")


def test_every_cell_runs_and_finds_what_it_shows(published: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    shown = "\nprint(len(ranking), len(by_category), list(movers.columns))"
    done = subprocess.run(
        [sys.executable, "-c", code + shown],
        cwd=NOTEBOOK.parent,
        env={**os.environ, "EXPOSURE_PUBLISHED": str(published), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "4 2 ['title', 'exposure', 'robotics', 'difference']"
