"""Judging an effect once, at a horizon that was set before."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.experiments.statistics.effects import Effect


def half_width(effect: Effect, level: float = 0.95) -> Any:
    """Of the interval around the effect: Student's, with Welch's degrees of freedom.

    Welch, "The Generalization of 'Student's' Problem when Several Different Population Variances are Involved",
    Biometrika 34 (1947)."""
    return _t_quantile(effect.freedom, (1 + level) / 2) * np.sqrt(effect.variance)


def p_value(effect: Effect, null: float = 0.0) -> Any:
    """Two-sided, for an effect of `null`. 1 without variance where it is just that, else 0."""
    away = np.abs(effect.value - null)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(effect.variance > 0, away / np.sqrt(effect.variance), np.where(away > 0, np.inf, 0.0))
    tails = np.where(np.isinf(effect.freedom), special.ndtr(-score), special.stdtr(_finite(effect.freedom), -score))
    return 2 * tails[()]


def _t_quantile(freedom: Any, at: float) -> Any:
    return np.where(np.isinf(freedom), special.ndtri(at), special.stdtrit(_finite(freedom), at))[()]


def _finite(freedom: Any) -> Any:
    return np.where(np.isinf(freedom), 1.0, freedom)
