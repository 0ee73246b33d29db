"""Money: no request is sent that could pass a budget, whoever else is spending."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.money import Budget, in_usd
from exposure_dagster.scoring.asking import asking_of
from exposure_dagster.scoring.ledger import as_text
from exposure_dagster.scoring.run import ScoringStoppedError
from tests.endpoints import prices_at
from tests.integration.scoring.faulty_model import ANY, reset
from tests.integration.scoring.scene import Scene, asked_prompt, by_status

SHARED_TOO = pytest.mark.parametrize("store", ["file", "database"])
"""What holds for runs of a home, and of machines that share a ledger."""

COST = (107 * 0.10 + 31 * 0.50 + 500 * 0.01) / 1e6
"""What one answer of the model on loopback costs."""


def worst_cost(scene: Scene) -> float:
    """What one request could cost at most, a little rounded up."""
    asking = asking_of(scene.asked, prices_at(scene.model.url))
    from exposure_dagster.prompts.render import Document

    request = asking.request(
        [Document("doc-000", "Occupation 0", "Text of document 0, of some length.")], asking.max_tokens(1)
    )
    return in_usd(asking.worst_cost(request)) * 1.01


def spent(scene: Scene) -> float:
    return scene.warehouse.rows("SELECT coalesce(sum(cost_usd), 0) FROM scored.responses")[0][0]


@SHARED_TOO
def test_a_run_stops_before_it_could_pass_its_budget_and_says_what_is_left(scene: Scene) -> None:
    limit = worst_cost(scene) + 4 * COST

    with pytest.raises(
        ScoringStoppedError, match=r"5 of 10 answers are still to be asked for, for about \$0.00"
    ) as stopped:
        scene.score(budget=Budget(limit, 100))

    assert "Raise EXPOSURE_MAX_COST_USD and run again" in str(stopped.value)
    assert spent(scene) == pytest.approx(5 * COST)
    assert len(scene.model.seen) == 5
    assert scene.warehouse.rows("SELECT outcome FROM scored.runs") == [("stopped",)]


def test_what_was_answered_before_a_stop_is_not_asked_again(scene: Scene) -> None:
    with pytest.raises(ScoringStoppedError):
        scene.score(budget=Budget(worst_cost(scene) + 4 * COST, 100))

    assert len(by_status(scene.score())["ok"]) == 10
    assert set(scene.model.times_asked().values()) == {1}


def test_requests_under_way_are_reserved_at_their_worst(scene: Scene) -> None:
    scene.model.latency_s = 0.1

    scene_budget = Budget(2.5 * worst_cost(scene), 100)
    scene.score(budget=scene_budget, concurrency=8)

    assert scene.model.most_under_way == 2


@SHARED_TOO
def test_the_budget_of_a_day_counts_what_earlier_runs_spent(scene: Scene) -> None:
    scene.score()
    scene.refs += scene.add(range(10, 20))

    with pytest.raises(ScoringStoppedError, match="24 hours") as stopped:
        scene.score(budget=Budget(100, 10 * COST + worst_cost(scene) + COST))

    assert "EXPOSURE_MAX_COST_USD_PER_DAY" in str(stopped.value)
    assert len(scene.model.seen) == 12


def test_what_was_spent_longer_ago_than_a_day_does_not_count(scene: Scene) -> None:
    scene.score()
    scene.sql("UPDATE responses SET created_at = ?", as_text(utc_now() - timedelta(hours=24, minutes=1)))
    scene.refs += scene.add(range(10, 20))

    scene.score(budget=Budget(100, worst_cost(scene) + 10 * COST))

    assert len(scene.model.seen) == 20


@SHARED_TOO
def test_two_runs_at_once_do_not_together_pass_the_budget_of_a_day(scene: Scene) -> None:
    scene.model.latency_s = 0.02
    scene.refs += scene.add(range(10, 60))
    asked = asked_prompt(instruction="Judge something else.")
    other = Scene(scene.folder, scene.model, documents=0, asked=asked, shared=scene.shared)
    other.refs = scene.refs
    limit = worst_cost(scene) + 30 * COST
    outcomes = []

    def run(one: Scene) -> None:
        try:
            outcomes.append(one.score(budget=Budget(100, limit)))
        except ScoringStoppedError as stopped:
            outcomes.append(stopped)

    threads = [threading.Thread(target=run, args=[one]) for one in (scene, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(isinstance(outcome, ScoringStoppedError) for outcome in outcomes), outcomes
    assert 25 * COST < spent(scene) <= limit


def test_answers_that_were_lost_on_the_way_are_counted_as_if_paid_for(scene: Scene) -> None:
    scene.model.faults[ANY] = [reset] * 5

    result = scene.score()

    assert len(by_status(result)["ok"]) == 10
    assert result.figures.cost_usd == pytest.approx(10 * COST)
    assert result.figures.assumed_usd >= 5 * COST
    assert set(scene.rows("cost_nano_usd, input_tokens", "status = 'failed'")) == {(None, None)}


def test_a_clock_that_was_put_back_a_day_takes_nothing_out_of_the_budget_of_the_day(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.score()
    limit = 20 * COST + worst_cost(scene) / 2
    with monkeypatch.context() as patch:
        for module in ("rows", "ledger", "run"):
            patch.setattr(f"exposure_dagster.scoring.{module}.utc_now", lambda: utc_now() - timedelta(hours=25))
        scene.refs += scene.add(range(10, 20))
        scene.score()
    scene.refs += scene.add(range(20, 30))

    with pytest.raises(ScoringStoppedError, match="24 hours"):
        scene.score(budget=Budget(100, limit))

    assert len(scene.model.seen) == 20
    assert scene.sql("SELECT count(*) FROM runs WHERE finished_at < started_at") == [(0,)]
