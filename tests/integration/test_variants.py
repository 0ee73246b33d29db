"""The same question put in other ways: asked besides, kept beside, and no part of the score."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exposure_dagster.prompts.model import AskedPrompt, AskedVariant
from exposure_dagster.settings import ScorerName
from tests.integration.company import ROWS, Company, made_company
from tests.integration.scoring.faulty_model import FaultyModel, running_model

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")
WORDS = "variants:\n  - name: plain\n    instruction: Say it in plain words.\n"
SCORES = "SELECT doc_id, attributes, prompt_hash, samples FROM scored.scores ORDER BY 1"
EFFORT = "  - name: brief\n    effort: low\n"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyModel]:
    with running_model() as running:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return made_company(tmp_path)


def ask(company: Company, variants: str, *, samples: int = 1) -> None:
    path = company.prompts / "our_roles.md"
    company.add_prompt("our_roles", of="two_variable")
    text = path.read_text(encoding="utf-8").replace("samples: 1", f"samples: {samples}")
    path.write_text(text.replace("---\n", f"---\n{variants}", 1), encoding="utf-8")
    company.run(scorer=ScorerName.MODEL)


def test_variants_are_asked_besides_change_no_score_and_have_answers_of_their_own(
    company: Company, model: FaultyModel
) -> None:
    ask(company, "")
    scores = company.warehouse.rows(SCORES)
    assert len(model.seen) == len(ROWS)
    assert company.warehouse.rows("SELECT * FROM scored.variants") == []

    ask(company, WORDS + EFFORT)
    assert len(model.seen) == 3 * len(ROWS)
    assert (
        company.warehouse.rows("SELECT doc_id, attributes, prompt_hash, samples FROM scored.scores ORDER BY 1")
        == scores
    )
    assert company.warehouse.rows(
        "SELECT variant, count(*), min(status) FROM scored.variants GROUP BY 1 ORDER BY 1"
    ) == [
        ("brief", len(ROWS), "ok"),
        ("plain", len(ROWS), "ok"),
    ]
    assert any("plain words" in json.dumps(body) for body in model.bodies)

    ask(company, WORDS + EFFORT)
    assert len(model.seen) == 3 * len(ROWS)

    # each has answers of its own, and one that is gone takes its rows along
    ask(company, WORDS)
    assert company.warehouse.rows("SELECT DISTINCT variant FROM scored.variants") == [("plain",)]
    ask(company, WORDS + EFFORT)
    assert len(model.seen) == 3 * len(ROWS)
    ask(company, WORDS.replace("plain words", "other words") + EFFORT)
    assert len(model.seen) == 4 * len(ROWS)


def test_wordings_are_a_facet_of_reliability_and_widen_the_interval(company: Company, model: FaultyModel) -> None:
    ask(company, WORDS, samples=2)
    assert company.warehouse.rows("SELECT DISTINCT method FROM ranked.uncertainty") == [("wordings",)]
    facets = {row[0] for row in company.warehouse.rows("SELECT DISTINCT facet FROM ranked.reliability")}
    assert "wording" in facets
    assert company.warehouse.rows("SELECT DISTINCT answers FROM ranked.uncertainty") == [(4,)]
    assert company.warehouse.rows("SELECT DISTINCT samples FROM scored.scores") == [(2,)]


def test_estimates_and_status_know_what_variants_cost(company: Company, model: FaultyModel) -> None:
    ask(company, "")
    path = company.prompts / "our_roles.md"
    path.write_text(path.read_text(encoding="utf-8").replace("---\n", f"---\n{WORDS}", 1), encoding="utf-8")
    told = company.told("status")
    assert "stale" in told
    line = next(line for line in told.splitlines() if line.strip().startswith("our_roles"))
    assert f" {len(ROWS)} " in f"{line} "
    assert "variants" in told


def test_variants_are_no_part_of_the_hash() -> None:
    plain = AskedPrompt(
        system="s",
        attributes=(),
        answer_schema={},
        document_format="tagged-2",
        model="m",
        effort=None,
        samples=1,
        documents_per_request=1,
    )
    varied = plain.model_copy(update={"variants": (AskedVariant(name="x", asked=plain),)})
    again = AskedPrompt.model_validate(varied.model_dump())
    assert again.prompt_hash == plain.prompt_hash
    assert [one.prompt_hash for one in again.by_model] == [plain.prompt_hash]
    assert "variants" not in plain.model_dump()


def test_a_document_that_fails_in_a_variant_alone_is_named_as_that_and_asked_again(
    company: Company, model: FaultyModel, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(company, "")
    model.planned["dev"] = itertools.repeat(4.5)  # no number of the scale
    ask(company, WORDS)
    said = "".join(capfd.readouterr())
    assert "answers missing in its variants: 1," in " ".join(said.split())
    assert "documents have no answer" not in said
    assert "incomplete  1 failed in variants" in company.told("status")
    del model.planned["dev"]
    before = len(model.seen)
    company.run(scorer=ScorerName.MODEL)
    assert len(model.seen) == before + 1
    assert company.warehouse.rows("SELECT DISTINCT status FROM scored.variants") == [("ok",)]
