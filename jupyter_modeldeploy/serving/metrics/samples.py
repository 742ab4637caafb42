"""What is counted: the families of series by their names, and series as they are kept, added up and written down.

Names, units and kinds follow prometheus.io/docs/practices/naming: base units, `_total` for counters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from jupyter_modeldeploy.serving.metrics.histogram import BATCH_BUCKETS, BUCKETS_S, Histogram

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
Value = float | list[float]
"""A number; or of a histogram, the counts of its buckets and then the sum."""
Samples = dict[Key, Value]


@dataclass(frozen=True)
class Family:
    """`merge` is what the values of several processes together are."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    bounds: tuple[float, ...] = ()
    merge: Literal["sum", "max"] = "sum"


FAMILIES = {
    "modeldeploy_requests_total": Family("counter", "Inference requests answered, by HTTP status."),
    "modeldeploy_request_duration_seconds": Family(
        "histogram", "Time from the end of a request's body to its answer.", BUCKETS_S
    ),
    "modeldeploy_queue_duration_seconds": Family(
        "histogram", "Time that a request that was run had waited for an instance.", BUCKETS_S
    ),
    "modeldeploy_compute_duration_seconds": Family(
        "histogram", "Time of the run of the model that answered a request.", BUCKETS_S
    ),
    "modeldeploy_batch_rows": Family("histogram", "Rows that a run of the model took together.", BATCH_BUCKETS),
    "modeldeploy_failures_total": Family("counter", "Runs that failed by the model and not by the request."),
    "modeldeploy_rejections_total": Family("counter", "Requests that were refused before they were run, by reason."),
    "modeldeploy_rate_limited_total": Family("counter", "Requests of callers that asked more often than they may."),
    "modeldeploy_fallbacks_total": Family("counter", "Requests that a version left to another answer, by its kind."),
    "modeldeploy_breaker_transitions_total": Family("counter", "Changes of the circuit breaker, by the new state."),
    "modeldeploy_breaker_state": Family("gauge", "The circuit breaker: 0 closed, 1 half open, 2 open.", merge="max"),
    "modeldeploy_cache_hits_total": Family("counter", "Requests answered from the cache, by where it was found."),
    "modeldeploy_cache_misses_total": Family("counter", "Requests whose answer was not in the cache."),
    "modeldeploy_cache_evictions_total": Family("counter", "Answers that had to make room for others."),
    "modeldeploy_cache_bytes": Family("gauge", "Memory that cached answers take."),
    "modeldeploy_cache_entries": Family("gauge", "Cached answers."),
    "modeldeploy_redis_errors_total": Family("counter", "Calls of Redis that failed or took too long."),
    "modeldeploy_exposures_dropped_total": Family("counter", "Rows for experiments that were not written."),
    "modeldeploy_log_records_dropped_total": Family("counter", "Records that were not written, by the log."),
    "modeldeploy_requests_in_flight": Family("gauge", "Requests that wait or run."),
    "modeldeploy_queue_depth": Family("gauge", "Requests that wait for a free instance."),
    "modeldeploy_connections": Family("gauge", "Open connections."),
    "modeldeploy_build_info": Family("gauge", "The version of the package that serves.", merge="max"),
    "process_cpu_seconds_total": Family("counter", "Processor time, user and system, in seconds."),
    "process_resident_memory_bytes": Family("gauge", "Resident memory in bytes."),
    "process_virtual_memory_bytes": Family("gauge", "Virtual memory in bytes."),
    "process_open_fds": Family("gauge", "Open file descriptors."),
    "process_max_fds": Family("gauge", "How many file descriptors there may be."),
    "process_start_time_seconds": Family("gauge", "When the process started, in seconds since the epoch.", merge="max"),
}
STATISTICS = {
    "runs": Family("counter", "Runs of so many rows, and their seconds."),
    "failed_seconds": Family("counter", "Time of the requests that were answered with an error."),
    "cache_hit_seconds": Family("counter", "Time of the requests that were answered from the cache."),
    "last_inference": Family("gauge", "When a request was answered last, in seconds since the epoch.", merge="max"),
}
"""Kept and added up with the others, for statistics in other shapes than Prometheus'."""


def of_histogram(histogram: Histogram) -> Value:
    return [*histogram.counts, histogram.total]


def add(to: Samples, samples: Iterable[tuple[Key, Value]]) -> None:
    """Add each of `samples` to that of the same key."""
    for key, value in samples:
        had = to.get(key)
        if had is None:
            to[key] = value
        elif isinstance(had, list) and isinstance(value, list):
            to[key] = [one + other for one, other in zip(had, value, strict=True)]
        elif isinstance(had, (int, float)) and isinstance(value, (int, float)):
            family = FAMILIES.get(key[0]) or STATISTICS[key[0]]
            to[key] = had + value if family.merge == "sum" else max(had, value)
