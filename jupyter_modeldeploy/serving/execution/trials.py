"""What a warm-up finds out by trying: made-up inputs, whether answers are the same, and how long a run takes."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from jupyter_modeldeploy.datatypes import BF16, NUMPY, Tensors, narrowed, widened
from jupyter_modeldeploy.signatures import TensorSpec

TIMED_RUNS = 5
TIMED_TOTAL_S = 0.2


def made_up(specs: list[TensorSpec], seed: int, side: int = 1, rows: int = 1) -> Tensors:
    """Inputs for the model: `rows` in a free first dimension, `side` in every other free one. Fractions are uniform, of
    mean 0 and variance 1."""
    generator = random.Random(seed)  # NumPy's own would be loaded for this alone: 2.4 MB for good
    tensors = {}
    for spec in specs:
        shape = [(side if axis else rows) if size == -1 else size for axis, size in enumerate(spec.shape)]
        dtype = NUMPY[spec.dtype]
        if spec.dtype == "BYTES":
            tensors[spec.name] = np.full(shape, b"text", dtype=np.object_)
        elif spec.name == "attention_mask":
            tensors[spec.name] = np.ones(shape, dtype)
        elif dtype.kind in "biu":
            tensors[spec.name] = (_random(generator, np.uint8, shape) % 2).astype(dtype).reshape(shape)
        else:
            values = (_random(generator, np.uint32, shape) / 2**31 - 1) * math.sqrt(3)
            tensors[spec.name] = (narrowed(values) if dtype == BF16 else values.astype(dtype)).reshape(shape)
    return tensors


def _random(generator: random.Random, dtype: type[np.unsignedinteger], shape: list[int]) -> np.ndarray:
    """Integers of all the dtype's range, as many as the shape has places; flat, so that a scalar stays an array."""
    return np.frombuffer(generator.randbytes(math.prod(shape) * np.dtype(dtype).itemsize), dtype)


def same(expected: np.ndarray, given: np.ndarray) -> bool:
    """Whether both hold the same answers, apart from what another order of summing does to fractions."""
    if expected.shape != given.shape:
        return False
    if expected.dtype.kind in "biuOUS":
        return bool((expected == given).all())
    rough = 1e-2 if expected.dtype == BF16 else 1e-3
    return bool(np.allclose(widened(expected), widened(given), rtol=rough, atol=1e-5, equal_nan=True))


def fastest_ms(run: Callable[[], Any]) -> float:
    """Milliseconds of the fastest of a few runs."""
    fastest, begun = math.inf, time.perf_counter()
    for _ in range(TIMED_RUNS):
        started = time.perf_counter()
        run()
        fastest = min(fastest, (time.perf_counter() - started) * 1000)
        if time.perf_counter() - begun > TIMED_TOTAL_S:
            break
    return fastest
