"""Answers that will not do as they are: read where there is but one way to, and not bought again and again."""

from __future__ import annotations

import html

import pytest

from exposure_dagster.core.progress import LoggedProgress
from exposure_dagster.prompts.render import escaped
from exposure_dagster.scoring.job import DocumentRef
from exposure_dagster.scoring.run import ScoringStoppedError
from tests.integration.scoring.faulty_model import ANY, cut_short, edited, rewritten, saying, status
from tests.integration.scoring.scene import PROVIDERS, Scene, by_status

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

FENCED = rewritten("fence", lambda text: f"```json\n{text}\n```")
FRACTION = edited("a fraction", lambda answer: answer | {"score": "7/10"})
ALWAYS = 1000

READABLE = {
    "answers read from a code fence": FENCED,
    "answers read from amid other text": rewritten("prose", lambda text: f"Here you are.\n{text}\nAnything else?"),
    "answers with a number as text": edited("text", lambda answer: answer | {"score": str(answer["score"])}),
}


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("how", READABLE)
def test_an_answer_that_can_be_read_in_one_way_alone_is_bought_once_noted_and_counted(scene: Scene, how: str) -> None:
    scene.model.faults[ANY] = [READABLE[how]] * ALWAYS
    plain = Scene(scene.folder / "plain", scene.model)

    result = scene.score()

    assert len(by_status(result)["ok"]) == len(scene.model.seen) == 10
    assert result.figures.noted == {how: 10}
    assert all(note for (note,) in scene.rows("note"))
    scene.model.faults.clear()
    expected = plain.score()
    assert [one.score for one in result.standings] == [one.score for one in expected.standings]
    assert expected.figures.noted == {}


def test_one_document_after_another_that_fails_alike_ends_the_run_before_it_is_dear(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 100))
    scene.model.faults[ANY] = [FRACTION] * ALWAYS

    with pytest.raises(ScoringStoppedError) as stopped:
        scene.score(concurrency=16)

    assert "10 documents in a row failed alike" in str(stopped.value)
    assert 'score is "7/10", which is not allowed' in str(stopped.value)
    assert "100 of 100 answers are still to be asked for" in str(stopped.value)
    assert len(scene.model.seen) <= 10 * 2 + 3 * 16
    assert stopped.value.figures.commonest_error is not None
    assert stopped.value.figures.commonest_error.startswith('score is "7/10", which is not allowed (')


def test_so_do_requests_that_are_rejected_alike(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 100))
    scene.model.faults[ANY] = [status(400, error_type="invalid_request_error")] * ALWAYS

    with pytest.raises(ScoringStoppedError, match=r"10 documents in a row failed alike, .*HTTP 400"):
        scene.score(concurrency=4)

    assert len(scene.model.seen) <= 10 + 2 * 4


def test_an_answer_that_is_always_cut_short_is_given_all_its_room_and_then_ends_the_run(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 40))
    scene.model.faults[ANY] = [cut_short] * ALWAYS

    with pytest.raises(ScoringStoppedError, match=r"10 documents in a row failed alike, .*longer than max_tokens"):
        scene.score(concurrency=2)

    rooms = {seen.max_tokens for seen in scene.model.seen if seen.documents == ("doc-000",)}
    assert len(rooms) == 4


def test_after_the_first_answer_documents_that_fail_alike_cost_the_others_nothing(scene: Scene) -> None:
    scene.refs += scene.add(range(10, 30))
    for number in range(5, 20):
        scene.model.faults[f"doc-{number:03}"] = [FRACTION] * ALWAYS

    result = scene.score()

    assert len(by_status(result)["ok"]) == 15
    assert len(by_status(result)["failed"]) == 15
    assert result.figures.commonest_error == 'score is "7/10", which is not allowed (150 of 150)'


def test_documents_that_failed_before_are_asked_after_those_that_nobody_was_asked_about(scene: Scene) -> None:
    stubborn = [f"doc-{number:03}" for number in range(10)]
    for doc in stubborn:
        scene.model.faults[doc] = [FRACTION] * ALWAYS
    with pytest.raises(ScoringStoppedError):
        scene.score()
    scene.refs += scene.add(range(10, 15))

    assert by_status(scene.score()) == {"failed": stubborn, "ok": [f"doc-{number:03}" for number in range(10, 15)]}


def test_documents_that_failed_are_not_shown_as_answered(scene: Scene) -> None:
    lines: list[str] = []
    scene.model.faults["doc-003"] = [FRACTION] * ALWAYS
    scene.model.faults["doc-004"] = [saying("no JSON at all")] * ALWAYS

    result = scene.score(progress=LoggedProgress(lines.append))

    assert lines[-1].startswith("answered 8 of 10 in ")
    assert ", failed 2" in lines[-1]
    assert (result.figures.documents_asked, result.figures.documents_answered) == (10, 8)


def test_a_request_for_several_in_a_fence_is_read_too(scene: Scene) -> None:
    scene.asked = scene.prompt(documents_per_request=5)
    scene.model.faults[ANY] = [FENCED] * ALWAYS

    assert len(by_status(scene.score())["ok"]) == 10
    assert len(scene.model.seen) == 2


@pytest.mark.parametrize("echo", ["as it is", "as it stands in the message", "with its escapes undone"])
def test_ids_that_look_like_they_hold_escapes_are_answered_at_once(scene: Scene, echo: str) -> None:
    ids = ["https://jobs.example/view?id=7&currency=EUR&timestamp=5", "X&amp;Y", "a&lt;b", "plain"]
    scene.refs = [DocumentRef(doc_id, "Odd", ref.text_sha256) for doc_id, ref in zip(ids, scene.refs, strict=False)]
    spelling = {
        "as it is": lambda text: text,
        "as it stands in the message": escaped,
        "with its escapes undone": html.unescape,
    }[echo]
    scene.model.faults[ANY] = [edited("id", lambda answer: answer | {"id": spelling(answer["id"])})] * ALWAYS

    assert by_status(scene.score()) == {"ok": ids}
    assert len(scene.model.seen) == 4
