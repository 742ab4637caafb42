"""Runs one model for a while, in a process of its own: `python -m jupyter_modeldeploy.optimize.searching.timing FOLDER
FORMAT DEVICE INPUTS`, by the runtime that a service would run it with. INPUTS is a folder with a file of batches for
each number of rows, `4.npz` for batches of four.

Asked for `{"layout": {"threads", "instances", "batch"}, "seconds"}` it tells `ms` of each run, `rows` and `seconds`;
asked for `{"layout": …}` alone, the process's `peak_bytes` after a run of each batch."""

from __future__ import annotations

import sys
import threading
import time
from functools import cache
from pathlib import Path

from jupyter_modeldeploy import processes, runtimes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.optimize.searching import apart
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import Runtime, tensor_files

LEAST_RUNS = 3
KEPT_BYTES = 200 * 2**20
"""A larger model is not held in memory for several layouts at once."""


class Timed:
    def __init__(self, folder: Path, format: Format, device: str, inputs: Path) -> None:
        self._folder, self._format, self._device, self._inputs = folder, format, device, inputs
        self._small = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < KEPT_BYTES
        self._runtimes: dict[int, Runtime] = {}
        self._warm: set[tuple[int, int]] = set()
        self._batches = cache(lambda rows: tensor_files.load(self._inputs / f"{rows}.npz"))

    def respond(self, question: apart.Asked) -> apart.Asked:
        threads, instances, batch = (question["layout"][name] for name in ("threads", "instances", "batch"))
        runtime, batches = self._runtime(threads), self._batches(batch)
        if (threads, batch) not in self._warm:
            for inputs in batches:
                runtime.run(inputs)
            self._warm.add((threads, batch))
        if "seconds" not in question:
            return {"peak_bytes": processes.peak_bytes()}
        return _timed(runtime, batches, instances, batch, question["seconds"])

    def _runtime(self, threads: int) -> Runtime:
        if threads not in self._runtimes:
            if not self._small:
                for runtime in self._runtimes.values():
                    runtime.close()
                self._runtimes.clear()
                self._warm.clear()
            self._runtimes[threads] = runtimes.load(self._format, self._folder, threads=threads, device=self._device)
        return self._runtimes[threads]


def _timed(runtime: Runtime, batches: list[Tensors], instances: int, batch: int, seconds: float) -> apart.Asked:
    """Whole passes through the batches, so that all are equally frequent in each turn of each candidate."""
    found: list[list[float]] = [[] for _ in range(instances)]
    begun = time.perf_counter()
    until = begun + seconds

    def work(times: list[float]) -> None:
        while True:
            for inputs in batches:
                start = time.perf_counter()
                runtime.run(inputs)
                times.append((time.perf_counter() - start) * 1000)
            if len(times) >= LEAST_RUNS and time.perf_counter() >= until:
                return

    if instances == 1:
        work(found[0])
    else:
        threads = [threading.Thread(target=work, args=(times,)) for times in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    every = [time_ms for times in found for time_ms in times]
    # Each thread's own rate: one that is done earlier leaves the others alone.
    rate = sum(batch * len(times) / (sum(times) / 1000) for times in found)
    return {"ms": every, "rows_per_s": rate, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    apart.answer(Timed(Path(sys.argv[1]), Format(sys.argv[2]), sys.argv[3], Path(sys.argv[4])).respond)
