"""The figures of a measurement, by name, whichever job made it: to be compared, and held against a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Job, Profile
from jupyter_modeldeploy.records.loads import LoadReport, LoadStep
from jupyter_modeldeploy.records.profile_comparisons import MeasuredFigure, MeasuredFigures
from jupyter_modeldeploy.records.profiles import Operator, grouped
from jupyter_modeldeploy.records.service_reports import ServiceReport

MEASURING = ("load", "profile", "service-report")
PERCENTILES = {"p50": "p50", "p99": "p99"}


def figures_of(job: Job) -> MeasuredFigures:
    """What the job measured. Raises InvalidInput for one that measured nothing, or has not yet."""
    if job.kind not in MEASURING or job.result is None:
        raise InvalidInput(
            f"The job {job.id} ({job.kind}) measured nothing that can be compared.",
            f"Name ended jobs of these kinds: {', '.join(MEASURING)}.",
        )
    found = {"load": _of_load, "profile": _of_profile, "service-report": _of_report}[job.kind](job.result)
    return MeasuredFigures(job=job.id, title=job.title, figures=list(found))


def _of_load(result: dict[str, Any]) -> Iterator[MeasuredFigure]:
    yield from _steps(LoadReport.model_validate(result["load"]).steps)


def _of_report(result: dict[str, Any]) -> Iterator[MeasuredFigure]:
    report = ServiceReport.model_validate(result["service_report"])
    yield from _steps(report.load.steps)
    yield from _model(report.size_bytes, report.memory.peak_bytes if report.memory else None)
    yield from _operators(report.operators)


def _of_profile(result: dict[str, Any]) -> Iterator[MeasuredFigure]:
    profile = Profile.model_validate(result["profile"])
    if profile.latency is not None:
        for name in PERCENTILES:
            value = getattr(profile.latency, name)
            yield MeasuredFigure(name=f"{name} at 1 connection", unit="ms", value=value, group="load")
    if profile.throughput is not None:
        at = f"throughput at {profile.throughput.concurrency} connections"
        speed = profile.throughput.throughput_rps
        yield MeasuredFigure(name=at, unit="requests/s", value=speed, lower_is_better=False, group="load")
    yield from _model(profile.memory.model_file_bytes if profile.memory else None, profile.peak_memory_bytes)
    yield from _operators(profile.operators)


def _steps(steps: Sequence[LoadStep]) -> Iterator[MeasuredFigure]:
    for step in steps:
        at = label(step)
        for name in PERCENTILES:
            found = getattr(step.latency, name)
            if found is not None:
                yield MeasuredFigure(name=f"{name} {at}", unit="ms", value=found.value, interval=found, group="load")
        yield MeasuredFigure(
            name=f"throughput {at}",
            unit="requests/s",
            value=step.throughput_rps,
            interval=step.throughput,
            lower_is_better=False,
            group="load",
        )


def label(step: LoadStep) -> str:
    if step.concurrency is not None:
        return f"at {step.concurrency} connection{'s' * (step.concurrency > 1)}"
    return f"at {step.rate:g} requests/s" if step.rate is not None else "of the trace"


def _model(size: int | None, memory: int | None) -> Iterator[MeasuredFigure]:
    if size is not None:
        yield _exact("size", size)
    if memory is not None:
        yield MeasuredFigure(name="peak memory", unit="bytes", value=memory, group="model")


def _exact(name: str, value: float) -> MeasuredFigure:
    from jupyter_modeldeploy.records import Interval

    known = Interval(value=value, low=value, high=value)
    return MeasuredFigure(name=name, unit="bytes", value=value, interval=known, group="model")


def _operators(operators: Sequence[Operator]) -> Iterator[MeasuredFigure]:
    """Milliseconds and share of a run, by type."""
    for one in grouped(operators, "type"):
        yield MeasuredFigure(name=f"{one.type} a run", unit="ms", value=one.time_ms, group="operators")
        yield MeasuredFigure(name=f"{one.type} of a run", unit="share", value=one.share, group="operators")
