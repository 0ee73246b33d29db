"""The whole path on the bundled sample: real Dagster instance, real DuckDB file, real published files."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from dagster import AssetKey, DagsterInstance

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.core.errors import ExposureError
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.definitions import build_defs
from exposure_dagster.pipeline.baseline import score_with_baseline
from exposure_dagster.pipeline.inputs import ScorerChoice, collect_inputs
from exposure_dagster.pipeline.ranked import stored_definition
from exposure_dagster.pipeline.standing import State, standings
from exposure_dagster.prompts.files import load_folder
from exposure_dagster.providers.baseline.text import WorkText
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.ranking.rankings import estimate_errors
from exposure_dagster.settings import BUNDLED_PROMPTS, SAMPLE_SITES, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")


@dataclass(frozen=True)
class Home:
    """A home that has been run once."""

    settings: Settings

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings.warehouse_file)

    def instance(self) -> DagsterInstance:
        return open_instance(self.settings.dagster_home)


def settings_for(home: Path, **changes: object) -> Settings:
    return Settings(**{"home": home, "sites": "sample", "scorer": ScorerName.BASELINE, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run_once(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = shutil.copytree(sample_run, tmp_path_factory.mktemp("once") / "home", symlinks=True)
    return Home(settings_for(Path(home)))


@pytest.fixture(scope="module")
def three_files(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """The home run again with a second prompt and a broken one beside the first; and what that said on stderr."""
    root = tmp_path_factory.mktemp("three")
    shutil.copytree(sample_run, root / "home", symlinks=True)
    (root / "prompts").mkdir()
    text = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")
    (root / "prompts" / "exposure.md").write_text(text, encoding="utf-8")
    (root / "prompts" / "second.md").write_text(text + "\nThink of the next ten years.\n", encoding="utf-8")
    (root / "prompts" / "broken.md").write_text("---\ntitle: [\n---\nWhat?\n", encoding="utf-8")
    settings = settings_for(root / "home", prompts=root / "prompts")
    with contextlib.redirect_stderr(io.StringIO()) as said:
        run_pipeline(settings, names=())
    return settings, said.getvalue()


def materializations(instance: DagsterInstance, *key: str) -> int:
    return len(instance.fetch_materializations(AssetKey(list(key)), limit=50).records)


def test_every_sample_page_ends_up_ranked(run_once: Home) -> None:
    rows = run_once.warehouse.read("SELECT * FROM ranked.rankings WHERE prompt = 'exposure'")
    pages = len(list((SAMPLE_SITES / "www.bls.gov" / "ooh").glob("*/*.htm")))
    assert len(rows) == pages >= 24
    assert rows["score"].between(0, 10).all()
    assert rows["rationale"].str.len().gt(20).all()
    assert set(rows["scorer"]) == {"baseline"}


def test_every_sample_page_speaks_of_the_work_where_the_corpus_says(run_once: Home) -> None:
    """A handbook whose headings are others would have the baseline read whole pages, pay and outlook with them."""
    texts = run_once.warehouse.rows("SELECT doc_id, text FROM parsed.documents WHERE corpus = 'ooh'")
    for doc_id, text in texts:
        found = WorkText.of(text, corpus_of("ooh").about_work)
        assert len(set(found.parts)) == 3 and found.whole not in found.parts, doc_id
        assert "## Pay" in text and "\nPay\n" not in found.whole, doc_id


def test_estimates_stand_with_the_error_of_the_examples_that_were_left_out(run_once: Home) -> None:
    rows = run_once.warehouse.read("SELECT * FROM scored.scores WHERE prompt = 'exposure'")
    (error,) = {json.loads(errors)["score"] for errors in rows["standard_errors"]}
    assert 0 < error < 4
    with run_once.warehouse.snapshot() as now:
        assert set(estimate_errors(rows, stored_definition(now, "exposure"))) == {error}


def test_desk_work_is_ranked_above_manual_work(run_once: Home) -> None:
    scores = dict(run_once.warehouse.rows("SELECT doc_id, score FROM ranked.rankings WHERE prompt = 'exposure'"))
    manual = max(scores["roofers"], scores["grounds-maintenance-workers"], scores["firefighters"])
    desk = min(scores["interpreters-and-translators"], scores["software-developers"], scores["writers-and-authors"])
    assert manual < desk


def test_no_field_of_the_sample_is_unread_and_nothing_is_imputed(run_once: Home) -> None:
    assert run_once.warehouse.rows("SELECT * FROM parsed.ooh_unread") == []
    odd = run_once.warehouse.rows(
        "SELECT doc_id, median_pay_annual, wages FROM ranked.rankings WHERE pay_basis = 'hourly_only'"
    )
    assert odd == [("actors", None, None)]


def test_every_asset_check_passes_on_the_sample(run_once: Home) -> None:
    with run_once.instance() as instance:
        defs = build_defs(run_once.settings)
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            list(defs.get_repository_def().asset_graph.asset_check_keys)
        )
    assert len(records) >= 20
    failed = [
        key.to_user_string()
        for key, record in records.items()
        if record.event is None or not record.event.dagster_event.asset_check_evaluation_data.passed
    ]
    assert failed == []


def test_a_materialization_tells_rows_columns_and_preview(run_once: Home) -> None:
    with run_once.instance() as instance:
        event = instance.get_latest_materialization_event(AssetKey(["parsed", "ooh_occupations"]))
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["dagster/row_count"].value == 30
    assert "slug" in {column.name for column in metadata["preview"].schema.columns}
    spec = next(
        spec
        for spec in build_defs(run_once.settings).resolve_all_asset_specs()
        if spec.key == AssetKey(["parsed", "ooh_occupations"])
    )
    columns = {column.name: column for column in spec.metadata["dagster/column_schema"].columns}
    assert "USD per year" in columns["median_pay_annual"].description


def test_a_second_run_parses_nothing_scores_nothing_and_publishes_the_same(run_once: Home) -> None:
    before = (run_once.settings.published_folder / "current").readlink()
    scored_at = run_once.warehouse.rows("SELECT max(scored_at) FROM scored.scores")
    run_pipeline(run_once.settings, names=("exposure",))
    with run_once.instance() as instance:
        event = instance.get_latest_materialization_event(AssetKey(["parsed", "ooh_occupations"]))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.metadata["pages parsed now"].value == 0
    assert run_once.warehouse.rows("SELECT max(scored_at) FROM scored.scores") == scored_at
    assert (run_once.settings.published_folder / "current").readlink() == before


def test_the_baseline_computes_again_when_other_titles_lead_to_its_examples(run_once: Home, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "exposure.duckdb")
    shutil.copy(run_once.settings.warehouse_file, warehouse.path)
    choice = ScorerChoice(ScorerName.BASELINE, is_explicit=True)
    folder = load_folder(BUNDLED_PROMPTS, known_corpora=KNOWN_CORPORA, known_models=sorted(load_prices(None)))

    def state() -> State:
        return next(one.state for one in standings(warehouse, folder, choice) if one.prompt == "exposure")

    collect_inputs(warehouse, "exposure", choice)
    assert (state(), score_with_baseline(warehouse, "exposure", run_id="same")) == (State.FRESH, 0)
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO parsed.ooh_titles BY NAME SELECT * REPLACE ('Commercial divers' AS title, true AS is_alias)"
            " FROM parsed.ooh_titles WHERE slug = 'roofers' LIMIT 1"
        )
    assert state() is State.STALE
    collect_inputs(warehouse, "exposure", choice)
    assert score_with_baseline(warehouse, "exposure", run_id="other titles") == 30
    assert state() is State.FRESH


def test_published_files_agree_with_the_warehouse(run_once: Home) -> None:
    folder = run_once.settings.published_folder / "current" / "exposure"
    ranked = run_once.warehouse.read("SELECT doc_id, score FROM ranked.rankings ORDER BY doc_id")
    csv = pd.read_csv(folder / "ranking.csv").sort_values("doc_id")
    parquet = duckdb.sql(f"SELECT doc_id, score FROM '{folder / 'ranking.parquet'}' ORDER BY doc_id").df()
    document = json.loads((folder / "ranking.json").read_text(encoding="utf-8"))
    assert csv["score"].tolist() == parquet["score"].tolist() == ranked["score"].tolist()
    assert {row["doc_id"] for row in document["ranking"]} == set(ranked["doc_id"])
    assert "baseline" in document["note"]


def test_a_second_prompt_file_is_all_that_a_second_question_takes(three_files: tuple[Settings, str]) -> None:
    settings, _ = three_files
    assert Warehouse(settings.warehouse_file).rows(
        "SELECT prompt, count(*) FROM ranked.rankings GROUP BY 1 ORDER BY 1"
    ) == [("exposure", 30), ("second", 30)]
    assert (settings.published_folder / "current" / "second" / "brief.md").is_file()


def test_a_broken_prompt_file_is_named_and_does_not_take_the_others_down(three_files: tuple[Settings, str]) -> None:
    settings, said = three_files
    assert "broken.md" in said
    assert (settings.published_folder / "current" / "second" / "ranking.csv").is_file()


def test_a_prompt_whose_file_is_gone_leaves_the_published_files(three_files: tuple[Settings, str]) -> None:
    settings, _ = three_files
    (settings.prompts / "second.md").unlink()
    run_pipeline(settings, names=())
    published = settings.published_folder / "current"
    assert (published / "exposure").is_dir() and not (published / "second").exists()


def test_a_page_that_is_gone_is_named_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sites = tmp_path / "sites"
    shutil.copytree(SAMPLE_SITES, sites)
    (sites / "www.bls.gov/ooh/construction-and-extraction/roofers.htm").unlink()
    settings = settings_for(tmp_path / "home", sites=str(sites))
    run_pipeline(settings, names=("exposure",))
    warehouse = Warehouse(settings.warehouse_file)
    assert warehouse.rows("SELECT count(*) FROM ranked.rankings") == [(29,)]
    assert warehouse.rows("SELECT status FROM raw.ooh_pages WHERE slug = 'roofers'") == [(404,)]
    assert "every_listed_page_is_there" in capsys.readouterr().err


def test_without_an_index_there_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "sites" / "www.bls.gov").mkdir(parents=True)
    settings = settings_for(tmp_path / "home", sites=str(tmp_path / "sites"))
    with pytest.raises(ExposureError, match="A–Z index cannot be had"):
        run_pipeline(settings, names=("exposure",))


def test_a_sample_warehouse_takes_no_pages_of_a_folder(run_once: Home, tmp_path: Path) -> None:
    shutil.copytree(SAMPLE_SITES, tmp_path / "sites")
    settings = settings_for(run_once.settings.home, sites=str(tmp_path / "sites"))
    with pytest.raises(ExposureError, match="filled from a sample site"):
        run_pipeline(settings, names=("exposure",))
