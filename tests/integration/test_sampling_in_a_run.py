"""A prompt whose file says how sure it wants to be: what is estimated, asked, shown, and asked again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from exposure_dagster.settings import ScorerName
from tests.integration.company import ROWS, Company, made_company
from tests.integration.scoring.faulty_model import FaultyModel, running_model

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

BY_TIERS = "sampling: {min: 3, max: 6, target: tiers}"
ANSWERS = "SELECT doc_id, samples FROM scored.scores WHERE prompt = 'exposure' ORDER BY 1"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyModel]:
    with running_model() as running:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        running.planned = {doc: itertools.repeat(9) for doc in ROWS}
        running.planned["acct"] = itertools.cycle([3, 4])  # the edge of a tier lies between
        yield running


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = made_company(tmp_path)
    (made.prompts / "our_roles.md").unlink()
    made.add_prompt("exposure", of="exposure")
    rewrite(made, "samples: 1", BY_TIERS)
    return made


def rewrite(company: Company, before: str, after: str) -> None:
    path = company.prompts / "exposure.md"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_the_run_asks_where_a_tier_is_not_sure_and_is_fresh_afterwards(company: Company, model: FaultyModel) -> None:
    company.run(scorer=ScorerName.BASELINE)
    estimate = company.told("estimate")
    assert "sampling may come to 24 answers" in estimate
    assert " 12 " in next(line for line in estimate.splitlines() if line.strip().startswith("exposure"))
    assert "where sampling wants more" in company.told("status")
    company.run(scorer=ScorerName.MODEL)
    assert company.warehouse.rows(ANSWERS) == [("acct", 6), ("cook", 3), ("dev", 3), ("fork", 3)]
    assert len(model.seen) == 15
    status = company.told("status")
    assert "fresh" in status
    company.run(scorer=ScorerName.MODEL)
    assert len(model.seen) == 15


def test_further_answers_count_in_the_interval_and_not_in_the_agreement_of_samples(
    company: Company, model: FaultyModel
) -> None:
    company.run(scorer=ScorerName.MODEL)
    assert company.warehouse.rows("SELECT doc_id, answers, method FROM ranked.uncertainty ORDER BY 1") == [
        ("acct", 6, "samples"),
        ("cook", 3, "samples"),
        ("dev", 3, "samples"),
        ("fork", 3, "samples"),
    ]
    assert company.warehouse.rows("SELECT DISTINCT n, k FROM ranked.reliability WHERE facet = 'sample'") == [(4, 3.0)]


def test_a_tier_that_moves_makes_the_prompt_stale_and_asks_about_whom_it_makes_unsure(
    company: Company, model: FaultyModel
) -> None:
    file = (company.prompts / "exposure.md").read_text(encoding="utf-8")
    tiers = file[file.index("tiers:") :].split("\n\n")[0]
    far, near = (
        f"tiers:\n  - {{label: Low, range: [0, {low}]}}\n  - {{label: High, range: [{low + 1}, 10]}}" for low in (6, 3)
    )
    rewrite(company, tiers, far)
    company.run(scorer=ScorerName.MODEL)
    assert len(model.seen) == 12
    rewrite(company, far, near)
    status = company.told("status")
    assert "stale" in status
    assert "sampling" in status
    company.run(scorer=ScorerName.MODEL)
    assert [seen.documents for seen in model.seen[12:]] == [("acct",)] * 3
    assert "fresh" in company.told("status")
