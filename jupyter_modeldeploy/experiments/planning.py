"""How many units an experiment needs, how long that takes, and what is found in less."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.measured import figure
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.statistics.planner import Design
from jupyter_modeldeploy.records import ExperimentPlan, Metric
from jupyter_modeldeploy.records.experiments import Method

DAY_S = 86_400.0


def plan(
    base: float | None = None,
    deviation: float | None = None,
    minimum_effect: float | None = None,
    relative: bool = False,
    split: Sequence[float] = (50, 50),
    method: Method = "sequence",
    looks: int = 20,
    power: float = 0.8,
    level: float = 0.95,
    daily_units: float | None = None,
    duration_days: float | None = None,
    percentile: float | None = None,
) -> ExperimentPlan:
    """From the base's figure and the standard deviation of one unit's; without one the figure is a proportion, of which
    it follows. `minimum_effect` is in the metric's unit, or where `relative` a share of `base`. `split` is between base
    and candidate; a sequence or planned stages are looked at `looks` times. Of a `percentile` (0.95) the deviation is
    that of one unit's part in it, as `seen` tells it.

    Raises InvalidInput where too little is given: a figure or a deviation, and what the plan is for."""
    if deviation is None and (base is None or not 0 < base < 1):
        raise InvalidInput("Nothing tells how much units differ.", "Give the deviation of one unit, or a proportion.")
    if relative and minimum_effect is not None:
        if not base:
            raise InvalidInput("A share of no figure.", "Give the base's figure, or an effect in the metric's unit.")
        minimum_effect = abs(base) * minimum_effect
    if minimum_effect is None and (daily_units is None or duration_days is None):
        raise InvalidInput("There is nothing to plan.", "Give a minimum effect, or a duration and the daily units.")
    if len(split) != 2 or min(split) <= 0:
        raise InvalidInput(f"{list(split)} is no split in two.", "Give two shares, such as 80 and 20.")
    share = split[1] / sum(split)
    variances = _variances(base, deviation, minimum_effect or 0.0)
    looks = 1 if method == "fixed" else looks
    design = Design(*variances, share=share, level=level, method=method, looks=looks, percentile=percentile)
    units = design.units_needed(minimum_effect, power) if minimum_effect else None
    reached = int(daily_units * duration_days) if daily_units and duration_days else 0
    return ExperimentPlan(
        base=base,
        deviation=math.sqrt(variances[0]),
        method=method,
        level=level,
        power=power,
        split=[1 - share, share],
        looks=design.looks,
        minimum_effect=minimum_effect,
        units=units,
        units_of_each=[math.ceil(units * (1 - share)), math.ceil(units * share)] if units else [],
        days=units / daily_units if units and daily_units else None,
        duration_days=duration_days,
        smallest_effect=design.smallest_effect(reached, power) if reached else None,
    )


def seen(metric: Metric, observed: Sequence[Observed]) -> tuple[float, float, float | None]:
    """What units did so far, of any version: the metric's figure, the standard deviation of one unit, and how many
    came a day, if that is known. Raises InvalidInput where nothing was recorded that tells it."""
    largest = max(observed, key=lambda one: one.units, default=None)
    if largest is None or largest.units < 2:
        raise InvalidInput("No units were recorded.", "Switch recording on and wait, or give a figure.")
    found = figure(metric, largest)
    times = [one.first_at for one in observed if one.first_at is not None and one.units]
    days = (max(float(each.max()) for each in times) - min(float(each.min()) for each in times)) / DAY_S if times else 0
    return found.value, math.sqrt(found.unit_variance), sum(one.units for one in observed) / days if days else None


def _variances(base: float | None, deviation: float | None, effect: float) -> tuple[float, float]:
    """Of one unit under each version."""
    if deviation is not None:
        return deviation**2, deviation**2
    assert base is not None  # `plan` made sure
    after = min(max(base + effect, 0.0), 1.0)
    return base * (1 - base), after * (1 - after) or base * (1 - base)
