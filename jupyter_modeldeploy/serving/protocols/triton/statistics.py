"""The statistics extension: sums since the service's start over all its server processes, times in nanoseconds."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.metrics.version import Duration, Totals


def statistics(endpoint: Endpoint, name: str | None = None, version: str | None = None) -> dict[str, Any]:
    """`{"model_stats": [...]}` of one version, all of a model, or all. Raises NotFound.

    Tensors are made from requests and answers from tensors outside of what is measured, so that `compute_input` and
    `compute_output` are 0."""
    models = list(endpoint.models.values()) if name is None else [endpoint.model(name)]
    asked = [
        (model.name, number)
        for model in models
        for number in (model.versions if version is None else [model.get(version).name])
    ]
    return {"model_stats": [_of(name, number, endpoint.metrics.totals(name, number)) for name, number in asked]}


def _of(name: str, version: str, totals: Totals) -> dict[str, Any]:
    nothing = Duration(totals.compute.count)
    durations = {
        "success": totals.success,
        "fail": totals.failure,
        "queue": totals.queue,
        "compute_input": nothing,
        "compute_infer": totals.compute,
        "compute_output": nothing,
        "cache_hit": totals.cache_hit,
        "cache_miss": Duration(totals.cache_misses),
    }
    return {
        "name": name,
        "version": version,
        "last_inference": round(totals.last_inference * 1000),
        "inference_count": totals.inferences,
        "execution_count": totals.executions,
        "inference_stats": {step: _duration(duration) for step, duration in durations.items()},
        "response_stats": {},
        "batch_stats": [_batch(rows, run) for rows, run in sorted(totals.batches.items())],
        "memory_usage": [],
    }


def _batch(rows: int, run: Duration) -> dict[str, Any]:
    nothing = _duration(Duration(run.count))
    return {"batch_size": rows, "compute_input": nothing, "compute_infer": _duration(run), "compute_output": nothing}


def _duration(duration: Duration) -> dict[str, int]:
    return {"count": duration.count, "ns": duration.nanoseconds}
