"""The recipe that somebody who knows the model would pick by hand, beside torch and beside ONNX in 32-bit floats: what
is gained, and what it costs on the held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import EvaluationReport, Version
from jupyter_modeldeploy.runtimes import Tensors
from optimize_bench import prepared
from optimize_bench.prepared import HOUR_S, Prepared
from optimize_bench.timing import shown, timed

TOKENS = 128


class Recipe(NamedTuple):
    """How the model is made, what its INT8 form is made with, and the inputs that it is timed on: one text or image."""

    make: Callable[[Workspace, Path], Prepared]
    options: dict[str, Any]
    inputs: Tensors


class Handmade(NamedTuple):
    """A prepared checkpoint, in torch, as ONNX and as quantized by hand."""

    eager: Version
    fp32: Version
    int8: Version
    dataset: str


def _pixels(name: str, *shape: int) -> Tensors:
    return {name: np.random.default_rng(0).random((1, *shape)).astype(np.float32)}


def _tokens() -> Tensors:
    ids = np.random.default_rng(0).integers(1000, 20000, (1, TOKENS))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


RECIPES = {
    "minilm": Recipe(prepared.minilm, {"method": "dynamic-int8"}, _tokens()),
    "resnet": Recipe(prepared.resnet, {"method": "static-int8"}, _pixels("pixel_values", 3, 224, 224)),
    "digits": Recipe(prepared.digits, {"method": "static-int8"}, _pixels("pixel_values", 1, 32, 32)),
    "yolo": Recipe(prepared.yolo, {"method": "static-int8"}, _pixels("images", 3, 128, 128)),
}


def handmade(workspace: Workspace, folder: Path, name: str) -> Handmade:
    """The versions of the recipe, made where they are not there yet."""
    recipe = RECIPES[name]
    eager, dataset = recipe.make(workspace, folder)
    models = workspace.models
    fp32 = models.convert(eager.ref, reuse=True).version(timeout_s=HOUR_S)
    int8 = models.quantize(fp32.ref, dataset, reuse=True, **recipe.options).version(timeout_s=HOUR_S)
    return Handmade(eager, fp32, int8, dataset)


def measure(workspace: Workspace, folder: Path, name: str, rounds: int) -> dict[str, Any]:
    """`size_ratio`, `vs_onnx_fp32`, `vs_eager` and the metric's difference of one recipe, with their spreads."""
    made = handmade(workspace, folder, name)
    inputs = RECIPES[name].inputs
    beside_onnx = timed(workspace, {"onnx fp32": made.fp32, "int8": made.int8}, inputs, rounds)
    beside_torch = timed(workspace, {"torch eager": made.eager, "int8": made.int8}, inputs, rounds)
    result = workspace.models.evaluate(made.int8.ref, made.dataset, against=made.fp32.ref).result()
    metric = EvaluationReport.model_validate(result["evaluation"]).metrics[0]
    difference = metric.difference
    assert difference is not None  # two versions were judged
    sizes = [workspace.models.path(each.ref).joinpath("model.onnx").stat().st_size for each in (made.fp32, made.int8)]
    print(f"\n{name}: {RECIPES[name].options}, {sizes[0] / sizes[1]:.2f} × smaller")
    print(
        f"  {metric.name} {metric.value:.4f}, {difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    )
    print(shown(beside_onnx))
    print(shown(beside_torch))
    return {
        "size_ratio": sizes[0] / sizes[1],
        "vs_onnx_fp32": beside_onnx["int8"].speed.model_dump(),
        "vs_eager": beside_torch["int8"].speed.model_dump(),
        "ms": {each: one.p50_ms.model_dump() for each, one in {**beside_torch, **beside_onnx}.items()},
        "metric": metric.name,
        "value": metric.value,
        "difference": difference.model_dump(),
        "rows": result["evaluation"]["rows"],
    }
