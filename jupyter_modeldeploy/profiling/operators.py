"""Which operators of a graph take the time, from ONNX Runtime's own profiler."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import OperatorTime
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime, session_options

KERNEL_TIME = "_kernel_time"


def profile_onnx(
    folder: Path, inputs: Sequence[dict[str, np.ndarray]], repeats: int, reporter: Reporter
) -> list[OperatorTime]:
    """The operators of the ONNX model in `folder`, the costliest first, over `repeats` passes through `inputs`.

    `time_ms` is the sum over all `calls`, without the time of the nodes inside of a control-flow node (`Loop`, `If`);
    the shares sum to 1. One thread, as one call has in a service; a run before the measured ones is left out. The names
    are those of the optimized graph, where ONNX Runtime has fused nodes.

    Raises InvalidInput without inputs, for a model that does not load and for inputs that do not fit it."""
    if not inputs or repeats < 1:
        raise InvalidInput(
            f"{repeats} passes through {len(inputs)} inputs measure nothing.", "Give at least one of each."
        )
    with tempfile.TemporaryDirectory(prefix="modeldeploy-profile-") as scratch:
        _run(folder, inputs, repeats, Path(scratch) / "profile", reporter)
        events = [event for path in Path(scratch).iterdir() for event in _read(path)]
    return _shares(_self_times(events))


def _run(folder: Path, inputs: Sequence[dict[str, np.ndarray]], repeats: int, prefix: Path, reporter: Reporter) -> None:
    options = session_options(threads=1)
    options.enable_profiling = True
    options.profile_file_prefix = str(prefix)
    runtime = OnnxRuntime(folder, options=options)
    try:
        runtime.run(inputs[0])
        for number in range(repeats):
            reporter.progress(number, repeats, "passes", "Timing the operators")
            for tensors in inputs:
                runtime.run(tensors)
        reporter.progress(repeats, repeats, "passes", "Timing the operators")
    finally:
        runtime.close()  # the profile is written when its session ends


@dataclass(slots=True)
class _Event:
    """One node's run. `start` and `duration` in µs; `inner` is the time of nodes that ran inside of it."""

    name: str
    type: str
    thread: int
    start: int
    duration: int
    inner: int = 0


def _read(path: Path) -> Iterator[_Event]:
    """The nodes' runs after the first run of the model. The file holds one event a line; read so, since it has a
    kilobyte for each."""
    warm = False
    with path.open("rb") as lines:
        for line in lines:
            event: dict[str, Any] = orjson.loads(line.strip(b"[], \n") or b"{}")
            if warm and event.get("cat") == "Node" and event["name"].endswith(KERNEL_TIME):
                name = event["name"].removesuffix(KERNEL_TIME)
                yield _Event(name, event["args"]["op_name"], event["tid"], event["ts"], event["dur"])
            warm = warm or event.get("name") == "model_run"


def _self_times(events: list[_Event]) -> dict[tuple[str, str], list[int]]:
    """The own µs of each run, by the node's name and type."""
    open_nodes: list[_Event] = []
    for event in sorted(events, key=lambda event: (event.thread, event.start, -event.duration)):
        while open_nodes and not _encloses(open_nodes[-1], event):
            open_nodes.pop()
        if open_nodes:
            open_nodes[-1].inner += event.duration
        open_nodes.append(event)
    times: dict[tuple[str, str], list[int]] = {}
    for event in events:
        times.setdefault((event.name, event.type), []).append(max(0, event.duration - event.inner))
    return times


def _encloses(outer: _Event, inner: _Event) -> bool:
    return (
        outer.thread == inner.thread
        and outer.duration > 0
        and inner.start >= outer.start
        and inner.start + inner.duration <= outer.start + outer.duration
    )


def _shares(times: dict[tuple[str, str], list[int]]) -> list[OperatorTime]:
    total = sum(sum(runs) for runs in times.values())
    operators = [
        OperatorTime(
            name=name,
            type=type,
            share=sum(runs) / total if total else 1 / len(times),
            time_ms=sum(runs) / 1000,
            calls=len(runs),
        )
        for (name, type), runs in times.items()
    ]
    return sorted(operators, key=lambda operator: (-operator.time_ms, operator.name))
