"""Usage as a server tells it, true or not: it makes no budget larger, poisons no ledger and costs no answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from exposure_dagster.core.money import Budget, in_usd
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.asking import asking_of
from exposure_dagster.scoring.estimate import OpenDocuments, estimate
from exposure_dagster.scoring.notes import AT_ITS_WORST
from exposure_dagster.scoring.run import ScoringStoppedError
from tests.endpoints import prices_at
from tests.integration.counting_server import counting_server
from tests.integration.scoring.faulty_model import ANY, Fault, counted
from tests.integration.scoring.scene import TEXT, Scene, asked_prompt, by_status

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

TRUE = {"input_tokens": 107, "output_tokens": 31, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 0}

READ = {
    "negative": {"input_tokens": -1_000_000},
    "negative in the cache": {"cache_read_input_tokens": -1_000_000},
    "a milliard": {"input_tokens": 10**9},
    "more than an integer of a database holds": {"cache_creation_input_tokens": 10**30},
}
WRITTEN = {
    "negative": {"output_tokens": -1_000_000},
    "a milliard": {"output_tokens": 10**9},
    "more than an integer of a database holds": {"output_tokens": 10**30},
}
UNREADABLE: dict[str, Any] = {
    "none": None,
    "empty": {},
    "half": {"input_tokens": 100},
    "words": {**TRUE, "input_tokens": "a few"},
    "a number": 700,
    "beyond all floats": {**TRUE, "output_tokens": float("inf")},
    "no number": {**TRUE, "output_tokens": float("nan")},
    "a fraction": {**TRUE, "output_tokens": 0.5},
    "a float without end": {**TRUE, "output_tokens": 1e30},
}
ALWAYS = 100


def request_of_one(scene: Scene) -> Any:
    asking = asking_of(scene.asked, prices_at(scene.model.url))
    return asking.request([Document("doc-000", "Occupation 0", TEXT.format(0))], asking.max_tokens(1))


def worst_cost(scene: Scene) -> float:
    return in_usd(asking_of(scene.asked, prices_at(scene.model.url)).worst_cost(request_of_one(scene)))


def plan(scene: Scene, usages: Iterable[Any]) -> int:
    """Each of the first documents is answered with one of the usages; returns how many those are."""
    planned = list(usages)
    for ref, usage in zip(scene.refs, planned, strict=False):
        scene.model.faults[ref.doc_id] = [counted(usage)]
    scene.refs = scene.refs[: len(planned)]
    return len(planned)


def test_a_count_of_what_was_read_that_cannot_be_true_counts_as_all_that_was_sent(scene: Scene) -> None:
    count = plan(scene, ({**TRUE, **usage} for usage in READ.values()))
    most = request_of_one(scene).worst_usage

    result = scene.score()

    assert len(by_status(result)["ok"]) == len(scene.model.seen) == count
    rows = set(scene.rows("input_tokens, cache_read_tokens, cache_write_tokens, output_tokens"))
    assert rows == {(most.input_tokens, 0, most.cache_write_tokens, 31)}
    assert all(note.endswith(AT_ITS_WORST) for (note,) in scene.rows("note"))
    assert result.figures.noted == {"answers whose usage could not be true": count}


def test_a_count_of_what_was_written_that_cannot_be_true_counts_as_max_tokens(scene: Scene) -> None:
    plan(scene, ({**TRUE, **usage} for usage in WRITTEN.values()))

    scene.score()

    (max_tokens,) = {seen.max_tokens for seen in scene.model.seen}
    assert set(scene.rows("input_tokens, output_tokens")) == {(107, max_tokens)}


def test_an_answer_without_a_usage_that_can_be_read_is_kept_at_its_worst(scene: Scene) -> None:
    count = plan(scene, UNREADABLE.values())

    result = scene.score()

    assert len(by_status(result)["ok"]) == len(scene.model.seen) == count
    assert result.figures.assumed_usd == 0
    costs = [cost for (cost,) in scene.rows("cost_nano_usd / 1e9")]
    assert costs == pytest.approx([worst_cost(scene)] * count, rel=1e-5)


def test_an_answer_without_a_stop_reason_is_kept(scene: Scene) -> None:
    bare = Fault("ok", lambda exchange: exchange.say(json.dumps(exchange.good_answer()), None, usage=None))
    scene.model.faults[ANY] = [bare] * ALWAYS

    assert len(by_status(scene.score())["ok"]) == len(scene.model.seen) == 10


def test_a_usage_below_nothing_makes_room_in_no_budget(scene: Scene) -> None:
    scene.model.faults[ANY] = [counted({"input_tokens": -1_000_000, "output_tokens": -1_000_000})] * ALWAYS
    limit = 3.5 * worst_cost(scene)

    with pytest.raises(ScoringStoppedError, match="leaves no room for another request"):
        scene.score(budget=Budget(limit, 100), concurrency=1)

    assert len(scene.model.seen) == 3
    assert 0 < sum(cost for (cost,) in scene.rows("cost_nano_usd / 1e9")) <= limit


def test_a_usage_without_end_closes_no_budget_for_the_others(scene: Scene) -> None:
    scene.model.faults["doc-000"] = [counted({**TRUE, "output_tokens": 10**9})]

    assert len(by_status(scene.score(budget=Budget(0.01, 0.01)))["ok"]) == 10


def test_of_several_documents_the_worst_is_spread_over_all(scene: Scene) -> None:
    scene.asked = asked_prompt(documents_per_request=5)
    scene.model.faults[ANY] = [counted(None)] * ALWAYS

    scene.score()

    (max_tokens,) = {seen.max_tokens for seen in scene.model.seen}
    assert len(scene.model.seen) == 2
    assert scene.rows("sum(output_tokens)", "true GROUP BY request_id ORDER BY 1 --") == [(max_tokens,), (max_tokens,)]


@pytest.mark.parametrize("tokens", [-1, 0, 10**30, 1e30, None, "many"])
def test_an_estimate_believes_no_count_of_tokens_that_cannot_be_true(tokens: object) -> None:
    document = Document("a", "A", "Text. " * 500)
    open_documents = OpenDocuments("exposure", asked_prompt(), [document], None)
    with counting_server() as server:
        prices = prices_at(server.url)
        counted_by_api = estimate(open_documents, prices, is_counted=True)
        server.tokens_counted = tokens
        taken_from_characters = estimate(open_documents, prices, is_counted=True)

    assert counted_by_api.how.startswith("counted by the API")
    assert "the API could not be asked to count" in taken_from_characters.how
    assert taken_from_characters.cost_usd == estimate(open_documents, prices).cost_usd
