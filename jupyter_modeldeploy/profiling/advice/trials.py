"""What a change gains: the service and what stands beside it are put under the same load, in turns.

Turns cancel what else the machine does: each round gives one ratio, and their middle is what counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_modeldeploy import intervals
from jupyter_modeldeploy.profiling.load.plan import Plan, Step
from jupyter_modeldeploy.profiling.load.process import Sending, sending
from jupyter_modeldeploy.profiling.load.windows import Length
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.loads import LoadStep

TURN_S, LONGEST_TURN_S, WARMUP_S = 1.0, 4.0, 0.3
ANSWERS = 2
"""A turn is long enough for so many answers on each connection: with fewer, one more or less is in the ratio."""
FEWEST, MOST = 6, 20
NARROW = 1.1
"""The upper end of the interval over its lower one, from which on more rounds would tell nothing new."""
MOST_FAILED = 0.01
WORTH = 1.05
"""A gain below this is not worth a change, however sure it is."""


@dataclass(frozen=True)
class Gain:
    """`speed_up` is of requests a second, the trial's over the service's; `failed` is the share of the trial's requests
    that were answered with an error."""

    speed_up: Interval
    latency_ratio: Interval | None
    failed: float
    seconds: float
    rounds: int

    @property
    def worth(self) -> bool:
        """Whether it is beyond its own noise, and not by a trifle."""
        return self.speed_up.low > 1.0 and self.speed_up.value >= WORTH and self.failed <= MOST_FAILED


def compare(base: Plan, other: Plan, concurrency: int, seconds: float, reporter: Reporter, name: str) -> Gain:
    """`other` beside `base`, in turns for about so many seconds, or until more would tell nothing: many short turns
    tell more than few long ones where others use the machine. The first turn of each is not counted: it warms up, and
    tells how long the others must be. Raises Unavailable when one of them does not answer, WorkerDied."""
    found: tuple[list[LoadStep], list[LoadStep]] = ([], [])
    begun = time.monotonic()
    with sending(base) as first, sending(other) as second:
        sides = (first, second)
        steps = [_turn(concurrency, _seconds(concurrency, _warm(side, concurrency))) for side in sides]
        for number in range(MOST):
            spent = time.monotonic() - begun
            if number >= FEWEST and (spent >= seconds or _narrow(gain(*found).speed_up)):
                break
            reporter.progress(min(spent, seconds), seconds, "s", f"Trying: {name}")
            for place in (0, 1) if number % 2 else (1, 0):
                found[place].append(sides[place].measure(steps[place]))
    reporter.progress(seconds, seconds, "s", f"Trying: {name}")
    return gain(*found)


def _turn(concurrency: int, seconds: float) -> Step:
    length = Length(seconds, WARMUP_S, seconds / 5, percentile=50, tolerance=1.0, to_the_end=True)
    return Step(length, concurrency=concurrency)


def _warm(side: Sending, concurrency: int) -> float:
    """Answers a second."""
    return side.measure(_turn(concurrency, TURN_S)).throughput_rps


def _seconds(concurrency: int, rate: float) -> float:
    """How long a turn is at so many answers a second."""
    return min(LONGEST_TURN_S, max(TURN_S, ANSWERS * concurrency / rate)) if rate else LONGEST_TURN_S


def _narrow(interval: Interval) -> bool:
    return interval.high <= NARROW * interval.low


def gain(base: Sequence[LoadStep], other: Sequence[LoadStep]) -> Gain:
    """What rounds say, the first of `base` beside the first of `other`."""
    ours, theirs = ([step.throughput_rps for step in side] for side in (other, base))
    waits, theirs_waits = ([step.naive.p50.value for step in side if step.naive.p50] for side in (other, base))
    requests = sum(step.requests for step in other)
    return Gain(
        speed_up=intervals.ratio_of_pairs(ours, theirs),
        latency_ratio=intervals.ratio_of_pairs(waits, theirs_waits) if len(waits) == len(theirs_waits) else None,
        failed=sum(step.failed for step in other) / requests if requests else 1.0,
        seconds=sum(step.seconds for step in [*base, *other]),
        rounds=len(base),
    )
