"""All that one server process counts, and a view of what all of them count.

Each server process leaves its counts for the others once a second, and before each scrape it answers. Whichever is
scraped shows the sums of the service: a scrape reaches any of them, and its counters must never go back. What belongs
to one process (its queue, its connections, its memory) carries the label `replica`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from jupyter_modeldeploy import release
from jupyter_modeldeploy.serving.metrics.exposition import OPENMETRICS_TYPE, TEXT_TYPE, exposition
from jupyter_modeldeploy.serving.metrics.process import process_samples
from jupyter_modeldeploy.serving.metrics.samples import Key, Labels, Samples, add
from jupyter_modeldeploy.serving.metrics.shared import SharedCounts
from jupyter_modeldeploy.serving.metrics.version import PREFIX, Totals, VersionMetrics, totals

log = logging.getLogger(__name__)
_OPENMETRICS = b"application/openmetrics-text"


class Metrics:
    """All counts of one server process."""

    def __init__(self, folder: Path, replica: int) -> None:
        self.folder = folder
        self._shared = SharedCounts(folder, replica)
        self._replica: Labels = (("replica", str(replica)),)
        self._gauges: dict[Key, Callable[[], float]] = {}
        self._events: Counter[Key] = Counter()
        self._versions: dict[tuple[str, str], VersionMetrics] = {}
        self._written: tuple[Samples, Samples] | None = None
        self._is_told = False  # that they cannot be written

    def version(self, model: str, version: str) -> VersionMetrics:
        """The counts of `model` in `version`; both are empty for requests that reached none."""
        key = (model, version)
        if key not in self._versions:
            self._versions[key] = VersionMetrics(model, version)
        return self._versions[key]

    def gauge(self, name: str, value: Callable[[], float], **labels: str) -> None:
        """Show what `value` gives at the time of a scrape as `modeldeploy_<name>` of this replica."""
        self._gauges[PREFIX + name, (*labels.items(), *self._replica)] = value

    def count(self, name: str, times: int = 1, **labels: str) -> None:
        """One more of the counter `modeldeploy_<name>`, which belongs to no version."""
        self._events[PREFIX + name, tuple(labels.items())] += times

    def flush(self) -> None:
        """Leave the counts where every replica finds them. On a full disk those of before stand until there is room."""
        counters, gauges = self._counters(), self._observed()
        if (counters, gauges) == self._written:
            return
        try:
            self._shared.write(counters, gauges | self._process())
        except OSError as error:
            if not self._is_told:
                log.warning("The counts of requests cannot be written, and the metrics lag: %s", error)
            self._is_told = True
            return
        self._written, self._is_told = (counters, gauges), False

    def render(self, openmetrics: bool = False) -> bytes:
        """The sums of all replicas in Prometheus' text format, or in OpenMetrics'."""
        samples = self._all()
        add(samples, [*self._observed().items(), *self._process().items()])
        return exposition(samples, openmetrics)

    def scraped(self, accept: bytes = b"") -> tuple[bytes, bytes]:
        """What a scraper gets that sent this `Accept`: the body and its Content-Type."""
        openmetrics = _OPENMETRICS in accept
        return self.render(openmetrics), OPENMETRICS_TYPE if openmetrics else TEXT_TYPE

    def totals(self, model: str, version: str) -> Totals:
        """The sums of a version over all replicas since the service started."""
        return totals(self._all(), model, version)

    def _all(self) -> Samples:
        samples = self._shared.others()
        add(samples, self._counters().items())
        self.flush()
        return samples

    def _counters(self) -> Samples:
        samples: Samples = dict(self._events)
        for metrics in self._versions.values():
            samples.update(metrics.samples())
        return samples

    def _observed(self) -> Samples:
        return {key: value() for key, value in self._gauges.items()}

    def _process(self) -> Samples:
        samples: Samples = {(name, self._replica): value for name, value in process_samples()}
        samples[PREFIX + "build_info", (("version", release.version()),)] = 1
        return samples
