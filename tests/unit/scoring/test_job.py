"""Request keys, open questions, and how documents stand."""

from __future__ import annotations

from datetime import datetime

import pytest

from exposure_dagster.prompts.model import AskedPrompt, Attribute, Level, PromptFile, Scale
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.scoring.job import DocumentRef, HeldTexts, ScoringJob, open_questions, scores_frame, standings
from exposure_dagster.scoring.ledger import KeyRecord, Outcome, Status, request_key

NOON = datetime.fromisoformat("2026-03-02T12:00:00")
BAKERS, COOKS = DocumentRef("bakers", "Bakers", "b" * 64), DocumentRef("cooks", "Cooks", "c" * 64)


def asked(samples: int = 1, attributes: tuple[str, ...] = ()) -> AskedPrompt:
    scale, levels = Scale(min=0, max=10), (Level(label="any", range=(0, 10), description="Any."),)
    single = None if attributes else {"scale": scale, "levels": levels}
    several = tuple(Attribute(key=key, title=key, question=key, scale=scale, levels=levels) for key in attributes)
    return asked_part(
        PromptFile(
            title="Exposure",
            corpus="ooh",
            model="claude-haiku-5-5",
            samples=samples,
            instruction="Judge.",
            attributes=several or None,
            **(single or {}),
        )
    )


def job(prompt: AskedPrompt | None = None) -> ScoringJob:
    return ScoringJob("run", "exposure", prompt or asked(), [BAKERS, COOKS], HeldTexts({}))


def outcome(
    key: str, status: Status = Status.OK, *, minute: int = 0, rationale: str = "So.", **numbers: float
) -> Outcome:
    error = None if status is Status.OK else f"it {status}"
    when = NOON.replace(minute=minute)
    return Outcome(key, status, numbers, rationale, "claude-haiku-5-5", when, error, None)


def test_the_key_of_a_question_changes_with_each_of_its_parts() -> None:
    parts: list[tuple[str, str, str, int, int]] = [
        ("p", "d", "t", 1, 0),
        ("q", "d", "t", 1, 0),
        ("p", "e", "t", 1, 0),
        ("p", "d", "u", 1, 0),
        ("p", "d", "t", 2, 0),
        ("p", "d", "t", 1, 1),
        ("pd", "", "t", 1, 0),
    ]

    keys = {request_key(*part) for part in parts}

    assert len(keys) == len(parts)
    assert request_key("p", "d", "t", 1, 0) in keys


def test_what_is_answered_or_refused_is_not_open() -> None:
    scoring = job()
    records = {
        scoring.key_of(BAKERS, 1): KeyRecord(1, Status.OK),
        scoring.key_of(COOKS, 1): KeyRecord(1, Status.REFUSED),
    }

    assert open_questions(scoring, records) == []


def test_what_failed_is_open_comes_last_and_goes_on_counting_its_attempts() -> None:
    scoring = job()
    records = {scoring.key_of(BAKERS, 1): KeyRecord(10, Status.FAILED)}

    questions = open_questions(scoring, records)

    assert [(question.document, question.attempts) for question in questions] == [(COOKS, 0), (BAKERS, 10)]


def test_a_document_of_which_one_sample_was_refused_is_not_asked_about_any_more() -> None:
    scoring = job(asked(samples=3))
    records = {scoring.key_of(BAKERS, 2): KeyRecord(1, Status.REFUSED)}

    assert {question.document for question in open_questions(scoring, records)} == {COOKS}


def test_a_score_is_the_mean_of_its_samples_with_the_rationale_of_the_sample_nearest_to_it() -> None:
    scoring = job(asked(samples=3))
    outcomes = [
        outcome(scoring.key_of(BAKERS, 1), score=2, rationale="low", minute=5),
        outcome(scoring.key_of(BAKERS, 2), score=5, rationale="middle", minute=9),
        outcome(scoring.key_of(BAKERS, 3), score=7, rationale="high", minute=7),
    ]

    bakers = standings(scoring, outcomes)[0]

    assert bakers.score == pytest.approx(14 / 3)
    assert bakers.score_sd == pytest.approx(((8 / 3) ** 2 / 2 + (1 / 3) ** 2 / 2 + (7 / 3) ** 2 / 2) ** 0.5)
    assert (bakers.samples, bakers.rationale, bakers.scored_at) == (3, "middle", NOON.replace(minute=9))


def test_one_sample_has_no_spread() -> None:
    scoring = job()

    bakers = standings(scoring, [outcome(scoring.key_of(BAKERS, 1), score=4)])[0]

    assert (bakers.score, bakers.score_sd, bakers.samples, bakers.status) == (4, None, 1, Status.OK)


def test_several_attributes_stand_as_their_means() -> None:
    scoring = job(asked(samples=2, attributes=("near", "far")))
    outcomes = [
        outcome(scoring.key_of(BAKERS, 1), near=2, far=4),
        outcome(scoring.key_of(BAKERS, 2), near=3, far=4),
    ]

    bakers = standings(scoring, outcomes)[0]

    assert bakers.attributes == {"near": 2.5, "far": 4}
    assert (bakers.score, bakers.score_sd) == (None, None)


def test_one_failed_sample_fails_the_document_and_one_refused_sample_refuses_it() -> None:
    scoring = job(asked(samples=2))
    outcomes = [
        outcome(scoring.key_of(BAKERS, 1), score=4),
        outcome(scoring.key_of(BAKERS, 2), Status.FAILED),
        outcome(scoring.key_of(COOKS, 1), Status.FAILED),
        outcome(scoring.key_of(COOKS, 2), Status.REFUSED),
    ]

    bakers, cooks = standings(scoring, outcomes)

    assert (bakers.status, bakers.score, bakers.error) == (Status.FAILED, None, "it failed")
    assert (cooks.status, cooks.error) == (Status.REFUSED, "it refused")


def test_every_document_stands_somehow_and_answers_to_other_texts_do_not_count() -> None:
    scoring = job()
    other = request_key(scoring.prompt_hash, "bakers", "another text", 1, 0)

    rows = standings(scoring, [outcome(other, score=4)])

    assert [(row.doc_id, row.status) for row in rows] == [("bakers", "failed"), ("cooks", "failed")]


def test_standings_become_rows_of_the_scores_table() -> None:
    scoring = job(asked(attributes=("near", "far")))

    frame = scores_frame(scoring, standings(scoring, [outcome(scoring.key_of(BAKERS, 1), near=1, far=2)]))

    assert frame["status"].tolist() == ["ok", "failed"]
    assert frame["attributes"].tolist()[0] == '{"near": 1.0, "far": 2.0}'
    assert set(frame["prompt"]) == {"exposure"}
    assert set(frame["scorer"]) == {"claude"}
