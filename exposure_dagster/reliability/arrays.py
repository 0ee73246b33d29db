"""What the statistics share: arrays of floats, and pairs without gaps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def floats(values: npt.ArrayLike) -> Floats:
    """The values as floats; None becomes `nan`."""
    return np.asarray(values, dtype=np.float64)


def complete_pairs(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both, shape (n,), without the places where either is missing. Raises ValueError where lengths differ."""
    one, other = floats(ours), floats(theirs)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"pairs need two lists of one length, not of shapes {one.shape} and {other.shape}")
    is_known = ~(np.isnan(one) | np.isnan(other))
    return one[is_known], other[is_known]


def varies(values: Floats) -> bool:
    """Whether there are two different values."""
    return values.size > 1 and bool(values.min() < values.max())
