"""How much memory a model takes: that of a process that does nothing but run it, part by part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from jupyter_modeldeploy import plugins, processes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, WorkerDied
from jupyter_modeldeploy.records import Format, Interval
from jupyter_modeldeploy.records.profiles import Leak, MemoryParts
from jupyter_modeldeploy.runtimes import tensor_files

LEAK_CALLS = 400
LEAK_SECONDS = 5.0
LEAK_SAMPLES = 40
SETTLING = 0.3
"""The share of the calls at whose end an allocator has what it will keep."""
LEAST_GROWTH = 2**20
"""Less than so many bytes over all the calls are the allocator's own ups and downs."""


def measure_memory(
    folder: Path, format: Format, inputs: Sequence[Tensors], threads: int = 1, leak_seconds: float = LEAK_SECONDS
) -> MemoryParts:
    """What a fresh process takes that loads the model in `folder`, runs each of `inputs` and then goes on running them
    for at most `leak_seconds`, to see whether its memory grows.

    Raises InvalidInput without inputs or for a model that does not run, WorkerDied when the process was killed."""
    if not inputs:
        raise InvalidInput("Without inputs there is no memory to measure.", "Give at least one.")
    with tempfile.TemporaryDirectory(prefix="modeldeploy-memory-") as scratch:
        path = Path(scratch) / "inputs.npz"
        tensor_files.save(path, inputs)
        told = _told(folder, [str(folder), format.value, str(path), str(threads), str(leak_seconds)])
    leak = _leak(told["calls"], told["resident"])
    return MemoryParts(model_file_bytes=_size(folder), leak=leak, **told["parts"])


def _told(folder: Path, arguments: list[str]) -> dict[str, Any]:
    child = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=processes.clean_environment(),
        check=False,
    )
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise WorkerDied(f"Running {folder.name} was ended by {name}.", "Was there enough memory? Try smaller inputs.")
    if child.returncode > 0:
        reason = (child.stderr.strip().splitlines() or ["no message"])[-1]
        raise InvalidInput(f"{folder.name} does not run alone: {reason[:400]}", "Evaluate the version first.")
    told: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return told


def _leak(calls: Sequence[int], resident: Sequence[int]) -> Leak | None:
    """The Theil-Sen slope of resident memory over the calls, whose interval single jumps do not move (Sen, JASA 63
    (1968) 1379-1389). None with too few calls to tell."""
    from scipy import stats  # type: ignore[import-untyped]

    settled = [place for place, call in enumerate(calls) if call >= SETTLING * calls[-1]] if calls else []
    if len(settled) < 8:
        return None
    xs, ys = [calls[place] for place in settled], [resident[place] for place in settled]
    slope, _, low, high = stats.theilslopes(ys, xs, 0.95)
    counted = xs[-1] - xs[0]
    return Leak(
        calls=counted,
        bytes_per_call=Interval(value=float(slope), low=float(low), high=float(high)),
        leaks=bool(low > 0 and slope * counted > LEAST_GROWTH),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _main(folder: str, format: str, inputs: str, threads: str, leak_seconds: str) -> None:
    batches = tensor_files.load(Path(inputs))
    marks = [_resident()]
    runtime_class = plugins.load("runtimes", format)
    marks.append(_resident())
    runtime = runtime_class(Path(folder), threads=int(threads))
    marks.append(_resident())
    for tensors in [*batches, *batches]:  # ONNX Runtime plans its memory by the first run of a shape
        runtime.run(tensors)
    marks.append(_resident())
    parts = {
        "interpreter_bytes": marks[0],
        "runtime_bytes": marks[1] - marks[0],
        "weights_bytes": marks[2] - marks[1],
        "activations_bytes": marks[3] - marks[2],
        "device_bytes": _on_device() if getattr(runtime, "on_gpu", False) else None,
    }
    calls, resident = _go_on(runtime, batches, float(leak_seconds))
    parts["peak_bytes"] = processes.peak_bytes()
    print(json.dumps({"parts": parts, "calls": calls, "resident": resident}))


def _go_on(runtime: Any, batches: Sequence[Tensors], seconds: float) -> tuple[list[int], list[int]]:
    """Calls made so far and the memory then, some forty times over the next calls."""
    calls, resident, made = [], [], 0
    every = max(1, LEAK_CALLS // LEAK_SAMPLES)
    deadline = time.monotonic() + seconds
    while made < LEAK_CALLS and time.monotonic() < deadline:
        runtime.run(batches[made % len(batches)])
        made += 1
        if made % every == 0 or made < LEAK_SAMPLES:
            calls.append(made)
            resident.append(_resident())
    return calls, resident


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def _on_device() -> int:
    """What torch's allocator or, for another runtime, the driver says of this process."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    from jupyter_modeldeploy import devices

    return devices.memory_held_by({os.getpid()}, "cuda:0")


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except ModelDeployError as error:
        sys.exit(str(error))
