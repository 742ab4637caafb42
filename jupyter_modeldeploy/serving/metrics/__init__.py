"""Counts and durations, for Prometheus and as numbers: of one server process, and of all processes of a service."""

from jupyter_modeldeploy.serving.metrics.exposition import OPENMETRICS_TYPE as OPENMETRICS_TYPE
from jupyter_modeldeploy.serving.metrics.exposition import TEXT_TYPE as CONTENT_TYPE
from jupyter_modeldeploy.serving.metrics.histogram import BUCKETS_S as BUCKETS_S
from jupyter_modeldeploy.serving.metrics.histogram import Histogram as Histogram
from jupyter_modeldeploy.serving.metrics.registry import Metrics as Metrics
from jupyter_modeldeploy.serving.metrics.version import Duration as Duration
from jupyter_modeldeploy.serving.metrics.version import Totals as Totals
from jupyter_modeldeploy.serving.metrics.version import VersionMetrics as VersionMetrics

__all__ = [
    "BUCKETS_S",
    "CONTENT_TYPE",
    "OPENMETRICS_TYPE",
    "Duration",
    "Histogram",
    "Metrics",
    "Totals",
    "VersionMetrics",
]
