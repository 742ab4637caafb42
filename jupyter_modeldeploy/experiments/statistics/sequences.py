"""Judging an effect as often as one likes: an interval that holds the truth at all looks together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jupyter_modeldeploy.experiments.statistics.effects import Effect

TUNED_TO = 5000
"""Units at which the interval is about as narrow as such ones can be; it holds at any other too."""


def half_width(effect: Effect, level: float = 0.95, tuned_to: float = TUNED_TO) -> Any:
    """Of the asymptotic confidence sequence: over all looks after the first few dozen units, the truth is outside of
    any with a chance of at most 1 − level.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-Uniform Central Limit Theory and Asymptotic Confidence
    Sequences", Annals of Statistics 52 (2024), theorem 2.2; tuned as in its appendix."""
    return boundary(effect.units, level, tuned_to) * np.sqrt(effect.variance)


def boundary(units: Any, level: float = 0.95, tuned_to: float = TUNED_TO) -> Any:
    """How many standard errors the half width is."""
    information = units * _rho(1 - level, tuned_to) ** 2
    return np.sqrt(2 * (information + 1) / information * np.log(np.sqrt(information + 1) / (1 - level)))


def p_value(effect: Effect, null: float = 0.0, level: float = 0.95, tuned_to: float = TUNED_TO) -> Any:
    """Below 1 − level just when the sequence of this level leaves `null` out; the smallest so far may be kept."""
    rho = _rho(1 - level, tuned_to)
    information = effect.units * rho**2
    away = effect.value - null
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        score = np.where(effect.variance > 0, np.divide(away**2, effect.variance), np.where(away != 0, np.inf, 0.0))
        evidence = np.exp(score * information / (2 * (information + 1))) / np.sqrt(information + 1)
    return np.minimum(1.0, 1 / evidence)[()]


def _rho(alpha: float, tuned_to: float) -> float:
    return math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tuned_to)
