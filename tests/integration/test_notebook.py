"""The notebook for analysts runs over a home, with the packages that the project has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from exposure_dagster.store.warehouse import Warehouse
from tests.integration.ranked_tables import fill

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "analysis.ipynb"


def test_every_cell_runs_and_finds_what_it_shows(tmp_path: Path) -> None:
    fill(Warehouse(tmp_path / "exposure.duckdb", wait_s=5), "exposure", "robotics")
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    shown = "\nprint(len(ranking), len(by_category), list(movers.columns))"
    done = subprocess.run(
        [sys.executable, "-c", code + shown],
        cwd=NOTEBOOK.parent,
        env={**os.environ, "EXPOSURE_HOME": str(tmp_path), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("4 2 ['title', 'exposure', 'robotics', 'difference']")
