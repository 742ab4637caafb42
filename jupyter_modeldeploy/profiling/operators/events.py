"""Calls of operators as a profiler recorded them, and how they lie within each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

import numpy as np

from jupyter_modeldeploy.records.graphs import ModelGraph

QUICKEST = 1 / 3
"""The share of each input's runs that is looked at: those that the machine's other work disturbed least."""

ALIKE = 0.98
"""The least share of calls that two runs have in common, for them to be runs of the same."""


@dataclass(slots=True)
class Event:
    """One call. `start` and `duration` in µs; `inner` is the time of the `children`, calls directly within it."""

    name: str
    type: str
    start: float
    duration: float
    thread: int = 0
    inner: float = 0.0
    children: int = 0
    depth: int = 0
    layer: str = ""
    shapes: str = ""
    dtype: str = ""
    operations: float | None = None
    bytes: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Cost:
    """What the profiler itself takes for an event, in µs: of the event's own time, and of whatever is around it."""

    within: float
    around: float

    @property
    def whole(self) -> float:
        return self.within + self.around


@dataclass
class Run:
    """One profiled run: its wall time in µs, and what was called in it."""

    wall: float
    events: list[Event]


@dataclass
class Recording:
    """Passes through all inputs, with the profiler and without it in turns: the runs of each pass, and their µs; and
    the graph that was run, where the runtime has one."""

    profiled: list[list[Run]]
    plain: list[list[float]]
    inputs: int
    graph: ModelGraph | None = None

    def ranked(self) -> Recording:
        """The same with the quickest runs of all inputs as the first pass, the second quickest as the next, and so on:
        where one run of a pass was disturbed, the others of it still count."""
        profiled = zip(
            *(sorted(runs, key=lambda run: run.wall) for runs in zip(*self.profiled, strict=True)), strict=True
        )
        plain = zip(*(sorted(walls) for walls in zip(*self.plain, strict=True)), strict=True)
        return Recording([list(runs) for runs in profiled], [list(walls) for walls in plain], self.inputs)


def nest(events: Sequence[Event]) -> list[Event]:
    """The events by their start, each told how deep it lies and how much of it belongs to others."""
    ordered = sorted(events, key=lambda event: (event.thread, event.start, -event.duration))
    around: list[Event] = []
    for event in ordered:
        while around and not _encloses(around[-1], event):
            around.pop()
        if around:
            around[-1].inner += event.duration
            around[-1].children += 1
        event.depth = len(around)
        around.append(event)
    return ordered


@cache
def paired(names: tuple[str, ...], known: tuple[str, ...]) -> Sequence[tuple[int, int]]:
    """Which calls of one run are which of another's, by their names in their order: a profiler leaves a call out now
    and then. None where the runs called something else."""
    matched = SequenceMatcher(None, names, known, autojunk=False)
    if matched.ratio() < ALIKE:
        return ()
    blocks = matched.get_matching_blocks()
    return [(block.a + place, block.b + place) for block in blocks for place in range(block.size)]


def self_time(event: Event, cost: Cost) -> float:
    """The event's own µs, without those of the calls within it and without the profiler's."""
    return max(0.0, event.duration - event.inner - cost.within - cost.around * event.children)


def quickest(values: Sequence[float]) -> list[int]:
    """The places of the quickest third, the quickest first; at least one."""
    return [int(place) for place in np.argsort(values, kind="stable")[: max(1, round(QUICKEST * len(values)))]]


def mean_of_quickest(values: Sequence[float]) -> float:
    return float(np.mean([values[place] for place in quickest(values)]))


def _encloses(outer: Event, inner: Event) -> bool:
    return (
        outer.thread == inner.thread
        and outer.duration > 0
        and inner.start >= outer.start
        and inner.start + inner.duration <= outer.start + outer.duration
    )
