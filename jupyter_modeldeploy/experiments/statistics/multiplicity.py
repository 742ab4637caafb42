"""Several metrics or versions at once: p-values that count how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Those below a limit are all true with a chance of at least 1 − that limit.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979)."""
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values)
    steps = values[order] * np.arange(len(values), 0, -1)
    return _in_place(order, np.minimum(1.0, np.maximum.accumulate(steps)))


def holm_of_known(p_values: Sequence[float | None]) -> list[float | None]:
    """`holm` of those that are there, each in its place."""
    corrected = iter(holm([one for one in p_values if one is not None]))
    return [None if one is None else next(corrected) for one in p_values]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Of those below a limit, at most that share is false on average.

    Benjamini and Hochberg, "Controlling the False Discovery Rate", JRSS B 57 (1995)."""
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values)
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _in_place(order, np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1]))


def _in_place(order: np.ndarray, adjusted: np.ndarray) -> list[float]:
    found = np.empty(len(order))
    found[order] = adjusted
    return [float(each) for each in found]
