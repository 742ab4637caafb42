"""The metrics of what a service tells of its requests by itself."""

from __future__ import annotations

from jupyter_modeldeploy.records import Metric

LATENCY = Metric(name="latency_ms", kind="ratio", of="latency_ms", per="requests", unit="ms", lower_is_better=True)
ERROR_RATE = Metric(
    name="error_rate", kind="ratio", of="errors", per="requests", unit="proportion", lower_is_better=True
)
LATENCY_P95 = Metric(
    name="latency_p95", kind="percentile", of="latency_ms", percentile=0.95, unit="ms", lower_is_better=True
)
CONFIDENCE = Metric(name="confidence", kind="ratio", of="confidence", per="confidences", unit="proportion")
OWN = (LATENCY, ERROR_RATE, LATENCY_P95, CONFIDENCE)
"""What every service tells of its requests."""
