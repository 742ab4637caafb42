"""Passes through the inputs without a profiler and with it, in turns, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.progress import Reporter

LEAST_PASSES = 5

Pass = Callable[[], list[float]]
"""One pass through the inputs; gives the µs of each run."""


def in_turns(
    plain: Pass, profiled: Pass, seconds: float, most: int, reporter: Reporter
) -> tuple[list[list[float]], list[list[float]]]:
    """What the passes gave: at least five of each kind, at most `most`, for about so many seconds."""
    found: tuple[list[list[float]], list[list[float]]] = ([], [])
    started = time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds or len(found[0]) < LEAST_PASSES:
        if len(found[0]) >= max(most, LEAST_PASSES):
            break
        reporter.progress(min(spent, seconds), seconds, "s", "Timing the operators")
        for one, walls in zip((plain, profiled), found, strict=True):
            walls.append(one())
    reporter.progress(seconds, seconds, "s", "Timing the operators")
    return found


def one_run(run: Callable[[Tensors], object], tensors: Tensors) -> float:
    """The µs of one run."""
    started = time.perf_counter_ns()
    run(tensors)
    return (time.perf_counter_ns() - started) / 1000
