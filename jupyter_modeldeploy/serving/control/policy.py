"""What the service's spec asks for each request, made ready: the limits, breakers, caches and records that are on."""

from __future__ import annotations

import asyncio
import functools
import math
import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.experiments import spool
from jupyter_modeldeploy.serving.control import input_limits
from jupyter_modeldeploy.serving.control.breaker import Breaker, State
from jupyter_modeldeploy.serving.control.cache import Cache
from jupyter_modeldeploy.serving.control.exposures import Exposures
from jupyter_modeldeploy.serving.control.journal import REQUEST_LOG, REVIEW_LOG, SHADOW_LOG, Journal
from jupyter_modeldeploy.serving.control.rates import TokenBuckets
from jupyter_modeldeploy.serving.control.shadows import Shadows
from jupyter_modeldeploy.serving.execution.apart import Apart
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.metrics import Metrics

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Breaker as BreakerSettings
    from jupyter_modeldeploy.records import ServiceSpec

FLUSH_S = 1.0
NO_BREAKER = cast(
    "BreakerSettings",
    SimpleNamespace(breaker_share=0.0, breaker_requests=1, breaker_window_s=1.0, breaker_open_s=1.0),
)
NOTHING_ASKED = cast(
    "ServiceSpec",
    SimpleNamespace(
        rate_limit=None,
        log_sample=0.0,
        stale_answers=False,
        timeout_s=math.inf,
        max_queue=1024,
        max_body_bytes=64 * 2**20,
        input_limits=SimpleNamespace(max_tensor_bytes=math.inf),
    ),
)
"""Before the first `configure`."""


class Policy:
    """`attended` tells whether every request must be looked at; where it is False, one that runs at once need not.

    The request log and the records for review are in `folder`, the service's; there are none without one."""

    def __init__(
        self, versions: Iterable[ServedVersion], instances: Instances, metrics: Metrics, folder: Path | None
    ) -> None:
        self.instances = instances
        self.apart = Apart()
        self.metrics = metrics
        self.cache = Cache(metrics)
        self.buckets: TokenBuckets | None = None
        self.attended = False
        self.exposures: Exposures | None = None
        """What is recorded of each request, where that is wished."""
        self.stage = 1
        """The revision since which the traffic is split as it is."""
        self._folder = folder
        self.spec = NOTHING_ASKED
        self._versions = list(versions)
        self.breakers = {version: self._breaker(version, NO_BREAKER) for version in self._versions}
        self._journals = {
            name: Journal(folder / name, functools.partial(metrics.count, "log_records_dropped_total", log=name))
            for name in (REQUEST_LOG, REVIEW_LOG, SHADOW_LOG)
            if folder is not None
        }
        journal = self._journals.get(SHADOW_LOG)
        self.shadows = None if journal is None else Shadows(instances, journal)
        self._flush_at = 0.0
        metrics.gauge("requests_in_flight", lambda: instances.in_flight)
        metrics.gauge("cache_bytes", lambda: self.cache.size)
        metrics.gauge("cache_entries", lambda: len(self.cache))
        for version in self._versions:
            metrics.gauge("breaker_state", functools.partial(self._state, version), **dict(version.metrics.labels))

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def configure(self, spec: ServiceSpec, stage: int = 1, stages: Mapping[str, int] | None = None) -> None:
        """Ask what `spec` asks, whose traffic is split as it is since `stage`, single splits of it since `stages`.
        Raises, with nothing changed, for a cache that cannot be used."""
        self.cache.configure(spec.cache, spec.stale_answers)
        rate, burst = spec.rate_limit.rate, spec.rate_limit.burst
        if rate is None:
            self.buckets = None
        elif self.spec.rate_limit != spec.rate_limit or self.buckets is None:
            self.buckets = TokenBuckets(rate, burst)
        for version in self._versions:
            input_limits.configure(version, spec.input_limits)
            if self.breakers[version].settings != spec.breaker:
                self.breakers[version] = self._breaker(version, spec.breaker)
        self.spec, self.stage = spec, stage
        self._record_exposures(spec, stage, stages or {})
        if self.shadows is not None:
            self.shadows.configure(spec.models, self._versions)
        self._attend()

    def tick(self) -> None:
        """To be called some times a second."""
        for breaker in self.breakers.values():
            breaker.tick()
        if self.exposures is not None:
            self.exposures.tick()
        now = time.monotonic()
        if now >= self._flush_at:
            self._flush_at = now + FLUSH_S
            if self.shadows is not None:
                self.shadows.tick()
            for journal in self._journals.values():
                journal.flush()

    def close(self) -> None:
        """Write what is left to be written."""
        if self.shadows is not None:
            self.shadows.close()
        for journal in self._journals.values():
            journal.flush()
        if self.exposures is not None:
            self.exposures.close()
        self.cache.close()
        self.apart.close()

    def sampled(self) -> bool:
        """Whether the request log is to tell of this request."""
        share = self.spec.log_sample
        return share > 0 and (share >= 1 or random.random() < share)

    def log_request(self, record: dict[str, Any]) -> None:
        """A line of the request log; nothing of what a request holds belongs there."""
        self._record(REQUEST_LOG, record)

    def review(self, identifier: bytes, caller: str, version: ServedVersion, error: ModelDeployError) -> None:
        """A record of a request that nobody could answer."""
        self._record(
            REVIEW_LOG,
            {
                "request_id": identifier.decode("latin-1"),
                "caller": caller,
                "model": version.model,
                "version": version.number,
                "code": error.code,
                "reason": error.message,
            },
        )

    def _record(self, name: str, record: dict[str, Any]) -> None:
        if journal := self._journals.get(name):
            journal.add({"time": round(time.time(), 3), **record})

    def _record_exposures(self, spec: ServiceSpec, stage: int, stages: Mapping[str, int]) -> None:
        wanted = spec.recording.exposures and self._folder is not None
        if not wanted and self.exposures is not None:
            self.exposures.close()
            self.exposures = None
        elif wanted and self._folder is not None:
            if self.exposures is None:
                dropped = functools.partial(self.metrics.count, "exposures_dropped_total")
                self.exposures = Exposures(self._folder / spool.FOLDER, dropped)
            self.exposures.configure(spec.recording, spec.models, stage, stages)

    def _breaker(self, version: ServedVersion, settings: BreakerSettings) -> Breaker:
        def changed(state: State) -> None:
            version.metrics.count("breaker_transitions_total", state=state.name)
            self._attend()

        return Breaker(settings, lambda: version.metrics.compute.count, changed)

    def _state(self, version: ServedVersion) -> int:
        return self.breakers[version].state.value

    def _attend(self) -> None:
        troubled = any(breaker.state is not State.closed for breaker in self.breakers.values())
        logs = self.spec.log_sample > 0 and bool(self._journals)
        shadows = self.shadows is not None and self.shadows.on
        self.attended = troubled or logs or shadows or self.buckets is not None or self.cache.on
