"""Both systems on the sample: scored, ranked by formula, joined, published; and rehearsals that leave no trace."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.pipeline.checks import no_job_is_counted_twice, ranking_can_be_recomputed
from exposure_dagster.pipeline.rehearsal import spread
from exposure_dagster.pipeline.rollups import roll_up
from exposure_dagster.prompts.files import load_named
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import RESILIENCE
from tests.integration.counting_server import CountingServer, counting_server

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

ISSUED_COLUMNS = [
    *("onet_code", "title", "job_zone"),
    *(f"a{number}" for number in range(1, 11)),
    *("defensive", "offensive", "ai_proof_score", "growth_norm", "openings_norm", "growth_source", "final_ranking"),
    *("rank", "key_drivers", "median_wage_annual", "growth_category", "employment_change_pct", "openings"),
    "sample_titles",
]
STANDING = (
    "scored.prompts",
    "scored.inputs",
    "scored.scores",
    "ranked.rankings",
    "ranked.resilience",
    "ranked.occupations",
)


def settings_for(home: Path, scorer: ScorerName = ScorerName.BASELINE) -> Settings:
    return Settings(home=home, sites="sample", scorer=scorer)


@pytest.fixture(scope="module")
def settings(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = shutil.copytree(sample_run, tmp_path_factory.mktemp("both") / "home", symlinks=True)
    settings = settings_for(home)
    run_pipeline(settings, names=("exposure", "resilience"))
    return settings


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.warehouse_file)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    with counting_server() as running:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


def standing(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    return {table: warehouse.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in STANDING}


def test_every_scoreable_occupation_is_scored_and_ranked(warehouse: Warehouse) -> None:
    rows = warehouse.read("SELECT * FROM ranked.resilience ORDER BY rank")
    ((scoreable,),) = warehouse.rows("SELECT count(*) FROM parsed.onet_occupations WHERE is_scoreable")
    assert len(rows) == scoreable
    assert rows["ai_proof_score"].between(1, 5).all()
    assert rows["final_ranking"].between(0, 1).all()
    assert rows["final_ranking"].is_monotonic_decreasing
    assert set(rows["growth_source"]) == {"percent", "category"}
    assert ranking_can_be_recomputed(warehouse, "resilience").passed


def test_rankings_of_the_prompt_follow_the_formula(warehouse: Warehouse) -> None:
    apart = warehouse.rows(
        "SELECT doc_id FROM ranked.rankings r JOIN ranked.resilience f ON f.onet_code = doc_id AND f.prompt = r.prompt"
        " WHERE r.rank != f.rank OR score != ai_proof_score OR outlook_pct IS DISTINCT FROM employment_change_pct"
    )
    assert apart == []
    ((known,),) = warehouse.rows(
        "SELECT count(*) FROM ranked.rankings WHERE prompt = 'resilience' AND jobs > 0 AND outlook_desc IS NOT NULL"
        " AND median_pay_annual > 0 AND tier IS NOT NULL"
    )
    assert known > 70


def test_key_drivers_name_no_attribute_by_its_code(warehouse: Warehouse) -> None:
    drivers = warehouse.read("SELECT key_drivers FROM ranked.resilience")["key_drivers"]
    assert not drivers.str.contains(r"\b[aA](?:10|[1-9])\b").any()
    assert drivers.str.len().between(50, 900).all()


def test_the_first_columns_are_the_issued_ones_in_the_table_and_in_the_file(settings: Settings) -> None:
    assert list(RESILIENCE.column_names[: len(ISSUED_COLUMNS)]) == ISSUED_COLUMNS
    folder = settings.published_folder / "current" / "resilience"
    with (folder / "ai_resilience.csv").open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file))
    assert header == [*ISSUED_COLUMNS, "status", "scorer", "model"]
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM '{folder / 'ai_resilience.parquet'}'").fetchall()
    assert [name for name, *_ in described] == header
    document = json.loads((folder / "ai_resilience.json").read_text(encoding="utf-8"))
    assert document["scorers"] == ["baseline"]
    assert "baseline" in document["note"]
    assert any("O*NET" in source["source"] for source in document["sources"])
    assert list(document["rows"][0]) == header


def test_each_page_is_joined_with_its_codes_and_no_job_is_counted_twice(warehouse: Warehouse) -> None:
    rows = warehouse.read("SELECT * FROM ranked.occupations").set_index(["prompt", "slug"])
    nurses = rows.loc[("resilience", "registered-nurses")]
    assert sorted(nurses["onet_codes"]) == sorted(nurses["doc_ids"]) and len(nurses["doc_ids"]) == 5
    assert nurses["score_low"] <= nurses["score"] <= nurses["score_high"]
    assert (nurses["jobs"], nurses["onet_jobs"]) == (3_391_000, 3_391_000)
    assert rows.loc["exposure"]["score"].notna().all() and len(rows.loc["exposure"]) == 30
    assert "military-careers" not in rows.loc["resilience"].index
    assert no_job_is_counted_twice(warehouse).passed


def test_a_rehearsal_leaves_everything_that_stands_as_it_is(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, published = standing(warehouse), (settings.published_folder / "current").resolve()
    for name, value in (("HOME", settings.home), ("SITES", "sample"), ("SCORER", "baseline")):
        monkeypatch.setenv(f"EXPOSURE_{name}", str(value))
    done = CliRunner().invoke(main, ["run", "--prompt", "resilience", "--limit", "3"])
    assert done.exit_code == 0, done.output
    assert "Rehearsal of resilience: 3 of 83" in done.stdout
    assert "stand as they did" in done.stdout
    assert standing(warehouse) == before
    assert (settings.published_folder / "current").resolve() == published


def test_a_rehearsal_gives_what_the_run_gives(
    settings: Settings, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    run_pipeline(settings, names=("resilience",), limit=2)
    shown = {line.split()[0]: line.split()[1:3] for line in capsys.readouterr().out.splitlines() if line.strip()}
    codes = [code for (code,) in warehouse.rows("SELECT doc_id FROM parsed.documents WHERE corpus = 'onet' ORDER BY 1")]
    for code in spread(codes, 2):
        ((score, final),) = warehouse.rows(
            "SELECT ai_proof_score, final_ranking FROM ranked.resilience WHERE onet_code = ?", [code]
        )
        assert shown[code] == [f"{score:g}", f"{final:g}"]


def test_answers_of_a_rehearsal_are_reused_by_the_run(tmp_path: Path, server: CountingServer) -> None:
    settings = settings_for(tmp_path / "home", ScorerName.MODEL)
    run_pipeline(settings, names=("resilience",), limit=3)
    warehouse = Warehouse(settings.warehouse_file)
    rehearsed = {doc_id for (doc_id,) in warehouse.rows("SELECT doc_id FROM scored.responses WHERE is_accepted")}
    assert len(rehearsed) == 3
    assert all(warehouse.rows(f"SELECT count(*) FROM {table}") == [(0,)] for table in STANDING)
    assert not (settings.published_folder / "current").exists()
    server.forget()
    run_pipeline(settings, names=("resilience",))
    asked = {doc_id for one in server.asked for doc_id in one.documents}
    assert not rehearsed & asked
    assert len(rehearsed | asked) == len(warehouse.rows("SELECT * FROM scored.scores WHERE status = 'ok'")) == 83


def test_documents_of_a_rehearsal_are_spread_over_the_corpus() -> None:
    assert spread(["a", "b", "c", "d", "e", "f"], 3) == ["a", "c", "e"]
    assert spread(["a"], 3) == ["a"]


def test_scores_of_tasks_are_rolled_up_to_occupations(settings: Settings, warehouse: Warehouse) -> None:
    run_pipeline(settings, names=("task_exposure",))
    rows = warehouse.read("SELECT * FROM ranked.task_rollups ORDER BY rank")
    assert rows["score"].between(0, 1).all()
    assert (rows["tasks"] == rows["scored_tasks"]).all()
    assert rows["scored_weight"].eq(1).all()
    assert rows["onet_code"].is_unique
    assert roll_up(warehouse, "exposure") is None
    assert (settings.published_folder / "current" / "task_exposure" / "task_rollups.csv").is_file()


def test_the_task_prompt_waits_until_it_is_named() -> None:
    prompt = load_named(
        BUNDLED_PROMPTS, "task_exposure", known_corpora=KNOWN_CORPORA, known_models=["claude-haiku-5-5"]
    )
    assert not prompt.file.enabled
