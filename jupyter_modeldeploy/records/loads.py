"""How an endpoint answers under load."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record

LoadMode = Literal["concurrency", "rate", "trace"]
Arrivals = Literal["poisson", "constant"]
StageName = Literal["generator", "network", "queue", "compute", "encode"]


class LatencyFigures(Record):
    """Milliseconds, with the ends of their 95 % intervals where there are enough requests to tell; a percentile beyond
    what the requests can tell is None."""

    mean: float | None
    p50: Interval | None
    p90: Interval | None
    p95: Interval | None
    p99: Interval | None
    p99_9: Interval | None
    highest: float | None


class Stage(Record):
    """Where a request's time goes, in the mean: waiting in the generator until a connection is free, on the network
    (with the client's own part), in the server's queue, in the model, in decoding requests and encoding answers."""

    name: StageName
    mean_ms: float


class GeneratorHealth(Record):
    """Whether the generator itself was the bottleneck: `cpu_share` of one core, `lag_ms` is how late it was with what
    it could have sent or read (the 90th percentile of the worst of each twentieth of a second), `waited_share` of the
    requests were due while every connection was busy. `limited` says in words what to distrust; else it is None."""

    cpu_share: float
    lag_ms: float
    waited_share: float
    limited: str | None = None


class LoadStep(Record):
    """One concurrency, or one rate. `latency` is free of coordinated omission: in an open loop it is counted from the
    time at which a request was due, in a closed loop HdrHistogram's correction puts in what was not sent during stalls.
    `naive` is what a closed loop says that does not know of it. `histogram` holds the nanoseconds of `latency`,
    `naive_histogram` those of `naive`, as HdrHistogram's tools read them. Errors are in no latency."""

    concurrency: int | None = Field(default=None, description="connections that each wait for their answer")
    rate: float | None = Field(default=None, description="requests a second that were due")
    connections: int
    seconds: float
    requests: int
    throughput_rps: float
    throughput: Interval | None = Field(default=None, description="the same with its interval, where it is known")
    errors: dict[str, int]
    latency: LatencyFigures
    naive: LatencyFigures
    stages: list[Stage] = Field(default_factory=list)
    stages_note: str = ""
    windows: int
    stable: bool
    generator: GeneratorHealth
    histogram: str
    naive_histogram: str

    @property
    def failed(self) -> int:
        return sum(self.errors.values())

    @property
    def label(self) -> str:
        if self.concurrency is not None:
            return f"{self.concurrency}"
        return f"{self.rate:g}/s" if self.rate is not None else "trace"


class LoadReport(Record):
    """A load on one endpoint. `knee` and `recommended` are indices of `steps`, None where they cannot be told; `advice`
    says why."""

    url: str
    service: str | None = None
    mode: LoadMode
    arrivals: Arrivals | None = None
    sent: str = Field(description="what the requests were made of")
    percentile: float
    tolerance: float
    steps: list[LoadStep]
    knee: int | None = None
    recommended: int | None = None
    advice: str
    notes: list[str] = Field(default_factory=list)
    seconds: float
    created_at: datetime
