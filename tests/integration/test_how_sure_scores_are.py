"""What a run tells of how sure its scores are: samples that the real pipeline asks of a model on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.settings import ScorerName
from tests.integration.company import ROWS, Company, made_company
from tests.integration.scoring.faulty_model import Fault, FaultyModel, edited, running_model

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")


@contextmanager
def asked_model() -> Iterator[FaultyModel]:
    """A model on loopback that is asked in this block."""
    with running_model() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANTHROPIC_API_KEY", "k")
        patch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


@pytest.fixture
def model() -> Iterator[FaultyModel]:
    with asked_model() as running:
        yield running


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return made_company(tmp_path)


@pytest.fixture(scope="module")
def asked_once(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company whose model gave one answer a role. It is only read."""
    made = made_company(tmp_path_factory.mktemp("once"))
    with asked_model():
        ask(made, samples=1)
    return made


@pytest.fixture(scope="module")
def asked_thrice(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same with three answers a role, which differ for one of them."""
    made = made_company(tmp_path_factory.mktemp("thrice"))
    with asked_model() as model:
        model.faults["dev"] = [answer(digital=9), answer(digital=3)]
        ask(made, samples=3)
    return made


@pytest.fixture(scope="module")
def estimated(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The same without a model: the baseline's estimates."""
    made = made_company(tmp_path_factory.mktemp("estimated"))
    made.run()
    return made


def ask(company: Company, *, samples: int) -> None:
    path = company.prompts / "our_roles.md"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("samples:")]
    path.write_text("\n".join([lines[0], f"samples: {samples}", *lines[1:]]) + "\n", encoding="utf-8")
    company.run(scorer=ScorerName.MODEL)


def answer(**numbers: int) -> Fault:
    return edited("ok", lambda given: given | numbers)


def test_an_answer_alone_has_no_interval_and_further_samples_give_one(company: Company, model: FaultyModel) -> None:
    ask(company, samples=1)
    rows = company.warehouse.rows("SELECT DISTINCT method, se, lo90, answers FROM ranked.uncertainty")
    assert rows == [("none", None, None, 1)]
    assert company.warehouse.rows("SELECT * FROM ranked.reliability") == []
    assert len(model.seen) == len(ROWS)

    model.faults["dev"] = [answer(digital=9, remote=1), answer(digital=3, remote=3)]
    ask(company, samples=3)
    assert len(model.seen) == 3 * len(ROWS)
    rows = company.warehouse.rows("SELECT DISTINCT method, answers, se > 0, lo90 < hi90 FROM ranked.uncertainty")
    assert rows == [("samples", 3, True, True)]
    assert company.warehouse.rows("SELECT DISTINCT facet FROM ranked.reliability") == [("sample",)]
    statistics = {row[0] for row in company.warehouse.rows("SELECT DISTINCT statistic FROM ranked.reliability")}
    assert {"ICC(1,1)", "ICC(1,k)", "alpha, ordinal"} >= statistics > set()


def test_several_attributes_have_a_spread_each_and_the_ranked_score_that_of_its_samples(
    company: Company, model: FaultyModel
) -> None:
    model.faults["dev"] = [answer(digital=9, remote=1), answer(digital=3, remote=1), answer(digital=6, remote=1)]
    ask(company, samples=3)
    ((spreads, attributes),) = company.warehouse.rows(
        "SELECT attributes_sd, attributes FROM scored.scores WHERE doc_id = 'dev'"
    )
    assert json.loads(spreads) == {"digital": pytest.approx(3), "remote": 0}
    assert json.loads(attributes) == {"digital": 6, "remote": 1}
    ((definition,),) = company.warehouse.rows("SELECT definition FROM ranked.definitions")
    weights = {one["key"]: one["weight"] for one in json.loads(definition)["attributes"]}
    share = weights["digital"] / sum(weights.values())
    ((deviation,),) = company.warehouse.rows("SELECT score_sd FROM ranked.rankings WHERE doc_id = 'dev'")
    assert deviation == pytest.approx(3 * share)


def test_the_mean_of_jobs_has_an_interval_that_is_wider_the_more_errors_go_together(asked_thrice: Company) -> None:
    ((se, independent, correlated, low, mean, high, share, share_low, share_high),) = asked_thrice.warehouse.rows(
        "SELECT se, se_independent, se_correlated, lo90, job_weighted_mean, hi90, expected_share, share_lo, share_hi"
        " FROM ranked.summaries WHERE grouping = 'all'"
    )
    assert 0 < independent <= se <= correlated
    assert low < mean < high
    assert 0 <= share_low <= share <= share_high <= 1


def test_without_a_key_an_estimate_is_as_sure_as_its_examples_or_says_nothing(estimated: Company) -> None:
    methods = {row[0] for row in estimated.warehouse.rows("SELECT DISTINCT method FROM ranked.uncertainty")}
    assert methods <= {"left-out examples", "none"}
    assert len(estimated.warehouse.rows("SELECT 1 FROM ranked.uncertainty")) == len(ROWS)


def test_answers_of_a_model_say_nothing_of_estimates_that_took_their_place(
    company: Company, model: FaultyModel
) -> None:
    ask(company, samples=2)
    company.run(scorer=ScorerName.BASELINE)
    rows = company.warehouse.rows("SELECT DISTINCT answers, sd_sample FROM ranked.uncertainty")
    assert rows == [(None, None)]
    assert company.warehouse.rows("SELECT * FROM ranked.reliability") == []


# The command


def told(company: Company, monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    """What `exposure reliability` prints of the company's prompt, in one line."""
    monkeypatch.setenv("EXPOSURE_HOME", str(company.warehouse.path.parent))
    output = CliRunner().invoke(main, ["reliability", "our_roles", *options]).output
    return output if options else " ".join(output.split())


def test_the_command_says_how_well_samples_agree_who_is_least_sure_and_how_far_the_mean_may_be_off(
    asked_thrice: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = told(asked_thrice, monkeypatch)
    assert text.startswith("Intervals are of 90 % and come from repeated answers of one model.")
    assert "ICC(1,1)" in text and "alpha, ordinal" in text
    assert all(f"go together by {correlation}" in text for correlation in ("0", "0.2", "0.4"))
    assert "Least sure: Backend developer" in text
    found = json.loads(told(asked_thrice, monkeypatch, "--json"))
    widths = [one["hi90"] - one["lo90"] for one in found["job_weighted_mean"]["intervals"]]
    assert widths == sorted(widths) and widths[0] > 0
    assert 1 <= found["job_weighted_mean"]["effective_number"] <= len(ROWS)
    assert found["documents"][0]["title"] == "Backend developer"


def test_the_explanation_of_a_score_has_its_interval(asked_thrice: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", str(asked_thrice.warehouse.path.parent))
    ((low, high),) = asked_thrice.warehouse.rows("SELECT lo90, hi90 FROM ranked.uncertainty WHERE doc_id = 'dev'")
    lines = CliRunner().invoke(main, ["explain", "our_roles", "dev"]).output.splitlines()
    assert f"90 % interval:    {low:.1f} to {high:.1f}, by samples" in lines


def test_the_command_says_what_to_do_where_nothing_was_asked_twice(
    asked_once: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = told(asked_once, monkeypatch)
    assert "There is no interval: each document has a single answer" in text and "`samples: 3`" in text
    assert "nothing was answered twice" in text
    assert "It has no interval, since not every score that counts has one." in text


def test_the_command_says_that_there_is_no_mean_over_jobs_where_none_are_known(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.write(**{name: ",".join([*row.split(",")[:3], "", ""]) for name, row in ROWS.items()})
    company.run()
    assert "There is no job-weighted mean: the jobs of these documents are not known." in told(company, monkeypatch)


def test_the_command_names_the_prompts_that_there_are(estimated: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", str(estimated.warehouse.path.parent))
    output = CliRunner().invoke(main, ["reliability", "nobody"]).output
    assert "nothing is scored of prompt nobody. There are the prompts our_roles." in output
