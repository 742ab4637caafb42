"""Where things lie in the report's charts; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_modeldeploy.records import Interval

MARGIN = 0.08


@dataclass(frozen=True)
class Tick:
    value: float
    x: float


@dataclass(frozen=True)
class Scale:
    """A straight scale from the values `low` to `high` onto 0 to `width`."""

    low: float
    high: float
    width: float

    def x(self, value: float) -> float:
        return round((value - self.low) / (self.high - self.low) * self.width, 2)

    @property
    def _step(self) -> float:
        return _round_step((self.high - self.low) / 5)

    @property
    def digits(self) -> int:
        """How many digits behind the point tell the ticks apart."""
        return max(0, -math.floor(math.log10(self._step) + 1e-9))

    @property
    def ticks(self) -> list[Tick]:
        """Three to eight round values within the scale."""
        step = self._step
        first = math.ceil(self.low / step)
        values = [round(number * step, 12) for number in range(first, math.floor(self.high / step) + 1)]
        return [Tick(value, self.x(value)) for value in values]


def scale_around(intervals: Sequence[Interval], width: float, include: Sequence[float] = ()) -> Scale:
    """A scale that holds all intervals, and the values `include`, with a margin on both sides."""
    values = [*include, *(end for interval in intervals for end in (interval.low, interval.high, interval.value))]
    low, high = min(values), max(values)
    margin = (high - low) * MARGIN or abs(high) * MARGIN or 1.0
    return Scale(low - margin, high + margin, width)


def interval(value: float, low: float, high: float) -> Interval:
    return Interval(value=value, low=low, high=high)


def shares(values: Sequence[float]) -> list[float]:
    """Each value as a percentage of the largest, for bars."""
    largest = max(values, default=0)
    return [round(100 * value / largest, 2) if largest > 0 else 0.0 for value in values]


def _round_step(rough: float) -> float:
    """The next step at or above `rough` of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
