"""The effect among some of the units: those with an attribute, and those of one day after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.measured import measured
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.statistics import trends
from jupyter_modeldeploy.experiments.statistics.bayes import belief
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.segments import shrunk
from jupyter_modeldeploy.experiments.strata import Stratum, among
from jupyter_modeldeploy.records import Interval, Metric, SegmentDifference

MOST_SEGMENTS = 20
"""Of one attribute, the largest."""
FEWEST_PERIODS, MOST_PERIODS = 3, 60
Period = Literal["minute", "hour", "day"]
SECONDS: dict[Period, float] = {"day": 86_400.0, "hour": 3_600.0, "minute": 60.0}


def segments(metric: Metric, stages: Sequence[Stratum], level: float) -> list[SegmentDifference]:
    """Of each attribute the values that units have, the largest segments first; each with the effect in it, and that
    drawn towards the effect in all as far as chance explains the difference."""
    names = sorted({name for stage in stages for one in stage.sides for name in one.attributes})
    return [each for name in names for each in _of_attribute(metric, stages, name, level)]


def trend(metric: Metric, stages: Sequence[Stratum], level: float) -> tuple[Interval | None, Period | None]:
    """By how much the effect rises from one period to the next, by when units were seen first; the longest period of
    which there are three is taken. Nothing where there are none."""
    times = [one.first_at for stage in stages for one in stage.sides]
    known = [each for each in times if each is not None and len(each)]
    if len(known) < len(times) or not known:
        return None, None
    begin = min(float(each.min()) for each in known)
    span = max(float(each.max()) for each in known) - begin
    for period, seconds in SECONDS.items():
        if span >= FEWEST_PERIODS * seconds:
            found = _by_period(metric, stages, begin, seconds, int(span // seconds))
            return _slope(found, level), period
    return None, None


def _of_attribute(metric: Metric, stages: Sequence[Stratum], name: str, level: float) -> list[SegmentDifference]:
    counts: Counter[str] = Counter()
    for one in (side for stage in stages for side in stage.sides if name in side.attributes):
        counts.update(one.attributes[name].tolist())
    del counts[""]
    bare = [stage.only(metric) for stage in stages]
    found: dict[str, Effect] = {}
    for value, _ in counts.most_common(MOST_SEGMENTS):
        chosen = [[_has(one, name, value) for one in stage.sides] for stage in stages]
        effect = _effect(metric, [_where(*each) for each in zip(bare, chosen, strict=True)])
        if effect is not None:
            found[value] = effect
    if len(found) < 2:
        return []
    return [
        SegmentDifference(
            attribute=name,
            value=value,
            units=int(effect.units),
            difference=belief(effect).interval(level),
            shrunk=drawn.interval(level),
        )
        for (value, effect), drawn in zip(found.items(), shrunk(list(found.values())).beliefs, strict=True)
    ]


def _by_period(
    metric: Metric, stages: Sequence[Stratum], begin: float, seconds: float, whole: int
) -> list[Effect | None]:
    """The effect of each whole period, the latest ones where there are many; what began last has no whole one."""
    effects = []
    bare = [stage.only(metric) for stage in stages]
    for number in range(max(0, whole - MOST_PERIODS), whole):
        low = begin + number * seconds
        chosen = [[_within(one, low, low + seconds) for one in stage.sides] for stage in stages]
        effects.append(_effect(metric, [_where(*each) for each in zip(bare, chosen, strict=True)]))
    return effects


def _slope(effects: Sequence[Effect | None], level: float) -> Interval | None:
    """Nothing where a period in between has no effect: the line would bend there."""
    known = [each for each in effects if each is not None]
    return trends.slope(known, level) if len(known) == len(effects) >= FEWEST_PERIODS else None


def _effect(metric: Metric, stages: Sequence[Stratum]) -> Effect | None:
    """None where these units tell nothing of it."""
    try:
        effect = measured(metric, stages).effect
    except InvalidInput:
        return None
    return effect if effect.variance > 0 else None


def _where(stage: Stratum, chosen: Sequence[np.ndarray]) -> Stratum:
    base, candidate = (among(one, each) for one, each in zip(stage.sides, chosen, strict=True))
    return Stratum(base, candidate)


def _has(one: Observed, name: str, value: str) -> np.ndarray:
    values = one.attributes.get(name)
    return np.zeros(one.units, bool) if values is None else np.asarray(values == value)


def _within(one: Observed, low: float, high: float) -> np.ndarray:
    assert one.first_at is not None  # `trend` made sure
    return np.asarray((one.first_at >= low) & (one.first_at < high))
