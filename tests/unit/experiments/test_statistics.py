from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.deciding import Rule
from jupyter_modeldeploy.experiments.statistics import (
    effects,
    estimates,
    fixed,
    multiplicity,
    segments,
    sequences,
    split,
    stages,
    trends,
)
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.moments import Moments, per_unit
from jupyter_modeldeploy.experiments.statistics.planner import Design, Method

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


def values(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(5.0, 2.0, (count, 2))


def test_moments_of_parts_add_up_to_those_of_all() -> None:
    rows = values(100)
    parts, whole = Moments.of(rows[:37]) + Moments.of(rows[37:]), Moments.of(rows)
    assert parts.units == whole.units
    assert parts.means == pytest.approx(whole.means)
    assert parts.covariance == pytest.approx(np.cov(rows.T))


@pytest.mark.parametrize("rows", [np.empty((0, 2)), np.array([1.0, math.nan]), np.array([math.inf])])
def test_no_units_and_no_numbers_have_no_moments(rows: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="No units, or values that are no numbers"):
        Moments.of(rows)


def test_one_unit_has_no_variance() -> None:
    with pytest.raises(InvalidInput, match="1 unit has no variance"):
        estimates.mean(Moments.of(np.array([1.0])))


def test_the_rows_of_a_unit_are_summed_and_counted() -> None:
    found = per_unit(np.array(["b", "a", "b"]), np.array([1.0, 2.0, 4.0]))
    assert found.tolist() == [[2.0, 1.0], [5.0, 2.0]]


def test_rows_of_one_unit_count_as_one_and_not_as_many() -> None:
    """Ten times the same rows: the ratio over units has their true variance, that over rows a tenth of it."""
    once = values(2000)[:, 0]
    rows, owners = np.repeat(once, 10), np.repeat(np.arange(2000), 10)
    honest = estimates.ratio(Moments.of(per_unit(owners, rows)))
    assert honest.value == pytest.approx(once.mean())
    assert honest.variance == pytest.approx(once.var(ddof=1) / 2000, rel=1e-6)
    clustered = estimates.quantile(rows, 0.5, owners)
    assert clustered.variance == pytest.approx(estimates.quantile(once, 0.5).variance, rel=0.05)
    assert clustered.units == 2000
    assert clustered.freedom == pytest.approx(estimates.quantile(once, 0.5).freedom, rel=0.05)


def test_how_well_a_quantiles_variance_is_known_is_how_much_it_varies() -> None:
    draws = np.random.default_rng(2).lognormal(3.0, 0.6, (600, 2000))
    found = [estimates.quantile(one, 0.95) for one in draws]
    variances = np.array([one.variance for one in found])
    assert 2 / (variances.var() / variances.mean() ** 2) == pytest.approx(found[0].freedom, rel=0.25)
    assert found[0].freedom == pytest.approx(1.96 * math.sqrt(2000 * 0.95 * 0.05), rel=1e-3)


def test_planned_looks_count_in_how_well_the_variance_is_known() -> None:
    """A look's p-value is below the error just where its interval leaves zero out."""
    rule = Rule("stages", 0.95, (0.2, 0.4))
    for freedom in (5.0, 30.0, math.inf):
        reach = rule.interval(Effect(0.0, 1.0, 400, freedom)).high
        for value, decides in ((0.99 * reach, False), (1.01 * reach, True)):
            assert (rule.p_value(Effect(value, 1.0, 400, freedom)) < 0.05) is decides
    assert reach == pytest.approx(stages.boundaries((0.2, 0.4))[-1])


def test_a_quantile_that_the_values_cannot_tell_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"20 values tell nothing of their quantile 0\.99"):
        estimates.quantile(np.arange(20.0), 0.99)
    with pytest.raises(InvalidInput, match="0 values tell nothing"):
        estimates.quantile(np.empty(0), 0.5)


def test_what_is_relative_to_zero_is_refused() -> None:
    nothing, something = estimates.proportion(0, 10), estimates.proportion(5, 10)
    with pytest.raises(InvalidInput, match="relative to zero"):
        effects.relative(nothing, something)
    with pytest.raises(InvalidInput, match="A ratio over nothing"):
        estimates.ratio(Moments.of(np.array([[1.0, 0.0], [2.0, 0.0]])))


def test_stages_with_other_splits_are_compared_within_themselves() -> None:
    """Simpson's paradox: the candidate is better in each stage, and has its units where all do worse."""
    early = effects.difference(estimates.proportion(900, 1000), estimates.proportion(92, 100))
    late = effects.difference(estimates.proportion(50, 100), estimates.proportion(520, 1000))
    assert effects.stratified([early, late]).value == pytest.approx(0.02)
    assert effects.difference(estimates.proportion(950, 1100), estimates.proportion(612, 1100)).value < -0.3
    with pytest.raises(InvalidInput, match="No stage has any units"):
        effects.stratified([])


def test_the_boundaries_are_the_published_ones() -> None:
    """Reboussin, DeMets, Kim and Lan, "Computations for Group Sequential Boundaries using the Lan-DeMets Spending
    Function Method", Controlled Clinical Trials 21 (2000)."""
    assert stages.boundaries(FIFTHS) == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)
    pocock = stages.boundaries(FIFTHS, spending="pocock")
    assert pocock == pytest.approx([2.4380, 2.4268, 2.4101, 2.3966, 2.3859], abs=2e-4)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_boundaries_are_crossed_by_chance_as_often_as_their_level_says(spending: stages.Spending) -> None:
    uneven = [0.1, 0.15, 0.7, 1.0]
    assert stages.chance_to_cross(uneven, stages.boundaries(uneven, 0.9, spending), 0.0) == pytest.approx(0.1, abs=1e-6)


def test_looking_five_times_without_paying_for_it_is_wrong_one_time_in_seven() -> None:
    """Armitage, McPherson and Rowe (1969), table 2: 0.142 for five looks."""
    assert stages.chance_to_cross(FIFTHS, [1.96] * 5, 0.0) == pytest.approx(0.142, abs=5e-4)


@pytest.mark.parametrize("fractions", [[], [0.5, 0.5], [0.0, 1.0], [0.5, 1.5]])
def test_looks_are_rising_shares_of_the_experiment(fractions: list[float]) -> None:
    with pytest.raises(InvalidInput, match="no looks of an experiment"):
        stages.boundaries(fractions)


def test_a_sequence_leaves_zero_out_just_when_its_p_value_is_below_the_limit() -> None:
    for units in (50, 5000, 500_000):
        edge = Effect(value=float(sequences.boundary(units)), variance=1.0, units=units)
        assert edge.value == pytest.approx(sequences.half_width(edge))
        assert sequences.p_value(edge) == pytest.approx(0.05)


def test_without_variance_a_difference_is_certain_and_none_is_none() -> None:
    for p_value in (fixed.p_value, sequences.p_value):
        assert p_value(Effect(1.0, 0.0, 100)) == 0.0
        assert p_value(Effect(0.0, 0.0, 100)) == 1.0


def test_the_split_is_judged_at_every_look() -> None:
    assert split.p_value([5000, 5000], [1, 1]) == 1.0
    assert split.p_value([821588, 815482], [1, 1]) < 0.001
    looks = np.random.default_rng(3).multinomial(20, [0.5, 0.5], size=(1000, 50)).cumsum(axis=1)
    alarmed = [any(split.p_value(counts, [0.5, 0.5]) < 0.05 for counts in one) for one in looks.tolist()]
    assert np.mean(alarmed) <= 0.05
    with pytest.raises(InvalidInput, match="cannot be held against the split"):
        split.p_value([1, 2], [1.0])


def test_p_values_of_several_are_those_of_r() -> None:
    """R's p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") and "BH"."""
    p_values = [0.03, 0.01, 0.05, 0.02, 0.04]
    assert multiplicity.holm(p_values) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])
    assert multiplicity.benjamini_hochberg(p_values) == pytest.approx([0.05] * 5)
    assert multiplicity.benjamini_hochberg([0.2, 0.001]) == pytest.approx([0.2, 0.002])


def test_segments_that_chance_explains_become_one() -> None:
    alike = segments.shrunk([Effect(value, 1.0, 100) for value in (0.9, 1.0, 1.1)])
    assert (alike.between, alike.p_value) == (0.0, pytest.approx(0.99, abs=0.01))
    assert [belief.mean for belief in alike.beliefs] == pytest.approx([1.0] * 3)
    apart = segments.shrunk([Effect(0.0, 1.0, 100), Effect(10.0, 1.0, 100)])
    assert apart.between == pytest.approx(49.0)
    assert [belief.mean for belief in apart.beliefs] == pytest.approx([0.1, 9.9])
    with pytest.raises(InvalidInput, match="from two on"):
        segments.shrunk([Effect(0.0, 1.0, 100)])


def test_an_effect_that_fades_has_a_slope() -> None:
    fading = trends.slope([Effect(value, 0.01, 100) for value in (4.0, 3.0, 2.0, 1.0)])
    assert fading.value == pytest.approx(-1.0)
    assert fading.high - fading.value == pytest.approx(1.95996 * math.sqrt(0.01 / 5), rel=1e-5)
    with pytest.raises(InvalidInput, match="from three periods on"):
        trends.slope([Effect(0.0, 1.0, 100)] * 2)


def test_a_fixed_plan_is_that_of_the_textbook() -> None:
    """(z of 0.975 + z of 0.8)² times the variances over the effect's square, for each version."""
    plan = Design(0.25, 0.24, method="fixed")
    assert plan.units_needed(0.1) / 2 == pytest.approx(2.8016**2 * 0.49 / 0.01, rel=2e-3)
    assert plan.power(0.1, plan.units_needed(0.1)) == pytest.approx(0.8, abs=1e-3)
    assert plan.smallest_effect(plan.units_needed(0.1)) == pytest.approx(0.1, rel=2e-3)


def test_looking_often_costs_units_and_a_few_planned_looks_cost_few() -> None:
    fixed_once, staged, sequence = (
        Design(1, 1, method=method, looks=5).units_needed(0.1) for method in get_args(Method)
    )
    assert 1.0 < staged / fixed_once < 1.05
    assert 1.3 < sequence / fixed_once < 2.5


@pytest.mark.parametrize("method", ["fixed", "stages"])
def test_a_percentile_whose_variance_is_known_from_few_values_needs_more_units(method: Method) -> None:
    of_means, of_percentiles = (
        Design(1, 1, method=method, looks=5, percentile=at).units_needed(0.1) for at in (None, 0.95)
    )
    assert 1.01 < of_percentiles / of_means < 1.1


def test_plans_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidInput, match="a share of 1"):
        Design(1, 1, share=1.0)
    with pytest.raises(InvalidInput, match="never differ"):
        Design(0, 0)
    with pytest.raises(InvalidInput, match="No number of units"):
        Design(1, 1).units_needed(0.0)
    with pytest.raises(InvalidInput, match="too small to be found"):
        Design(1, 1, method="fixed").units_needed(1e-9)
