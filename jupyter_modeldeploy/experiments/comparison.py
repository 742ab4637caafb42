"""Two versions on the same traffic: by how much they differ in each metric, and what may be said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.intervals import (
    difference_of_means,
    difference_of_proportions,
    sample_ratio,
)
from jupyter_modeldeploy.records import Interval, MetricComparison

SPLIT_ALARM = 0.001
"""Below this p-value the traffic was not split as asked: so rare by chance that a fault is likelier."""


@dataclass(frozen=True)
class Observations:
    """What one version did: milliseconds of each answered request, how many more ended in an HTTP error, and for each
    answer whether it was right, where that is known."""

    version: str
    latency_ms: np.ndarray
    errors: int = 0
    correct: np.ndarray | None = None


def compare(base: Observations, candidate: Observations, level: float = 0.95) -> list[MetricComparison]:
    """Latency, the rate of errors, and the accuracy where both sides know it; differences are candidate − base.

    Requests count as independent of each other, which holds for different units on an endpoint that is not overloaded.
    Raises InvalidInput when a version has fewer than two answers."""
    for side in (base, candidate):
        if side.latency_ms.size < 2:
            raise InvalidInput(
                f"{side.version} answered {side.latency_ms.size} requests, too few to compare.", "Send more requests."
            )
    metrics = [_latency(base, candidate, level), _error_rate(base, candidate, level)]
    if base.correct is not None and candidate.correct is not None:
        metrics.append(_accuracy(base.correct, candidate.correct, level))
    return metrics


def split_check(counts: Sequence[int], weights: Sequence[float]) -> float:
    """The p-value of the traffic's split being as asked: a verdict stands on it (see `SPLIT_ALARM`)."""
    return sample_ratio(counts, weights)


def verdict(candidate: str, metrics: Sequence[MetricComparison], split_p_value: float) -> str:
    """What the comparison says, in one sentence with a clause per metric; where the split is off, that nothing can be
    said. Errors are left out where neither side had one."""
    if split_p_value < SPLIT_ALARM:
        return (
            f"The traffic was not split as asked (p = {split_p_value:.1e}), so nothing can be said about {candidate}: "
            "find out why requests are missing on one side."
        )
    clauses = [_clause(metric) for metric in metrics if not (metric.metric == "error_rate" and _is_flawless(metric))]
    return f"{candidate} {'; '.join(clauses)}."


def _latency(base: Observations, candidate: Observations, level: float) -> MetricComparison:
    difference = difference_of_means(candidate.latency_ms, base.latency_ms, level)
    return MetricComparison(
        metric="latency_ms",
        unit="ms",
        lower_is_better=True,
        base=float(base.latency_ms.mean()),
        candidate=float(candidate.latency_ms.mean()),
        difference=difference,
        verdict=_side(difference, lower_is_better=True),
        base_samples=base.latency_ms.size,
        candidate_samples=candidate.latency_ms.size,
        method="Welch's interval of the difference of means",
    )


def _error_rate(base: Observations, candidate: Observations, level: float) -> MetricComparison:
    totals = [side.errors + side.latency_ms.size for side in (base, candidate)]
    return _proportions("error_rate", True, (base.errors, candidate.errors), totals, level)


def _accuracy(base: np.ndarray, candidate: np.ndarray, level: float) -> MetricComparison:
    right = int(base.sum()), int(candidate.sum())
    return _proportions("accuracy", False, right, [base.size, candidate.size], level)


def _proportions(
    metric: str, lower_is_better: bool, successes: tuple[int, int], totals: Sequence[int], level: float
) -> MetricComparison:
    difference = difference_of_proportions(successes[1], totals[1], successes[0], totals[0], level)
    return MetricComparison(
        metric=metric,
        unit="proportion",
        lower_is_better=lower_is_better,
        base=successes[0] / totals[0],
        candidate=successes[1] / totals[1],
        difference=difference,
        verdict=_side(difference, lower_is_better),
        base_samples=totals[0],
        candidate_samples=totals[1],
        method="Newcombe's hybrid score interval of the difference of proportions",
    )


def _side(difference: Interval, lower_is_better: bool) -> Literal["better", "worse", "undecided"]:
    """On which side of zero the whole interval lies."""
    if difference.low <= 0 <= difference.high:
        return "undecided"
    return "better" if (difference.high < 0) == lower_is_better else "worse"


def _is_flawless(metric: MetricComparison) -> bool:
    return metric.base == metric.candidate == 0


def _clause(metric: MetricComparison) -> str:
    if metric.metric == "latency_ms":
        return _latency_clause(metric)
    name = {"accuracy": "accuracy", "error_rate": "the rate of errors"}[metric.metric]
    value, interval = _in_words(metric.difference, scale=100)
    if metric.verdict == "undecided":
        return f"{name} differs by {value} pp ({interval}): not decided"
    return f"{name} is {'better' if metric.verdict == 'better' else 'worse'} by {value} pp ({interval})"


def _latency_clause(metric: MetricComparison) -> str:
    value, interval = _in_words(metric.difference, scale=1)
    if metric.verdict == "undecided":
        return f"does not differ measurably in latency ({value} ms, {interval})"
    share = 100 * abs(metric.difference.value) / metric.base
    return f"answers {share:.0f} % {'faster' if metric.verdict == 'better' else 'slower'} ({value} ms, {interval})"


def _in_words(difference: Interval, scale: float) -> tuple[str, str]:
    """The value and its interval times `scale`, with the digits that the interval's width leaves a meaning."""
    reach = scale * (difference.high - difference.low) / 2
    digits = min(4, max(1, -math.floor(math.log10(reach)))) if reach else 3
    value, low, high = (
        f"{scale * number:+.{digits}f}".replace("-", "−")
        for number in (difference.value, difference.low, difference.high)
    )
    return value, f"{100 * difference.level:.0f} % interval {low} … {high}"
