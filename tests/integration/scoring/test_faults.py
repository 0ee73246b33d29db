"""What goes wrong between a question and its answer, and what the engine makes of it."""

from __future__ import annotations

import json

import pytest

from exposure_dagster.scoring.job import ScoringJob, WarehouseTexts, open_questions
from tests.integration.scoring.faulty_model import (
    ANY,
    Fault,
    cut_short,
    edited,
    hang,
    html_page,
    refusal,
    reset,
    saying,
    status,
)
from tests.integration.scoring.scene import IMPATIENT, PROVIDERS, QUICK, Scene, by_status, two_attributes

ALL = [f"doc-{number:03}" for number in range(10)]

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

MENDABLE = [
    status(429, retry_after="0.05"),
    status(500),
    status(503),
    status(529),
    status(408),
    reset,
    html_page,
    cut_short,
    saying(""),
    saying("```json\n{}\n```"),
    saying("[1, 2"),
    edited("a score above the scale", lambda answer: answer | {"score": 11}),
    edited("a score as a fraction", lambda answer: answer | {"score": "7/10"}),
    edited("a score between two", lambda answer: answer | {"score": 6.5}),
    edited("no score", lambda answer: answer | {"score": None}),
    edited("no rationale", lambda answer: answer | {"rationale": " "}),
    edited("one field too many", lambda answer: answer | {"confidence": 1}),
    edited("an unknown id", lambda answer: answer | {"id": "doc-999"}),
]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("fault", MENDABLE, ids=lambda fault: fault.name)
def test_what_a_repetition_can_mend_is_mended_and_both_attempts_are_in_the_ledger(scene: Scene, fault: Fault) -> None:
    scene.model.faults["doc-004"] = [fault]

    result = scene.score()

    assert by_status(result) == {"ok": ALL}
    assert scene.model.times_asked() == {doc: 2 if doc == "doc-004" else 1 for doc in ALL}
    attempts = scene.rows("attempt, is_accepted, error IS NULL", "doc_id = 'doc-004'")
    assert attempts == [(1, False, False), (2, True, True)]
    assert result.figures.retries == 1


AT_THE_START = [status(429, retry_after="0.05"), status(529), reset, html_page, cut_short, saying("")]


@pytest.mark.parametrize("fault", AT_THE_START, ids=lambda fault: fault.name)
def test_it_makes_no_difference_that_the_first_request_of_all_is_hit(scene: Scene, fault: Fault) -> None:
    scene.model.faults["doc-000"] = [fault]

    assert by_status(scene.score()) == {"ok": ALL}
    assert scene.model.good_bodies_sent_again() == []


@pytest.mark.parametrize("doc", [ALL[0], ALL[4]])
def test_a_request_that_is_not_answered_is_given_up_and_repeated(scene: Scene, doc: str) -> None:
    scene.model.faults[doc] = [hang]

    assert by_status(scene.score(patience=IMPATIENT)) == {"ok": ALL}
    first, *_, last = scene.rows("is_accepted, error", f"doc_id = '{doc}'")
    assert first == (False, "no answer in 1 seconds")
    assert last == (True, None)


def test_a_refusal_is_recorded_and_never_asked_again(scene: Scene) -> None:
    scene.model.faults["doc-002"] = [refusal]

    first = scene.score()
    second = scene.score()

    assert by_status(first) == by_status(second)
    assert by_status(second)["refused"] == ["doc-002"]
    assert scene.model.times_asked()["doc-002"] == 1
    assert first.figures.refused == second.figures.refused == 1
    assert second.figures.reused == 9
    assert second.is_complete


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_request_that_is_rejected_is_not_repeated_and_fails_alone(scene: Scene, code: int) -> None:
    scene.model.faults["doc-002"] = [status(code, error_type="invalid_request_error")]

    result = scene.score()

    assert by_status(result)["failed"] == ["doc-002"]
    assert scene.model.times_asked()["doc-002"] == 1
    (failed,) = [standing for standing in result.standings if standing.status == "failed"]
    assert failed.error == f"HTTP {code} invalid_request_error: it is {code}"
    assert not result.is_complete


def test_a_denial_in_the_middle_of_a_run_fails_that_document_alone(scene: Scene) -> None:
    scene.model.faults["doc-002"] = [status(403)]

    assert by_status(scene.score())["failed"] == ["doc-002"]
    assert scene.model.times_asked()["doc-002"] == 1


@pytest.mark.parametrize("fault", [status(403), status(500)], ids=lambda fault: fault.name)
def test_that_it_is_the_first_document_that_cannot_be_asked_about_does_not_end_the_run(
    scene: Scene, fault: Fault
) -> None:
    scene.model.faults["doc-000"] = [fault] * 10

    assert by_status(scene.score()) == {"failed": ["doc-000"], "ok": ALL[1:]}


def test_documents_that_stay_forbidden_leave_the_next_run_incomplete_and_do_not_end_it(scene: Scene) -> None:
    for doc in ALL[2:7]:
        scene.model.faults[doc] = [status(403)] * 2
    scene.score()

    result = scene.score()

    assert by_status(result)["failed"] == ALL[2:7]
    assert {scene.model.times_asked()[doc] for doc in ALL[2:7]} == {2}


def test_what_is_left_after_all_attempts_fails_with_the_last_error_and_the_next_run_asks_only_for_it(
    scene: Scene,
) -> None:
    scene.model.faults["doc-007"] = [status(500)] * 9 + [saying("no JSON at all")]

    first = scene.score()
    before = scene.model.times_asked()
    second = scene.score()

    assert by_status(first)["failed"] == ["doc-007"]
    assert first.standings[7].error == "not JSON: JSONDecodeError after 14 characters"
    assert before["doc-007"] == 10
    assert by_status(second) == {"ok": ALL}
    assert scene.model.times_asked() - before == {"doc-007": 1}
    assert scene.rows("attempt", "doc_id = 'doc-007'") == [(number,) for number in range(1, 12)]


def test_an_answer_that_was_cut_short_is_given_more_room(scene: Scene) -> None:
    scene.model.faults["doc-003"] = [cut_short, cut_short]

    assert by_status(scene.score()) == {"ok": ALL}
    rooms = [seen.max_tokens for seen in scene.model.seen if seen.documents == ("doc-003",)]
    assert rooms == [rooms[0], 2 * rooms[0], 4 * rooms[0]]


def test_no_repeat_of_an_answer_that_would_not_do_has_the_same_body(scene: Scene) -> None:
    scene.model.faults["doc-003"] = [saying("no JSON at all")] * 4

    assert by_status(scene.score()) == {"ok": ALL}
    bodies = [seen.body_hash for seen in scene.model.seen if seen.documents == ("doc-003",)]
    assert len(set(bodies)) == len(bodies) == 5


def test_many_faults_at_once_cost_no_document_and_no_good_answer_is_sent_for_again(scene: Scene) -> None:
    for place, doc in enumerate(ALL):
        scene.model.faults[doc] = [MENDABLE[(place + step) % len(MENDABLE)] for step in (0, 7, 13)]

    assert by_status(scene.score(concurrency=8)) == {"ok": ALL}
    assert scene.model.good_bodies_sent_again() == []


def test_being_told_to_come_back_later_does_not_use_up_attempts(scene: Scene) -> None:
    scene.model.faults["doc-001"] = [status(429, retry_after="0.01")] * 25

    assert by_status(scene.score()) == {"ok": ALL}


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("missing", lambda answer: {"answers": answer["answers"][1:]}),
        ("doubled", lambda answer: {"answers": [*answer["answers"], answer["answers"][0]]}),
        ("unknown", lambda answer: {"answers": [answer["answers"][0] | {"id": "x"}, *answer["answers"][1:]]}),
        ("invalid", lambda answer: {"answers": [answer["answers"][0] | {"score": 99}, *answer["answers"][1:]]}),
    ],
)
def test_of_several_documents_only_the_one_without_a_valid_answer_is_asked_again_alone(
    scene: Scene, name: str, edit: object
) -> None:
    scene.asked = scene.prompt(documents_per_request=5)
    scene.model.faults[ANY] = [edited(name, edit)]  # type: ignore[arg-type]

    result = scene.score()

    assert by_status(result) == {"ok": ALL}
    spoilt = scene.model.seen[0].documents[0]
    assert [seen.documents for seen in scene.model.seen if len(seen.documents) == 1] == [(spoilt,)]
    assert scene.statuses() == {"ok": 10, "invalid": 1}


def test_swapped_ids_are_told_by_the_titles_and_both_are_asked_again_alone(scene: Scene) -> None:
    def swap(answer: dict[str, list[dict[str, object]]]) -> object:
        first, second, *others = answer["answers"]
        return {"answers": [first | {"id": second["id"]}, second | {"id": first["id"]}, *others]}

    scene.asked = scene.prompt(documents_per_request=5)
    scene.model.faults[ANY] = [edited("swap", swap)]

    assert by_status(scene.score()) == {"ok": ALL}
    alone = {seen.documents[0] for seen in scene.model.seen if len(seen.documents) == 1}
    assert alone == set(scene.model.seen[0].documents[:2])


@pytest.mark.parametrize(
    ("fault", "standing"), [(refusal, "refused"), (status(400), "failed"), (status(403), "failed")]
)
def test_one_document_does_not_spoil_the_others_of_its_request(scene: Scene, fault: Fault, standing: str) -> None:
    scene.asked = scene.prompt(documents_per_request=5)
    scene.model.faults["doc-008"] = [fault, fault]

    result = scene.score()

    assert by_status(result) == {"ok": [doc for doc in ALL if doc != "doc-008"], standing: ["doc-008"]}


@pytest.mark.parametrize("fault", [status(500), saying("no JSON at all")], ids=lambda fault: fault.name)
def test_a_request_for_several_that_fails_again_and_again_falls_apart_and_fails_for_one_alone(
    scene: Scene, fault: Fault
) -> None:
    scene.asked = scene.prompt(documents_per_request=5)
    job = ScoringJob("run-1", "exposure", scene.asked, scene.refs, WarehouseTexts(scene.warehouse))
    last = open_questions(job, {})[-1].document.doc_id  # the first request shows whether the API is there at all
    scene.model.faults[last] = [fault] * 20

    result = scene.score()

    assert by_status(result) == {"ok": [doc for doc in ALL if doc != last], "failed": [last]}
    assert scene.model.times_asked()[last] == QUICK.attempts
    assert scene.model.good_bodies_sent_again() == []


def test_tokens_and_cost_of_a_request_are_spread_over_its_documents_without_loss(scene: Scene) -> None:
    scene.asked = scene.prompt(documents_per_request=3)

    scene.score()

    per_request = scene.warehouse.rows(
        "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cost_usd)"
        " FROM scored.responses GROUP BY request_id ORDER BY 1"
    )
    for documents, read, written, from_cache, cost in per_request:
        assert (read, written, from_cache) == (100 * documents + 7, 31 * documents, 500)
        price = scene.price
        spent = read * price.input + written * price.output + from_cache * price.cache_read
        assert cost == pytest.approx(spent / 1e6)
    assert [documents for documents, *_ in per_request] == [1, 3, 3, 3]


def test_each_sample_is_asked_and_entered_and_the_score_is_their_mean(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=3, documents_per_request=4)
    scores = iter([2, 2, 8])
    scene.model.faults["doc-009"] = [
        edited(
            "chosen",
            lambda answer: {
                "answers": [
                    one | {"score": next(scores)} if one["id"] == "doc-009" else one for one in answer["answers"]
                ]
            },
        )
    ] * 3

    result = scene.score(concurrency=1)

    assert by_status(result) == {"ok": ALL}
    assert scene.statuses() == {"ok": 30}
    standing = result.standings[9]
    assert standing.samples == 3
    assert (standing.score, standing.score_sd) == (4.0, pytest.approx(12**0.5))
    assert scene.rows("sample", "doc_id = 'doc-009'") == [(1,), (2,), (3,)]


def test_several_attributes_stand_as_attributes_and_make_no_score(scene: Scene) -> None:
    scene.asked = scene.prompt(**two_attributes())

    standing = scene.score().standings[0]

    assert standing.score is None
    assert set(standing.attributes or {}) == {"near", "far"}
    stored = json.loads(scene.rows("attributes", "doc_id = 'doc-000'")[0][0])
    assert stored == standing.attributes
