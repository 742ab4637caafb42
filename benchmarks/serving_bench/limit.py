"""The model alone: `python -m serving_bench.limit FOLDER INSTANCES SECONDS` prints runs a second as JSON.

As many threads as a service has instances, each with runs of one thread; no server, no copy, no queue."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np

from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime


def measure(folder: Path, instances: int, seconds: float) -> dict[str, float]:
    runtime = OnnxRuntime(folder / "model")
    with np.load(folder / "inputs.npz") as archive:
        inputs = {name: archive[name] for name in archive.files}
    runtime.run(inputs)
    done = [0] * instances
    begun, cpu = time.perf_counter(), time.process_time()

    def run(number: int) -> None:
        while time.perf_counter() - begun < seconds:
            runtime.run(inputs)
            done[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, instances)]
    for thread in threads:
        thread.start()
    run(0)
    for thread in threads:
        thread.join()
    elapsed, used, count = time.perf_counter() - begun, time.process_time() - cpu, sum(done)
    return {"requests_per_s": count / elapsed, "cpu_us": used / count * 1e6}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
