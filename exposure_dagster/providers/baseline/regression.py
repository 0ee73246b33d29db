"""Ridge regression, as the baseline fits its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exposure_dagster.providers.baseline.text import Floats


@dataclass(frozen=True)
class Ridge:
    """A fitted line: `left_out` is what each row gets from the line that is fitted to the others."""

    coefficients: Floats
    intercept: float
    left_out: Floats

    def predict(self, rows: Floats) -> Floats:
        """The line's value of each row."""
        predicted: Floats = rows @ self.coefficients + self.intercept
        return predicted


def ridge(rows: Floats, values: Floats, weights: Floats, penalty: float = 1.0) -> Ridge:
    """Least squares by weight, with a penalty on the squares of all coefficients but the intercept.

    At least two rows need a weight above 0. What a row gets without itself follows from its leverage h:
    (fitted − h · value) / (1 − h).
    """
    import numpy as np

    with_intercept = np.column_stack([rows, np.ones(len(rows))])
    weighted = with_intercept.T * weights
    normal = weighted @ with_intercept
    np.fill_diagonal(normal[:-1, :-1], normal.diagonal()[:-1] + penalty)
    hat = np.linalg.solve(normal, weighted)
    solution = hat @ values
    leverage = np.einsum("ij,ji->i", with_intercept, hat)
    left_out = (with_intercept @ solution - leverage * values) / (1 - leverage)
    return Ridge(solution[:-1], float(solution[-1]), left_out)
