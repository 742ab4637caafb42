"""The effect in each part of the units, drawn towards the effect in all as far as chance explains the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.statistics.bayes import Belief
from jupyter_modeldeploy.experiments.statistics.effects import Effect


@dataclass(frozen=True)
class Segments:
    """`beliefs` are one a segment; `between` is the variance between the segments' true effects, and `p_value` that of
    there being none."""

    overall: Belief
    between: float
    p_value: float
    beliefs: list[Belief]


def shrunk(effects: Sequence[Effect]) -> Segments:
    """Raises InvalidInput for fewer than two segments, and for one without variance.

    The variance between them is DerSimonian and Laird's, "Meta-analysis in Clinical Trials", Controlled Clinical Trials
    7 (1986); the test Cochran's; the shrinkage that of a normal prior (Efron and Morris, "Data Analysis Using Stein's
    Estimator and its Generalizations", JASA 70 (1975))."""
    values = np.array([each.value for each in effects], np.float64)
    variances = np.array([each.variance for each in effects], np.float64)
    if len(values) < 2 or (variances <= 0).any():
        raise InvalidInput("Segments are compared from two on, each with units that differ.", "Wait for more units.")
    weights = 1 / variances
    heterogeneity = float(weights @ (values - weights @ values / weights.sum()) ** 2)
    expected = len(values) - 1
    between = max(0.0, (heterogeneity - expected) / float(weights.sum() - (weights**2).sum() / weights.sum()))
    weights = 1 / (variances + between)
    overall = Belief(float(weights @ values / weights.sum()), float(1 / weights.sum()))
    kept = between / (between + variances)
    beliefs = [
        Belief(
            float(share * value + (1 - share) * overall.mean),
            float(share * variance + (1 - share) ** 2 * overall.variance),
        )
        for share, value, variance in zip(kept, values, variances, strict=True)
    ]
    return Segments(overall, between, float(special.chdtrc(expected, heterogeneity)), beliefs)
