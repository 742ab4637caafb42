"""How the processor's cores are shared out: several runs at once on a thread each, or one run on all of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.signatures import Format

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import ServiceSpec

WORTH_MS = 3.0  # a faster run gains nothing from more threads: handing work out costs 20-50 µs an operator
SLOW_MS = 100.0  # a slower run would make the service wait too long for the comparison
TRIAL_S = 0.1
COMPARED = (Format.onnx, Format.openvino)
GAIN = 1.1  # one wide run must answer so much more than several narrow ones, which need no second trial after a change

log = logging.getLogger(__name__)


def instances_of(spec: ServiceSpec, versions: Sequence[ServedVersion], granted: int) -> int:
    """As many as the spec asks for, which `granted` says then; else as many as share that many cores, with the threads
    that the spec asks for, or as it is measured."""
    if spec.instances:
        return granted
    if spec.threads:
        return max(1, granted // spec.threads)
    return choose_instances(versions, granted)


def choose_instances(versions: Sequence[ServedVersion], cores: int) -> int:
    """How many instances share the cores best, as measured on the slowest of the models; they are set to the number of
    threads that this leaves each.

    Models on a GPU get one instance, since their requests are better batched. Only ONNX and OpenVINO models of some
    milliseconds a run are compared, for at most half a second."""
    if versions and all(version.on_gpu for version in versions):
        return 1
    compared = [version for version in versions if version.format in COMPARED and not version.on_gpu]
    slowest = max(compared, key=lambda version: version.typical_ms, default=None)
    if cores < 2 or slowest is None or not WORTH_MS <= slowest.typical_ms <= SLOW_MS:
        return cores
    wide = slowest.another_runtime(cores)
    narrow_rate = _rate(slowest.runtime, slowest, cores)
    wide_rate = _rate(wide, slowest, 1)
    log.info("%s: %.0f runs/s on %d × 1 threads, %.0f on 1 × %d", slowest.ref, narrow_rate, cores, wide_rate, cores)
    if wide_rate < GAIN * narrow_rate:
        wide.close()
        return cores
    for version in compared:
        version.use(wide if version is slowest else version.another_runtime(cores), cores)
    return 1


def _rate(runtime: Runtime, version: ServedVersion, callers: int) -> float:
    """Runs a second by so many threads, each at it for a while."""
    inputs = version.typical
    if inputs is None:
        return 0.0
    runtime.run(inputs)
    done = [0] * callers
    until = time.perf_counter() + TRIAL_S

    def call(number: int) -> None:
        while time.perf_counter() < until:
            runtime.run(inputs)
            done[number] += 1

    begun = time.perf_counter()
    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - begun)
