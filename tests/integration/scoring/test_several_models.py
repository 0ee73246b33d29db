"""One prompt asked of several models: each keeps its answers, their mean stands, the spread is shown."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, stdev

import pytest
from pydantic import SecretStr

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import Budget
from exposure_dagster.pipeline.scores import ModelMeans, ask_models, in_their_epochs, standing_together
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.providers.registry import endpoints_of
from exposure_dagster.scoring.context import Limits
from exposure_dagster.scoring.job import ScoringJob, Standing, WarehouseTexts, jobs_by_model, together
from exposure_dagster.scoring.ledger import Status
from exposure_dagster.scoring.tally import RunFigures
from tests.integration.scoring.faulty_model import refusal
from tests.integration.scoring.scene import Scene, asked_prompt

BOTH = ("claude-haiku-5-5", "openai/gpt-5-mini")


def ask(scene: Scene, asked: AskedPrompt, run_id: str = "run-1") -> tuple[dict[str, Standing], RunFigures]:
    """Ask all models of a prompt, each at the server of the scene."""
    endpoints = endpoints_of(
        {
            "ANTHROPIC_BASE_URL": SecretStr(scene.model.url),
            "OPENAI_BASE_URL": SecretStr(scene.model.url),
            "ANTHROPIC_API_KEY": SecretStr("k"),
            "OPENAI_API_KEY": SecretStr("k"),
        }
    )
    means = ModelMeans(load_prices(endpoints=endpoints), Limits(Budget(100, 100)))
    job = ScoringJob(run_id, "exposure", asked, scene.refs, WarehouseTexts(scene.warehouse))
    standing, figures = ask_models(jobs_by_model(job), warehouse=scene.warehouse, means=means)
    found = standing_together(standing)
    return {standing.doc_id: standing for standing in found}, figures


def several(*models: str, **changes: object) -> AskedPrompt:
    return asked_prompt(model=None, models=models, **changes)


def test_each_model_is_asked_and_the_mean_of_their_means_stands_with_the_spread_of_all_answers(scene: Scene) -> None:
    found, figures = ask(scene, several(*BOTH, samples=2))

    assert figures.requests == len(scene.model.seen) == 2 * 2 * len(scene.refs)
    answers = scene.rows("doc_id, model, json_extract(attributes, '$.score')")
    assert {model for _, model, _ in answers} == set(BOTH)
    for doc_id, standing in found.items():
        own = [score for one, _, score in answers if one == doc_id]
        assert standing.score == pytest.approx(fmean(own))
        assert standing.score_sd == pytest.approx(stdev(own))
        assert (standing.samples, standing.model) == (4, ", ".join(BOTH))


def test_a_further_model_asks_the_others_nothing_and_one_left_out_neither(scene: Scene) -> None:
    ask(scene, asked_prompt(model=BOTH[0]))
    scene.model.seen.clear()

    ask(scene, several(*BOTH), "run-2")
    assert len(scene.model.seen) == len(scene.refs)
    scene.model.seen.clear()

    ask(scene, asked_prompt(model=BOTH[1]), "run-3")
    ask(scene, several(*reversed(BOTH)), "run-4")
    assert scene.model.seen == []


def test_a_prompt_of_one_model_has_the_version_that_it_had_before_there_could_be_several() -> None:
    one, both = asked_prompt(model=BOTH[0]), several(*BOTH)

    assert "models" not in one.model_dump(mode="json")
    assert both.by_model[0].prompt_hash == one.prompt_hash
    assert len({both.prompt_hash, one.prompt_hash, several(*reversed(BOTH)).prompt_hash}) == 3


def test_every_run_of_a_model_is_on_record(scene: Scene) -> None:
    ask(scene, several(*BOTH))

    runs = scene.sql("SELECT run_id, scorer, outcome, asked FROM runs ORDER BY run_id")
    assert runs == [("run-1", "claude", "complete", 10), ("run-1#2", "openai", "complete", 10)]


def test_a_model_that_refuses_is_left_out_and_named(scene: Scene) -> None:
    scene.model.faults["doc-002"] = [refusal]

    found, _ = ask(scene, several(*BOTH))

    assert found["doc-002"].status is Status.OK
    assert found["doc-002"].samples == 1
    assert found["doc-002"].note == f"{BOTH[0]} refused"


def test_of_all_models_one_that_failed_has_the_document_asked_again() -> None:
    good = Standing(doc_id="a", text_sha256="t", status=Status.OK, score=3.0, samples=1, model="m", rationale="r")
    bad = replace(good, status=Status.FAILED, score=None, samples=0, model="n", error="no answer")

    assert together([good, bad]).status is together([bad, good]).status is Status.FAILED
    assert together([good, bad]).error == "n: no answer"
    assert together([replace(bad, status=Status.REFUSED)] * 2).status is Status.REFUSED
    assert together([good]) is good


def test_asking_again_goes_on_where_it_stopped_and_asks_no_model_twice(scene: Scene) -> None:
    ask(scene, several(*BOTH))
    jobs = jobs_by_model(ScoringJob("run-2", "exposure", several(*BOTH), scene.refs, WarehouseTexts(scene.warehouse)))
    assert [one.epoch for one in in_their_epochs(jobs, scene.ledger, is_asked_again=True)] == [1, 1]
    begun = "UPDATE responses SET epoch = 1 WHERE prompt_hash = ? AND doc_id = 'doc-000'"
    scene.sql(begun, jobs[1].prompt_hash)  # as if a run that asks again had been stopped there

    assert [one.epoch for one in in_their_epochs(jobs, scene.ledger, is_asked_again=True)] == [0, 1]


def test_no_model_is_paid_for_before_it_is_known_that_all_can_be_asked(scene: Scene) -> None:
    with pytest.raises(ScoringError, match="OPENROUTER_API_KEY: there is no key"):
        ask(scene, several(BOTH[0], "openrouter/any/model"))

    assert scene.model.seen == []
