"""A report of a served model as one was measured, for tests of what shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.loads import GeneratorHealth, LatencyFigures, LoadReport, LoadStep
from jupyter_modeldeploy.records.profiles import MemoryParts, Operator
from jupyter_modeldeploy.records.service_reports import (
    Advice,
    AdviceAction,
    AdviceTrial,
    RequestPart,
    ServiceReport,
)

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
MB = 1_000_000


def report(service: str = "reviews", title: str = "Quantize the weights to INT8") -> ServiceReport:
    """With advice to quantize and to let requests share a run, and a trial in vain."""
    batching = AdviceAction(
        commands=[f"modeldeploy services change {service} --max-batch-rows 0"],
        operation="change_service",
        request={"name": service, "spec": {"max_batch_rows": 0}},
    )
    quantizing = AdviceAction(
        commands=["modeldeploy quantize sentiment@1"], operation="quantize_model", request={"version": "sentiment@1"}
    )
    gain = Interval(value=1.9, low=1.8, high=2.0)
    measured = {"evidence": "62% of the model's run is in MatMul.", "trial": "20 s of load at 4 connections."}
    told: dict[str, Any] = {**measured, "speed_up": gain}
    return ServiceReport(
        service=service,
        version="sentiment@1",
        summary=f"At 4 connections it answers 120 requests a second. {title}: 1.9 times as fast on a trial.",
        load=_load(service),
        concurrency=4,
        parts=[
            RequestPart(name="the tokenizer", mean_ms=4, share=0.4),
            RequestPart(name="the model", mean_ms=6, share=0.6),
        ],
        operators=[Operator(name="/encoder/MatMul", type="MatMul", share=0.62, time_ms=5.2, calls=12, of_limit=0.5)],
        size_bytes=91 * MB,
        memory=MemoryParts(
            peak_bytes=180 * MB,
            interpreter_bytes=40 * MB,
            runtime_bytes=30 * MB,
            weights_bytes=95 * MB,
            activations_bytes=10 * MB,
            model_file_bytes=91 * MB,
        ),
        cores=2,
        cores_busy=1.9,
        advice=[
            Advice(cause="float-weights", title=title, action=quantizing, **told),
            Advice(cause="no-batching", title="Let waiting requests share a run", action=batching, **told),
        ],
        trials=[
            AdviceTrial(cause="float-weights", title=title, speed_up=gain, kept=True, why="It gains."),
            AdviceTrial(cause="threads", title="Use all cores", speed_up=None, kept=False, why="It gains nothing."),
        ],
        seconds=60,
        created_at=AT,
    )


def _load(service: str) -> LoadReport:
    return LoadReport(
        url="http://127.0.0.1:8000/predict/sentiment",
        service=service,
        mode="concurrency",
        sent="4 sentences of ours",
        percentile=99,
        tolerance=0.1,
        steps=[_step(1, 90, 10), _step(4, 120, 32)],
        knee=1,
        recommended=1,
        advice="Run at concurrency 4.",
        seconds=24,
        created_at=AT,
    )


def _step(concurrency: int, speed: float, ms: float) -> LoadStep:
    around = Interval(value=ms, low=0.9 * ms, high=1.1 * ms)
    tail = Interval(value=2 * ms, low=1.8 * ms, high=2.2 * ms)
    latency = LatencyFigures(mean=ms, p50=around, p90=tail, p95=tail, p99=tail, p99_9=None, highest=3 * ms)
    return LoadStep(
        concurrency=concurrency,
        connections=concurrency,
        seconds=5,
        requests=500,
        throughput_rps=speed,
        errors={},
        latency=latency,
        naive=latency,
        windows=5,
        stable=True,
        generator=GeneratorHealth(cpu_share=0.1, lag_ms=0.1, waited_share=0),
        histogram="",
        naive_histogram="",
    )
