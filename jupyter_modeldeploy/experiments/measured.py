"""One metric of two versions: the figures, and by how much they differ over all stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.statistics import effects, estimates
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.estimates import Estimate
from jupyter_modeldeploy.experiments.statistics.moments import Moments
from jupyter_modeldeploy.experiments.strata import Stratum, among
from jupyter_modeldeploy.records import Metric


@dataclass(frozen=True)
class Measured:
    """A metric's figure of each version over all stages, each weighed by its units, and the `effect`, which is
    candidate − base."""

    base: Estimate
    candidate: Estimate
    effect: Effect

    @property
    def relative(self) -> Effect:
        """candidate / base − 1. Raises InvalidInput for a base of zero."""
        return effects.relative(self.base, self.candidate)


def measured(metric: Metric, stages: Sequence[Stratum]) -> Measured:
    """Raises InvalidInput with the reason where no stage tells anything of the metric yet."""
    pairs: list[tuple[Estimate, Estimate]] = []
    told = InvalidInput("No stage has units of both versions.", "Wait for some.")
    for stage in stages:
        try:
            pairs.append(_estimates(metric, stage))
        except InvalidInput as error:  # a stage that has just begun; said where there is no other
            told = error
    if not pairs:
        raise told
    effect = effects.stratified([effects.difference(*pair) for pair in pairs])
    shares = [(base.units + candidate.units) / effect.units for base, candidate in pairs]
    base, candidate = (_over(shares, side) for side in zip(*pairs, strict=True))
    return Measured(base, candidate, effect)


def successes(metric: Metric, one: Observed) -> int | None:
    """How many of the units succeeded, where each can but succeed or not; None where there is more to a unit."""
    if metric.kind not in ("proportion", "ratio"):
        return None
    parts, whole = _columns(metric, one).T
    if not ((whole == 1).all() and np.isin(parts, (0.0, 1.0)).all()):
        return None
    return int(parts.sum())


def without_strays(metric: Metric, stage: Stratum) -> tuple[Stratum, int]:
    """The stage without the units whose values are no numbers, and how many they are."""
    names = [name for name in (metric.of, metric.per) if name is not None]
    kept = [np.ones(one.units, bool) for one in stage.sides]
    for one, sound in zip(stage.sides, kept, strict=True):
        for name in names:
            sound &= np.isfinite(one.sums.get(name, 0.0))
    strays = sum(int((~each).sum()) for each in kept)
    if not strays:
        return stage, 0
    return Stratum(among(stage.base, kept[0]), among(stage.candidate, kept[1])), strays


def _estimates(metric: Metric, stage: Stratum) -> tuple[Estimate, Estimate]:
    base, candidate = stage.sides
    if min(base.units, candidate.units) < 2:
        raise InvalidInput(
            f"{base.units} and {candidate.units} units of the two versions are too few.", "Wait for two of each."
        )
    if metric.kind == "mean" and all(metric.of in one.before for one in stage.sides):
        return _adjusted(metric, stage)
    return figure(metric, base), figure(metric, candidate)


def figure(metric: Metric, one: Observed) -> Estimate:
    """The metric of one version in one stage. Raises InvalidInput where it cannot be told yet."""
    if metric.kind == "percentile":
        return _quantile(metric, one)
    if metric.kind == "mean":
        return estimates.mean(Moments.of(_summed(one, metric.of)))
    return _quotient(_columns(metric, one))


def _columns(metric: Metric, one: Observed) -> np.ndarray:
    """float64[units, 2]: what a proportion or a ratio is of, and what it is a share of."""
    values = _summed(one, metric.of)
    if metric.kind == "proportion":
        return np.stack([values > 0, np.ones(one.units)], axis=1).astype(np.float64)
    return np.stack([values, _summed(one, metric.per or "requests")], axis=1)


def _quotient(columns: np.ndarray) -> Estimate:
    """Of parts of wholes, where none is more than its whole, as of any ratio, but never sure of all or nothing."""
    is_share = bool(((columns[:, 0] >= 0) & (columns[:, 0] <= columns[:, 1])).all())
    return (estimates.share if is_share else estimates.ratio)(Moments.of(columns))


def _adjusted(metric: Metric, stage: Stratum) -> tuple[Estimate, Estimate]:
    """Units of which nothing is known from before count as the average of the others, which tells nothing of them."""
    past = [one.before[metric.of] for one in stage.sides]
    both = np.concatenate(past)
    known = np.isfinite(both)
    average = float(both[known].mean()) if known.any() else 0.0
    base, candidate = (
        Moments.of(np.stack([_summed(one, metric.of), np.where(np.isfinite(before), before, average)], axis=1))
        for one, before in zip(stage.sides, past, strict=True)
    )
    return estimates.adjusted(base, candidate)


def _quantile(metric: Metric, one: Observed) -> Estimate:
    rows = one.rows.get(metric.of)
    if rows is None or metric.percentile is None:
        raise InvalidInput(f"No single values of {metric.of} were kept.", "A percentile is of single values.")
    kept = np.isfinite(rows.values)
    values, units = rows.values[kept], rows.units[kept]
    clustered = len(units) > 0 and int(np.bincount(units).max()) > 1
    return estimates.quantile(values, metric.percentile, units if clustered else None)


def _summed(one: Observed, name: str) -> np.ndarray:
    if name not in one.sums:
        raise InvalidInput(f"Nothing was recorded of {name} yet.", "Post outcomes of that name.")
    return one.sums[name]


def _over(shares: Sequence[float], each: Sequence[Estimate]) -> Estimate:
    """Of several stages, each with its share of the units."""
    pairs = list(zip(shares, each, strict=True))
    variances = [share**2 * one.variance for share, one in pairs]
    return Estimate(
        value=sum(share * one.value for share, one in pairs),
        variance=sum(variances),
        units=sum(one.units for one in each),
        plain=sum(share * one.plain for share, one in pairs),
        variance_freedom=effects.freedom_of_sum(variances, [one.freedom for one in each]),
    )
