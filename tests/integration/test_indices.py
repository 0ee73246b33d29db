"""Indices that scores are held against: set, changed, broken and taken out again, over the sample."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.cli.prompts import load_prompts
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.core.errors import ExposureError
from exposure_dagster.indices.names import named_indices
from exposure_dagster.pipeline.agreement import measure_agreement
from exposure_dagster.pipeline.indices import map_indices, refresh_indices
from exposure_dagster.pipeline.inputs import choice_of
from exposure_dagster.pipeline.published import read_content
from exposure_dagster.pipeline.standing import PromptStanding, standings
from exposure_dagster.settings import ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse

PROMPT = "exposure"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.csv"
    file.write_text("code,value,scale_low,scale_high,citation\nroofers,1,0,10,Me (2024)\nactors,7\npoets,9\n")
    return file


def settings_of(home: Path, indices: str | None = None) -> Settings:
    return Settings(home=home, sites="sample", scorer=ScorerName.BASELINE, indices=indices)


def standing(settings: Settings) -> PromptStanding:
    warehouse = Warehouse(settings.warehouse_file)
    (found,) = [
        one for one in standings(warehouse, load_prompts(settings), choice_of(settings)) if one.prompt == PROMPT
    ]
    return found


def set_to(warehouse: Warehouse, indices: str) -> None:
    refresh_indices(warehouse, named_indices(indices))
    map_indices(warehouse)


def test_a_run_holds_scores_against_the_indices_that_are_set(
    sample_home: Path, mine: Path, warehouses_opened_once: None
) -> None:
    before = (sample_home / "published/current").resolve().name
    settings = settings_of(sample_home, f"gpts_human_beta,microsoft,mine={mine}")
    run_pipeline(settings, names=(PROMPT,))
    published = sample_home / "published/current"
    agreement = pd.read_csv(published / "agreement.csv").set_index("reference")
    assert agreement["n"].to_dict() == {"gpts_human_beta": 29, "microsoft": 29, "mine": 2}
    assert agreement["spearman"]["gpts_human_beta"] > 0.6
    assert agreement["mae"].notna().to_dict() == {"gpts_human_beta": False, "microsoft": False, "mine": True}
    gaps = pd.read_csv(published / "disagreements.csv")
    assert set(gaps["reference"]) == {"gpts_human_beta", "microsoft", "mine"}
    sources = (published / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "Eloundou" in sources
    assert "MIT. Indices: gpts_human_beta." in sources
    assert "Tomlinson" in sources
    assert "Me (2024)" in sources
    assert "## disagreements.csv" in (published / "data_dictionary.md").read_text(encoding="utf-8")
    run_pipeline(settings_of(sample_home), names=(PROMPT,))
    assert published.resolve().name == before


def test_rankings_are_stale_when_an_index_changes_and_then_alone(sample_home: Path, mine: Path) -> None:
    settings = settings_of(sample_home)
    warehouse = Warehouse(settings.warehouse_file)
    assert standing(settings).is_settled
    set_to(warehouse, "")
    assert standing(settings).is_settled
    set_to(warehouse, f"mine={mine}")
    with_index = standing(settings)
    assert with_index.is_ranked_otherwise
    assert not with_index.needs_scoring
    set_to(warehouse, f"mine={mine}")
    assert standing(settings).wanted_ranking == with_index.wanted_ranking
    set_to(warehouse, f"mine={mine},gpts_task_human")  # speaks of tasks alone
    assert standing(settings).wanted_ranking == with_index.wanted_ranking
    mine.write_text(mine.read_text().replace("roofers,1", "roofers,2"))
    set_to(warehouse, f"mine={mine}")
    assert standing(settings).wanted_ranking != with_index.wanted_ranking
    set_to(warehouse, "")
    assert standing(settings).is_settled


def test_codes_that_no_document_has_are_a_warning(sample_home: Path, mine: Path) -> None:
    warehouse = Warehouse(sample_home / "exposure.duckdb")
    refresh_indices(warehouse, named_indices(f"mine={mine}"))
    (outcome,) = map_indices(warehouse).outcomes
    assert not outcome.passed
    assert not outcome.is_error
    assert "mine: 1 code, as poets" in outcome.description
    missing = warehouse.rows(
        "SELECT count(*) FROM parsed.index_values WHERE value IS NULL AND codes_missing = [doc_id]"
    )
    assert missing == [(28,)]


def test_a_file_that_cannot_be_used_ends_the_run_with_one_sentence_and_leaves_what_stands(
    sample_home: Path, mine: Path, warehouses_opened_once: None
) -> None:
    before = (sample_home / "published/current").resolve()
    mine.write_text("code,value\nroofers,many\n")
    with pytest.raises(ExposureError, match="line 2: 'many' is no figure"):
        run_pipeline(settings_of(sample_home, f"mine={mine}"), names=(PROMPT,))
    assert (sample_home / "published/current").resolve() == before


def test_the_command_says_how_far_scores_agree_and_where_not(
    sample_home: Path, mine: Path, monkeypatch: pytest.MonkeyPatch, warehouses_opened_once: None
) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", str(sample_home))

    def said(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["agreement", *words])
        return result.exit_code, result.output

    status, output = said()
    assert status == 1
    assert "no scores are held against an index yet. Name indices in EXPOSURE_INDICES" in output
    warehouse = Warehouse(sample_home / "exposure.duckdb")
    set_to(warehouse, f"microsoft,mine={mine}")
    measure_agreement(warehouse, PROMPT)
    assert "microsoft" in said()[1]
    shown = json.loads(said(PROMPT, "--against", "mine", "--json")[1])
    assert [(row["reference"], row["n"]) for row in shown["agreement"]] == [("mine", 2)]
    assert {row["title"] for row in shown["disagreements"]} == {"Roofers", "Actors"}
    assert "exposure and microsoft: widest gaps" in said(PROMPT)[1]
    status, output = said(PROMPT, "--against", "none")
    assert status == 1
    assert "nothing is known of prompt exposure and index none. There are the prompts exposure" in output


def test_what_a_file_says_of_itself_acts_on_no_terminal(sample_home: Path, mine: Path) -> None:
    mine.write_text("code,value,citation\nroofers,1,\x1b[2JMe\nactors,2,\n")
    warehouse = Warehouse(sample_home / "exposure.duckdb")
    set_to(warehouse, f"mine={mine}")
    measure_agreement(warehouse, PROMPT)
    assert any(source.startswith("[2JMe") for source, *_ in read_content(warehouse).sources)
