"""From a transformers checkpoint to ONNX, TorchScript or a program of `torch.export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.optimize.converting import samples
from jupyter_modeldeploy.optimize.converting.conversion import Conversion, Original, convert
from jupyter_modeldeploy.optimize.converting.onnx_exporters import EXPORTERS
from jupyter_modeldeploy.optimize.converting.torch_exporters import EXPORTED, TORCHSCRIPT
from jupyter_modeldeploy.optimize.folders import copy_side_files
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.runtimes.transformers import Encoder, ImageClassifier, TransformersRuntime, load_model
from jupyter_modeldeploy.tasks.text import TextEncoder

TOLERANCE = 1e-3
"""Largest absolute difference allowed; MiniLM's logits differ by about 1e-6."""
MOST_TEXTS, TEXTS_A_BATCH = 64, 8


def transformers_to_onnx(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    opset: int | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the checkpoint in `folder` as `out`/model.onnx, its tokenizer and configurations beside. What is free in
    its signature stays free: batch and length of texts, the batch of images and, where they are, height and width.

    Weights over 2 GiB go to a second file. The answers of both forms are compared on random tokens of several shapes
    and on the first 64 of `texts` if there are any, or on random images. `opset` is for a runtime elsewhere; without
    it, one that the runtime here loads. Raises InvalidInput for an unusable checkpoint, ConversionFailed with the
    reason for a model that no exporter can write and ParityFailed when an output differs by more than `tolerance`;
    then `out` is not written."""
    original = _original(folder, texts, tolerance)
    # torch's own attention is exported with a guard around each softmax, for rows of nothing but padding: 1.2 to 1.4
    # times the time of a MiniLM in 8 and 32 bits.
    original.module.model.set_attn_implementation("eager")
    return convert(original, out, Format.onnx, EXPORTERS, reporter, opset)


def transformers_to_torchscript(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `transformers_to_onnx`, to `out`/model.pt, with its signature beside."""
    return convert(_original(folder, texts, TOLERANCE), out, Format.torchscript, [TORCHSCRIPT], reporter)


def transformers_to_exported(
    folder: Path, out: Path, reporter: Reporter, texts: Sequence[str] | None = None, opset: int | None = None
) -> Conversion:
    """As `transformers_to_onnx`, to `out`/model.pt2."""
    return convert(_original(folder, texts, TOLERANCE), out, Format.exported, [EXPORTED], reporter)


def _original(folder: Path, texts: Sequence[str] | None, tolerance: float) -> Original:
    model = load_model(folder)
    return Original(
        module=model,
        signature=model.signature,
        example=_example(model),
        load=lambda: TransformersRuntime(folder, threads=devices.usable_cores(), device="cpu"),
        batches=_batches(model, folder, texts or []),
        tolerance=tolerance,
        write_beside=lambda out: copy_side_files(folder, out),
    )


def _example(model: Encoder | ImageClassifier) -> list[torch.Tensor]:
    """A tensor each, or inputs are taken for one."""
    inputs = model.signature.inputs
    if isinstance(model, ImageClassifier):
        return [torch.zeros(samples.image_shape(inputs[0], 2))]
    return [torch.ones((2, 8), dtype=torch.int64) for _ in inputs]


def _batches(model: Encoder | ImageClassifier, folder: Path, texts: Sequence[str]) -> list[Tensors]:
    if isinstance(model, ImageClassifier):
        return samples.images(model.signature.inputs[0])
    batches = samples.tokens(model.signature, model.vocabulary, model.token_types, model.max_length)
    if texts:
        tokenizer = TextEncoder(folder, model.signature)
        shown = texts[:MOST_TEXTS]
        for first in range(0, len(shown), TEXTS_A_BATCH):
            batches.append(tokenizer.encode(list(shown[first : first + TEXTS_A_BATCH])))
    return batches
