"""The bundled lenses, on the sample, by the baseline: what they rank high and low, and quadrants to the end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from dagster import AssetRecordsFilter
from starlette.testclient import TestClient

from exposure_dagster.api import Publications, create_app
from exposure_dagster.api.app import PREFIX
from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import SCORES_KEY
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.publishing.content import BASELINE_NOTE, BASELINE_QUADRANTS_NOTE
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

LENSES = ("climate", "offshoring", "robotics", "two_variable")
QUADRANTS = ["Digital and remote", "Digital, tied to a place", "Remote, not digital", "Neither digital nor remote"]


def settings_for(home: Path, **changes: object) -> Settings:
    return Settings(**{"home": home, "sites": "sample", "scorer": ScorerName.BASELINE, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def lenses(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("lenses")
    shutil.copytree(sample_run, root / "home", symlinks=True)
    shutil.copytree(BUNDLED_PROMPTS, root / "prompts")
    (root / "prompts" / "exposure.md").unlink()
    settings = settings_for(root / "home", prompts=root / "prompts")
    run_pipeline(settings, names=LENSES)
    return settings


def scores(settings: Settings, prompt: str) -> dict[str, float]:
    return dict(
        Warehouse(settings.warehouse_file).rows(
            "SELECT doc_id, score FROM ranked.rankings WHERE prompt = ?", [prompt]
        )
    )  # fmt: skip


def test_the_distribution_of_every_attribute_is_shown(lenses: Settings) -> None:
    with open_instance(lenses.dagster_home) as instance:
        filters = AssetRecordsFilter(asset_key=SCORES_KEY, asset_partitions=["two_variable"])
        made = instance.fetch_materializations(filters, limit=1).records[0].asset_materialization
    assert made is not None
    _, *parts = re.split(r"\*\*(\w+)\*\*", str(made.metadata["distribution of scores"].value))
    counted = {
        name: sum(int(count) for count in re.findall(r"^\| \d+ \| (\d+) \|", table, re.MULTILINE))
        for name, table in zip(parts[::2], parts[1::2], strict=True)
    }
    assert counted == {"digital": 30, "remote": 30}


@pytest.mark.parametrize("name", LENSES)
def test_every_lens_ranks_every_sample_page_on_its_scale(lenses: Settings, name: str) -> None:
    found = scores(lenses, name)
    assert len(found) == 30
    assert all(0 <= score <= 10 for score in found.values())
    assert max(found.values()) - min(found.values()) > 3


@pytest.mark.parametrize(
    ("name", "high", "low"),
    [
        ("robotics", "heavy-and-tractor-trailer-truck-drivers", "paralegals-and-legal-assistants"),
        ("robotics", "cooks", "software-developers"),
        ("offshoring", "interpreters-and-translators", "roofers"),
        ("offshoring", "data-scientists", "firefighters"),
        ("climate", "electricians", "dental-hygienists"),
        ("climate", "roofers", "writers-and-authors"),
        ("two_variable", "software-developers", "cooks"),
    ],
)
def test_a_lens_orders_plain_cases_as_anyone_would(lenses: Settings, name: str, high: str, low: str) -> None:
    found = scores(lenses, name)
    assert found[high] > found[low] + 2


def test_every_occupation_is_in_one_of_four_quadrants_with_its_jobs_and_wages(lenses: Settings) -> None:
    warehouse = Warehouse(lenses.warehouse_file)
    rows = warehouse.read("SELECT * FROM ranked.rankings WHERE prompt = 'two_variable'").set_index("doc_id")
    assert set(rows["quadrant"]) <= set(QUADRANTS)
    assert rows.loc["software-developers", "quadrant"] == QUADRANTS[0]
    assert rows.loc["roofers", "quadrant"] == QUADRANTS[3]
    summary = warehouse.read(
        "SELECT * FROM ranked.summaries WHERE prompt = 'two_variable' AND grouping = 'quadrant' ORDER BY group_order"
    )
    assert list(summary["group_label"]) == [label for label in QUADRANTS if label in set(rows["quadrant"])]
    assert summary["occupations"].sum() == len(rows) == 30
    assert summary["jobs"].sum() == rows["jobs"].sum()
    assert summary["wages"].sum() == pytest.approx(rows["wages"].sum())
    assert warehouse.rows("SELECT 1 FROM ranked.rankings WHERE prompt != 'two_variable' AND quadrant IS NOT NULL") == []


def test_published_files_show_both_numbers_and_the_quadrant(lenses: Settings) -> None:
    folder = lenses.published_folder / "current" / "two_variable"
    brief = (folder / "brief.md").read_text(encoding="utf-8")
    assert "### By quadrant" in brief
    assert "Digital product is high from 5" in brief
    (line,) = [line for line in brief.splitlines() if line.startswith("- rank") and "**Roofers**" in line]
    assert "Neither digital nor remote" in line and "Digital product" in line
    assert pd.read_csv(folder / "ranking.csv")["quadrant"].notna().all()


def test_wherever_quadrants_of_the_baseline_stand_they_are_said_to_need_a_model(
    lenses: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    published = lenses.published_folder / "current"
    for name in LENSES:
        has_quadrants = name == "two_variable"
        brief = (published / name / "brief.md").read_text(encoding="utf-8")
        assert (BASELINE_QUADRANTS_NOTE in brief.split("## Method")[0]) == has_quadrants
        ranking = json.loads((published / name / "ranking.json").read_text(encoding="utf-8"))
        assert (BASELINE_QUADRANTS_NOTE in ranking["note"]) == has_quadrants
        run_pipeline(lenses, names=(name,))
        assert (BASELINE_QUADRANTS_NOTE in capsys.readouterr().out) == has_quadrants
    with TestClient(create_app(Publications(lenses.published_folder))) as client:
        notes = {name: client.get(f"{PREFIX}/prompts/{name}/rankings").json()["notes"] for name in LENSES}
        of_all = client.get(f"{PREFIX}/occupations").json()["notes"]
    assert [name for name in LENSES if BASELINE_QUADRANTS_NOTE in notes[name]] == ["two_variable"]
    assert all(BASELINE_NOTE in one for one in (*notes.values(), of_all))
    assert BASELINE_QUADRANTS_NOTE in of_all


def test_a_reason_names_the_attributes_by_their_titles(lenses: Settings) -> None:
    ((rationale,),) = Warehouse(lenses.warehouse_file).rows(
        "SELECT rationale FROM ranked.rankings WHERE prompt = 'two_variable' AND doc_id = 'roofers'"
    )
    assert "Digital product: " in rationale and "Remote work: " in rationale


def test_a_moved_cut_off_ranks_anew_and_answers_nothing_anew(
    lenses: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(lenses.home, tmp_path / "home", symlinks=True)
    shutil.copytree(lenses.prompts, tmp_path / "prompts")
    path = tmp_path / "prompts" / "two_variable.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("_cut_off: 5", "_cut_off: 0.1").replace("both: Digital", "both: All digital"), "utf-8")
    settings = settings_for(tmp_path / "home", prompts=tmp_path / "prompts")
    warehouse = Warehouse(settings.warehouse_file)
    before = warehouse.rows("SELECT max(scored_at) FROM scored.scores WHERE prompt = 'two_variable'")
    run_pipeline(settings, names=("two_variable",))
    assert warehouse.rows("SELECT max(scored_at) FROM scored.scores WHERE prompt = 'two_variable'") == before
    quadrants = dict(
        warehouse.rows("SELECT quadrant, count(*) FROM ranked.rankings WHERE prompt = 'two_variable' GROUP BY 1")
    )
    assert quadrants["All digital and remote"] >= 25
    assert "All digital and remote" in capsys.readouterr().out
