"""Sampling by rule: more answers where they decide something, no more where they do not, and none paid for twice."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from exposure_dagster.core.money import Budget
from exposure_dagster.prompts.model import Sampling, Tier
from exposure_dagster.reliability.sampling_rule import SamplingTarget
from exposure_dagster.scoring.run import ScoringStoppedError
from tests.integration.scoring.faulty_model import refusal
from tests.integration.scoring.scene import PROVIDERS, Scene, two_attributes

TIERS = (Tier(label="low", range=(0, 4)), Tier(label="high", range=(5, 10)))
AT_THE_EDGE = "doc-004"
ALL_OVER = "doc-007"


def sampling(fewest: int = 3, most: int = 6, target: SamplingTarget = SamplingTarget.TIERS) -> Sampling:
    return Sampling(min=fewest, max=most, target=target)


@pytest.fixture
def wavering(scene: Scene) -> Scene:
    """Two documents of ten are answered in both tiers by turns, the others the same each time, far from the edge."""
    scene.asked = scene.prompt(sampling=sampling(), tiers=TIERS)
    scene.model.planned = {ref.doc_id: itertools.repeat(9) for ref in scene.refs}
    scene.model.planned[AT_THE_EDGE] = itertools.cycle([4, 5])
    scene.model.planned[ALL_OVER] = itertools.cycle([2, 7])
    return scene


def answers(scene: Scene) -> Counter[str]:
    return Counter(doc for (doc,) in scene.rows("doc_id", "is_accepted"))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_documents_whose_tier_is_not_sure_are_asked_about_up_to_the_most(wavering: Scene) -> None:
    result = wavering.score()
    assert answers(wavering) == {ref.doc_id: 6 if ref.doc_id in (AT_THE_EDGE, ALL_OVER) else 3 for ref in wavering.refs}
    assert {one.doc_id: one.samples for one in result.standings} == answers(wavering)
    assert result.figures.requests == 36
    assert result.is_complete
    assert wavering.score().figures.requests == 0


def test_answers_of_a_fixed_number_count_and_only_what_is_missing_is_asked(wavering: Scene) -> None:
    by_rule = wavering.asked
    wavering.asked = wavering.prompt(samples=3, tiers=TIERS)
    wavering.score()
    wavering.asked = by_rule
    assert wavering.score().figures.requests == 6
    wavering.asked = wavering.prompt(sampling=sampling(most=8), tiers=TIERS)
    assert wavering.score().figures.requests == 4
    wavering.asked = wavering.prompt(samples=3, tiers=TIERS)
    fewer = wavering.score()
    assert fewer.figures.requests == 0
    assert {one.samples for one in fewer.standings} == {3}


def test_other_tiers_ask_about_those_alone_whom_they_make_unsure(wavering: Scene) -> None:
    wavering.score()
    elsewhere = (Tier(label="low", range=(0, 8)), Tier(label="high", range=(9, 10)))
    wavering.model.planned["doc-000"] = itertools.cycle([8, 9])
    wavering.asked = wavering.prompt(sampling=sampling(), tiers=elsewhere)
    result = wavering.score()
    asked_now = {doc for seen in wavering.model.seen[36:] for doc in seen.documents}
    assert result.figures.requests > 0
    assert asked_now.isdisjoint({AT_THE_EDGE, ALL_OVER})


def test_of_several_attributes_the_ranked_number_decides(scene: Scene) -> None:
    tiers = (Tier(label="low", range=(1, 2)), Tier(label="high", range=(3, 5)))
    scene.asked = scene.prompt(sampling=sampling(), tiers=tiers, **two_attributes())
    scene.model.planned = {ref.doc_id: itertools.repeat(5) for ref in scene.refs}
    scene.model.planned[AT_THE_EDGE] = itertools.cycle([2, 3])
    scene.score()
    assert answers(scene) == {ref.doc_id: 6 if ref.doc_id == AT_THE_EDGE else 3 for ref in scene.refs}


def test_for_totals_documents_are_asked_about_by_their_weight(scene: Scene) -> None:
    scene.asked = scene.prompt(sampling=sampling(2, 8, SamplingTarget.TOTALS))
    scene.model.planned = {ref.doc_id: itertools.cycle([3, 6]) for ref in scene.refs}
    weights = {ref.doc_id: float(4**place) for place, ref in enumerate(scene.refs)}
    scene.score(weights=weights)
    counted = answers(scene)
    numbers = [counted[ref.doc_id] for ref in scene.refs]
    assert numbers == sorted(numbers)
    assert numbers[0] == 2 < numbers[-1]
    assert sum(numbers) < 5 * len(numbers)  # what the middle of both would be for all
    assert scene.score(weights=weights).figures.requests == 0


def test_a_run_that_the_budget_ends_goes_on_where_it_was(wavering: Scene) -> None:
    wavering.score(prompt="elsewhere")
    cost = sum(usd for (usd,) in wavering.rows("cost_nano_usd")) / 1e9
    wavering.sql("DELETE FROM responses")
    wavering.model.seen.clear()
    with pytest.raises(ScoringStoppedError, match="still to be asked"):
        wavering.score(budget=Budget(cost * 0.9, 100), concurrency=1)
    before = sum(answers(wavering).values())
    assert before < 36
    assert wavering.score().figures.requests == 36 - before
    assert sum(answers(wavering).values()) == 36


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_the_budget_of_a_run_holds_for_all_its_rounds(wavering: Scene, share: float) -> None:
    wavering.score()
    cost = sum(usd for (usd,) in wavering.rows("cost_nano_usd")) / 1e9
    wavering.sql("DELETE FROM responses")
    with pytest.raises(ScoringStoppedError, match="the run's budget"):
        wavering.score(budget=Budget(cost * share, 100), concurrency=1)
    assert sum(usd for (usd,) in wavering.rows("cost_nano_usd")) / 1e9 <= cost * share


def test_a_further_answer_that_cannot_be_had_takes_nothing_away(wavering: Scene) -> None:
    wavering.score()
    wavering.model.planned[ALL_OVER] = itertools.repeat(4.5)  # no number of the scale
    wavering.asked = wavering.prompt(sampling=sampling(most=7), tiers=TIERS)
    result = wavering.score()
    assert result.is_complete
    standing = next(one for one in result.standings if one.doc_id == ALL_OVER)
    assert (standing.status, standing.samples) == ("ok", 6)
    assert answers(wavering)[AT_THE_EDGE] == 7


def test_a_refusal_of_a_further_answer_ends_the_asking_and_leaves_the_score(wavering: Scene) -> None:
    wavering.asked = wavering.prompt(samples=3, tiers=TIERS)
    wavering.score()
    wavering.asked = wavering.prompt(sampling=sampling(), tiers=TIERS)
    wavering.model.faults[ALL_OVER] = [refusal]
    result = wavering.score()
    standing = next(one for one in result.standings if one.doc_id == ALL_OVER)
    assert (standing.status, standing.samples) == ("ok", 3)
    assert (result.figures.refused, result.figures.failed) == (0, 0)
    assert wavering.score().figures.requests == 0


def test_an_answer_of_the_first_ones_that_cannot_be_had_is_asked_for_by_the_next_run(wavering: Scene) -> None:
    wavering.model.planned[ALL_OVER] = itertools.repeat(4.5)
    result = wavering.score()
    assert [one.doc_id for one in result.standings if one.status == "failed"] == [ALL_OVER]
    assert answers(wavering)[AT_THE_EDGE] == 6
    wavering.model.planned[ALL_OVER] = itertools.repeat(8)
    assert wavering.score().is_complete
    assert answers(wavering)[ALL_OVER] == 3


def test_failures_of_a_later_round_do_not_count_as_the_first_of_a_run(scene: Scene) -> None:
    """Ten documents in a row that fail before any answer end a run; after answers they do not."""
    scene.refs = scene.add(range(20))
    scene.asked = scene.prompt(sampling=sampling(2, 3), tiers=TIERS)
    scene.model.planned = {ref.doc_id: itertools.chain([3, 6], itertools.repeat(4.5)) for ref in scene.refs}
    result = scene.score()
    assert result.is_complete
    assert {one.samples for one in result.standings} == {2}
