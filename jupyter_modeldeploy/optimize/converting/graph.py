"""An ONNX graph of fewer operators that gives the same answers: constants folded, operators fused.

ONNX Runtime does much of it itself whenever it loads a model. So what is gained is measured, on this machine, side by
side with the graph as it was."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import onnx
import onnxruntime
import onnxslim
from pydantic import Field

from jupyter_modeldeploy import devices, runtimes
from jupyter_modeldeploy.errors import ConversionFailed, ModelDeployError
from jupyter_modeldeploy.optimize.converting import attention, samples
from jupyter_modeldeploy.optimize.converting.conversion import reason
from jupyter_modeldeploy.optimize.converting.graph_options import Graph
from jupyter_modeldeploy.optimize.converting.parity import OutputParity, check_parity
from jupyter_modeldeploy.optimize.folders import PROTOBUF_LIMIT, building, copy_side_files
from jupyter_modeldeploy.optimize.quantizing.graph import MODEL, operators, read
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format, Record, Signature
from jupyter_modeldeploy.runtimes import Runtime, Tensors
from jupyter_modeldeploy.runtimes.onnx import CPU, session_options

TOLERANCE = 1e-3
ROUNDS, ROUND_S = 9, 0.1
WON = 8
"""Rounds that a graph has to be faster in to be kept for its speed: by chance that happens once in fifty times."""
WORTH = 1.05
"""Times as fast as before that it has to be, in the middle of the rounds."""


class GraphCandidate(Record):
    """One graph that was tried. `latency_ms` is that of one row, of a round's fastest run, the median of the rounds;
    `speed` how many times as fast as the graph before it was in the same round, the median; both None where it gives
    other answers, or none."""

    name: str
    operators: dict[str, int] = Field(default_factory=dict)
    parity: list[OutputParity] = Field(default_factory=list)
    latency_ms: float | None = None
    speed: float | None = None
    kept: bool = False
    reason: str = ""


class GraphOptimization(Record):
    """What became of a graph: how often each operator comes before and after. `kept` is the candidate that was taken;
    None where the graph stays as it was."""

    operators_before: dict[str, int]
    operators_after: dict[str, int]
    latency_before_ms: float
    candidates: list[GraphCandidate]
    kept: str | None = None


@dataclass
class _Tried:
    candidate: GraphCandidate
    folder: Path
    runtime: Runtime | None = None


def optimize_graph(folder: Path, out: Path, graph: Graph, reporter: Reporter) -> GraphOptimization:
    """Write the ONNX model of `folder` with another graph to `out`, proven to give the same answers on random inputs of
    several shapes.

    With `fastest` the fastest of all candidates is written, if it was faster than the graph as it is in 8 of 9 rounds
    and by 5 % in the middle; else nothing is written and `kept` is None. Raises InvalidInput when `folder` holds no
    ONNX model or a quantized one, ConversionFailed where a chosen way does not work, and ParityFailed where its answers
    differ; then `out` is not written."""
    before = operators(read(folder))
    names = list(WAYS) if graph == "fastest" else [graph]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch, ExitStack() as opened:
        base = opened.enter_context(closing(_load(folder)))
        batches = samples.beside(folder, base.signature)
        tried = []
        for done, name in enumerate(names):
            reporter.progress(done, len(names) + 1, "parts", f"trying {name}")
            one = _try(name, folder, Path(scratch) / name, base, batches, must=graph != "fastest")
            if one.runtime is not None:
                opened.enter_context(closing(one.runtime))
            tried.append(one)
        reporter.progress(len(names), len(names) + 1, "parts", "measuring")
        latency = _measure(base, tried, _one_row(base.signature, batches[-1]))
        kept = _worthwhile(tried) if graph == "fastest" else tried[0]
        if kept is not None:
            kept.candidate = kept.candidate.model_copy(update={"kept": True})
            _place(kept.folder, folder, out)
    return GraphOptimization(
        operators_before=before,
        operators_after=kept.candidate.operators if kept else before,
        latency_before_ms=latency,
        candidates=[one.candidate for one in tried],
        kept=kept.candidate.name if kept else None,
    )


def _try(name: str, folder: Path, out: Path, base: Runtime, batches: Sequence[Tensors], must: bool) -> _Tried:
    """The candidate, and its runtime if its answers are the same; `must` raises what is wrong with it."""
    out.mkdir()
    try:
        runtime, parity = _written(name, folder, out, base, batches)
    except ModelDeployError as error:
        if must:
            raise
        return _Tried(GraphCandidate(name=name, reason=error.message), out)
    written = operators(onnx.load(out / MODEL, load_external_data=False))
    return _Tried(GraphCandidate(name=name, operators=written, parity=parity), out, runtime)


def fuse_attention(folder: Path, out: Path) -> None:
    """Write the ONNX model of `folder` with its attention as one operator into the folder `out`, proven to give the
    same answers. Raises ConversionFailed or ParityFailed where that cannot be had."""
    with closing(_load(folder)) as base:
        runtime, _ = _written("transformer", folder, out, base, samples.beside(folder, base.signature))
        runtime.close()


def _written(
    name: str, folder: Path, out: Path, base: Runtime, batches: Sequence[Tensors]
) -> tuple[Runtime, list[OutputParity]]:
    """The model in another graph, which gives the same answers."""
    _write(name, folder, out)
    runtime = _load(out)
    try:
        return runtime, check_parity(base, runtime, batches, TOLERANCE)
    except ModelDeployError:
        runtime.close()
        raise


def _write(name: str, folder: Path, out: Path) -> None:
    try:
        with quiet():
            WAYS[name](folder, out / MODEL)
    except ModelDeployError:
        raise
    except Exception as error:  # an optimizer raises whatever its patterns meet first
        raise ConversionFailed(f"{name} cannot work on this graph: {reason(error)}", "Leave it as exported.") from error


def _slim(folder: Path, path: Path) -> None:
    slimmed = onnxslim.slim(onnx.load(folder / MODEL))
    del slimmed.graph.value_info[:]  # they contradict what quantization infers
    _save(slimmed, path)


def _fused(folder: Path, path: Path) -> None:
    options = session_options(1)
    # The next level lays tensors out for the processor that it runs on, which another one need not have.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path)
    if _external(folder):
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{MODEL}.data")
    onnxruntime.InferenceSession(str(folder / MODEL), options, providers=[CPU])


def _transformer(folder: Path, path: Path) -> None:
    _save(attention.fused(folder), path)


WAYS: dict[str, Callable[[Path, Path], None]] = {"slim": _slim, "fused": _fused, "transformer": _transformer}


def _save(model: onnx.ModelProto, path: Path) -> None:
    large = model.ByteSize() > PROTOBUF_LIMIT
    onnx.save(model, path, save_as_external_data=large, location=f"{path.name}.data" if large else None)


def _external(folder: Path) -> bool:
    return (folder / f"{MODEL}.data").exists()


def _load(folder: Path) -> Runtime:
    return runtimes.load(Format.onnx, folder, threads=devices.usable_cores(), device="cpu")


def _one_row(signature: Signature, batch: Tensors) -> Tensors:
    rows = {spec.name: 1 if spec.shape[:1] == [-1] else None for spec in signature.inputs}
    return {name: batch[name][:most] for name, most in rows.items()}


def _measure(base: Runtime, tried: Sequence[_Tried], inputs: Tensors) -> float:
    """Note the latency of each candidate; that of the graph before. All take turns, and each round another one begins,
    so that what else the machine does falls on all."""
    measured = [one for one in tried if one.runtime is not None]
    contestants = [base, *(one.runtime for one in measured if one.runtime is not None)]
    rounds = [_round(contestants, first % len(contestants), inputs) for first in range(ROUNDS)]
    for place, one in enumerate(measured, start=1):
        speeds = [_speed(turns[0], turns[place]) for turns in rounds]
        won = sum(speed > 1 for speed in speeds)
        noted = {
            "latency_ms": statistics.median(turns[place].latency_ms for turns in rounds),
            "speed": statistics.median(speeds),
            "reason": "" if won >= WON else f"faster in {won} of {ROUNDS} rounds",
        }
        one.candidate = one.candidate.model_copy(update=noted)
    return statistics.median(turns[0].latency_ms for turns in rounds)


class _Turn(NamedTuple):
    """The time and the processor time of the fastest run: the others met whatever else the machine does."""

    latency_ms: float
    processor_ms: float


def _round(contestants: Sequence[Runtime], first: int, inputs: Tensors) -> list[_Turn]:
    order = [*range(first, len(contestants)), *range(first)]
    turns = {place: _turn(contestants[place], inputs) for place in order}
    return [turns[place] for place in range(len(contestants))]


def _turn(runtime: Runtime, inputs: Tensors) -> _Turn:
    latency, processor, end = math.inf, math.inf, time.perf_counter() + ROUND_S
    while (started := time.perf_counter()) < end:
        used = time.process_time()
        runtime.run(inputs)
        latency = min(latency, time.perf_counter() - started)
        processor = min(processor, time.process_time() - used)
    return _Turn(1000 * latency, 1000 * processor)


def _speed(before: _Turn, after: _Turn) -> float:
    """How many times as fast, by the clock or by the processor time, whichever says less: a graph that computes less
    does both, and what else runs on the machine does not count for it."""
    return min(before.latency_ms / after.latency_ms, before.processor_ms / max(after.processor_ms, 1e-6))


def _worthwhile(tried: Sequence[_Tried]) -> _Tried | None:
    """The fastest, if it is worth it."""
    faster = [one for one in tried if not one.candidate.reason and (one.candidate.speed or 0) >= WORTH]
    return max(faster, key=lambda one: one.candidate.speed or 0, default=None)


def _place(graph: Path, beside: Path, out: Path) -> None:
    with building(out) as partial:
        copy_side_files(beside, partial)
        for path in graph.iterdir():
            path.rename(partial / path.name)
