"""What was measured: latencies, times."""

from __future__ import annotations

from jupyter_modeldeploy.records.base import Record


class OperatorTime(Record):
    """Self time of one operator in the mean run, and how often it is called there. `share` is of the run (0 to 1)."""

    name: str
    type: str
    share: float
    time_ms: float
    calls: float


class Latency(Record):
    """End-to-end request latency in milliseconds, and the request rate at `concurrency`."""

    p50: float
    p90: float
    p99: float
    mean: float
    requests: int
    errors: int
    throughput_rps: float
    concurrency: int
