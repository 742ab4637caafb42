"""One version's figure, with the variance of its estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.statistics.moments import Moments, per_unit

WOODRUFF_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """`variance` is the estimate's own, in the figure's unit squared. `plain` is what relative changes are of, where
    `value` was adjusted. `variance_freedom` are the variance's degrees of freedom where they are fewer than those of
    the units."""

    value: float
    variance: float
    units: int
    plain: float
    variance_freedom: float = math.inf

    @property
    def freedom(self) -> float:
        """The degrees of freedom of the variance."""
        return min(self.units - 1, self.variance_freedom)

    @property
    def unit_variance(self) -> float:
        """What the variance would be with one unit."""
        return self.variance * self.units


def mean(values: Moments) -> Estimate:
    """The mean of the first column."""
    value = float(values.means[0])
    return Estimate(value, float(values.covariance[0, 0]) / values.units, values.units, value)


def proportion(successes: int, units: int) -> Estimate:
    """The share of the units that succeeded, with the binomial's variance. Raises InvalidInput for what is no share."""
    if not 0 <= successes <= units or units == 0:
        raise InvalidInput(f"{successes} of {units} is no proportion.", "Wait for a unit.")
    value = successes / units
    return Estimate(value, value * (1 - value) / units, units, value)


def ratio(values: Moments) -> Estimate:
    """The sum of the first column over that of the second, as errors per request where units are users, by the delta
    method. Raises InvalidInput where the second adds up to nothing.

    Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018."""
    above, below = (float(each) for each in values.means[:2])
    if below == 0:
        raise InvalidInput("A ratio over nothing.", "Wait for units that have any of what the metric is a share of.")
    value = above / below
    slope = np.array([1.0, -value]) / below
    return Estimate(value, float(slope @ values.covariance[:2, :2] @ slope) / values.units, values.units, value)


def share(values: Moments) -> Estimate:
    """`ratio` of units whose first column is a part of the second, as of their requests those that failed. Its variance
    is that with two units more, one with nothing and one with all, so that no share is ever certain: without any
    failure, or with failures alone, that of the units themselves would be zero.

    Agresti and Caffo, "Simple and Effective Confidence Intervals for Proportions and Differences of Proportions Result
    from Adding Two Successes and Two Failures", The American Statistician 54 (2000)."""
    whole = float(values.means[1])
    added = ratio(values + Moments.of(np.array([[0.0, whole], [whole, whole]])))
    value = ratio(values).value
    return Estimate(value, added.variance, values.units, value)


def adjusted(base: Moments, candidate: Moments) -> tuple[Estimate, Estimate]:
    """The means of the first column, each less what the second one, known from before the experiment, tells of it
    (CUPED); one slope for both versions. Where the past tells nothing they are the means.

    Deng, Xu, Kohavi and Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing
    Pre-Experiment Data", WSDM 2013."""
    both = base + candidate
    known = both.covariance[1, 1]
    slope = float(both.covariance[0, 1] / known) if known > 0 else 0.0
    return _adjusted(base, slope), _adjusted(candidate, slope)


def quantile(values: np.ndarray, at: float, units: np.ndarray | None = None) -> Estimate:
    """The quantile `at` of `values` float[rows], as 0.99 of latencies in milliseconds. `units` names whose each row is,
    where a unit has many. Raises InvalidInput where there are too few values on one of its sides.

    The variance is that of Woodruff's interval, "Confidence Intervals for Medians and Other Position Measures", JASA 47
    (1952); of many rows a unit as in Deng, Knoblich and Lu, KDD 2018, section 4. It is known from the values within
    that interval alone: their gaps are independent and exponential (Pyke, "Spacings", JRSS B 27, 1965), so of m of them
    it has m / 2 degrees of freedom, by Satterthwaite's matching of moments."""
    ordered = np.sort(np.asarray(values, np.float64))
    rows = len(ordered)
    value = float(np.quantile(ordered, at)) if rows else 0.0
    z = float(special.ndtri((1 + WOODRUFF_LEVEL) / 2))
    variance, count = _of_share(np.asarray(values) <= value, units, at)
    spread = variance**0.5
    if rows == 0 or at - z * spread <= 0 or at + z * spread >= 1:
        raise InvalidInput(f"{rows} values tell nothing of their quantile {at:g}.", "Wait for more.")
    low, high = np.quantile(ordered, [at - z * spread, at + z * spread])
    freedom = float(quantile_freedom(at, spread))
    return Estimate(value, float((high - low) / (2 * z)) ** 2, count, value, variance_freedom=freedom)


def quantile_freedom(at: float, spread: Any) -> Any:
    """The degrees of freedom of a quantile's variance, where the share of values below it has the standard error
    `spread`, float or float64[any]: half of how many independent values are within Woodruff's interval."""
    z = special.ndtri((1 + WOODRUFF_LEVEL) / 2)
    return z * at * (1 - at) / spread


def _adjusted(values: Moments, slope: float) -> Estimate:
    weights = np.array([1.0, -slope])
    variance = float(weights @ values.covariance[:2, :2] @ weights) / values.units
    return Estimate(float(weights @ values.means[:2]), variance, values.units, float(values.means[0]))


def _of_share(below: np.ndarray, units: np.ndarray | None, at: float) -> tuple[float, int]:
    """The variance of the share of rows below the quantile, and of how many units they are."""
    if units is None or not len(below):
        return at * (1 - at) / max(1, len(below)), len(below)
    found = ratio(Moments.of(per_unit(units, below)))
    return found.variance, found.units
