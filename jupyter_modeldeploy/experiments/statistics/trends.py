"""Whether an effect changes while the experiment runs, as that of novelty does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.records import Interval


def slope(periods: Sequence[Effect], level: float = 0.95) -> Interval:
    """By how much the effect rises from one period to the next: the weighted least-squares line through the periods'
    own effects. Raises InvalidInput for fewer than three periods, and for one without variance.

    Kutner, Nachtsheim, Neter and Li, "Applied Linear Statistical Models", 5th edition (2005), section 11.1."""
    values = np.array([each.value for each in periods], np.float64)
    variances = np.array([each.variance for each in periods], np.float64)
    if len(values) < 3 or (variances <= 0).any():
        raise InvalidInput("A trend is seen from three periods on, each with units that differ.", "Wait for more.")
    weights = 1 / variances
    times = np.arange(len(values)) - weights @ np.arange(len(values)) / weights.sum()
    spread = float(weights @ times**2)
    value = float(weights @ (times * values)) / spread
    reach = float(special.ndtri((1 + level) / 2)) / spread**0.5
    return Interval(value=value, low=value - reach, high=value + reach, level=level)
