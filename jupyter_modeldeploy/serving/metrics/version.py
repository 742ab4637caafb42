"""The counts of one version in one server process."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from jupyter_modeldeploy.serving.metrics.histogram import BATCH_BUCKETS, BUCKETS_S, Histogram
from jupyter_modeldeploy.serving.metrics.samples import Key, Labels, Samples, Value, of_histogram

MANY_ROWS = 128
PREFIX = "modeldeploy_"


@dataclass
class Duration:
    """How many there were, and the seconds they took together."""

    count: int = 0
    seconds: float = 0.0

    @property
    def nanoseconds(self) -> int:
        return round(self.seconds * 1e9)


@dataclass
class Totals:
    """Sums since the service's start: of requests by how they ended, of their time in the queue and in the model, of
    answers from the cache; `inferences` counts rows, `executions` runs, `batches` the runs by their rows."""

    success: Duration = field(default_factory=Duration)
    failure: Duration = field(default_factory=Duration)
    queue: Duration = field(default_factory=Duration)
    compute: Duration = field(default_factory=Duration)
    cache_hit: Duration = field(default_factory=Duration)
    cache_misses: int = 0
    inferences: int = 0
    executions: int = 0
    batches: dict[int, Duration] = field(default_factory=dict)
    last_inference: float = 0.0
    """Seconds since the epoch; 0 where there was none."""


class VersionMetrics:
    """What one process counts of `model` in `version`. A request that is run inline is counted by one call."""

    def __init__(self, model: str, version: str) -> None:
        self.labels: Labels = (("model", model), ("version", version))
        self.total = Histogram(BUCKETS_S)
        self.queue = Histogram(BUCKETS_S)
        self.compute = Histogram(BUCKETS_S)
        self.runs: dict[int, Duration] = {}
        self.failures = 0
        self.cache_hit_s = 0.0
        self._statuses: Counter[int] = Counter()
        self._events: Counter[tuple[str, Labels]] = Counter()
        self._inline = 0
        self._inline_counted = 0
        self._failed_s = 0.0
        self._last = 0.0
        self._rounded = 0
        self._single = self.runs[1] = Duration()

    def ran_inline(self, rows: int, compute_s: float, total_s: float) -> None:
        """A request was answered by a run of its own, without a wait. Every microsecond counts here."""
        self._inline += 1
        compute, total = self.compute, self.total
        compute.counts[bisect_left(BUCKETS_S, compute_s)] += 1
        compute.total += compute_s
        total.counts[bisect_left(BUCKETS_S, total_s)] += 1
        total.total += total_s
        run = self._single if rows == 1 else self._run(rows)
        run.count += 1
        run.seconds += compute_s

    def ran(self, rows: int, seconds: float, waits_s: list[float]) -> None:
        """A run answered requests that had waited so long."""
        run = self._run(rows)
        run.count += 1
        run.seconds += seconds
        self.compute.observe(seconds, len(waits_s))
        for wait in waits_s:
            self.queue.observe(wait)

    def answered(self, status: int, seconds: float) -> None:
        """A request was answered otherwise than by `ran_inline`, `seconds` after it was whole."""
        self._statuses[status] += 1
        self.total.observe(seconds)
        if status >= 400:
            self._failed_s += seconds
        else:
            self._last = time.time()

    def count(self, name: str, times: int = 1, **labels: str) -> None:
        """One more of the counter `modeldeploy_<name>`."""
        self._events[PREFIX + name, tuple(labels.items())] += times

    def samples(self) -> Iterator[tuple[Key, Value]]:
        """All counts, by the family's name and labels."""
        self._settle()
        for status, count in self._statuses.items():
            yield (PREFIX + "requests_total", (*self.labels, ("status", str(status)))), count
        for (name, labels), count in self._events.items():
            yield (name, (*self.labels, *labels)), count
        if self.failures:
            yield (PREFIX + "failures_total", self.labels), self.failures
        batches = Histogram(BATCH_BUCKETS)
        for rows, run in self.runs.items():
            batches.observe(rows, run.count)
            if run.count:
                yield ("runs", (*self.labels, ("rows", str(rows)))), [run.count, run.seconds]
        batches.total -= self._rounded
        for name, histogram in (
            ("request_duration_seconds", self.total),
            ("queue_duration_seconds", self.queue),
            ("compute_duration_seconds", self.compute),
            ("batch_rows", batches),
        ):
            yield (f"{PREFIX}{name}", self.labels), of_histogram(histogram)
        yield ("failed_seconds", self.labels), self._failed_s
        yield ("cache_hit_seconds", self.labels), self.cache_hit_s
        yield ("last_inference", self.labels), self._last

    def _settle(self) -> None:
        """What `ran_inline` left for later: those requests waited no time and were answered well."""
        new, self._inline_counted = self._inline - self._inline_counted, self._inline
        if new:
            self._statuses[200] += new
            self.queue.counts[0] += new
            self._last = time.time()

    def _run(self, rows: int) -> Duration:
        if rows > MANY_ROWS:  # by powers of two from there, so that no client can make many of them
            self._rounded += (1 << (rows - 1).bit_length()) - rows
            rows = 1 << (rows - 1).bit_length()
        return self.runs.setdefault(rows, Duration())


def totals(samples: Samples, model: str, version: str) -> Totals:
    """The sums of one version in samples of one or several processes."""
    found = Totals()
    statuses: Counter[bool] = Counter()
    sums: dict[str, Value] = {}
    hits = 0.0
    for (name, labels), value in samples.items():
        if labels[:2] != (("model", model), ("version", version)):
            continue
        if name == "runs" and isinstance(value, list):
            found.batches[int(labels[2][1])] = Duration(int(value[0]), value[1])
        elif isinstance(value, list):
            sums[name] = value
        elif name == PREFIX + "requests_total":
            statuses[int(labels[2][1]) < 400] += int(value)
        elif name == PREFIX + "cache_hits_total":
            hits += value
        else:
            sums[name] = value
    failed_s = _number(sums, "failed_seconds")
    whole = _duration(sums, PREFIX + "request_duration_seconds")
    found.success = Duration(statuses[True], whole.seconds - failed_s)
    found.failure = Duration(statuses[False], failed_s)
    found.queue = _duration(sums, PREFIX + "queue_duration_seconds")
    found.compute = _duration(sums, PREFIX + "compute_duration_seconds")
    found.cache_hit = Duration(int(hits), _number(sums, "cache_hit_seconds"))
    found.cache_misses = int(_number(sums, PREFIX + "cache_misses_total"))
    rows = sums.get(PREFIX + "batch_rows")
    found.inferences = int(rows[-1]) if isinstance(rows, list) else 0
    found.executions = sum(run.count for run in found.batches.values())
    found.last_inference = _number(sums, "last_inference")
    return found


def _number(sums: dict[str, Value], name: str) -> float:
    value = sums.get(name, 0.0)
    return 0.0 if isinstance(value, list) else value


def _duration(sums: dict[str, Value], name: str) -> Duration:
    value = sums.get(name)
    return Duration(int(sum(value[:-1])), value[-1]) if isinstance(value, list) else Duration()
