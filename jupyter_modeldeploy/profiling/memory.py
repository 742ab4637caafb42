"""How much memory a model takes: the peak of a process that does nothing but run it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy import processes, runtimes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, WorkerDied
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import tensor_files


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
        tensor_files.save(path, inputs)
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


def _main(folder: str, format: str, inputs: str) -> None:
    runtime = runtimes.load(Format(format), Path(folder))
    for tensors in tensor_files.load(Path(inputs)):
        runtime.run(tensors)
    print(processes.peak_bytes())


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except ModelDeployError as error:
        sys.exit(str(error))
