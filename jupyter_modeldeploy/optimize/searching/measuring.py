"""What candidates are measured on and in which layouts, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, TimedOut
from jupyter_modeldeploy.judging.versions import Questions
from jupyter_modeldeploy.optimize.searching import tensors
from jupyter_modeldeploy.optimize.searching.bench import Bench, Turn
from jupyter_modeldeploy.optimize.searching.layouts import BATCHES, Layouts
from jupyter_modeldeploy.optimize.searching.state import State
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Layout, Timing
from jupyter_modeldeploy.runtimes import tensor_files
from jupyter_modeldeploy.tasks import Task

LENGTHS = 8
"""Texts of so many lengths, from the shortest to the longest."""
ENOUGH_RUNS, LEAST_TURN_S = 40, 0.05
HOPELESS = 0.5
TIMING_PERCENT = 4.0
"""Of the search, that each time takes."""


@dataclass(frozen=True)
class Effort:
    """`rounds` of turns of at most `seconds`; quick models need less."""

    rounds: int
    seconds: float


class Measuring:
    """Times the candidates of a search on a bench, and the original with them. Who fails is ruled out."""

    def __init__(self, state: State, bench: Bench, layouts: Layouts) -> None:
        self._state, self._bench, self._layouts = state, bench, layouts

    def compare(self, names: Sequence[str], effort: Effort) -> None:
        """In the layouts that the target asks for."""
        for name, timings in self._timed(names, effort, self._layouts.wanted).items():
            self._state.change(name, timings=timings, best=self._layouts.best(timings))
        if self._state.found.target == "memory":
            self._weigh([ORIGINAL, *names])

    def describe(self, names: Sequence[str], effort: Effort) -> None:
        """In all layouts, and their memory: what a report tells."""
        for name, timings in self._timed(names, effort, self._layouts.every).items():
            self._state.change(
                name,
                timings=timings,
                best=self._layouts.best(timings),
                latency=self._layouts.quickest(timings),
                throughput=self._layouts.busiest(timings),
            )
        self._weigh([ORIGINAL, *names])

    def _timed(self, names: Sequence[str], effort: Effort, layouts: Sequence[Layout]) -> dict[str, list[Timing]]:
        state = self._state
        bearable = [one for one in layouts if self._layouts.is_bearable(one, state.run_s)]
        hopeless = {name: _hopeless(state.get(name).timings) for name in names}
        hopeless[ORIGINAL] = set()  # its best is what all are held against: a busy moment must not decide which that is
        turns = [
            Turn(name, layout)
            for layout in bearable
            for name in [ORIGINAL, *names]
            if layout.threads not in hopeless[name]
        ]
        seconds = min(effort.seconds, max(LEAST_TURN_S, ENOUGH_RUNS * state.run_s))
        begun = state.percent
        timed, failed = self._bench.rounds(
            turns,
            ORIGINAL,
            effort.rounds,
            seconds,
            state.timeout_s,
            lambda share: state.tell(begun + TIMING_PERCENT * share, f"timing {len(names) + 1} candidates"),
        )
        for name, error in failed.items():
            state.rule_out(name, "failed", str(error))
        found: dict[str, list[Timing]] = {}
        for turn, timing in timed.items():
            found.setdefault(turn.name, []).append(timing)
        return found

    def _weigh(self, names: Sequence[str]) -> None:
        """The peak memory of each, which does not change from one rung to the next."""
        state = self._state
        for name in names:
            one = state.get(name)
            if one.peak_memory_bytes is not None or one.verdict == "failed":
                continue
            layout = one.best.layout if one.best and state.found.target == "throughput" else Layout(threads=1)
            try:
                peak = self._bench.peak_bytes(name, layout, state.timeout_s())
            except TimedOut:
                raise
            except ModelDeployError as error:
                state.rule_out(name, "failed", str(error))
                continue
            state.change(name, peak_memory_bytes=peak)


def _hopeless(timings: Sequence[Timing]) -> set[int]:
    """Numbers of threads with which a candidate was so much slower before that they need not be tried again."""
    speeds: dict[int, float] = {}
    for one in timings:
        speeds[one.layout.threads] = max(one.speed.median, speeds.get(one.layout.threads, 0.0))
    most = max(speeds.values(), default=0.0)
    return {threads for threads, speed in speeds.items() if speed < HOPELESS * most}


def write_inputs(folder: Path, asked: Questions, reader: Task, length: int | None) -> None:
    """Batches of rows as the model gets them, a file for each number of rows that is timed. Texts are of all lengths
    that there are, or repeated to `length` tokens. Raises InvalidInput for a length of what is no text."""
    folder.mkdir(parents=True, exist_ok=True)
    by_size = sorted(range(len(asked)), key=asked.size)
    is_varied = length is None and asked.size(by_size[0]) != asked.size(by_size[-1])
    for rows in BATCHES:
        path = folder / f"{rows}.npz"
        if not path.exists():
            places = _places(len(by_size), rows, is_varied)
            batches = [reader.encode([asked.item(by_size[place]) for place in batch]) for batch in places]
            tensor_files.save(path, batches if length is None else [_of_length(batch, length) for batch in batches])


def _places(count: int, rows: int, is_varied: bool) -> list[list[int]]:
    """Of images two batches will do."""
    if rows == 1:
        return [[int(place)] for place in np.linspace(0, count - 1, LENGTHS if is_varied else 2).round()]
    drawn = np.random.default_rng(0).choice(count, (LENGTHS // 2 if is_varied else 2, rows))
    return [[int(place) for place in batch] for batch in drawn]


def _of_length(batch: Tensors, length: int) -> Tensors:
    if not tensors.is_of_tokens(batch):
        raise InvalidInput("A length is for texts alone.", "Leave it out.")
    return tensors.of_length(batch, length)
