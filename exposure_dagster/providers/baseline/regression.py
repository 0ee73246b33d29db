"""Ridge regression, as the baseline fits its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exposure_dagster.providers.baseline.text import portions

if TYPE_CHECKING:
    from exposure_dagster.providers.baseline.text import Floats


@dataclass(frozen=True)
class Ridge:
    """A fitted line."""

    coefficients: Floats
    intercept: float
    normal: Floats

    def predict(self, rows: Floats) -> Floats:
        """The line's value of each row."""
        predicted: Floats = rows @ self.coefficients + self.intercept
        return predicted

    def left_out(self, rows: Floats, values: Floats, weights: Floats) -> Floats:
        """What each of the rows that it was fitted to gets from the line that is fitted to the others.

        That follows from a row's leverage h: (fitted − h · value) / (1 − h).
        """
        import numpy as np

        with_intercept = _with_intercept(rows)
        hat = np.linalg.solve(self.normal, with_intercept.T * weights)
        leverage = np.einsum("ij,ji->i", with_intercept, hat)
        solution = np.append(self.coefficients, self.intercept)
        left_out: Floats = (with_intercept @ solution - leverage * values) / (1 - leverage)
        return left_out


def ridge(rows: Floats, values: Floats, weights: Floats, penalty: float = 1.0) -> Ridge:
    """Least squares by weight, with a penalty on the squares of all coefficients but the intercept.

    At least two rows need a weight above 0.
    """
    import numpy as np

    width = rows.shape[1] + 1
    normal, solution = np.zeros((width, width)), np.zeros(width)
    for some in portions(len(rows)):
        with_intercept = _with_intercept(rows[some])
        normal += (with_intercept.T * weights[some]) @ with_intercept
    np.fill_diagonal(normal[:-1, :-1], normal.diagonal()[:-1] + penalty)
    for some in portions(len(rows)):
        solution += np.linalg.solve(normal, _with_intercept(rows[some]).T * weights[some]) @ values[some]
    return Ridge(solution[:-1], float(solution[-1]), normal)


def _with_intercept(rows: Floats) -> Floats:
    import numpy as np

    return np.column_stack([rows, np.ones(len(rows))])
