"""What this machine's processor can do, measured: operations a second by datatype, and bytes a second by size.

Both are the best of several tries, as a limit should be (Williams, Waterman, Patterson, "Roofline", CACM 52 (2009) 65).
The products are those of ONNX Runtime, whose matrix library is among the fastest there are, so that a model that torch
runs is held against the same limit. torch is not imported."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from jupyter_modeldeploy.records.profiles import CopySpeed, Limits

SIDE = 1024
COPIES = (2**17, 2**20, 2**23, 2**26, 2**29)
"""Bytes of both buffers, from what stays in a core's own cache to what is in none."""
TRIES = 7
LEAST_S = 0.004


@cache
def limits(threads: int) -> Limits:
    """Of so many threads; takes about a second at its first call in a process."""
    return Limits(
        threads=threads,
        gflops={name: _product(name, threads) for name in ("FP32", "INT8")},
        copies=[CopySpeed(bytes=size, gb_per_s=_copy(size, threads)) for size in COPIES],
    )


def _product(dtype: str, threads: int) -> float:
    """Billions of operations a second of a product of two square matrices."""
    import onnxruntime

    from jupyter_modeldeploy.runtimes.onnx import CPU, session_options

    session = onnxruntime.InferenceSession(_model(dtype), session_options(threads), providers=[CPU])
    generator = np.random.default_rng(0)
    kind = np.float32 if dtype == "FP32" else np.uint8
    given = {"x": generator.integers(0, 127, (SIDE, SIDE)).astype(kind)}
    return 2 * SIDE**3 / _best(lambda: session.run(None, given), threads) / 1e9


def _model(dtype: str) -> bytes:
    """The weights are a constant, which ONNX Runtime lays out for its kernels when it loads them."""
    from onnx import TensorProto, helper, numpy_helper

    kind, element = (np.float32, TensorProto.FLOAT) if dtype == "FP32" else (np.int8, TensorProto.UINT8)
    made = TensorProto.FLOAT if dtype == "FP32" else TensorProto.INT32
    weights = numpy_helper.from_array(np.random.default_rng(1).integers(-63, 63, (SIDE, SIDE)).astype(kind), "w")
    node = helper.make_node("MatMul" if dtype == "FP32" else "MatMulInteger", ["x", "w"], ["y"])
    ends = [helper.make_tensor_value_info(name, each, [SIDE, SIDE]) for name, each in (("x", element), ("y", made))]
    graph = helper.make_graph([node], "limit", ends[:1], ends[1:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def _copy(size: int, threads: int) -> float:
    """Billions of bytes a second, read and written, by `threads` threads with a part of the buffers each."""
    part = size // 2 // threads
    pairs = [(np.ones(part, np.uint8), np.zeros(part, np.uint8)) for _ in range(threads)]
    rounds = max(1, 2**24 // size)

    def copy(pair: tuple[np.ndarray, np.ndarray]) -> None:
        for _ in range(rounds):
            np.copyto(pair[1], pair[0])

    if threads == 1:
        return 2 * part * rounds / _best(lambda: copy(pairs[0]), threads) / 1e9
    with ThreadPoolExecutor(threads) as pool:
        return 2 * part * threads * rounds / _best(lambda: list(pool.map(copy, pairs)), threads) / 1e9


def _best(work: Callable[[], object], threads: int) -> float:
    """The least seconds of several tries that each take long enough to be timed. One thread's own processor time: where
    others have its core for a while, that is no limit of the machine."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    work()
    found = []
    for _ in range(TRIES):
        count, started = 0, clock()
        while (spent := clock() - started) < LEAST_S:
            work()
            count += 1
        found.append(spent / count)
    return min(found)
