"""The load generator beside wrk on the same endpoint, in turns: throughput, p50 and p99."""

from __future__ import annotations

import statistics
from typing import Any

from serving_bench import generators, shapes
from serving_bench.generators import Address
from serving_bench.shapes import TINY

from jupyter_modeldeploy.profiling.load import Body, Length, Plan, Step, measure
from jupyter_modeldeploy.progress import Silent
from profile_bench import stall

CONNECTIONS, SECONDS, ROUNDS = 16, 6, 5
ANSWERS_AFTER = stall.Schedule(period=1.0, stall=0.0, service=0.01)
"""A server that takes 10 ms: with a faster one both would measure who gets the processor."""
FIGURES = ("requests_per_s", "p50_ms", "p99_ms")


def run() -> dict[str, Any]:
    """The median over the rounds of each figure's ratio of ours to wrk's, and the largest of their distances from 1."""
    generators.check_installed()
    shapes.make()
    ratios: dict[str, list[float]] = {name: [] for name in FIGURES}
    length = Length(SECONDS, 0.0, SECONDS / 6, percentile=99, tolerance=0.1, to_the_end=True)
    with stall.server(ANSWERS_AFTER) as url:
        address = Address(url.removesuffix("/predict"))
        plan = Plan(
            address.http + TINY.path, [Body(TINY.json.read_bytes(), {})], [Step(length, concurrency=CONNECTIONS)]
        )
        for _ in range(ROUNDS):
            theirs = generators.drive(address, TINY, "json", CONNECTIONS, SECONDS)
            (step,) = measure(plan, Silent())
            assert step.latency.p50 is not None
            assert step.latency.p99 is not None
            ours = (step.throughput_rps, step.latency.p50.value, step.latency.p99.value)
            for name, value in zip(FIGURES, ours, strict=True):
                ratios[name].append(value / getattr(theirs, name))
    medians = {name: statistics.median(found) for name, found in ratios.items()}
    print("ours over wrk's: " + ", ".join(f"{name} {ratio:.3f}" for name, ratio in medians.items()))
    return {"wrk_agreement_error": max(abs(ratio - 1) for ratio in medians.values()), "wrk": ratios}
