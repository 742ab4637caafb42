"""When requests are due in an open loop: whole nanoseconds after the beginning, in order, without an end but a trace's.

An open loop sends when a request is due and not when the one before is answered, as clients do who know nothing of each
other ("Open Versus Closed: A Cautionary Tale", Schroeder, Wierman and Harchol-Balter, NSDI 2006)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np

AT_A_TIME = 4096


def constant(rate: float) -> Iterator[int]:
    """One every 1/`rate` seconds."""
    return (round(number * 1e9 / rate) for number in count())


def poisson(rate: float, seed: int = 0) -> Iterator[int]:
    """Gaps of an exponential distribution: many clients that each ask seldom. The same seed gives the same times."""
    generator = np.random.default_rng(seed)
    begin = 0.0
    while True:
        times = begin + np.cumsum(generator.exponential(1e9 / rate, AT_A_TIME))
        begin = float(times[-1])
        yield from times.astype(np.int64).tolist()


def recorded(seconds: Sequence[float], speed: float = 1.0) -> Iterator[int]:
    """A trace's times, from its first on, `speed` times as fast."""
    first = min(seconds)
    return (round((one - first) * 1e9 / speed) for one in sorted(seconds))
