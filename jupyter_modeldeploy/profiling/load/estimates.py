"""Percentiles with intervals, from windows of answers that are not independent of each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.profiling.load.histogram import Histogram
from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.loads import LatencyFigures

LEVEL = 0.95
LEAST_SECTIONS = 5
BEYOND = 10
"""So many answers must lie beyond a percentile in each section for its own percentile to tell something."""


def figures(windows: Sequence[Histogram]) -> LatencyFigures:
    """The latencies of all windows in milliseconds."""
    whole = merged(windows)

    def found(percent: float) -> Interval | None:
        told = percentile(windows, percent, whole)
        if told is None:
            return None
        return Interval(value=told.value / 1e6, low=told.low / 1e6, high=told.high / 1e6, level=LEVEL)

    return LatencyFigures(
        mean=_finite(whole.mean / 1e6),
        p50=found(50),
        p90=found(90),
        p95=found(95),
        p99=found(99),
        p99_9=found(99.9),
        highest=_finite(whole.highest / 1e6),
    )


def percentile(windows: Sequence[Histogram], percent: float, whole: Histogram | None = None) -> Interval | None:
    """Nanoseconds; None where fewer than one answer can be expected beyond the percentile.

    By sectioning where there are enough windows with enough answers: the percentile of all, give or take what those of
    the windows spread around it (Asmussen and Glynn, "Stochastic Simulation" (2007), III.5), which holds for answers
    that depend on those before. Else by order statistics (Conover, "Practical Nonparametric Statistics", 3.2), which
    takes them for independent."""
    whole = whole or merged(windows)
    count, beyond = whole.count, 1 - percent / 100
    if count * beyond < 1:
        return None
    value = whole.percentile(percent)
    sections = [window for window in windows if window.count * beyond >= BEYOND]
    if len(sections) >= LEAST_SECTIONS and len(sections) >= len(windows) - 1:
        spread = np.array([section.percentile(percent) for section in sections]) - value
        variance = float((spread**2).sum()) / (len(sections) - 1)
        reach = float(special.stdtrit(len(sections) - 1, (1 + LEVEL) / 2)) * math.sqrt(variance / len(sections))
        return Interval(value=value, low=max(0.0, value - reach), high=value + reach, level=LEVEL)
    z = float(special.ndtri((1 + LEVEL) / 2)) * math.sqrt(count * beyond * (1 - beyond))
    low, high = count * (1 - beyond) - z, count * (1 - beyond) + z + 1
    return Interval(
        value=value,
        low=whole.at_rank(max(1, math.floor(low))),
        high=whole.at_rank(min(count, math.ceil(high))),
        level=LEVEL,
    )


def throughput(value: float, windows: Sequence[tuple[int, float]]) -> Interval | None:
    """Answers a second around `value`, by sectioning, from how many each window had in how many seconds; None for fewer
    than five windows."""
    speeds = np.array([count / seconds for count, seconds in windows if seconds > 0])
    if len(speeds) < LEAST_SECTIONS:
        return None
    reach = (
        float(special.stdtrit(len(speeds) - 1, (1 + LEVEL) / 2)) * float(speeds.std(ddof=1)) / math.sqrt(len(speeds))
    )
    return Interval(value=value, low=max(0.0, value - reach), high=value + reach, level=LEVEL)


def merged(windows: Sequence[Histogram]) -> Histogram:
    whole = Histogram()
    for window in windows:
        whole.add(window)
    return whole


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
