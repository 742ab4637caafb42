"""What a sweep says: where the knee of the throughput-latency curve is, and at which concurrency to run.

The knee is where the ratio of throughput to latency is the highest: Kleinrock's power ("Power and deterministic rules
of thumb for probabilistic problems in computer communications", ICC 1979; Jain, "The Art of Computer Systems
Performance Analysis" (1991), chapter 33). Below it there is throughput to be had for little latency, above it latency
is paid for little throughput."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jupyter_modeldeploy.records.loads import LoadMode, LoadStep

MOST_FAILED = 0.01
KEPT_UP = 0.95
"""A rate counts as kept up with from this share of it on."""


def power(step: LoadStep) -> float:
    """Requests a second for each millisecond of mean latency; 0 for a step that failed too often or did not keep up."""
    # In a closed loop the mean that goes with the throughput is the plain one (Little's law).
    mean = step.naive.mean if step.concurrency is not None else step.latency.mean
    return step.throughput_rps / mean if mean and sound(step) else 0.0


def sound(step: LoadStep) -> bool:
    failed_often = step.failed > MOST_FAILED * step.requests
    return step.requests > 0 and not failed_often and kept_up(step)


def kept_up(step: LoadStep) -> bool:
    """Whether a rate was kept up with, within what Poisson arrivals vary by."""
    if step.rate is None:
        return True
    expected = step.rate * step.seconds
    return step.throughput_rps * step.seconds >= KEPT_UP * expected - 2 * math.sqrt(expected)


def latency_ms(step: LoadStep, percentile: float) -> float | None:
    """The step's latency at the percentile of the next one up that is told of."""
    told = step.latency
    by_percent = {50: told.p50, 90: told.p90, 95: told.p95, 99: told.p99, 99.9: told.p99_9}
    found = by_percent[next(each for each in by_percent if each >= percentile)]
    return found.value if found else None


def knee(steps: Sequence[LoadStep]) -> int | None:
    """The index of the step with the most power; None where no step was sound."""
    powers = [power(step) for step in steps]
    best = max(range(len(steps)), key=lambda index: powers[index], default=None)
    return best if best is not None and powers[best] > 0 else None


def recommended(steps: Sequence[LoadStep], percentile: float, limit_ms: float | None) -> int | None:
    """The knee; with a limit, the step of the highest throughput whose latency at the percentile stays below it."""
    if limit_ms is None:
        return knee(steps)
    within = [
        index
        for index, step in enumerate(steps)
        if sound(step) and (found := latency_ms(step, percentile)) is not None and found <= limit_ms
    ]
    return max(within, key=lambda index: steps[index].throughput_rps, default=None)


def advice(steps: Sequence[LoadStep], mode: LoadMode, at: int | None, percentile: float, limit_ms: float | None) -> str:
    """Why that step, in a sentence or two."""
    if at is None:
        wanted = f" within {limit_ms:g} ms at the {percentile:g}th percentile" if limit_ms is not None else ""
        return f"No step was answered{wanted}: try less load, or see what failed."
    step = steps[at]
    latency = latency_ms(step, percentile)
    figures = f"{step.throughput_rps:,.4g} requests/s"
    if latency is not None:
        figures = f"{step.throughput_rps:,.4g} requests/s, {latency:.3g} ms at the {percentile:g}th percentile"
    if mode == "trace" or len(steps) == 1:
        return f"{figures}. One step makes no curve: several concurrencies or rates show where the knee is."
    what = f"concurrency {step.concurrency}" if step.concurrency is not None else f"{step.rate:g} requests/s"
    why = "the most within the limit" if limit_ms is not None else "the knee, where throughput over latency is highest"
    last = at == len(steps) - 1
    more = " It is the highest that was tried: there may be more." if last and sound(step) else ""
    return f"Run at {what}: {figures} ({why}).{more}"
