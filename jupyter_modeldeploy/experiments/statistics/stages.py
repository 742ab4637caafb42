"""Judging an effect at a few looks that were planned: group-sequential boundaries by spending the level."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from scipy import optimize, special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput

Spending = Literal["obrien-fleming", "pocock"]
NODES = 121
FURTHEST = 12.0
"""Standard errors: beyond it nothing happens by chance."""


def boundaries(fractions: Sequence[float], level: float = 0.95, spending: Spending = "obrien-fleming") -> np.ndarray:
    """How many standard errors from zero an effect has to be at each look to be called one: float64[looks]. `fractions`
    says what part of all units each look will have, in rising order up to 1. Raises InvalidInput for others.

    Lan and DeMets, "Discrete Sequential Boundaries for Clinical Trials", Biometrika 70 (1983)."""
    times = np.asarray(fractions, np.float64)
    if not len(times) or times[0] <= 0 or times[-1] > 1 or (np.diff(times) <= 0).any():
        raise InvalidInput(f"{list(fractions)} are no looks of an experiment.", "Give rising shares of it, up to 1.")
    spent = [_spent(float(time), 1 - level, spending) for time in times]
    path, found = _Path(), np.empty(len(times))
    for look, (time, part) in enumerate(zip(times, np.diff(spent, prepend=0.0), strict=True)):
        found[look] = _where(path.leaves, float(time), part)
        path = path.kept(float(time), found[look])
    return found


def chance_to_cross(fractions: Sequence[float], limits: Sequence[float], drift: float) -> float:
    """That the effect is beyond `limits` (in standard errors, on either side) at any look, where its expectation at the
    last one would be `drift` standard errors.

    Armitage, McPherson and Rowe, "Repeated Significance Tests on Accumulating Data", JRSS A 132 (1969)."""
    path, crossed = _Path(drift), 0.0
    for time, limit in zip(fractions, limits, strict=True):
        crossed += path.leaves(float(time), float(limit))
        path = path.kept(float(time), float(limit))
    return crossed


class _Path:
    """The density of a Brownian motion with a drift, among the paths that have been within the limits at each look."""

    def __init__(
        self, drift: float = 0.0, time: float = 0.0, at: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> None:
        self._drift, self._time = drift, time
        self._at = np.zeros(1) if at is None else at
        self._weights = np.ones(1) if weights is None else weights

    def leaves(self, time: float, limit: float) -> float:
        """The chance to be beyond `limit` standard errors at `time`, for the first time."""
        edge, step = limit * math.sqrt(time), math.sqrt(time - self._time)
        mean = self._at + self._drift * (time - self._time)
        return float(self._weights @ (special.ndtr((-edge - mean) / step) + special.ndtr((mean - edge) / step)))

    def kept(self, time: float, limit: float) -> _Path:
        """The paths that are not."""
        nodes, weights = _nodes()
        step, passed = math.sqrt(time - self._time), self._drift * (time - self._time)
        middle = self._drift * time
        edge = limit * math.sqrt(time)
        low, high = max(-edge, middle - FURTHEST * math.sqrt(time)), min(edge, middle + FURTHEST * math.sqrt(time))
        if low >= high:
            return _Path(self._drift, time, np.zeros(1), np.zeros(1))
        at = (high - low) / 2 * nodes + (high + low) / 2
        score = (at[:, None] - self._at[None, :] - passed) / step
        density = np.exp(-0.5 * score**2) @ self._weights / (step * math.sqrt(2 * math.pi))
        return _Path(self._drift, time, at, density * weights * (high - low) / 2)


@functools.cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, weights


def _where(leaves: Callable[[float, float], float], time: float, chance: float) -> float:
    """The limit that is left with this chance."""
    if leaves(time, FURTHEST) >= chance:
        return FURTHEST
    return float(optimize.brentq(lambda limit: leaves(time, limit) - chance, 0.0, FURTHEST, xtol=1e-10))


def _spent(time: float, alpha: float, spending: Spending) -> float:
    """What part of `alpha` may be used up by then, half of it on each side."""
    if spending == "pocock":
        return alpha * math.log(1 + (math.e - 1) * time)
    return float(4 * special.ndtr(-special.ndtri(1 - alpha / 4) / math.sqrt(time)))
