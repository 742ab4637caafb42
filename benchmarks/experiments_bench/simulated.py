"""Simulated experiments: what each kind of metric's units are like, and its estimate as more of them come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from jupyter_modeldeploy.experiments.statistics import estimates
from jupyter_modeldeploy.experiments.statistics.effects import Effect, difference
from jupyter_modeldeploy.experiments.statistics.estimates import Estimate
from jupyter_modeldeploy.experiments.statistics.moments import Moments, per_unit

QUANTILE = 0.95
Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """`draw` gives so many units as rows; `estimate` is made of their moments, or of all rows where it is `ordered`."""

    draw: Draw
    estimate: Callable[[Moments], Estimate]
    ordered: bool = False


def _latencies(random: np.random.Generator, units: int) -> np.ndarray:
    return random.lognormal(3.0, 0.6, units)


def _errors(random: np.random.Generator, units: int) -> np.ndarray:
    return (random.random(units) < 0.1).astype(np.float64)


def _errors_per_request(random: np.random.Generator, units: int) -> np.ndarray:
    """Users with other numbers of requests and other chances of an error: its rows are alike."""
    requests = 1 + random.poisson(random.gamma(2.0, 3.0, units))
    errors = random.binomial(requests, random.beta(2.0, 18.0, units))
    return np.stack([errors, requests], axis=1).astype(np.float64)


def _clustered_latencies(random: np.random.Generator, units: int) -> np.ndarray:
    """Requests of users, each with a network of its own, summed a user."""
    owners = np.repeat(np.arange(units), 1 + random.poisson(4.0, units))
    rows = random.lognormal(3.0, 0.6, len(owners)) * random.lognormal(0.0, 0.5, units)[owners]
    return per_unit(owners, rows)


METRICS = {
    "mean": Metric(_latencies, estimates.mean),
    "proportion": Metric(_errors, estimates.mean),
    "ratio": Metric(_errors_per_request, estimates.ratio),
    "clustered": Metric(_clustered_latencies, estimates.ratio),
    "percentile": Metric(_latencies, estimates.mean, ordered=True),
}


def looks(metric: Metric, random: np.random.Generator, count: int, units: int, shift: float = 0.0) -> Iterator[Effect]:
    """The effect at each of `count` looks, between which each version gets `units` more; the candidate's values have
    `shift` added."""
    sides = [_estimates(metric, random, count, units, added) for added in (0.0, shift)]
    for base, candidate in zip(*sides, strict=True):
        yield difference(base, candidate)


def _estimates(metric: Metric, random: np.random.Generator, count: int, units: int, added: float) -> Iterator[Estimate]:
    known: Moments | None = None
    rows = np.empty(0)
    for _ in range(count):
        new = metric.draw(random, units) + added
        if metric.ordered:
            rows = np.concatenate([rows, new])
            yield estimates.quantile(rows, QUANTILE)
        else:
            known = Moments.of(new) if known is None else known + Moments.of(new)
            yield metric.estimate(known)
