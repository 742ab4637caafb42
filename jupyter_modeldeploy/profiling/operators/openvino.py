"""The operators of a model of OpenVINO, from its own counters (`PERF_COUNT`).

They tell how long each operator took, not when, nor its shapes: in the timeline they lie after each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.processes import Promptly
from jupyter_modeldeploy.profiling.operators.events import Event, Recording, Run
from jupyter_modeldeploy.profiling.operators.onnx_graph import in_name
from jupyter_modeldeploy.profiling.operators.openvino_drawing import model_graph
from jupyter_modeldeploy.profiling.operators.timing import Pace, in_turns, one_run
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.runtimes.openvino import OpenVinoRuntime

MOST_PASSES = 400
DATATYPES = {"f32": "FP32", "f16": "FP16", "bf16": "BF16", "i8": "INT8", "u8": "INT8"}


def record(folder: Path, inputs: Sequence[Tensors], pace: Pace, threads: int, reporter: Reporter) -> Recording:
    """Two compiled models, of which one counts."""
    plain, counted = pace.promptly(lambda: [_loaded(folder, threads, counted) for counted in (False, True)])
    passes: list[list[Run]] = []

    def with_counters(promptly: Promptly) -> list[float]:
        passes.append(promptly(lambda: [Run(one_run(counted.run, tensors), _events(counted)) for tensors in inputs]))
        return [run.wall for run in passes[-1]]

    def without(promptly: Promptly) -> list[float]:
        return promptly(lambda: [one_run(plain.run, tensors) for tensors in inputs])

    try:
        for runtime in (plain, counted):
            for tensors in inputs:
                runtime.run(tensors)
        timed, _ = in_turns(without, with_counters, pace, MOST_PASSES, reporter)
        graph = model_graph(counted.running_graph())
    finally:
        plain.close()
        counted.close()
    return Recording(passes, timed, len(inputs), graph)


def _loaded(folder: Path, threads: int, counted: bool) -> OpenVinoRuntime:
    return OpenVinoRuntime(folder, threads=threads, device="cpu", counted=counted)


def _events(runtime: OpenVinoRuntime) -> list[Event]:
    events, start = [], 0.0
    for told in runtime.counters():
        duration = told.real_time / timedelta(microseconds=1)
        if duration > 0:
            kind = told.exec_type.rpartition("_")[2].lower()
            events.append(
                Event(
                    name=told.node_name,
                    type=told.node_type,
                    start=start,
                    duration=duration,
                    layer=in_name(told.node_name),
                    dtype=DATATYPES.get(kind, kind.upper()),
                )
            )
            start += duration
    return events
