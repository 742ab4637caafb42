"""How much memory a model takes: the peak of a process that does nothing but run it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jupyter_modeldeploy import processes, runtimes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, WorkerDied
from jupyter_modeldeploy.records import Format


def peak_memory(folder: Path, format: Format, inputs: Sequence[Tensors]) -> int:
    """Bytes: the peak resident memory of a fresh process that loads the model in `folder` and runs each of `inputs`.

    It is what a service's process needs at least: the Python interpreter, NumPy and the runtime's library (some 60 MB
    with ONNX Runtime), the weights as the runtime lays them out, and the largest input's activations. The peak often
    lies at loading, where the file and the laid-out weights are both in memory. Memory on a GPU is not in it.

    Raises InvalidInput without inputs or for a model that does not run, WorkerDied when the process was killed."""
    if not inputs:
        raise InvalidInput("Without inputs there is no memory to measure.", "Give at least one.")
    with tempfile.TemporaryDirectory(prefix="modeldeploy-memory-") as scratch:
        path = Path(scratch) / "inputs.npz"
        _save(path, inputs)
        child = subprocess.run(
            [sys.executable, "-m", __name__, str(folder), format.value, str(path)],
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
    return int(child.stdout.splitlines()[-1])


def _save(path: Path, inputs: Sequence[Tensors]) -> None:
    """Texts as NumPy's fixed-width bytes, so that nothing is pickled."""
    arrays = {
        f"{number} {name}": array.astype("S") if array.dtype == np.object_ else array
        for number, tensors in enumerate(inputs)
        for name, array in tensors.items()
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]


def _restore(path: Path) -> list[Tensors]:
    inputs: dict[int, Tensors] = {}
    with np.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            number, _, name = key.partition(" ")
            array = archive[key]
            inputs.setdefault(int(number), {})[name] = array.astype(np.object_) if array.dtype.kind == "S" else array
    return [inputs[number] for number in sorted(inputs)]


def _peak() -> int:
    """This process's peak in bytes. `ru_maxrss` would not do on Linux: a child starts with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _main(folder: str, format: str, inputs: str) -> None:
    runtime = runtimes.load(Format(format), Path(folder))
    for tensors in _restore(Path(inputs)):
        runtime.run(tensors)
    print(_peak())


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except ModelDeployError as error:
        sys.exit(str(error))
