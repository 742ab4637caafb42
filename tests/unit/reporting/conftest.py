"""A report with plausible figures, for the tests to print."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_modeldeploy.records import Experiment, Interval, Latency, MetricComparison, OperatorTime
from jupyter_modeldeploy.reporting.report import Comparison, LatencyPair, LineageStep, Parity, Report, ThroughputPair


def latency(p50: float, throughput: float) -> Latency:
    return Latency(
        p50=p50, p90=2 * p50, p99=3 * p50, mean=p50, requests=400, errors=0, throughput_rps=throughput, concurrency=1
    )


def metric(name: str, unit: str, interval: tuple[float, float, float], verdict: Any) -> MetricComparison:
    value, low, high = interval
    return MetricComparison(
        metric=name,
        unit=unit,
        lower_is_better=name != "accuracy",
        base=3.0 if unit == "ms" else 0.84,
        candidate=3.0 + value if unit == "ms" else 0.84 + value,
        difference=Interval(value=value, low=low, high=high),
        verdict=verdict,
        base_samples=488,
        candidate_samples=512,
        method="",
    )


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(
        id="1",
        service="sentiment-demo",
        base="sentiment@2",
        candidate="sentiment@3",
        split=[0.5, 0.5],
        metrics=[
            metric("latency_ms", "ms", (-1.2, -1.3, -1.1), "better"),
            metric("error_rate", "proportion", (0.0, 0.0, 0.0), "undecided"),
            metric("accuracy", "proportion", (-0.002, -0.019, 0.015), "undecided"),
        ],
        split_p_value=0.448,
        verdict="sentiment@3 answers 40 % faster.",
        owner="someone",
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@pytest.fixture
def report(experiment: Experiment) -> Report:
    return Report(
        created_at=datetime(2026, 11, 21, 9, 5, tzinfo=UTC),
        accuracy_before=0.503,
        accuracy_fp32=0.842,
        accuracy_int8=0.840,
        accuracy_difference=-0.002,
        accuracy_difference_ci=(-0.008, 0.004),
        accuracy_intervals={"fp32": Interval(value=0.842, low=0.82, high=0.86)},
        test_samples=1200,
        size_fp32_bytes=92_354_000,
        size_int8_bytes=24_344_000,
        latency_ms=LatencyPair(fp32=latency(3.4, 280), int8=latency(1.7, 520)),
        throughput_rps=ThroughputPair(fp32=312, int8=640, concurrency=4),
        peak_memory_bytes=117_000_000,
        peak_memory_fp32_bytes=214_000_000,
        operators=[
            OperatorTime(
                name=f"node_{number:02}", type="MatMul" if number % 2 else "Add", share=1 / 12, time_ms=1, calls=2
            )
            for number in range(12)
        ],
        comparison=Comparison.of(experiment),
        lineage=[LineageStep(ref="minilm@1", step="fetched", format="transformers", size_bytes=91_000_000)],
        parity=[Parity(name="logits", max_absolute_difference=6e-7, tolerance=1e-4)],
        machine={"cpu": "Some processor", "cores": 2, "memory_bytes": 8_000_000_000, "gpus": []},
        notes=["One fifth of the sentences was held out."],
    )
