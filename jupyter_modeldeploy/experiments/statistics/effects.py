"""By how much two versions differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.statistics.estimates import Estimate


@dataclass(frozen=True)
class Effect:
    """`variance` is the estimate's own; `units` those of both versions; `freedom` the degrees of freedom of its
    variance. All that judges effects takes arrays in their place too, as simulations do."""

    value: Any
    variance: Any
    units: Any
    freedom: Any = float("inf")


def difference(base: Estimate, candidate: Estimate) -> Effect:
    """candidate − base, in the figure's own unit."""
    return _effect(base, candidate, candidate.value - base.value, base.variance, candidate.variance)


def relative(base: Estimate, candidate: Estimate) -> Effect:
    """candidate / base − 1, by the delta method. Raises InvalidInput for a base of zero.

    Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018."""
    if base.plain == 0:
        raise InvalidInput("A change relative to zero.", "Look at the difference itself.")
    lift = candidate.plain / base.plain
    scale = base.plain**2
    value = (candidate.value - base.value) / base.plain
    return _effect(base, candidate, value, base.variance * lift**2 / scale, candidate.variance / scale)


def stratified(strata: Sequence[Effect]) -> Effect:
    """The effect over several stages of a ramp or segments, each compared within itself and weighed by its units: rows
    of stages with other splits are never pooled, since the versions would then differ by when they were asked
    (Simpson's paradox). Raises InvalidInput without any.

    Crook, Frasca, Kohavi and Longbotham, "Seven Pitfalls to Avoid when Running Controlled Experiments on the Web",
    KDD 2009, pitfall 4."""
    units = sum(each.units for each in strata)
    if not units:
        raise InvalidInput("No stage has any units.", "Wait for some.")
    shares = [each.units / units for each in strata]
    value = sum(share * each.value for share, each in zip(shares, strata, strict=True))
    parts = [share**2 * each.variance for share, each in zip(shares, strata, strict=True)]
    return Effect(value, sum(parts), units, freedom_of_sum(parts, [each.freedom for each in strata]))


def _effect(base: Estimate, candidate: Estimate, value: float, of_base: float, of_candidate: float) -> Effect:
    own = [base.variance, candidate.variance]
    freedom = freedom_of_sum(own, [base.freedom, candidate.freedom])
    return Effect(value, of_base + of_candidate, base.units + candidate.units, freedom)


def freedom_of_sum(variances: Sequence[float], each_has: Sequence[float]) -> float:
    """Of a sum of estimated variances.

    Satterthwaite, "An Approximate Distribution of Estimates of Variance Components", Biometrics Bulletin 2 (1946)."""
    parts = sum(variance**2 / has for variance, has in zip(variances, each_has, strict=True) if has > 0)
    return sum(variances) ** 2 / parts if parts else float("inf")
