"""Our figures beside R's (tests/oracles/textbooks.R made them), beside textbooks', and beside what closed forms stand
for."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from oracles import experiments as oracles
from scipy import integrate, stats

from jupyter_modeldeploy.experiments.statistics import effects, estimates, fixed, sequences, split
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.moments import Moments
from jupyter_modeldeploy.experiments.statistics.planner import Design
from jupyter_modeldeploy.intervals import sample_ratio

R = json.loads(oracles.ANSWERS.with_name("textbooks.json").read_text())["answers"]
BASE, CANDIDATE = oracles.arms().values()


def test_a_difference_of_means_is_that_of_rs_t_test() -> None:
    base, candidate = (estimates.mean(Moments.of(units["value"])) for units in (BASE, CANDIDATE))
    effect = effects.difference(base, candidate)
    reach = fixed.half_width(effect)
    found = [effect.value - reach, effect.value + reach, fixed.p_value(effect)]
    assert found == pytest.approx(R["welch: low, high, p"])


@pytest.mark.parametrize(("units", "name"), [(BASE, "base"), (CANDIDATE, "candidate")])
def test_a_ratio_is_that_of_a_survey(units: dict[str, np.ndarray], name: str) -> None:
    ratio = estimates.ratio(Moments.of(np.stack([units["value"], units["rows"]], 1)))
    assert [ratio.value, math.sqrt(ratio.variance)] == pytest.approx(R[f"ratio of the {name}: value, standard error"])


def test_a_difference_of_proportions_is_that_of_rs_prop_test() -> None:
    effect = effects.difference(estimates.proportion(130, 400), estimates.proportion(141, 360))
    reach = stats.norm.ppf(0.975) * math.sqrt(effect.variance)
    assert [effect.value - reach, effect.value + reach] == pytest.approx(R["proportions without pooling: low, high"])


def test_a_split_is_judged_as_by_rs_chi_squared_test_and_the_textbooks() -> None:
    """Kohavi, Tang and Xu, "Trustworthy Online Controlled Experiments" (2020): 821,588 and 815,482 units
    have a p-value of 1.8e-6."""
    p_value = sample_ratio([821588, 815482], [1, 1])
    assert [p_value] == pytest.approx(R["split of Kohavi, Tang and Xu: p"])
    assert f"{p_value:.1e}" == "1.8e-06"
    assert [sample_ratio([8100, 1900], [80, 20])] == pytest.approx(R["split of 80 to 20: p"])


def test_a_plan_is_that_of_rs_power_t_test() -> None:
    (each,) = R["units of each version for 0.05 of a deviation: n"]
    assert Design(1.0, 1.0, method="fixed").units_needed(0.05) == pytest.approx(2 * each, rel=0.001)


@pytest.mark.parametrize("value", [0.0, 0.03, -0.05])
def test_a_sequences_p_value_is_what_a_mixture_of_likelihood_ratios_leaves(value: float) -> None:
    """Robbins, "Statistical Methods Related to the Law of the Iterated Logarithm", Annals of Mathematical Statistics 41
    (1970): over a normal distribution of effects, the mean of the likelihood ratio of each against none."""
    units, deviation, tuned_to = 4000, 1.3, 5000
    effect = Effect(value, deviation**2 / units, units)
    log = math.log(0.05)
    spread = math.sqrt((-2 * log + math.log(1 - 2 * log)) / tuned_to)

    def ratio(of: float) -> float:
        score = of * units * value / deviation - units * of**2 / 2
        return math.exp(score) * stats.norm.pdf(of, scale=spread)

    evidence, _ = integrate.quad(ratio, -8 * spread, 8 * spread, points=[value / deviation])
    assert sequences.p_value(effect, tuned_to=tuned_to) == pytest.approx(min(1.0, 1 / evidence), rel=1e-6)


def test_the_splits_p_value_is_what_guessing_each_unit_ahead_leaves() -> None:
    """Lindon and Malek's product: each unit's chance by what was seen before it, over that which was asked."""
    weights, concentration = np.array([0.7, 0.3]), split.CONCENTRATION
    seen, evidence = np.zeros(2), 1.0
    for version in [0, 1, 1, 0, 1] * 60:
        guessed = (concentration * weights[version] + seen[version]) / (concentration + seen.sum())
        evidence *= guessed / weights[version]
        seen[version] += 1
    assert split.p_value([int(each) for each in seen], [0.7, 0.3]) == pytest.approx(min(1.0, 1 / evidence))
    assert evidence > 1000
