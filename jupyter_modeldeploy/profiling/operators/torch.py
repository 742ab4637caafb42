"""The operators of a model that torch runs, from the events of torch.profiler.

Times come from runs with the bare profiler. Shapes, memory and modules are known from one run of each input of their
own (`torch_structure`), and are put together with the times by the order of the calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from torch.profiler import ProfilerActivity, profile, record_function

from jupyter_modeldeploy import runtimes
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.processes import Promptly
from jupyter_modeldeploy.profiling.operators.events import Event, Recording, Run, nest, paired
from jupyter_modeldeploy.profiling.operators.timing import Pace, in_turns, one_run
from jupyter_modeldeploy.profiling.operators.torch_structure import structure
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.signatures import Format

RUN = "modeldeploy run"
PASS_US = 30_000.0  # to start and stop the profiler takes milliseconds
MOST_PASSES = 40


def record(
    folder: Path, format: Format, inputs: Sequence[Tensors], pace: Pace, threads: int, reporter: Reporter
) -> Recording:
    """Runs of the model on the processor. Calls within others are told apart from them, as torch does."""
    runtime = runtimes.load(format, folder, threads=threads, device="cpu")
    try:
        for tensors in inputs:
            runtime.run(tensors)
        return _in_turns([_bound(runtime.run, tensors) for tensors in inputs], pace, reporter)
    finally:
        runtime.close()


def _in_turns(runs: Sequence[Callable[[], object]], pace: Pace, reporter: Reporter) -> Recording:
    described = [structure(run) for run in runs]
    for run in runs:
        run()
    once = sum(_timed(run) for run in runs)
    repeated = [*runs] * max(1, math.ceil(PASS_US / once))
    found: list[list[Run]] = []
    _profiled(repeated)  # the first start of the profiler takes much longer

    def with_profiler(promptly: Promptly) -> list[float]:
        walls, told = promptly(lambda: _profiled(repeated))
        found.append(_runs(walls, told))
        return walls

    def without(promptly: Promptly) -> list[float]:
        return promptly(lambda: [_timed(run) for run in repeated])

    plain, _ = in_turns(without, with_profiler, pace, MOST_PASSES, reporter)
    for runs_of_pass in found:
        for number, run_of_pass in enumerate(runs_of_pass):
            events, known = run_of_pass.events, described[number % len(runs)]
            _describe(events, known, paired(*(tuple(event.name for event in each) for each in (events, known))))
    return Recording(found, plain, len(repeated))


def _profiled(runs: Sequence[Callable[[], object]]) -> tuple[list[float], profile]:
    """The µs of each run, and what the profiler recorded."""
    walls = []
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        for run in runs:
            with record_function(RUN):
                walls.append(_timed(run))
    return walls, profiler


def _runs(walls: Sequence[float], profiler: profile) -> list[Run]:
    told = profiler.events() or []  # type: ignore[no-untyped-call]
    marks = [each for each in told if each.name == RUN]
    main = marks[0].thread
    events = nest(
        [
            Event(each.name, each.name, each.time_range.start, each.time_range.end - each.time_range.start)
            for each in told
            if each.thread == main and not each.is_async
        ]
    )
    found: list[Run] = []
    for event in events:
        if event.name == RUN:
            found.append(Run(walls[len(found)], []))
        elif found and event.depth > 0:
            event.depth -= 1
            found[-1].events.append(event)
    return found


def _describe(events: list[Event], described: Sequence[Event], pairs: Sequence[tuple[int, int]]) -> None:
    """Give the calls what is known of those that they are paired with."""
    for place, other in pairs:
        event, known = events[place], described[other]
        event.layer, event.shapes, event.dtype = known.layer, known.shapes, known.dtype
        event.operations, event.bytes, event.memory_bytes = known.operations, known.bytes, known.memory_bytes


def _bound(run: Callable[[Tensors], object], tensors: Tensors) -> Callable[[], object]:
    return lambda: run(tensors)


def _timed(run: Callable[[], object]) -> float:
    return one_run(lambda _: run(), {})
