"""How many units an experiment needs, and what it would find with those it gets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.statistics import estimates, sequences, stages

Method = Literal["fixed", "stages", "sequence"]
MOST_UNITS = 10**12


@dataclass(frozen=True)
class Design:
    """An experiment to be. The variances are those of one unit's value under each version, `share` the candidate's part
    of the units; it is looked at `looks` times, evenly. Of a `percentile` (0.95) the variance is known from few values,
    as `estimates.quantile` tells it, so that limits which are not those of a sequence are farther out."""

    base_variance: float
    candidate_variance: float
    share: float = 0.5
    level: float = 0.95
    method: Method = "sequence"
    looks: int = 20
    tuned_to: float = sequences.TUNED_TO
    percentile: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or not 0 < self.level < 1 or self.looks < 1:
            raise InvalidInput(
                f"No experiment has a share of {self.share:g}, a level of {self.level:g} and {self.looks} looks.",
                "Give a share and a level between 0 and 1, and one look or more.",
            )
        if self.base_variance < 0 or self.candidate_variance < 0 or self.base_variance + self.candidate_variance <= 0:
            raise InvalidInput("Units that never differ need no experiment.", "Give the variance of one unit's value.")

    def standard_error(self, units: int) -> float:
        """Of the difference, when there are so many units."""
        variance = self.base_variance / (1 - self.share) + self.candidate_variance / self.share
        return math.sqrt(variance / units)

    def power(self, effect: float, units: int) -> float:
        """The chance that this effect is found by the time there are so many units."""
        fractions = np.arange(1, self.looks + 1) / self.looks
        limits = self._limits(fractions, units)
        finite = np.isfinite(limits)
        return stages.chance_to_cross(fractions[finite], limits[finite], effect / self.standard_error(units))

    def units_needed(self, effect: float, power: float = 0.8) -> int:
        """The fewest units with which this effect is found with the chance `power`. Raises InvalidInput for no effect,
        for a power that is not between 1 − level and 1, and where no number of units is enough."""
        if effect == 0 or not 1 - self.level < power < 1:
            raise InvalidInput(
                f"No number of units finds an effect of {effect:g} with a chance of {power:g}.",
                "Name the smallest effect that matters, and a chance such as 0.8.",
            )
        low, high = 1, 4
        while self.power(effect, high) < power:
            low, high = high, high * 2
            if high > MOST_UNITS:
                raise InvalidInput(f"An effect of {effect:g} is too small to be found.", "Look for a larger one.")
        while high - low > max(1, low // 1000):
            middle = (low + high) // 2
            low, high = (low, middle) if self.power(effect, middle) >= power else (middle, high)
        return high

    def smallest_effect(self, units: int, power: float = 0.8) -> float:
        """The smallest effect that so many units find with the chance `power`, on either side."""
        low, high = 0.0, self.standard_error(units)
        while self.power(high, units) < power:
            low, high = high, high * 2
        while high - low > 1e-3 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if self.power(middle, units) >= power else (middle, high)
        return high

    def _limits(self, fractions: np.ndarray, units: int) -> np.ndarray:
        """In standard errors, at each look."""
        if self.method == "sequence":
            return np.asarray(sequences.boundary(fractions * units, self.level, self.tuned_to))
        if self.method == "stages":
            limits = stages.boundaries(list(fractions), self.level)
        else:
            limits = np.full(len(fractions), np.inf)
            limits[-1] = special.ndtri((1 + self.level) / 2)
        if self.percentile is None:
            return limits
        return np.asarray(-special.stdtrit(self._freedom(self.percentile, fractions * units), special.ndtr(-limits)))

    def _freedom(self, at: float, units: np.ndarray) -> np.ndarray:
        """Of the variance of the difference of two quantiles (Welch and Satterthwaite), float64[looks]."""
        parts = [(self.base_variance, 1 - self.share), (self.candidate_variance, self.share)]
        variances = [variance / share for variance, share in parts]
        each = [estimates.quantile_freedom(at, np.sqrt(at * (1 - at) / (units * share))) for _, share in parts]
        spread = sum(variance**2 / freedom for variance, freedom in zip(variances, each, strict=True))
        return np.asarray(sum(variances) ** 2 / spread)
