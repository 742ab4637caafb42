"""From a transformers checkpoint to ONNX, with proof that both answer alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch

from jupyter_modeldeploy import devices, runtimes
from jupyter_modeldeploy.optimize.folders import building, copy_side_files
from jupyter_modeldeploy.optimize.converting.parity import OutputParity, check_parity
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format, Record, Signature
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.runtimes.transformers import Encoder, ImageClassifier, TransformersRuntime, load_model
from jupyter_modeldeploy.tasks.text import TextEncoder

MODEL = "model.onnx"
OPSET = 20
TOLERANCE = 1e-3
"""Largest absolute difference allowed; MiniLM's logits differ by about 1e-6."""
SHAPES = ((1, 1), (1, 7), (3, 33), (8, 128))
IMAGES = (1, 3)
DEFAULT_SIDE = 224
PROTOBUF_LIMIT = 2**31 - 2**24
"""One protobuf file holds less than 2 GiB; the graph takes some of it."""


class Conversion(Record):
    """What was converted: the signature of `model.onnx`, how near it is to the original, and how long it took."""

    signature: Signature
    parity: list[OutputParity]
    opset: int
    size_bytes: int
    seconds: float


def transformers_to_onnx(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the checkpoint in `folder` as `out`/model.onnx, its tokenizer and configurations beside. What is free in
    its signature stays free: batch and length of texts, the batch of images and, where they are, height and width.

    Weights over 2 GiB go to a second file. The answers of both forms are compared on random tokens of several shapes
    and on the first 64 of `texts` if there are any, or on random images. Raises
    InvalidInput for an unusable checkpoint and ParityFailed when an output differs by more than `tolerance`; then `out`
    is not written."""
    started = time.monotonic()
    model = load_model(folder)
    with building(out) as partial:
        reporter.progress(0, 3, "parts", "exporting the graph")
        _export(model, partial / MODEL)
        copy_side_files(folder, partial)
        reporter.progress(1, 3, "parts", "comparing with the original")
        parity = _prove(folder, partial, _batches(model, folder, texts or []), tolerance)
        reporter.progress(2, 3, "parts", "writing")
        size = sum(path.stat().st_size for path in partial.glob(f"{MODEL}*"))
    reporter.progress(3, 3, "parts", "converted")
    return Conversion(
        signature=model.signature,
        parity=parity,
        opset=OPSET,
        size_bytes=size,
        seconds=time.monotonic() - started,
    )


def _export(model: Encoder | ImageClassifier, path: Path) -> None:
    inputs = model.signature.inputs
    weights = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            model,
            kwargs=_example(model),
            input_names=[spec.name for spec in inputs],
            output_names=[spec.name for spec in model.signature.outputs],
            dynamic_shapes={
                spec.name: {index: torch.export.Dim.DYNAMIC for index, size in enumerate(spec.shape) if size < 0}
                for spec in inputs
            },
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        assert program is not None  # it is for dynamo=True without a file
        program.save(path, external_data=weights > PROTOBUF_LIMIT)
    _forget_inner_shapes(path)


def _example(model: Encoder | ImageClassifier) -> dict[str, torch.Tensor]:
    """Sizes other than 1, which the exporter would take for constants; a tensor each, or inputs are taken for one."""
    if isinstance(model, ImageClassifier):
        return {"pixel_values": torch.zeros(_image_shape(model, 2))}
    return {spec.name: torch.ones((2, 8), dtype=torch.int64) for spec in model.signature.inputs}


def _image_shape(model: ImageClassifier, count: int) -> list[int]:
    _, channels, *sides = model.signature.inputs[0].shape
    return [count, channels, *(side if side > 0 else DEFAULT_SIDE for side in sides)]


def _forget_inner_shapes(path: Path) -> None:
    """The shapes that the exporter notes for inner values contradict those that quantization infers."""
    model = onnx.load(path, load_external_data=False)
    del model.graph.value_info[:]
    onnx.save(model, path)


def _prove(folder: Path, converted: Path, batches: Sequence[Tensors], tolerance: float) -> list[OutputParity]:
    threads = devices.usable_cores()
    reference = TransformersRuntime(folder, threads=threads)
    candidate = runtimes.load(Format.onnx, converted, threads=threads)
    try:
        return check_parity(reference, candidate, batches, tolerance)
    finally:
        candidate.close()
        reference.close()


def _batches(model: Encoder | ImageClassifier, folder: Path, texts: Sequence[str]) -> list[Tensors]:
    if isinstance(model, Encoder):
        return _token_batches(model, folder, texts)
    generator = np.random.default_rng(0)
    return [
        {"pixel_values": generator.standard_normal(_image_shape(model, count), dtype=np.float32)} for count in IMAGES
    ]


def _token_batches(encoder: Encoder, folder: Path, texts: Sequence[str]) -> list[Tensors]:
    """Random tokens in `SHAPES`, the last few masked in all rows but the first; then the texts, eight by eight."""
    generator = np.random.default_rng(0)
    batches = []
    for rows, length in SHAPES:
        length = min(length, encoder.max_length or length)
        ids = generator.integers(0, encoder.vocabulary, (rows, length), dtype=np.int64)
        mask = np.ones((rows, length), np.int64)
        mask[1:, length * 3 // 4 :] = 0
        types = generator.integers(0, max(encoder.token_types, 1), (rows, length), dtype=np.int64)
        every = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        batches.append({spec.name: every[spec.name] for spec in encoder.signature.inputs})
    if texts:
        tokenizer = TextEncoder(folder, encoder.signature)
        batches += [tokenizer.encode(list(texts[first : first + 8])) for first in range(0, min(len(texts), 64), 8)]
    return batches
