"""Simulated experiments: what each kind of metric's units do, handed to the judge as more of them come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from jupyter_modeldeploy.experiments.observed import Observed, Rows
from jupyter_modeldeploy.records import Metric

BASE, CANDIDATE = "m@1", "m@2"
QUANTILE = 0.95
Draw = Callable[[np.random.Generator, int, float], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Simulated:
    """`draw` gives the sums of so many units, whose values have a shift added; `kind` is the metric of them."""

    draw: Draw
    metric: Metric


def _latencies(random: np.random.Generator, units: int, shift: float) -> dict[str, np.ndarray]:
    return {"latency_ms": random.lognormal(3.0, 0.6, units) + shift, "requests": np.ones(units)}


def _errors(random: np.random.Generator, units: int, shift: float) -> dict[str, np.ndarray]:
    return {"errors": (random.random(units) < 0.1 + shift).astype(np.float64), "requests": np.ones(units)}


def _errors_per_request(random: np.random.Generator, units: int, shift: float) -> dict[str, np.ndarray]:
    """Users with other numbers of requests and other chances of an error: its rows are alike."""
    requests = 1 + random.poisson(random.gamma(2.0, 3.0, units))
    errors = random.binomial(requests, random.beta(2.0, 18.0, units) + shift)
    return {"errors": errors.astype(np.float64), "requests": requests.astype(np.float64)}


def _clustered_latencies(random: np.random.Generator, units: int, shift: float) -> dict[str, np.ndarray]:
    """Requests of users, each with a network of its own, summed a user."""
    requests = 1 + random.poisson(4.0, units)
    owners = np.repeat(np.arange(units), requests)
    rows = random.lognormal(3.0, 0.6, len(owners)) * random.lognormal(0.0, 0.5, units)[owners] + shift
    return {"latency_ms": np.bincount(owners, rows, units), "requests": requests.astype(np.float64)}


def _metric(kind: str, of: str, per: str | None = None, percentile: float | None = None) -> Metric:
    return Metric.model_validate({"name": "simulated", "kind": kind, "of": of, "per": per, "percentile": percentile})


KINDS = {
    "mean": Simulated(_latencies, _metric("mean", "latency_ms")),
    "proportion": Simulated(_errors, _metric("proportion", "errors")),
    "ratio": Simulated(_errors_per_request, _metric("ratio", "errors", "requests")),
    "clustered": Simulated(_clustered_latencies, _metric("ratio", "latency_ms", "requests")),
    "percentile": Simulated(_latencies, _metric("percentile", "latency_ms", percentile=QUANTILE)),
}


def looks(
    kind: Simulated, random: np.random.Generator, count: int, units: int, shift: float = 0.0
) -> Iterator[list[Observed]]:
    """What is known at each of `count` looks, between which each version gets `units` more; the candidate's values have
    `shift` added."""
    whole = [
        side(version, kind.draw(random, count * units, added), kind.metric.kind == "percentile")
        for version, added in ((BASE, 0.0), (CANDIDATE, shift))
    ]
    for look in range(1, count + 1):
        yield [_first(one, look * units) for one in whole]


def side(version: str, sums: dict[str, np.ndarray], with_rows: bool = False, weight: float = 0.5) -> Observed:
    units = len(sums["requests"])
    rows = {"latency_ms": Rows(sums["latency_ms"], np.arange(units))} if with_rows else {}
    return Observed(version, 0, weight, units, sums, rows)


def _first(one: Observed, units: int) -> Observed:
    """The units that came first; `among` would say the same, and copy."""
    sums = {name: values[:units] for name, values in one.sums.items()}
    rows = {name: Rows(each.values[:units], each.units[:units]) for name, each in one.rows.items()}
    return replace(one, units=units, sums=sums, rows=rows)
