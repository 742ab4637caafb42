"""What is measured: of versions, on their own and behind services, and of services as they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Name, Record


class Measurement(Record):
    """How fast a version was when it was measured last, by the `job` that did it. Runs of the model alone and requests
    through a service are not to be compared with each other."""

    version: str
    of: Literal["run", "request"]
    p50_ms: float = Field(description="the median, one after the other")
    per_second: float | None = Field(default=None, description="rows or requests, many at once")
    peak_memory_bytes: int | None = None
    job: str
    at: datetime


class VersionFigures(Record):
    """How one version of a service answers: since the service's start, and in the last seconds."""

    version: str
    requests: int = Field(description="since the service's start")
    failures: int = Field(description="of these, answered with an error")
    rps: float | None = Field(description="requests a second; None where nothing was seen before")
    failed_share: float | None = Field(description="of the last seconds' requests, 0 to 1; None without any")
    p50_ms: float | None = Field(description="of the last seconds' requests; None without any")
    p99_ms: float | None = Field(description="of the last seconds' requests; None without any")


class ReplicaFigures(Record):
    """What one server process was busy with in its last second; zeros of one that has told nothing yet."""

    index: int
    pid: int
    rps: float
    queue_ms: float = Field(default=0, description="the mean wait of a request")
    in_flight: int = 0
    utilization: float = Field(description="processor cores that it kept busy")
    rss_bytes: int = 0


class ServiceFigures(Record):
    """A service as it answers; `seconds` is the span that its rates and percentiles are of."""

    service: Name
    at: datetime
    seconds: float
    versions: list[VersionFigures]
    replicas: list[ReplicaFigures]
