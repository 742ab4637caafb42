"""Our figures beside those of gbstats and tea-tasting on the same units: tests/oracles/experiments.py made them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from oracles import experiments as oracles

from jupyter_modeldeploy.experiments.statistics import bayes, effects, estimates, fixed, sequences
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.estimates import Estimate
from jupyter_modeldeploy.experiments.statistics.moments import Moments
from jupyter_modeldeploy.intervals import sample_ratio

SAID = json.loads(oracles.ANSWERS.read_text())
ARMS = list(oracles.arms().values())
EFFECTS = {"absolute": effects.difference, "relative": effects.relative}


def estimated(metric: str) -> tuple[Estimate, Estimate]:
    columns = {"mean": ["value"], "ratio": ["value", "rows"], "adjusted": ["value", "before"]}
    if metric in columns:
        base, candidate = (Moments.of(np.stack([units[name] for name in columns[metric]], 1)) for units in ARMS)
        if metric == "adjusted":
            return estimates.adjusted(base, candidate)
        by = {"mean": estimates.mean, "ratio": estimates.ratio}[metric]
        return by(base), by(candidate)
    if metric == "quantile":
        base, candidate = (estimates.quantile(units["value"], oracles.QUANTILE) for units in ARMS)
        return _as_gbstats_has_it(base), _as_gbstats_has_it(candidate)
    counts = zip(oracles.SUCCESSES, (oracles.BASE_UNITS, oracles.CANDIDATE_UNITS), strict=True)
    base, candidate = (estimates.proportion(*each) for each in counts)
    return base, candidate


def _as_gbstats_has_it(one: Estimate) -> Estimate:
    """It takes one unit off a quantile's variance."""
    return Estimate(one.value, one.variance * (one.units - 1) / one.units, one.units, one.plain)


def judged(effect: Effect, half_width: Any, p_value: Any) -> dict[str, Any]:
    interval = [effect.value - half_width, effect.value + half_width]
    return {"value": effect.value, "interval": interval, "p_value": p_value}


@pytest.mark.parametrize("kind", EFFECTS)
@pytest.mark.parametrize("metric", ["mean", "ratio", "adjusted", "quantile", "proportion"])
def test_at_a_fixed_horizon_and_in_a_sequence_as_gbstats(metric: str, kind: str) -> None:
    said = SAID["gbstats"]["answers"]
    effect = EFFECTS[kind](*estimated(metric))
    once = judged(effect, fixed.half_width(effect), fixed.p_value(effect))
    assert once == _near(said[f"{metric} {kind}"])
    for tuning in oracles.TUNINGS:
        found = judged(effect, sequences.half_width(effect, 0.95, tuning), sequences.p_value(effect, 0, 0.95, tuning))
        assert found == _near(said[f"{metric} {kind} sequence {tuning}"])


@pytest.mark.parametrize("metric", ["mean", "ratio", "adjusted"])
def test_at_a_fixed_horizon_as_tea_tasting(metric: str) -> None:
    said = SAID["tea_tasting"]["answers"][f"{metric} absolute"]
    effect = effects.difference(*estimated(metric))
    # It takes one more degree of freedom off for the slope of what was known before.
    near = 0.02 if metric == "adjusted" else 1e-6
    assert judged(effect, fixed.half_width(effect), fixed.p_value(effect)) == {
        name: pytest.approx(value, rel=near) for name, value in said.items()
    }


@pytest.mark.parametrize("prior", [None, bayes.Belief(0.01, 0.0004)], ids=["flat", "sceptical"])
def test_beliefs_as_gbstats(prior: bayes.Belief | None) -> None:
    said = SAID["gbstats"]["answers"]["belief flat" if prior is None else "belief sceptical"]
    belief = bayes.belief(effects.relative(*estimated("mean")), prior)
    interval = belief.interval()
    assert (belief.mean, interval.low, interval.high) == pytest.approx((said["value"], *said["interval"]))
    assert belief.chance_above_zero == pytest.approx(said["chance"])
    assert [belief.loss_if_left, belief.loss_if_chosen] == pytest.approx(said["losses"])


def test_the_check_of_the_split_as_both() -> None:
    assert sample_ratio([821588, 815482], [1, 1]) == pytest.approx(SAID["gbstats"]["answers"]["split"])
    counts = [oracles.BASE_UNITS, oracles.CANDIDATE_UNITS]
    assert sample_ratio(counts, [1, 1]) == pytest.approx(SAID["tea_tasting"]["answers"]["split"])


def _near(said: dict[str, Any]) -> dict[str, Any]:
    # A p-value near 0 is taken from 1 there, which leaves it few digits.
    return {name: pytest.approx(value, rel=1e-7, abs=1e-14) for name, value in said.items()}
