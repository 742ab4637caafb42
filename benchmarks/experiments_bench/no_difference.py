"""Two versions that are the same: how often the judge finds a difference that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from experiments_bench.simulated import BASE, CANDIDATE, KINDS, looks
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.statistics import split
from jupyter_modeldeploy.experiments.verdicts import judge
from jupyter_modeldeploy.records import Metric
from jupyter_modeldeploy.records.experiments import Method

EXPERIMENTS, LOOKS, UNITS = 4000, 50, 100
PLANNED = 5
FRACTIONS = [(look + 1) / PLANNED for look in range(PLANNED)]
LEVEL = 0.95
CHUNK = 100


def run() -> dict[str, Any]:
    """The share of false positives of each method and metric, over 4,000 experiments of 50 looks."""
    found: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor() as pool:
        for name in KINDS:
            chunks = list(pool.map(_chunk, [name] * (EXPERIMENTS // CHUNK), range(EXPERIMENTS // CHUNK)))
            found[name] = {method: float(np.mean([chunk[method] for chunk in chunks])) for method in chunks[0]}
            print(
                f"{name:12}" + "".join(f"{method} {share:7.2%}   " for method, share in found[name].items()), flush=True
            )
        found["split"] = {"sequence": float(np.mean(list(pool.map(_splits, range(EXPERIMENTS // CHUNK)))))}
        print(f"{'split':12}sequence {found['split']['sequence']:7.2%}")
    return {**_figures(found), "aa": found, "aa_experiments": EXPERIMENTS, "aa_looks": LOOKS}


def _figures(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """A sequence may err at most as often as its level says; what is judged once or at planned looks, just as often."""
    once = [of["fixed"] for of in found.values() if "fixed" in of]
    return {
        "aa_false_positive_max": max(of["sequence"] for of in found.values()),
        "aa_fixed_horizon_min": min(once),
        "aa_fixed_horizon_max": max(once),
        "aa_stages_max": max(of["stages"] for of in found.values() if "stages" in of),
    }


def _chunk(name: str, number: int) -> dict[str, float]:
    random = np.random.default_rng([number, sorted(KINDS).index(name)])
    outcomes = [_one(name, random) for _ in range(CHUNK)]
    return {method: float(np.mean([outcome[method] for outcome in outcomes])) for method in outcomes[0]}


def _one(name: str, random: np.random.Generator) -> dict[str, bool]:
    metric, seen = KINDS[name].metric, list(looks(KINDS[name], random, LOOKS, UNITS))
    planned = seen[LOOKS // PLANNED - 1 :: LOOKS // PLANNED]
    return {
        "sequence": any(decided(each, metric, "sequence") for each in seen),
        "stages": any(decided(each, metric, "stages", FRACTIONS[: look + 1]) for look, each in enumerate(planned)),
        "fixed": decided(seen[-1], metric, "fixed"),
        "peeking": any(decided(each, metric, "fixed") for each in seen[:: LOOKS // 10]),
    }


def decided(observed: Sequence[Observed], metric: Metric, method: Method, fractions: Sequence[float] = (1.0,)) -> bool:
    """Whether the judge says that one version is better."""
    (found,) = judge(observed, BASE, CANDIDATE, [metric], method, LEVEL, fractions=fractions, details=False)
    return found.verdict != "undecided"


def _splits(number: int) -> float:
    """How often the check of the split, at a limit as wide as the level, distrusts a split that is as asked."""
    random = np.random.default_rng(number)
    counts = random.multinomial(2 * UNITS, [0.5, 0.5], size=(CHUNK, LOOKS)).cumsum(axis=1)
    return float(
        np.mean([any(split.p_value(one, [0.5, 0.5]) < 1 - LEVEL for one in looked) for looked in counts.tolist()])
    )
