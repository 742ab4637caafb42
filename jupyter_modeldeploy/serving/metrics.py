"""Counts and durations for Prometheus, of all replicas of a service in one answer.

Each server process counts by itself and leaves its counts in a file of its own (once a second, and before each scrape
it answers). Whichever replica is scraped writes out everyone's series with the label `replica`, from the files only:
so a series never goes back between scrapes of different replicas, and a replica's restart is an ordinary reset.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
PREFIX = "modeldeploy_"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_HELP = {
    "requests_total": ("counter", "Inference requests answered."),
    "request_duration_seconds": ("histogram", "Time from the end of a request's body to its answer."),
    "batch_rows": ("histogram", "Rows that a run of the model took together."),
    "queue_depth": ("gauge", "Requests that wait for a free instance."),
    "connections": ("gauge", "Open connections."),
}


class Histogram:
    """Counts of values at or below each bound; the last count is of those above all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class VersionMetrics:
    """The counts of one version in one server process."""

    def __init__(self, model: str, version: str) -> None:
        self.labels = {"model": model, "version": version}
        self.statuses: dict[int, int] = {}
        self.durations = Histogram(BUCKETS_S)
        self.batches = Histogram(BATCH_BUCKETS)

    def answered(self, status: int, seconds: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.durations.observe(seconds)

    def lines(self) -> Iterable[tuple[str, str]]:
        for status, count in sorted(self.statuses.items()):
            yield "requests_total", _sample("requests_total", {**self.labels, "status": str(status)}, count)
        for name, histogram in (("request_duration_seconds", self.durations), ("batch_rows", self.batches)):
            yield from ((name, line) for line in _histogram(name, self.labels, histogram))


class Metrics:
    """All counts of one server process."""

    def __init__(self, folder: Path, replica: int) -> None:
        self._folder = folder
        self._replica = replica
        self._gauges: dict[str, Callable[[], int]] = {}
        self._versions: dict[tuple[str, str], VersionMetrics] = {}
        self._written: bytes | None = None

    def version(self, model: str, version: str) -> VersionMetrics:
        """The counts of `model` in `version`; both are empty for requests that reached none."""
        key = (model, version)
        if key not in self._versions:
            self._versions[key] = VersionMetrics(model, version)
        return self._versions[key]

    def gauge(self, name: str, value: Callable[[], int]) -> None:
        """Show what `value` gives at the time of a scrape."""
        self._gauges[name] = value

    def flush(self) -> None:
        """Leave the counts where every replica finds them."""
        lines = [line for metrics in self._versions.values() for line in metrics.lines()]
        lines += [(name, _sample(name, {}, value())) for name, value in self._gauges.items()]
        content = orjson.dumps(lines)
        if content == self._written:
            return
        temporary = self._folder / f"{self._replica}.tmp"
        temporary.write_bytes(content)
        os.replace(temporary, self._folder / f"{self._replica}.json")
        self._written = content

    def render(self) -> bytes:
        """The text format of Prometheus, version 0.0.4, for all replicas."""
        self.flush()
        families: dict[str, list[str]] = {name: [] for name in _HELP}
        for path in sorted(self._folder.glob("*.json")):
            for name, line in orjson.loads(path.read_bytes()):
                families[name].append(line.replace("{", f'{{replica="{path.stem}",', 1).replace(",}", "}", 1))
        return "".join(_family(name, lines) for name, lines in families.items()).encode()


def _family(name: str, lines: list[str]) -> str:
    kind, text = _HELP[name]
    head = f"# HELP {PREFIX}{name} {text}\n# TYPE {PREFIX}{name} {kind}\n"
    return head + "".join(f"{line}\n" for line in lines)


def _sample(name: str, labels: dict[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{PREFIX}{name}{{{inside}}} {value}"


def _histogram(name: str, labels: dict[str, str], histogram: Histogram) -> Iterable[str]:
    count = 0
    for bound, inside in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        count += inside
        yield _sample(f"{name}_bucket", {**labels, "le": str(bound)}, count)
    yield _sample(f"{name}_sum", labels, round(histogram.total, 6))
    yield _sample(f"{name}_count", labels, count)
