"""The regression that the baseline fits its axes by."""

from __future__ import annotations

import numpy as np
import pytest

from exposure_dagster.providers.baseline.regression import ridge


def test_left_out_is_what_a_row_gets_from_the_others() -> None:
    chance = np.random.default_rng(1)
    rows, values, weights = chance.normal(size=(9, 4)), chance.normal(size=9), chance.uniform(0.2, 2, size=9)
    fitted = ridge(rows, values, weights)
    for place in range(9):
        others = ridge(rows, values, np.where(np.arange(9) == place, 0, weights))
        assert fitted.left_out(rows, values, weights)[place] == pytest.approx(others.predict(rows[[place]])[0])


def test_the_level_of_values_is_not_penalized() -> None:
    chance = np.random.default_rng(2)
    rows, values, weights = chance.normal(size=(9, 4)), chance.normal(size=9), np.ones(9)
    assert ridge(rows, values + 100, weights).predict(rows) == pytest.approx(
        ridge(rows, values, weights).predict(rows) + 100
    )


def test_a_row_without_weight_says_nothing() -> None:
    chance = np.random.default_rng(3)
    rows, values = chance.normal(size=(5, 2)), chance.normal(size=5)
    weights = np.array([1, 1, 1, 1, 0.0])
    assert ridge(rows, values, weights).coefficients == pytest.approx(
        ridge(rows[:4], values[:4], weights[:4]).coefficients
    )
