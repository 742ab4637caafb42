"""The time that a search may take, and what the steps before it come to by experience."""

from __future__ import annotations

import time
from collections.abc import Callable

MEGABYTE = 1e6
SECONDS_PER_MB = {"convert": 0.08, "dynamic-int8": 0.03, "fp16": 0.03, "weight-int8": 0.04, "weight-int4": 0.04}
TRIALS = 4
"""Quantizations of the whole model, as a rule, until the nodes that stay in float are found."""
CALIBRATING_SHARE, RUNS_A_SAMPLE, FEWEST_SAMPLES = 0.1, 4, 16
FIXED_S = {"convert": 12.0}
LEAST_S = 2.0
CAREFUL = 1.3
KEENEST, MOST_CAREFUL = 0.2, 8.0


class Deadline:
    """`minutes` of work, `spent_s` of which were spent by earlier attempts."""

    def __init__(self, minutes: float, spent_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = minutes * 60
        self._clock = clock
        self._begun = clock() - spent_s
        self._pace: dict[str, float] = {}

    @property
    def spent_s(self) -> float:
        return self._clock() - self._begun

    @property
    def left_s(self) -> float:
        return self.seconds - self.spent_s

    def making_s(self, method: str, size_bytes: int, run_s: float, samples: int = 0) -> float:
        """What making a candidate will take of a model of such a size, which takes `run_s` a row."""
        size = size_bytes / MEGABYTE
        if method.startswith("static"):
            told = 2 + RUNS_A_SAMPLE * samples * run_s + TRIALS * (0.04 * size + 8 * run_s)
            told *= 3 if "percentile" in method or "entropy" in method else 1
        else:
            told = FIXED_S.get(method, LEAST_S) + SECONDS_PER_MB.get(method, 0.05) * size
        return CAREFUL * told * self._pace.get(_kind(method), self._pace.get("", 1.0))

    def samples(self, most: int, run_s: float) -> int:
        """As many samples to calibrate with as there is time for."""
        affordable = int(CALIBRATING_SHARE * self.seconds / (RUNS_A_SAMPLE * run_s))
        return max(FEWEST_SAMPLES, min(most, affordable))

    def took(self, method: str, told_s: float, seconds: float) -> None:
        """Learn from a step: the next of its kind is told by the same pace."""
        before = self._pace.get(_kind(method), self._pace.get("", 1.0))
        pace = min(MOST_CAREFUL, max(KEENEST, before * seconds / max(told_s / CAREFUL, 1e-3)))
        self._pace[_kind(method)] = pace
        if method != "convert":
            self._pace[""] = pace


def _kind(method: str) -> str:
    return method.split("-")[0]
