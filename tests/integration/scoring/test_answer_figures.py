"""What `exposure status` says about answers: it adds up to what the ledger holds."""

from __future__ import annotations

import pytest

from exposure_dagster.pipeline.answer_figures import answer_figures
from exposure_dagster.scoring.job import ScoringJob, WarehouseTexts, scores_frame
from exposure_dagster.tables import SCORES
from tests.integration.scoring.faulty_model import refusal, saying, status
from tests.integration.scoring.scene import Scene, asked_prompt


def test_the_figures_of_a_prompt_are_those_of_its_ledger_and_its_last_run(scene: Scene) -> None:
    scene.asked = asked_prompt(documents_per_request=2)
    scene.model.faults["doc-002"] = [refusal, refusal]
    scene.model.faults["doc-004"] = [status(400), status(400)]
    scene.model.faults["doc-006"] = [saying("no JSON at all")]
    result = scene.score()
    job = ScoringJob("run-1", "exposure", scene.asked, scene.refs, WarehouseTexts(scene.warehouse))
    scene.warehouse.replace(SCORES, scores_frame(job, result.standings))

    (found,) = answer_figures(scene.warehouse)

    assert (found.ok, found.refused, found.failed) == (8, 1, 1)
    assert (found.asked, found.reused, found.outcome) == (result.figures.requests, 0, "incomplete")
    assert (found.input_tokens, found.output_tokens) == (result.figures.input_tokens, result.figures.output_tokens)
    assert found.cost_usd == pytest.approx(result.figures.cost_usd)
    assert found.cache_hit_share == pytest.approx(result.figures.cache_hit_share)
    assert found.scores == sorted(standing.score for standing in result.standings if standing.score is not None)
    assert found.latency_p50_ms is not None
    assert found.latency_p95_ms is not None
    assert found.latency_p50_ms <= found.latency_p95_ms


def test_a_warehouse_without_answers_has_no_figures(scene: Scene) -> None:
    assert answer_figures(scene.warehouse) == []
