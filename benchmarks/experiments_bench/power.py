"""Whether an experiment with as many units as the planner asks for finds the effect as often as it promises."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any, get_args

import numpy as np

from experiments_bench.simulated import METRICS, looks
from jupyter_modeldeploy.experiments.statistics import fixed, sequences, stages
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.planner import Design, Method

EXPERIMENTS, LOOKS, PROMISED = 4000, 10, 0.8
CHUNK = 200
EFFECTS = {"mean": 1.0, "percentile": 4.0}
"""Milliseconds, of latencies with a mean of 24 and a 95th percentile of 54."""


def run() -> dict[str, Any]:
    """The furthest that the share of experiments that found the effect is from the promise, in points."""
    found: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor() as pool:
        for name, effect in EFFECTS.items():
            for method in get_args(Method):
                design = Design(*(_unit_variance(name),) * 2, method=method, looks=LOOKS)
                units = design.units_needed(effect, PROMISED) // (2 * LOOKS) + 1
                jobs = [(name, method, units, effect, number) for number in range(EXPERIMENTS // CHUNK)]
                share = float(np.mean(list(pool.map(_chunk, jobs))))
                found.setdefault(name, {})[method] = share
                print(
                    f"{name:12}{method:10}{2 * units * LOOKS:8,} units find {share:7.2%}, promised {PROMISED:.0%}",
                    flush=True,
                )
    error = max(abs(share - PROMISED) for of in found.values() for share in of.values())
    return {"power_error_points": 100 * error, "power": found}


def _unit_variance(name: str) -> float:
    """Of one unit's part in the estimate, from a pilot."""
    effects = list(looks(METRICS[name], np.random.default_rng(7), 1, 400_000))
    return float(effects[0].variance * effects[0].units / 4)


def _chunk(job: tuple[str, Method, int, float, int]) -> float:
    name, method, units, effect, number = job
    random = np.random.default_rng([number, 1])
    return float(np.mean([_found(name, method, units, effect, random) for _ in range(CHUNK)]))


def _found(name: str, method: Method, units: int, effect: float, random: np.random.Generator) -> bool:
    effects = list(looks(METRICS[name], random, LOOKS, units, effect))
    if method == "fixed":
        return _beyond(effects[-1], fixed.half_width(effects[-1]))
    if method == "sequence":
        return any(_beyond(each, sequences.half_width(each)) for each in effects)
    limits = _limits()
    return any(_beyond(each, limit * each.variance**0.5) for each, limit in zip(effects, limits, strict=True))


def _limits() -> np.ndarray:
    return stages.boundaries([(look + 1) / LOOKS for look in range(LOOKS)])


def _beyond(effect: Effect, half_width: float) -> bool:
    return bool(abs(effect.value) > half_width)
