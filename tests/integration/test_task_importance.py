"""Ratings of tasks from a release of the database to the weights of a roll-up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.settings import SAMPLE_SITES, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.onet_new_model import new_tables
from tests.unit.parsing.onet_release import text_zip

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

BY_HAND = """
    SELECT onet_code, sum(weight * s.score) / sum(weight)
    FROM (
        SELECT doc_id, onet_code, importance * CASE task_type WHEN 'Supplemental' THEN 0.5 ELSE 1.0 END AS weight
        FROM parsed.onet_tasks
    ) JOIN scored.scores s USING (doc_id) WHERE s.prompt = 'task_exposure' GROUP BY 1
"""


def test_the_score_of_an_occupation_is_the_mean_over_its_tasks_by_type_and_importance(tmp_path: Path) -> None:
    sites = tmp_path / "sites"
    shutil.copytree(SAMPLE_SITES, sites)
    archive = sites / "www.onetcenter.org/dl_files/database/db_31_0_text.zip"
    archive.write_bytes(text_zip(new_tables(), "31_0"))
    settings = Settings(home=tmp_path / "home", sites=str(sites), scorer=ScorerName.BASELINE)
    run_pipeline(settings, names=("task_exposure",))
    warehouse = Warehouse(settings.warehouse_file)
    rolled = dict(warehouse.rows("SELECT onet_code, score FROM ranked.task_rollups"))
    assert len(rolled) > 20
    assert dict(warehouse.rows(BY_HAND)) == pytest.approx(rolled)
    assert warehouse.rows("SELECT bool_and(rated_tasks = tasks) FROM ranked.task_rollups") == [(True,)]
