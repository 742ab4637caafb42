"""How large a run answers its rows fastest.

Rows together save what a run costs whatever it holds, and lose what the processor's caches no longer hold. Measured
with MiniLM on 2 cores, rows of 128 tokens a second: one by one 81, by 2 85, by 4 85, by 8 76, by 16 70."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from jupyter_modeldeploy.datatypes import Tensors

TRIAL_S = 0.25
GAIN = 1.02  # rows together must be so much faster than fewer were
WORTH_S = 0.0005  # of a row: a faster model is not kept waiting by its own runs
TRIAL_LENGTH = 64  # of rows whose length is free: what holds for few long rows is taken to hold for more short ones


def fastest_size(
    run: Callable[[Tensors], Tensors], row: Tensors, most_rows: int, clock: Callable[[], float] = time.process_time
) -> float:
    """How many values of its first input a run should take, as tried with ever more of such rows; infinite where more
    rows were faster each time. A row that takes longer than the trial may is best alone.

    `clock` tells what is to be spared, in seconds: this process's processor time, which others' load does not stretch;
    for what runs elsewhere, time."""
    size = row_size(row)
    best, best_s = 1, _fastest_s(run, row, math.inf, clock)
    until = time.perf_counter() + TRIAL_S
    rows = 2
    while best_s > WORTH_S and rows <= most_rows and time.perf_counter() + rows * best_s < until:
        enough_s = rows * best_s / GAIN
        more = {name: np.repeat(array[:1], rows, axis=0) for name, array in row.items()}
        took_s = _fastest_s(run, more, enough_s, clock)
        if took_s > enough_s:
            return best * size
        best, best_s = rows, took_s / rows
        rows *= 2
    return math.inf if rows > most_rows or best_s <= WORTH_S else best * size


def row_size(tensors: Tensors) -> int:
    """The number of values that a row of the first input has."""
    first = next(iter(tensors.values()))
    return math.prod(first.shape[1:])


def shortened(row: Tensors, names: set[str]) -> Tensors:
    """The row with at most `TRIAL_LENGTH` columns in the inputs of these names."""
    return {name: array[:, :TRIAL_LENGTH] if name in names else array for name, array in row.items()}


def _fastest_s(
    run: Callable[[Tensors], Tensors], tensors: Tensors, enough_s: float, clock: Callable[[], float]
) -> float:
    """Seconds of a run, or of a second one where the first, which has memory to find, took longer than `enough_s`."""
    fastest = math.inf
    for _ in range(2):
        begun = clock()
        run(tensors)
        fastest = min(fastest, clock() - begun)
        if fastest <= enough_s < math.inf:
            break
    return fastest
