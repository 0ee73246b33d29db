"""`exposure run --distil N`: a model is asked about some documents, and the others are estimated from its answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.pipeline.distilling import NOT_ASKED, chances_of, distil
from exposure_dagster.pipeline.prompts import stored_prompt
from exposure_dagster.ranking.how_sure import MEANING, how_sure
from exposure_dagster.ranking.uncertainty import Method
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.counting_server import CountingServer, counting_server
from tests.integration.test_spending import environment, on_a_terminal

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

DOCUMENTS = 30
ROWS = "SELECT * FROM scored.scores WHERE prompt = 'exposure' ORDER BY doc_id"


@pytest.fixture(scope="module")
def api() -> Iterator[CountingServer]:
    with counting_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _counts_from_nothing(api: CountingServer) -> None:
    api.forget()


def exposure(home: Path, api: CountingServer, *arguments: str) -> str:
    """What the command says. The answers are made up, and a gate would keep them back."""
    done = CliRunner().invoke(main, arguments, env={**environment(home, api), "EXPOSURE_GATE": "warn"})
    assert done.exit_code == 0, done.output
    return done.output


def rows(home: Path) -> pd.DataFrame:
    return Warehouse(home / "exposure.duckdb").read(ROWS).set_index("doc_id")


@pytest.fixture(scope="module")
def distilled(sample_run: Path, tmp_path_factory: pytest.TempPathFactory, api: CountingServer) -> tuple[Path, str, int]:
    """A home where a model was asked about 20 of 30 documents; what was said, and how often it was asked."""
    home = Path(shutil.copytree(sample_run, tmp_path_factory.mktemp("distilling") / "home", symlinks=True))
    said = exposure(home, api, "run", "--prompt", "exposure", "--distil", "20")
    return home, said, len(api.asked)


@pytest.fixture
def home(distilled: tuple[Path, str, int], tmp_path: Path) -> Path:
    return Path(shutil.copytree(distilled[0], tmp_path / "home", symlinks=True))


def test_the_model_is_asked_about_as_many_and_the_others_are_marked_as_estimates(
    distilled: tuple[Path, str, int],
) -> None:
    home, _, asked = distilled
    found = rows(home)
    answered, estimated = found[found["scorer"] == "claude"], found[found["scorer"] == "baseline"]
    assert (asked, len(answered), len(estimated)) == (20, 20, 10)
    assert set(answered.index) == set(chances_of(Warehouse(home / "exposure.duckdb"), "exposure", "ooh", 20))
    assert set(estimated["model"]) == {"baseline 3 from answers of claude-haiku-5-5"}
    assert set(estimated["note"]) == {NOT_ASKED}
    assert estimated["standard_errors"].notna().all() and answered["standard_errors"].isna().all()
    assert estimated["score"].between(0, 10).all()
    assert estimated["rationale"].str.startswith("Estimated from a model's answers about 20 other documents").all()


def test_published_files_say_which_scores_are_estimates(distilled: tuple[Path, str, int]) -> None:
    folder = distilled[0] / "published" / "current" / "exposure"
    ranking = pd.read_csv(folder / "ranking.csv")
    assert ranking["scorer"].value_counts().to_dict() == {"claude": 20, "baseline": 10}
    assert set(ranking.loc[ranking["scorer"] == "baseline", "model"]) == {"baseline 3 from answers of claude-haiku-5-5"}
    assert "are estimates of the bundled baseline" in (folder / "brief.md").read_text(encoding="utf-8")


def test_intervals_of_estimates_come_from_left_out_answers(distilled: tuple[Path, str, int]) -> None:
    uncertainty = pd.read_csv(distilled[0] / "published" / "current" / "exposure" / "uncertainty.csv")
    assert uncertainty["method"].value_counts().to_dict() == {"none": 20, "left-out answers": 10}
    sentences = how_sure(uncertainty.assign(scorer="baseline").loc[uncertainty["method"] != "none"])
    assert sentences == [MEANING[Method.LEFT_OUT_ANSWERS]]


def test_the_run_says_how_sure_estimates_and_mean_are(distilled: tuple[Path, str, int]) -> None:
    said = " ".join(distilled[1].split())
    assert "the model answered about 20 documents and the other 10 are estimated from these answers" in said
    assert "the job-weighted mean of what it would answer about all is" in said
    assert "with a standard error of" in said


def test_a_distilled_prompt_is_not_fresh_and_says_why(home: Path, api: CountingServer) -> None:
    assert "10 estimated from the others' answers" in exposure(home, api, "status")
    assert api.asked == []


def test_the_same_again_asks_nothing_and_is_no_other_version(home: Path, api: CountingServer) -> None:
    warehouse = Warehouse(home / "exposure.duckdb")
    versions = "SELECT count(DISTINCT version) FROM scored.score_versions WHERE prompt = 'exposure'"
    before, standing = warehouse.rows(versions), rows(home).drop(columns="scored_at")
    exposure(home, api, "run", "--prompt", "exposure", "--distil", "20")
    assert api.asked == []
    assert warehouse.rows(versions) == before
    pd.testing.assert_frame_equal(rows(home).drop(columns="scored_at"), standing)


def test_more_ask_about_the_additional_ones_and_what_is_answered_is_never_estimated_again(
    home: Path, api: CountingServer
) -> None:
    exposure(home, api, "run", "--prompt", "exposure", "--distil", "25")
    assert len(api.asked) == 5
    assert rows(home)["scorer"].value_counts().to_dict() == {"claude": 25, "baseline": 5}
    exposure(home, api, "run", "--prompt", "exposure", "--distil", "20")
    assert len(api.asked) == 5
    assert rows(home)["scorer"].value_counts().to_dict() == {"claude": 25, "baseline": 5}


def test_a_run_without_it_asks_about_the_others(home: Path, api: CountingServer) -> None:
    exposure(home, api, "run", "--prompt", "exposure")
    assert len(api.asked) == DOCUMENTS - 20
    assert set(rows(home)["scorer"]) == {"claude"}
    assert "is fresh" in exposure(home, api, "run", "--prompt", "exposure", "--distil", "20")
    assert set(rows(home)["scorer"]) == {"claude"}


def test_where_it_would_ask_about_all_nothing_is_estimated(home: Path, api: CountingServer) -> None:
    said = exposure(home, api, "run", "--prompt", "exposure", "--distil", "60")
    assert len(api.asked) == DOCUMENTS - 20
    assert set(rows(home)["scorer"]) == {"claude"}
    assert "are estimated from" not in said


def test_on_a_terminal_the_estimate_is_of_those_that_are_asked_about(home: Path, api: CountingServer) -> None:
    status, shown = on_a_terminal(home, api, "run", "--prompt", "exposure", "--distil", "26", typed="n\n")
    (line,) = [line for line in shown.splitlines() if line.split()[:1] == ["exposure"]]
    assert line.split()[2] == "6"
    assert (status, api.asked) == (1, [])


def test_the_estimate_of_it_is_the_same(home: Path, api: CountingServer) -> None:
    (line,) = [
        line
        for line in exposure(home, api, "estimate", "--prompt", "exposure", "--distil", "26").splitlines()
        if line.split()[:1] == ["exposure"]
    ]
    assert line.split()[2:4] == ["6", "6"]


def test_without_a_model_it_says_that_there_is_none_to_ask(home: Path, api: CountingServer) -> None:
    done = CliRunner().invoke(
        main, ["run", "--distil", "20"], env={**environment(home, api), "EXPOSURE_SCORER": "baseline"}
    )
    assert done.exit_code == 1
    assert "there is no model to ask about some documents" in done.output
    assert rows(home)["scorer"].value_counts().to_dict() == {"claude": 20, "baseline": 10}


def test_from_too_few_answers_nothing_is_estimated(home: Path) -> None:
    warehouse = Warehouse(home / "exposure.duckdb")
    inputs = warehouse.read("SELECT * FROM scored.inputs WHERE prompt = 'exposure'")
    frame = rows(home).reset_index().query("scorer == 'claude'")
    frame.loc[frame.index[:3], "status"] = "refused"
    chances = chances_of(warehouse, "exposure", "ooh", 20)
    with pytest.raises(ScoringError, match="17 of 20 documents"):
        distil(warehouse, stored_prompt(warehouse, "exposure"), frame, chances, inputs)


@pytest.mark.parametrize("other", ["--again", "--limit=3"])
def test_it_goes_with_no_other_way_of_asking(home: Path, api: CountingServer, other: str) -> None:
    done = CliRunner().invoke(main, ["run", "--distil", "20", other], env=environment(home, api))
    assert done.exit_code == 2
    assert "--distil goes with neither" in done.output


def test_several_numbers_are_estimated_each_with_its_error(home: Path, api: CountingServer) -> None:
    said = " ".join(exposure(home, api, "run", "--prompt", "two_variable", "--distil", "22").split())
    assert len(api.asked) == 22
    found = Warehouse(home / "exposure.duckdb").read(ROWS.replace("exposure", "two_variable"))
    estimated = found[found["scorer"] == "baseline"]
    assert len(estimated) == DOCUMENTS - 22
    for column in ("attributes", "standard_errors"):
        assert [set(json.loads(text)) for text in estimated[column]] == [{"digital", "remote"}] * len(estimated)
    assert "the job-weighted mean of digital of what it would answer about all is" in said
    ranked = Warehouse(home / "exposure.duckdb").rows(
        "SELECT count(*) FROM ranked.rankings WHERE prompt = 'two_variable' AND score IS NOT NULL"
    )
    assert ranked == [(DOCUMENTS,)]
