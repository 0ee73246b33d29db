"""Which documents a model is asked about where it is not asked about all, and what its answers say of the whole."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest

from exposure_dagster.providers.baseline.distilling import choose, difference_estimate

JOBS = {f"d{number:02}": 100 * number**2 for number in range(1, 51)}
SEEDS = [str(number) for number in range(400)]


@pytest.mark.parametrize("wanted", [1, 7, 20, 49, 50])
def test_as_many_are_chosen_as_are_wanted(wanted: int) -> None:
    assert all(len(choose(JOBS, wanted, seed=seed)) == wanted for seed in SEEDS[:50])


def test_all_are_chosen_where_more_are_wanted_than_there_are() -> None:
    assert choose(JOBS, 60, seed="") == dict.fromkeys(JOBS, 1.0)


def test_the_same_are_chosen_each_time_in_whatever_order_they_come() -> None:
    assert choose(JOBS, 10, seed="a") == choose(dict(reversed(JOBS.items())), 10, seed="a")
    assert choose(JOBS, 10, seed="a") != choose(JOBS, 10, seed="b")


def test_where_more_are_wanted_the_same_are_chosen_and_others() -> None:
    assert choose(JOBS, 10, seed="a").keys() < choose(JOBS, 20, seed="a").keys()


def test_a_document_is_chosen_as_often_as_its_chance_says() -> None:
    samples = [choose(JOBS, 10, seed=seed) for seed in SEEDS]
    chance = {doc_id: chances[doc_id] for chances in samples for doc_id in chances}
    for doc_id in ("d01", "d25", "d50"):
        assert fmean(doc_id in chances for chances in samples) == pytest.approx(chance[doc_id], abs=0.06)
    assert chance["d01"] < chance["d25"] < chance["d50"] <= 1


def test_where_no_jobs_are_known_every_document_has_the_same_chance() -> None:
    assert list(choose(dict.fromkeys(JOBS), 10, seed="").values()) == [pytest.approx(0.2)] * 10


def test_a_document_without_jobs_may_be_chosen_too() -> None:
    jobs = {**JOBS, "none": None}
    assert any("none" in choose(jobs, 10, seed=seed) for seed in SEEDS[:100])


def test_no_documents_are_no_choice() -> None:
    assert choose({}, 10, seed="") == {}


ANSWERS = {doc_id: (number * 7 % 11) / 1.0 for number, doc_id in enumerate(JOBS)}
WEIGHTS = {doc_id: float(jobs) for doc_id, jobs in JOBS.items()}
TRUE = sum(WEIGHTS[one] * ANSWERS[one] for one in JOBS) / sum(WEIGHTS.values())


def means(estimates: dict[str, float], wanted: int = 15) -> list[tuple[float, float]]:
    found = []
    for seed in SEEDS:
        chances = choose(JOBS, wanted, seed=seed)
        mean = difference_estimate(WEIGHTS, estimates, {one: ANSWERS[one] for one in chances}, chances)
        assert mean.standard_error is not None
        found.append((mean.value, mean.standard_error))
    return found


@pytest.mark.parametrize("bias", [-3.0, 0.0, 5.0])
def test_the_mean_is_unbiased_however_bad_the_estimates_are(bias: float) -> None:
    estimates = {doc_id: answer * 0.5 + bias for doc_id, answer in ANSWERS.items()}
    values = [value for value, _ in means(estimates)]
    assert fmean(values) == pytest.approx(TRUE, abs=4 * pstdev(values) / len(values) ** 0.5)


def test_its_standard_error_is_how_far_it_lies_off() -> None:
    found = means({doc_id: answer * 0.5 + 2 for doc_id, answer in ANSWERS.items()})
    assert fmean(error for _, error in found) == pytest.approx(pstdev([value for value, _ in found]), rel=0.25)


def test_estimates_that_are_right_leave_nothing_unsure() -> None:
    assert means(ANSWERS)[0] == (pytest.approx(TRUE), pytest.approx(0))


def test_where_all_were_asked_their_answers_are_the_mean() -> None:
    mean = difference_estimate(WEIGHTS, dict.fromkeys(JOBS, 1.0), ANSWERS, dict.fromkeys(JOBS, 1.0))
    assert (mean.value, mean.standard_error) == (pytest.approx(TRUE), 0.0)


def test_one_answer_tells_no_standard_error() -> None:
    chances = choose(JOBS, 1, seed="")
    answers = {one: ANSWERS[one] for one in chances}
    assert difference_estimate(WEIGHTS, dict.fromkeys(JOBS, 1.0), answers, chances).standard_error is None
