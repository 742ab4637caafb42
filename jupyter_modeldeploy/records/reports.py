"""What was measured: experiments, latencies, times."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from jupyter_modeldeploy.records.base import Interval, Name, Record


class MetricComparison(Record):
    """One metric of candidate against base. `difference` is candidate − base, in `unit`; `verdict` is from the
    candidate's point of view."""

    metric: str
    unit: str
    lower_is_better: bool
    base: float
    candidate: float
    difference: Interval
    verdict: Literal["better", "worse", "undecided"]
    base_samples: int
    candidate_samples: int
    method: str


class Experiment(Record):
    """A comparison of two versions on one service. `split_p_value` is of the sample-ratio check: below 0.001 the
    traffic was not split as asked and no verdict may be trusted."""

    id: str
    service: Name
    base: str
    candidate: str
    split: list[float]
    metrics: list[MetricComparison]
    split_p_value: float
    verdict: str
    owner: str
    job: str | None = None
    created_at: datetime


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
