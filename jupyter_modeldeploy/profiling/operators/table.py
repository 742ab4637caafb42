"""One table of operators from what was recorded of either runtime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_modeldeploy.profiling.operators.events import (
    Cost,
    Event,
    Recording,
    Run,
    mean_of_quickest,
    quickest,
    self_time,
)
from jupyter_modeldeploy.records.profiles import DISPATCH, Bound, Limits, Operator, Span

BETWEEN = "(between operators)"
MOST_SPANS = 3000

Key = tuple[str, str, str]


@dataclass
class _Row:
    """All calls of one operator in the passes that are looked at."""

    time: float = 0.0
    calls: int = 0
    shapes: set[str] = field(default_factory=set)
    operations: float = 0.0
    bytes: float = 0.0
    counted: int = 0
    sized: int = 0
    memory: int = 0


def cost(recording: Recording, within: float) -> Cost:
    """What the profiler took for an event, from how much longer the runs with it are; `within` is the part of that
    which falls into the event's own time."""
    longer = profiled_ms(recording) - plain_ms(recording)
    whole = max(0.0, 1000 * longer / max(1.0, events_in_a_run(recording)))
    return Cost(within=within * whole, around=(1 - within) * whole)


def halves(recording: Recording) -> tuple[Recording, Recording]:
    """Every second of its passes, and the others, ranked: what is found on one can be held against the other."""
    first, second = (
        Recording(recording.profiled[start::2], recording.plain[start::2], recording.inputs).ranked()
        for start in (0, 1)
    )
    return first, second


def operators(recording: Recording, cost: Cost, limits: Limits) -> list[Operator]:
    """The operators in the mean run of the quickest third of the passes, the costliest first, with what the runs took
    beside them as a row of its own."""
    chosen = [run for place in _quickest(recording) for run in recording.profiled[place]]
    rows: dict[Key, _Row] = defaultdict(_Row)
    samples: dict[Key, Event] = {}
    for run in chosen:
        for event in run.events:
            key = (event.name, event.type, event.layer)
            samples.setdefault(key, event)
            _add(rows[key], event, cost)
    outside = sum(_outside(run, cost) for run in chosen) / len(chosen)
    total = sum(row.time for row in rows.values()) / len(chosen) + outside
    found = [_operator(samples[key], row, len(chosen), total, limits) for key, row in rows.items()]
    between = Operator(
        name=BETWEEN, type=DISPATCH, share=outside / total if total else 0.0, time_ms=outside / 1000, calls=1
    )
    return sorted([*found, between], key=lambda one: (-one.time_ms, one.name))


def timeline(recording: Recording, cost: Cost) -> list[Span]:
    """The calls of one run of the middle one of those passes, the longest of them where there are too many; without
    the profiler's own time, so that they lie as close to each other as they do without it."""
    places = quickest([_wall(runs) for runs in recording.profiled])
    run = recording.profiled[places[len(places) // 2]][0]
    starts, spent, started = [], 0.0, min((event.start for event in run.events), default=0.0)
    for event in run.events:
        starts.append((event, max(0.0, event.start - started - spent)))
        spent += cost.whole
    shown = sorted(starts, key=lambda pair: -pair[0].duration)[:MOST_SPANS]
    return [_span(event, start, cost) for event, start in sorted(shown, key=lambda pair: pair[1])]


def plain_ms(recording: Recording) -> float:
    """A run without the profiler."""
    return mean_of_quickest([sum(walls) for walls in recording.plain]) / recording.inputs / 1000


def profiled_ms(recording: Recording) -> float:
    return mean_of_quickest([_wall(runs) for runs in recording.profiled]) / recording.inputs / 1000


def events_in_a_run(recording: Recording) -> float:
    runs = [run for runs in recording.profiled for run in runs]
    return sum(len(run.events) for run in runs) / len(runs)


def _quickest(recording: Recording) -> list[int]:
    return quickest([_wall(runs) for runs in recording.profiled])


def _wall(runs: Sequence[Run]) -> float:
    return sum(run.wall for run in runs)


def _outside(run: Run, cost: Cost) -> float:
    """The µs of a run in no operator: the runtime's dispatch, Python, the hand-over of tensors."""
    top = [event for event in run.events if event.depth == 0]
    return max(0.0, run.wall - sum(event.duration for event in top) - cost.around * len(top))


def _add(row: _Row, event: Event, cost: Cost) -> None:
    row.time += self_time(event, cost)
    row.calls += 1
    row.shapes.add(event.shapes)
    row.memory += event.memory_bytes or 0
    if event.operations is not None:
        row.operations += event.operations
        row.counted += 1
    if event.bytes is not None:
        row.bytes += event.bytes
        row.sized += 1


def _operator(sample: Event, row: _Row, runs: int, total: float, limits: Limits) -> Operator:
    time_us = row.time / runs
    operations = row.operations / runs if row.counted == row.calls else None
    moved = row.bytes / runs if row.sized == row.calls else None
    bound, reached = _limit(operations, moved, row.calls / runs, time_us, sample.dtype, limits)
    return Operator(
        name=sample.name,
        type=sample.type,
        layer=sample.layer,
        dtype=sample.dtype,
        shapes=sample.shapes if len(row.shapes) == 1 else f"{sample.shapes} and {len(row.shapes) - 1} more",
        share=time_us / total if total else 0.0,
        time_ms=time_us / 1000,
        calls=row.calls / runs,
        operations=operations,
        bytes=moved,
        gflops=operations / time_us / 1000 if operations is not None and time_us else None,
        gb_per_s=moved / time_us / 1000 if moved is not None and time_us else None,
        bound=bound,
        of_limit=reached,
        memory_bytes=round(row.memory / runs) if row.memory else None,
    )


def _limit(
    operations: float | None, moved: float | None, calls: float, time_us: float, dtype: str, limits: Limits
) -> tuple[Bound | None, float | None]:
    """The nearer of the machine's two limits, and how much of it is reached: the least time over the one taken."""
    if not time_us or moved is None:
        return None, None
    most = limits.gflops.get(dtype, limits.gflops["FP32"])
    computing = (operations or 0.0) / most / 1000
    moving = moved / limits.gb_per_s(moved / calls) / 1000
    bound: Bound = "compute" if computing > moving else "memory"
    return bound, max(computing, moving) / time_us


def _span(event: Event, start: float, cost: Cost) -> Span:
    duration = max(0.0, event.duration - cost.within - cost.whole * event.children)
    return Span(
        name=event.name,
        type=event.type,
        layer=event.layer,
        start_ms=start / 1000,
        duration_ms=duration / 1000,
        depth=event.depth,
    )
