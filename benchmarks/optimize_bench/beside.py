"""Versions timed beside each other, one call of each in turn: what else the machine does meets all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.runtimes import Tensors
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

WARM_UP = 20


def seconds(folders: Sequence[Path], inputs: Tensors, rounds: int) -> list[list[float]]:
    """How long each of the ONNX versions in `folders` took to answer `inputs`, in each of the rounds, on all cores."""
    runtimes = [OnnxRuntime(folder, threads=devices.usable_cores()) for folder in folders]
    taken: list[list[float]] = [[] for _ in folders]
    for number in range(WARM_UP + rounds):
        for runtime, times in zip(runtimes, taken, strict=True):
            started = time.perf_counter()
            runtime.run(inputs)
            if number >= WARM_UP:
                times.append(time.perf_counter() - started)
    for runtime in runtimes:
        runtime.close()
    return taken


def times_faster(slow: Sequence[float], fast: Sequence[float]) -> Mapping[str, float]:
    """The median over the rounds of how many times as fast one is, with the quartiles."""
    low, middle, high = statistics.quantiles((one / other for one, other in zip(slow, fast, strict=True)), n=4)
    return {"median": middle, "low": low, "high": high}
