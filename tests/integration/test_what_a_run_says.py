"""What `exposure run` says of documents that were not answered, and of those that were cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import SCORES_KEY
from exposure_dagster.cli.main import main
from exposure_dagster.cli.money import estimate_prompts, print_estimates
from exposure_dagster.cli.prompts import price_table
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.settings import ScorerName
from tests.integration.company import ROWS, Company, made_company
from tests.integration.scoring.faulty_model import ANY, FaultyModel, edited, running_model

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

FRACTION = edited("a fraction", lambda answer: answer | {"digital": "7/10"})

SMALL = """
[models.claude-haiku-5-5]
input = 0.10
output = 0.50
cache_write_5m = 0.125
cache_write_1h = 0.20
cache_read = 0.01
context_tokens = 16_000
max_output_tokens = 2_000
"""


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyModel]:
    with running_model() as running:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return made_company(tmp_path)


def test_a_run_in_which_nothing_was_scored_fails_and_says_what_went_wrong_most_often(
    company: Company, model: FaultyModel, capsys: pytest.CaptureFixture[str]
) -> None:
    model.faults[ANY] = [FRACTION] * 100

    with pytest.raises(ScoringError, match="our_roles: not one of 4 documents was answered"):
        company.run(scorer=ScorerName.MODEL)

    told = capsys.readouterr().err
    assert re.search(r"answered 0 of 4 in .*, failed 4", told)
    assert '4 of 4 documents have no answer; the commonest error: digital is "7/10", which is not allowed' in told
    assert company.warehouse.rows("SELECT DISTINCT status FROM scored.scores") == [("failed",)]


def test_a_rehearsal_fails_only_where_nothing_was_answered(company: Company, model: FaultyModel) -> None:
    settings = {
        "EXPOSURE_HOME": str(company.root / "home"),
        "EXPOSURE_SITES": str(company.root),
        "EXPOSURE_PROMPTS": str(company.prompts),
        "EXPOSURE_DOCUMENTS": f"roles={company.file}",
    }
    model.faults[ANY] = [FRACTION] * 20
    none = CliRunner().invoke(main, ["run", "--limit", "2"], env=settings)
    model.faults.clear()
    model.faults["acct"] = [FRACTION] * 10
    one = CliRunner().invoke(main, ["run", "--limit", "2"], env=settings)

    assert none.exit_code == 1
    assert "our_roles: not one document was answered" in none.output
    assert one.exit_code == 0, one.output


def test_documents_that_were_cut_are_told_before_and_after_a_run(
    company: Company, model: FaultyModel, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = company.root / "prices.toml"
    prices.write_text(SMALL, encoding="utf-8")
    company.write(dev=f"dev,Backend developer,{'Writes code. ' * 10_000},40,118000")
    company.run()
    settings = company.settings(scorer=ScorerName.MODEL, prices=prices)
    capsys.readouterr()
    print_estimates(estimate_prompts(settings, [], prices=price_table(settings)))
    before = capsys.readouterr().out

    company.run(scorer=ScorerName.MODEL, prices=prices)

    after = capsys.readouterr().out
    ((note,),) = company.warehouse.rows("SELECT note FROM scored.scores WHERE note IS NOT NULL")
    kept, whole = (int(part.replace(",", "")) for part in re.findall(r"[\d,]+(?= of | characters)", note))
    said = f"1 document is longer than the model takes: {whole - kept:,} characters"
    assert 4_000 < kept < 32_000 < whole
    assert f"our_roles: {said}" in before
    assert said in after
    with open_instance(settings.dagster_home) as instance:
        event = instance.get_latest_materialization_event(SCORES_KEY)
        assert event is not None and event.asset_materialization is not None
        figures = event.asset_materialization.metadata
    assert (figures["documents cut"].value, figures["characters left out"].value) == (1, whole - kept)
    assert figures["documents answered"].value == len(ROWS)
