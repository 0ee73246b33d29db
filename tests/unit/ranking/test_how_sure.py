"""What is said of intervals, and of why there are none."""

from __future__ import annotations

import pandas as pd
import pytest

from exposure_dagster.ranking.how_sure import MEANING, NO_EXAMPLES, ONE_ANSWER, how_sure
from exposure_dagster.ranking.uncertainty import Method


def scores(*kinds: tuple[str | None, str]) -> pd.DataFrame:
    return pd.DataFrame(kinds, columns=["method", "scorer"])


@pytest.mark.parametrize(
    ("method", "scorer", "said"),
    [
        ("samples", "claude", MEANING[Method.SAMPLES]),
        ("models", "claude", MEANING[Method.MODELS]),
        ("wordings", "claude", MEANING[Method.WORDINGS]),
        ("left-out examples", "baseline", MEANING[Method.LEFT_OUT]),
        ("none", "claude", ONE_ANSWER),
        ("none", "baseline", NO_EXAMPLES),
        (None, "claude", ONE_ANSWER),
    ],
)
def test_each_kind_of_error_is_named_and_its_absence_explained(method: str | None, scorer: str, said: str) -> None:
    assert how_sure(scores((method, scorer), (method, scorer))) == [said]


def test_of_several_kinds_each_says_how_many_scores_it_speaks_of() -> None:
    mixed = scores(("left-out examples", "baseline"), ("samples", "claude"), ("samples", "claude"))
    assert how_sure(mixed) == [
        f"2 of 3 scores: {MEANING[Method.SAMPLES]}",
        f"1 of 3 scores: {MEANING[Method.LEFT_OUT]}",
    ]


def test_every_method_has_a_sentence() -> None:
    assert set(MEANING) == set(Method) - {Method.NONE}


def test_of_no_score_nothing_is_said() -> None:
    assert how_sure(scores()) == []
