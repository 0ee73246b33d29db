"""Samples of one question: more of them cost only the additional ones, and each is an answer of its own."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from exposure_dagster.core.hashing import content_hash
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.scoring.batch_store import BatchStore
from exposure_dagster.scoring.ledger import request_key
from tests.integration.scoring.scene import PROVIDERS, Scene, by_status


def hash_of_before(asked: AskedPrompt) -> str:
    """The hash of a prompt version while the number of samples was part of it."""
    return content_hash(asked.model_dump(mode="json"))


def as_if_asked_before(scene: Scene) -> None:
    """Every row of the ledger as an earlier version of the project wrote it."""
    before = hash_of_before(scene.asked)
    rows = scene.sql("SELECT request_key, attempt, doc_id, text_sha256, sample, epoch, endpoint FROM responses")
    for key, attempt, doc_id, text, sample, epoch, family in rows:
        scene.sql(
            "UPDATE responses SET prompt_hash = ?, request_key = ? WHERE request_key = ? AND attempt = ?",
            before,
            request_key(before, doc_id, text, sample, epoch, family=family),
            key,
            attempt,
        )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_more_samples_cost_only_the_additional_ones(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=1)
    scene.score()
    scene.asked = scene.prompt(samples=3)
    result = scene.score()
    assert result.figures.requests == 20
    assert {standing.samples for standing in result.standings} == {3}
    assert len(scene.model.seen) == 30


def test_fewer_samples_cost_nothing_and_the_first_ones_stand(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=3)
    scene.score()
    scene.asked = scene.prompt(samples=1)
    result = scene.score()
    assert result.figures.requests == 0
    assert {standing.samples for standing in result.standings} == {1}


def test_a_prompt_of_one_sample_has_the_hash_that_it_always_had(scene: Scene) -> None:
    one, three = scene.prompt(samples=1), scene.prompt(samples=3)
    assert one.prompt_hash == hash_of_before(one)
    assert three.prompt_hash == one.prompt_hash
    assert hash_of_before(three) in one.earlier_hashes


def test_answers_from_while_the_number_was_part_of_the_hash_keep_their_keys_and_stand(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=2)
    first = scene.score()
    as_if_asked_before(scene)
    keys = scene.rows("request_key")

    again = scene.score()
    assert again.figures.requests == 0
    assert [(one.doc_id, one.score) for one in again.standings] == [(one.doc_id, one.score) for one in first.standings]

    scene.asked = scene.prompt(samples=3)
    more = scene.score()
    assert more.figures.requests == 10
    assert len(by_status(more)["ok"]) == 10
    assert set(keys) <= set(scene.rows("request_key"))
    assert scene.score().figures.requests == 0


def test_an_earlier_answer_gives_way_to_one_of_now(scene: Scene) -> None:
    """Asked once before and once since, the same sample has two answers; that of now stands, always."""
    scene.asked = scene.prompt(samples=2)
    scene.score()
    as_if_asked_before(scene)
    scene.asked = scene.prompt(samples=1)
    scene.sql("UPDATE responses SET sample = 7 WHERE sample = 1")  # so that no earlier answer is found
    scene.sql("UPDATE responses SET request_key = 'lost-' || request_key WHERE sample = 7")
    assert scene.score().figures.requests == 10
    assert scene.score().figures.requests == 0


def test_asking_again_goes_on_from_the_epoch_that_earlier_answers_have(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=2)
    scene.score(epoch=1)
    as_if_asked_before(scene)
    assert scene.ledger.epoch_to_ask(scene.asked, is_asked_again=False) == 1
    assert scene.ledger.rehearsal_epoch(scene.asked, is_asked_again=True) == -1


def test_a_batch_that_was_on_its_way_under_the_earlier_hash_is_still_known(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=2)
    scene.score()
    before = hash_of_before(scene.asked)
    scene.sql(
        "INSERT INTO batches (token, prompt, prompt_hash, epoch, created_at, is_collected, worst_nano_usd, requests,"
        " revision) VALUES ('t', 'exposure', ?, 0, '2026-01-01 00:00:00', FALSE, 0, '[]', 1)",
        before,
    )
    store = BatchStore(scene.ledger, scene.ledger.hashes(scene.asked), 0)
    assert [batch.token for batch in store.uncollected()] == ["t"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_two_samples_are_the_same_request(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=4)
    scene.score()
    assert max(Counter(seen.body_hash for seen in scene.model.seen).values()) == 1


def test_samples_stay_apart_where_an_answer_may_be_no_longer(scene: Scene) -> None:
    """At the most that the model can write, a further sample may write less."""
    from exposure_dagster.scoring.asking import Asking

    asking = Asking(scene.asked, scene.price.model_copy(update={"max_output_tokens": 400}))
    rooms = [
        asking.request((), 400, repeat=repeat, sample=sample).max_tokens
        for repeat in range(3)
        for sample in range(1, 5)
    ]
    assert len(set(rooms)) == len(rooms)
    assert max(rooms) == 400


def test_each_sample_groups_documents_anew_and_the_ledger_says_who_stood_where(scene: Scene) -> None:
    scene.asked = scene.prompt(samples=3, documents_per_request=4)
    scene.score(concurrency=1)

    rows = scene.rows("sample, request_group, doc_id, position")
    groups: dict[int, set[frozenset[str]]] = defaultdict(set)
    for sample, group in {(sample, group) for sample, group, _, _ in rows}:
        members = [(doc, position) for s, g, doc, position in rows if (s, g) == (sample, group)]
        assert sorted(position for _, position in members) == list(range(1, len(members) + 1))
        groups[sample].add(frozenset(doc for doc, _ in members))
    assert {sample: sum(map(len, members)) for sample, members in groups.items()} == {1: 10, 2: 10, 3: 10}
    assert groups[1] != groups[2] != groups[3]
    asked = [seen.documents for seen in scene.model.seen]
    by_group = {
        group: [doc for _, g, doc, _ in sorted(rows, key=lambda row: row[3]) if g == group] for _, group, _, _ in rows
    }
    assert sorted(map(list, asked)) == sorted(by_group.values())


def test_a_document_alone_in_its_request_stands_first_and_shares_nothing(scene: Scene) -> None:
    scene.score()
    assert set(scene.rows("position, request_group")) == {(1, None)}
