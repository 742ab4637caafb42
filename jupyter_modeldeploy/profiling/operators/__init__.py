"""Which operators of a model take the time, by the runtime's own profiler; one table for ONNX Runtime and torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.profiling.operators.events import Recording
from jupyter_modeldeploy.profiling.operators.timing import Pace as Pace
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records.graphs import ModelGraph
from jupyter_modeldeploy.records.profiles import Limits, Operator, OperatorRun, Span
from jupyter_modeldeploy.signatures import Format

TORCH = (Format.transformers, Format.torchscript, Format.exported, Format.ultralytics)
FORMATS = (Format.onnx, *TORCH, Format.openvino)
WITHIN = {"onnxruntime": 0.25, "torch": 0.0, "openvino": 0.0}
"""The part of the profiler's own time that lies within what it tells of an event, measured on calls that do nothing."""


class Operators(NamedTuple):
    """The operators, how they were timed, what the machine could do, and one run of them as a timeline; the graph that
    was run, None where the runtime has none."""

    operators: list[Operator]
    run: OperatorRun
    limits: Limits
    timeline: list[Span]
    graph: ModelGraph | None = None


def profile_operators(
    format: Format,
    folder: Path,
    inputs: Sequence[Tensors],
    pace: Pace,
    threads: int,
    reporter: Reporter,
) -> Operators:
    """The operators of the model in `folder`, on the processor with `threads` threads, over passes through `inputs` at
    this pace.

    Raises InvalidInput without inputs, for a format whose runtime tells nothing, for a model that does not load and for
    inputs that do not fit it."""
    if not inputs:
        raise InvalidInput("Without inputs there are no operators to time.", "Give at least one.")
    from jupyter_modeldeploy.profiling.operators import table
    from jupyter_modeldeploy.profiling.operators.limits import limits

    runtime, recording = _recorded(format, folder, inputs, pace, threads, reporter)
    known = limits(threads)
    calibrating, measured = table.halves(recording)
    cost = table.cost(calibrating, WITHIN[runtime])
    operators = table.operators(measured, cost, known)
    run = OperatorRun(
        runtime=runtime,
        threads=threads,
        runs=len(recording.profiled) * recording.inputs,
        run_ms=table.plain_ms(measured),
        profiled_ms=table.profiled_ms(measured),
        sum_ms=sum(one.time_ms for one in operators),
        events=table.events_in_a_run(recording),
        event_cost_us=cost.whole,
        graph_nodes=len(recording.graph.nodes) if recording.graph else None,
    )
    return Operators(operators, run, known, table.timeline(measured, cost), recording.graph)


def _recorded(
    format: Format, folder: Path, inputs: Sequence[Tensors], pace: Pace, threads: int, reporter: Reporter
) -> tuple[Literal["onnxruntime", "torch", "openvino"], Recording]:
    if format is Format.onnx:
        from jupyter_modeldeploy.profiling.operators import onnx

        return "onnxruntime", onnx.record(folder, inputs, pace, threads, reporter)
    if format in TORCH:
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it tells of each start and stop
        from jupyter_modeldeploy.profiling.operators import torch

        return "torch", torch.record(folder, format, inputs, pace, threads, reporter)
    if format is Format.openvino:
        from jupyter_modeldeploy.profiling.operators import openvino

        return "openvino", openvino.record(folder, inputs, pace, threads, reporter)
    raise InvalidInput(
        f"What runs the format {format} tells nothing of operators.", f"It can be: {', '.join(FORMATS)}."
    )
