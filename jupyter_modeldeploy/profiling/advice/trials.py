"""What a change gains: the service and what stands beside it are put under the same load, in turns.

Turns cancel what else the machine does: each round gives one ratio, and their middle is what counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_modeldeploy import intervals
from jupyter_modeldeploy.profiling.load.plan import Plan, Step
from jupyter_modeldeploy.profiling.load.process import measure
from jupyter_modeldeploy.profiling.load.windows import Length
from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.loads import LoadStep

ROUND_S, WARMUP_S = 1.0, 0.3
FEWEST, MOST = 5, 12
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
    """`other` beside `base`, in turns for about so many seconds: many short turns tell more than few long ones where
    others use the machine. Raises Unavailable when one of them does not answer, WorkerDied."""
    found: tuple[list[LoadStep], list[LoadStep]] = ([], [])
    length = Length(ROUND_S, WARMUP_S, ROUND_S / 5, percentile=50, tolerance=1.0, to_the_end=True)
    step = Step(length, concurrency=concurrency)
    plans = [replace(plan, steps=[step], statistics_url=None) for plan in (base, other)]
    begun = time.monotonic()
    for number in range(MOST):
        spent = time.monotonic() - begun
        if number >= FEWEST and spent >= seconds:
            break
        reporter.progress(min(spent, seconds), seconds, "s", f"Trying: {name}")
        for side in (0, 1) if number % 2 else (1, 0):
            found[side].extend(measure(plans[side], Silent()))
    reporter.progress(seconds, seconds, "s", f"Trying: {name}")
    return gain(*found)


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
