"""The operators of an ONNX model, from the events that ONNX Runtime's own profiler writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.processes import at_once
from jupyter_modeldeploy.profiling.operators import work
from jupyter_modeldeploy.profiling.operators.events import Event, Recording, Run, nest
from jupyter_modeldeploy.profiling.operators.onnx_drawing import named
from jupyter_modeldeploy.profiling.operators.onnx_graph import Graph
from jupyter_modeldeploy.profiling.operators.timing import Pace, Pass, in_turns, one_run
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime, session_options

KERNEL_TIME = "_kernel_time"
MOST_EVENTS = 150_000  # ONNX Runtime keeps a million; each is a kilobyte of the file
LARGEST = 1_500_000_000
"""Bytes of a model that is still written once more, as it was optimized: a file of ONNX holds no more than 2 GB."""
PROFILE = "profile"


def record(folder: Path, inputs: Sequence[Tensors], pace: Pace, threads: int, reporter: Reporter) -> Recording:
    """Two sessions of the model, of which one has its profiler on. The names are those of the optimized graph, where
    ONNX Runtime has fused nodes."""
    path = only_file(folder, (".onnx",))
    most = max(1, MOST_EVENTS // (max(1, Graph(path).nodes) * len(inputs)))
    with tempfile.TemporaryDirectory(prefix="modeldeploy-profile-") as scratch:
        optimized = Path(scratch) / "optimized.onnx"
        written = optimized if _size(path) < LARGEST else None
        load = pace.promptly if threads > 1 else at_once  # a session's own threads have the priority of who made it
        plain = load(lambda: OnnxRuntime(folder, threads=threads, device="cpu"))
        profiled = load(lambda: _profiled(folder, threads, Path(scratch), written))
        try:
            for runtime in (plain, profiled):
                runtime.run(inputs[0])
                runtime.run(inputs[0])
            timed = in_turns(_passes(plain, inputs), _passes(profiled, inputs), pace, most, reporter)
        finally:
            plain.close()
            profiled.close()  # the profile is written when its session ends
        graph = Graph(path, optimized)
        called = [run for told in Path(scratch).glob(f"{PROFILE}*") for run in _runs(told, graph)][2:]
    walls = [wall for times in timed[1] for wall in times]
    runs = [Run(wall, events) for wall, events in zip(walls, called, strict=True)]
    passes = [runs[place : place + len(inputs)] for place in range(0, len(runs), len(inputs))]
    drawing = named(graph.drawing, ((event.name, event.type) for run in runs[:1] for event in run.events))
    return Recording(passes, timed[0], len(inputs), drawing)


def _passes(runtime: OnnxRuntime, inputs: Sequence[Tensors]) -> Pass:
    return lambda promptly: promptly(lambda: [one_run(runtime.run, tensors) for tensors in inputs])


def _profiled(folder: Path, threads: int, scratch: Path, optimized: Path | None) -> OnnxRuntime:
    options = session_options(threads)
    options.enable_profiling = True
    options.profile_file_prefix = str(scratch / PROFILE)
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    return OnnxRuntime(folder, device="cpu", options=options)


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.parent.iterdir() if each.is_file())


def _runs(path: Path, graph: Graph) -> Iterator[list[Event]]:
    """The nodes' calls of each run. The file holds one event a line; read so, since it has a kilobyte for each."""
    events: list[Event] = []
    with path.open("rb") as lines:
        for line in lines:
            told: dict[str, Any] = orjson.loads(line.strip(b"[], \n") or b"{}")
            if told.get("name") == "model_run":
                yield nest(events)
                events = []
            elif told.get("cat") == "Node" and told["name"].endswith(KERNEL_TIME):
                events.append(_event(told, graph))


def _event(told: dict[str, Any], graph: Graph) -> Event:
    name, args = told["name"].removesuffix(KERNEL_TIME), told["args"]
    inputs = [*_tensors(args.get("input_type_shape")), *graph.constants(name)]
    outputs = _tensors(args.get("output_type_shape"))
    return Event(
        name=name,
        type=args["op_name"],
        thread=told["tid"],
        start=told["ts"],
        duration=told["dur"],
        layer=graph.layer(name),
        shapes=work.shown(inputs, outputs),
        dtype=work.dtype_of(inputs),
        operations=work.operations(args["op_name"], inputs, outputs),
        bytes=work.moved(inputs, outputs),
        memory_bytes=int(args.get("output_size") or 0),
    )


def _tensors(told: list[dict[str, list[int]]] | None) -> list[work.Tensor]:
    return [work.Tensor(dtype, tuple(shape)) for one in told or [] for dtype, shape in one.items()]
