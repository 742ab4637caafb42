"""What to believe of an effect: a normal posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.records import Interval


@dataclass(frozen=True)
class Belief:
    """A normal distribution of the effect."""

    mean: float
    variance: float

    @property
    def chance_above_zero(self) -> float:
        return float(special.ndtr(self.mean / math.sqrt(self.variance)))

    @property
    def loss_if_chosen(self) -> float:
        """What is lost on average by taking the candidate where more is better: the mean of max(0, −effect)."""
        return self.loss_if_left - self.mean

    @property
    def loss_if_left(self) -> float:
        """What is lost on average by staying with the base where more is better: the mean of max(0, effect)."""
        spread = math.sqrt(self.variance)
        score = self.mean / spread
        return self.mean * float(special.ndtr(score)) + spread * math.exp(-(score**2) / 2) / math.sqrt(2 * math.pi)

    def interval(self, level: float = 0.95) -> Interval:
        """Holds the effect with the chance `level`, given what was believed before."""
        reach = float(special.ndtri((1 + level) / 2)) * math.sqrt(self.variance)
        return Interval(value=self.mean, low=self.mean - reach, high=self.mean + reach, level=level)


def belief(effect: Effect, before: Belief | None = None) -> Belief:
    """After the effect was measured; without a belief from `before` as if every effect had been as likely.

    Gelman et al., "Bayesian Data Analysis", 3rd edition (2013), section 2.5."""
    if before is None:
        return Belief(float(effect.value), float(effect.variance))
    precision = 1 / effect.variance + 1 / before.variance
    mean = (effect.value / effect.variance + before.mean / before.variance) / precision
    return Belief(float(mean), float(1 / precision))
