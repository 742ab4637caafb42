"""Quantize a version and measure what it cost on held-out data."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pydantic import Field

from jupyter_modeldeploy import runtimes
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import calibration, held_out
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.optimize.quantizing.options import QuantizeOptions
from jupyter_modeldeploy.records import Dataset, Format, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)


class QuantizeParameters(Reusing):
    version: str = Field(description="the ONNX version to quantize (for bf16, OpenVINO): NAME, NAME@3 or NAME@alias")
    dataset: str | None = Field(
        default=None, description="calibrate with this and judge the accuracy on it; else with the version's own"
    )
    options: QuantizeOptions = QuantizeOptions()


def check(store: Store, parameters: QuantizeParameters) -> None:
    """What can be said before there is a job."""
    version = store.versions.get(parameters.version)
    options = parameters.options
    wanted = Format.openvino if options.method == "bf16" else Format.onnx
    if version.format is not wanted:
        raise InvalidInput(
            f"{version.ref} has the format {version.format}, and {options.method} is for {wanted}.",
            f"Convert it first: modeldeploy convert {version.ref} --target {wanted}",
        )
    if options.method == "static-int8":
        if held_out.chosen_dataset(store, version, parameters.dataset) is None:
            raise NotFound(
                f"static-int8 calibrates with data, and {version.ref} was made without any.",
                "Name a dataset: --dataset NAME.",
            )
        return
    if options.exclude:
        raise InvalidInput("Nodes are left out by static-int8 alone.", "Choose that method, or leave out exclude.")
    if parameters.dataset:  # there to judge with, and for nothing else
        held_out.check_judgeable(version, store.datasets.get(parameters.dataset))


def run(context: Context) -> dict[str, Any]:
    parameters: QuantizeParameters = context.parameters
    store = context.store
    check(store, parameters)
    version = store.versions.get(parameters.version)
    dataset = held_out.chosen_dataset(store, version, parameters.dataset)
    lineage = Lineage(
        step=Step.quantized,
        parent=version.ref,
        dataset=dataset.ref if dataset else None,
        parameters={"method": parameters.options.method} | parameters.options.model_dump(exclude_defaults=True),
        job=context.job_id,
    )
    if known := known_version(context, version.model, lineage, parameters.reuse):
        return {"version": known.ref, "metrics": known.metrics, "reused": True}

    from jupyter_modeldeploy.optimize.quantizing.quantize import quantize

    folder = store.versions.path(version)
    with store.artifacts.staging() as staging:
        inputs = _calibration(context, version, folder, dataset) if dataset else []
        quantization = quantize(folder, staging / "version", parameters.options, context.reporter, inputs)
        metrics = _cost(context, version, staging / "version", dataset) if dataset else {}
        new = NewVersion(
            model=version.model,
            format=version.format,
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


def _calibration(context: Context, version: Version, folder: Path, dataset: Dataset) -> list[Tensors]:
    parameters: QuantizeParameters = context.parameters
    if parameters.options.method != "static-int8":
        return []
    runtime = runtimes.load(version.format, folder)
    signature = runtime.signature
    runtime.close()
    return calibration.batches(context.store, version, signature, dataset, parameters.options.samples)


def _cost(context: Context, version: Version, quantized: Path, dataset: Dataset) -> dict[str, float]:
    """The metric that the quantized model's task is judged by, and the difference to its parent's with its paired 95 %
    interval: `accuracy`, `accuracy_difference`, `accuracy_difference_low`, `accuracy_difference_high`."""
    from jupyter_modeldeploy.judging.versions import differences

    if not held_out.can_judge(version, dataset):
        log.warning("What it cost was not measured: %s cannot judge %s.", dataset.ref, version.ref)
        return {}
    base = held_out.judge(context.store, version, dataset, context.reporter)
    candidate = held_out.judge(context.store, version, dataset, context.reporter, (version.format, quantized))
    name = candidate.main
    difference = differences(candidate, base)[name].difference
    return {
        name: candidate.metrics[name],
        f"{name}_difference": difference.value,
        f"{name}_difference_low": difference.low,
        f"{name}_difference_high": difference.high,
    }


KIND = Kind("quantize", QuantizeParameters, lambda p: f"Quantize {p.version} ({p.options.method})", run, check=check)
