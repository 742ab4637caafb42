"""Passes through the inputs without a profiler and with it, in turns, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.processes import Promptly, at_once
from jupyter_modeldeploy.progress import Reporter

T = TypeVar("T")
LEAST_PASSES = 5

Pass = Callable[[Promptly], list[float]]
"""One pass through the inputs, whose runs are done promptly; gives the µs of each."""


@dataclass(frozen=True)
class Pace:
    """For how many seconds to time, and which share of them to be at it: the rest is left to others. What is timed is
    done `promptly`, though all else may step aside."""

    seconds: float
    share: float = 1.0
    promptly: Promptly = at_once

    def at_work(self, work: Callable[[], T]) -> T:
        """The result of work that is done promptly, after as much rest as it asks for."""
        began = time.perf_counter()
        found = self.promptly(work)
        time.sleep((time.perf_counter() - began) * (1 / self.share - 1))
        return found


def in_turns(
    plain: Pass, profiled: Pass, pace: Pace, most: int, reporter: Reporter
) -> tuple[list[list[float]], list[list[float]]]:
    """What the passes gave: at least five of each kind, at most `most`, for about so many seconds."""
    seconds = pace.seconds
    found: tuple[list[list[float]], list[list[float]]] = ([], [])
    started = time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds or len(found[0]) < LEAST_PASSES:
        if len(found[0]) >= max(most, LEAST_PASSES):
            break
        reporter.progress(min(spent, seconds), seconds, "s", "Timing the operators")
        for one, walls in zip((plain, profiled), found, strict=True):
            walls.append(one(pace.at_work))
    reporter.progress(seconds, seconds, "s", "Timing the operators")
    return found


def one_run(run: Callable[[Tensors], object], tensors: Tensors) -> float:
    """The µs of one run."""
    started = time.perf_counter_ns()
    run(tensors)
    return (time.perf_counter_ns() - started) / 1000
