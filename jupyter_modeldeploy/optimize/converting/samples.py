"""Inputs of several shapes, to compare two forms of a model on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.signatures import Signature, TensorSpec
from jupyter_modeldeploy.tasks.model_config import max_tokens

TOKEN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
TOKENS = ((1, 1), (1, 7), (3, 33), (8, 128))
IMAGES = ((1, 224, 224), (3, 224, 224), (2, 256, 192))
"""Images, height and width; a side that the signature names is as it says."""
ROWS = ((1, 8), (3, 12), (8, 5))
"""Rows and the size of any other free dimension, of inputs that are neither tokens nor images."""


def tokens(signature: Signature, vocabulary: int, token_types: int = 1, longest: int | None = None) -> list[Tensors]:
    """Random tokens below `vocabulary` in the shapes `TOKENS`, the last few masked in all rows but the first."""
    generator = np.random.default_rng(0)
    batches = []
    for rows, length in TOKENS:
        length = min(length, longest or length)
        ids = generator.integers(0, vocabulary, (rows, length), dtype=np.int64)
        mask = np.ones((rows, length), np.int64)
        mask[1:, length * 3 // 4 :] = 0
        types = generator.integers(0, max(token_types, 1), (rows, length), dtype=np.int64)
        every = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        batches.append({spec.name: every[spec.name] for spec in signature.inputs})
    return batches


def images(spec: TensorSpec) -> list[Tensors]:
    """Random images for the input `spec`, `float32[images, channels, height, width]`, normalized."""
    generator = np.random.default_rng(0)
    shapes = dict.fromkeys(tuple(image_shape(spec, count, sides)) for count, *sides in IMAGES)
    return [{spec.name: generator.standard_normal(shape, dtype=np.float32)} for shape in shapes]


def image_shape(spec: TensorSpec, count: int, sides: Sequence[int] = (224, 224)) -> list[int]:
    """The input's shape with so many images, of the sides that it names, else of `sides`."""
    _, channels, *known = spec.shape
    return [count, channels, *(side if side > 0 else free for side, free in zip(known, sides, strict=True))]


def beside(folder: Path, signature: Signature) -> list[Tensors]:
    """For the model in `folder`: tokens where its inputs are those of a text model, images where there is one input of
    that shape, else plain."""
    config = read_json(folder / "config.json")
    vocabulary = config.get("vocab_size")
    if isinstance(vocabulary, int) and {spec.name for spec in signature.inputs} <= TOKEN_INPUTS:
        longest = max_tokens(folder)
        return tokens(signature, vocabulary, int(config.get("type_vocab_size", 1) or 1), longest)
    first = signature.inputs[0]
    if len(signature.inputs) == 1 and first.dtype == "FP32" and len(first.shape) == 4 and first.shape[1] > 0:
        return images(first)
    return plain(signature)


def plain(signature: Signature, below: int = 2) -> list[Tensors]:
    """Random values for every input of any model: floats as a normal distribution has them, integers from 0 to
    `below`, by default 1, which is valid as an index and as a mask."""
    generator = np.random.default_rng(0)
    return [
        {spec.name: _values(generator, spec, shape_of(spec, rows, size), below) for spec in signature.inputs}
        for rows, size in ROWS
    ]


def shape_of(spec: TensorSpec, rows: int, size: int) -> list[int]:
    """The input's shape with so many rows and `size` for its other free dimensions: eight times that of images'."""
    size = 8 * size if len(spec.shape) == 4 else size
    return [given if given >= 0 else rows if axis == 0 else size for axis, given in enumerate(spec.shape)]


def _values(generator: np.random.Generator, spec: TensorSpec, shape: list[int], below: int) -> np.ndarray:
    dtype = datatypes.dtype_of(spec.dtype)
    if dtype.kind in "iub":
        return generator.integers(0, 2 if dtype.kind == "b" else below, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)
