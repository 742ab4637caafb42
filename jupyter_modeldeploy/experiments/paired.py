"""Two versions on the same rows: what one row is like is in none of the differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from jupyter_modeldeploy.experiments.deciding import Rule
from jupyter_modeldeploy.experiments.sentences import ALIKE
from jupyter_modeldeploy.experiments.statistics import estimates
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.moments import Moments
from jupyter_modeldeploy.experiments.statistics.multiplicity import holm_of_known
from jupyter_modeldeploy.judging.versions import Judgement, differences
from jupyter_modeldeploy.records import Interval, MetricComparison

LOSSES = ("perplexity", "loss")
"""Metrics of which less is better, and which are no shares."""


def together(found: Sequence[MetricComparison], level: float = 0.95) -> list[MetricComparison]:
    """The metrics of one comparison, whose p-values and verdicts then count how many there are (Holm): all verdicts
    are true with the chance `level`. What was counted has no p-value, and its verdict stays."""
    corrected = holm_of_known([one.p_value for one in found])
    return [
        one if p_value is None else one.model_copy(update={"p_value": p_value, **_undecided_above(1 - level, p_value)})
        for one, p_value in zip(found, corrected, strict=True)
    ]


def _undecided_above(limit: float, p_value: float) -> dict[str, str]:
    return {"verdict": "undecided"} if p_value >= limit else {}


def metrics(base: Judgement, candidate: Judgement) -> list[MetricComparison]:
    """Each metric of the task by itself, the one that it is judged by first. Raises InvalidInput for different rows."""
    found = differences(candidate, base)
    names = sorted(found, key=lambda name: name != base.main)
    return [
        MetricComparison(
            metric=name,
            unit="" if name in LOSSES else "proportion",
            lower_is_better=name in LOSSES,
            base=found[name].value.value - found[name].difference.value,
            candidate=found[name].value.value,
            difference=found[name].difference,
            verdict=_verdict(found[name].difference, name in LOSSES),
            base_samples=len(base.answers),
            candidate_samples=len(candidate.answers),
            method=f"on the same rows: {found[name].method}",
            p_value=found[name].p_value,
        )
        for name in names
    ]


def latency(base: np.ndarray, candidate: np.ndarray, level: float = 0.95) -> MetricComparison:
    """Of milliseconds float64[rows] that both took for each row: Student's interval of the mean difference, and the
    same of the ratio of the means, by the delta method."""
    rule = Rule("fixed", level)
    mean = estimates.mean(Moments.of(candidate - base))
    effect = Effect(mean.value, mean.variance, mean.units, mean.units - 1)
    difference = rule.interval(effect)
    ratio = estimates.ratio(Moments.of(np.stack([candidate - base, base], axis=1)))
    return MetricComparison(
        metric="latency_ms",
        unit="ms",
        lower_is_better=True,
        base=float(base.mean()),
        candidate=float(candidate.mean()),
        difference=difference,
        verdict=_verdict(difference, lower_is_better=True),
        base_samples=len(base),
        candidate_samples=len(candidate),
        method="on the same rows in turns: Student's interval of the mean difference",
        p_value=rule.p_value(effect),
        relative=rule.interval(Effect(ratio.value, ratio.variance, ratio.units, ratio.units - 1)),
    )


def size(base: int, candidate: int) -> MetricComparison:
    """Of all files of a version: nothing is uncertain in it, and a few bytes decide nothing."""
    gap = float(candidate - base)
    exact = Interval(value=gap, low=gap, high=gap, level=1.0)
    return MetricComparison(
        metric="size_bytes",
        unit="bytes",
        lower_is_better=True,
        base=base,
        candidate=candidate,
        difference=exact,
        verdict=_verdict(exact, lower_is_better=True) if abs(gap) > ALIKE * base else "undecided",
        base_samples=1,
        candidate_samples=1,
        method="counted",
    )


def _verdict(difference: Interval, lower_is_better: bool) -> Literal["better", "worse", "undecided"]:
    """On which side of zero the whole interval lies."""
    if difference.low <= 0 <= difference.high:
        return "undecided"
    return "better" if (difference.high < 0) == lower_is_better else "worse"
