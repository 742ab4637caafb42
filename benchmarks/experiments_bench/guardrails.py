"""Guardrails: how often one is breached that holds, over all looks, and how soon harm is certain."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments_bench.simulated import BASE, CANDIDATE, side
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.own_metrics import ERROR_RATE, LATENCY
from jupyter_modeldeploy.experiments.strata import among
from jupyter_modeldeploy.experiments.verdicts import guard
from jupyter_modeldeploy.records import Guardrail

EXPERIMENTS, LOOKS, CHUNK = 400, 25, 20
UNITS = np.unique(np.geomspace(20, 20_000, LOOKS).astype(int))
"""Requests at each look: the first when two of a tenth have come."""
RATE = 200
"""Requests a second, where seconds are told."""


@dataclass(frozen=True)
class Case:
    """Requests of which `errors` and the candidate's fail, at the candidate's `share`, and by what its latencies are
    longer. A guardrail that allows `at_most` is on errors, or relatively on latency."""

    share: float
    errors: tuple[float, float] = (0.01, 0.01)
    longer: float = 1.0
    at_most: float = 0.0
    on_latency: bool = False


SAME = {
    "no errors in a thousand, 10 %": Case(0.1, (0.001, 0.001)),
    "errors 1 %, 10 %": Case(0.1),
    "errors 1 %, 50 %": Case(0.5),
    "errors 20 %, 10 %": Case(0.1, (0.2, 0.2)),
    "latency, 10 %": Case(0.1, on_latency=True),
    "latency, 50 %": Case(0.5, on_latency=True),
}
HARM = {
    "5 points more errors": Case(0.1, (0.01, 0.06), at_most=0.01),
    "5 points more errors, none before": Case(0.1, (0.0, 0.05), at_most=0.01),
    "twice as slow": Case(0.1, longer=2.0, at_most=0.2, on_latency=True),
}


def run() -> dict[str, Any]:
    """The largest share of false breaches, where the candidate is just as good as is allowed, and the candidate's
    requests by which half, and nine of ten, of the harmful ones are caught."""
    false: dict[str, float] = {}
    soon: dict[str, list[float]] = {}
    with ProcessPoolExecutor() as pool:
        for name, case in SAME.items():
            chunks = list(pool.map(_chunk, [case] * (EXPERIMENTS // CHUNK), range(EXPERIMENTS // CHUNK)))
            false[name] = float(np.mean(np.isfinite(np.concatenate(chunks))))
            print(f"{name:36}breached {false[name]:7.2%}", flush=True)
        for name, case in HARM.items():
            caught = np.concatenate(list(pool.map(_chunk, [case] * 8, range(8)))) * case.share
            soon[name] = [float(each) for each in np.quantile(caught, [0.5, 0.9], method="higher")]
            seconds = soon[name][1] / case.share / RATE
            print(f"{name:36}by {soon[name][0]:5.0f} and {soon[name][1]:5.0f} of its requests, {seconds:4.1f} s")
    return {"guardrail_false_breach_max": max(false.values()), "guardrail_false": false, "guardrail_requests": soon}


def _chunk(case: Case, number: int) -> np.ndarray:
    """How many requests there had been when the guardrail was breached, infinite where it never was: float64[CHUNK]."""
    random = np.random.default_rng([number, 11])
    return np.array([_breached_at(case, random) for _ in range(CHUNK)])


def _breached_at(case: Case, random: np.random.Generator) -> float:
    metric = LATENCY if case.on_latency else ERROR_RATE
    limit = Guardrail(metric=metric.name, at_most=case.at_most, relative=case.on_latency)
    for units, observed in _looks(case, random):
        if guard(observed, BASE, CANDIDATE, [limit], [metric])[0].state == "breached":
            return units
    return float("inf")


def _looks(case: Case, random: np.random.Generator) -> Iterator[tuple[int, list[Observed]]]:
    """Requests come in one order, and each is the candidate's by chance."""
    candidates = random.random(UNITS[-1]) < case.share
    whole = []
    for number, mine in enumerate((~candidates, candidates)):
        units = int(mine.sum())
        sums = {
            "requests": np.ones(units),
            "errors": (random.random(units) < case.errors[number]).astype(np.float64),
            "latency_ms": random.lognormal(3.0, 0.6, units) * (case.longer if number else 1.0),
        }
        share = case.share if number else 1 - case.share
        whole.append((side((BASE, CANDIDATE)[number], sums, weight=share), np.cumsum(mine)))
    for units in UNITS:
        yield int(units), [among(one, np.arange(one.units) < come[units - 1]) for one, come in whole]
