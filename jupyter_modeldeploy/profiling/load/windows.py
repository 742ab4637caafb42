"""One step of a load: windows of requests, repeated until a percentile is known well enough.

A step has settled when the percentile and the throughput of the last three windows are within the tolerance of their
means (the rule of perf_analyzer, NVIDIA's generator, whose default is 10 %), and the percentile's interval over all
windows is no wider either way. Three windows that agree by chance are no evidence; the interval is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jupyter_modeldeploy.profiling.load import estimates
from jupyter_modeldeploy.profiling.load.answers import Head
from jupyter_modeldeploy.profiling.load.histogram import Histogram

AGREEING, LEAST_WINDOWS, MOST_WINDOWS = 3, 5, 60
MOST_REASONS = 20
TELL_NS = 500_000_000


@dataclass(frozen=True)
class Length:
    """How long a step goes on: for `longest_s` after a warm-up that is not counted, in windows of `window_s`; where it
    is not `to_the_end`, only until `percentile` is known within `tolerance` (a share of it)."""

    longest_s: float
    warmup_s: float
    window_s: float
    percentile: float
    tolerance: float
    to_the_end: bool = False


@dataclass
class Window:
    """`answered` counts what was answered in these seconds, whenever it was sent; the latencies are of requests that
    were due after the warm-up, with those answered when no more was sent."""

    seconds: float
    answered: int
    latency: Histogram
    naive: Histogram


class Recorder:
    """The observer of one step. Its memory does not grow with the requests. `tell` hears twice a second how much of the
    longest time is over."""

    def __init__(self, length: Length, tell: Callable[[float], None]) -> None:
        self._length = length
        self._tell = tell
        self._window_ns = round(max(length.window_s, length.longest_s / MOST_WINDOWS) * 1e9)
        self.begin(0)
        self._latencies: list[int] = []
        self._services: list[int] = []
        self._open = _empty()
        self.windows: list[Window] = []
        self.errors: Counter[str] = Counter()
        self.answered_count = 0
        self.stable = False

    def begin(self, at: int) -> None:
        self._begin = self._told = at
        self._from = self._window_begin = self._last = at + round(self._length.warmup_s * 1e9)
        self._end = self._from + round(self._length.longest_s * 1e9)
        self._stopped: int | None = None

    @property
    def seconds(self) -> float:
        """From the end of the warm-up to the last answer."""
        return (self._last - self._from) / 1e9

    @property
    def throughput(self) -> float:
        """Answers a second for as long as requests were sent. To wait for the last answers would make a slow server
        slower than it is, the more the shorter the step."""
        seconds = (self._until - self._from) / 1e9
        return sum(window.answered for window in self.windows) / seconds if seconds > 0 else 0.0

    @property
    def _until(self) -> int:
        return self._last if self._stopped is None else self._stopped

    def answered(self, number: int, due: int, sent: int, at: int, head: Head, body: bytes) -> None:
        is_good = 200 <= head.status < 300
        if is_good and self._stopped is None and at >= self._from:
            self._open.answered += 1
        if due < self._from:
            return
        if is_good:
            self._latencies.append(at - due)
            self._services.append(at - sent)
            self._last = at
        else:
            self._count(f"status {head.status}")

    def failed(self, number: int, due: int, at: int, reason: str) -> None:
        if due >= self._from:
            self._last = at
            self._count(reason)

    def tick(self, at: int) -> bool:
        self._take()
        if at - self._told >= TELL_NS:
            self._told = at
            self._tell(min(1.0, (at - self._begin) / (self._end - self._begin)))
        if self._stopped is None and at - self._window_begin >= self._window_ns:
            self._close((at - self._window_begin) / 1e9)
            self._window_begin = at
            self.stable = self._settled()
        goes_on = at < self._end and (self._length.to_the_end or not self.stable)
        if not goes_on and self._stopped is None:
            self._stopped = at
        return goes_on

    def finish(self) -> None:
        """Take what was answered after the last tick; a rest of a window that is too short goes with the one before."""
        self._take()
        rest_s = (self._until - self._window_begin) / 1e9
        if self.windows and rest_s < self._window_ns / 2e9:
            self.windows[-1].latency.add(self._open.latency)
            self.windows[-1].naive.add(self._open.naive)
            self.windows[-1].answered += self._open.answered
            self.windows[-1].seconds += max(0.0, rest_s)
        else:
            self._close(rest_s)
        self.stable = self._settled()

    def _count(self, reason: str) -> None:
        known = reason in self.errors or len(self.errors) < MOST_REASONS
        self.errors[reason if known else "other reasons"] += 1

    def _take(self) -> None:
        if self._latencies:
            self.answered_count += len(self._latencies)
            self._open.latency.record(np.array(self._latencies, dtype=np.int64))
            self._open.naive.record(np.array(self._services, dtype=np.int64))
            self._latencies.clear()
            self._services.clear()

    def _close(self, seconds: float) -> None:
        self._open.seconds = seconds
        self.windows.append(self._open)
        self._open = _empty()

    def _settled(self) -> bool:
        tolerance = self._length.tolerance
        if len(self.windows) < LEAST_WINDOWS or not all(window.latency.count for window in self.windows):
            return False
        last = self.windows[-AGREEING:]
        percentiles = np.array([window.latency.percentile(self._length.percentile) for window in last])
        speeds = np.array([window.answered / window.seconds for window in last])
        if any(np.abs(each / each.mean() - 1).max() > tolerance for each in (percentiles, speeds)):
            return False
        found = estimates.percentile([window.latency for window in self.windows], self._length.percentile)
        return found is not None and found.high - found.low <= 2 * tolerance * found.value


def _empty() -> Window:
    return Window(0.0, 0, Histogram(), Histogram())
