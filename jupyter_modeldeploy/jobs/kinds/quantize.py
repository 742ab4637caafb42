"""Quantize a version and measure what it cost on held-out data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import held_out
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Dataset, Format, Lineage, NewVersion, Step, Version


class QuantizeParameters(Reusing):
    version: str = Field(description="the ONNX version to quantize: NAME, NAME@3 or NAME@alias")
    method: Literal["dynamic-int8"] = Field(default="dynamic-int8", description="INT8 weights; activations when run")
    dataset: str | None = Field(default=None, description="judge the accuracy on this; else on the version's own")


def run(context: Context) -> dict[str, Any]:
    parameters: QuantizeParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    if version.format is not Format.onnx:
        raise InvalidInput(f"{version.ref} has the format {version.format}.", "Convert it first.")
    dataset = held_out.chosen_dataset(store, version, parameters.dataset)
    lineage = Lineage(
        step=Step.quantized,
        parent=version.ref,
        dataset=dataset.ref if dataset else None,
        parameters={"method": parameters.method},
        job=context.job_id,
    )
    if known := known_version(context, version.model, lineage, parameters.reuse):
        return {"version": known.ref, "metrics": known.metrics, "reused": True}

    from jupyter_modeldeploy.optimize.quantizing.dynamic import dynamic_int8

    with store.artifacts.staging() as staging:
        quantization = dynamic_int8(store.versions.path(version), staging / "version", context.reporter)
        metrics = _cost(context, version, staging / "version", dataset) if dataset else {}
        new = NewVersion(
            model=version.model,
            format=Format.onnx,
            task=version.task,
            lineage=lineage,
            signature=quantization.signature,
            metrics=metrics,
            classes=version.classes,
        )
        quantized = store.versions.add(new, staging / "version")
    return {
        "version": quantized.ref,
        "metrics": quantized.metrics,
        "reused": False,
        "quantization": quantization.model_dump(mode="json"),
    }


def _cost(context: Context, version: Version, quantized: Path, dataset: Dataset) -> dict[str, float]:
    """The quantized model's accuracy, and the difference to its parent's with its paired 95 % interval."""
    from jupyter_modeldeploy.experiments.evaluate import paired_difference

    held_out.check_judgeable(version, dataset)
    store = context.store
    base = held_out.judge(store, version.format, store.versions.path(version), dataset, context.reporter)
    candidate = held_out.judge(store, Format.onnx, quantized, dataset, context.reporter)
    difference = paired_difference(candidate, base)
    return {
        "accuracy": candidate.accuracy.value,
        "accuracy_difference": difference.value,
        "accuracy_difference_low": difference.low,
        "accuracy_difference_high": difference.high,
    }


KIND = Kind("quantize", QuantizeParameters, lambda p: f"Quantize {p.version} ({p.method})", run)
