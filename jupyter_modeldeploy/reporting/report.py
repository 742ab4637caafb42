"""The figures of one run: fetched, fine-tuned, converted, quantized, served, profiled and compared.

The JSON form keeps its keys from release to release. Accuracies are proportions, times milliseconds, sizes bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import (
    Experiment,
    Interval,
    Latency,
    MetricComparison,
    OperatorTime,
    Record,
    Version,
)

SOFTWARE = ("jupyter_modeldeploy", "numpy", "onnx", "onnxruntime", "torch", "transformers")
SPLIT_ALARM = 0.001
METRIC_NAMES = {"latency_ms": "Latency", "error_rate": "Rate of errors", "accuracy": "Accuracy"}


class LatencyPair(Record):
    """Requests one after the other, to each of the two forms."""

    fp32: Latency
    int8: Latency


class ThroughputPair(Record):
    """Requests per second that succeeded, of each form, with `concurrency` connections."""

    fp32: float
    int8: float
    concurrency: int | None = None


class Comparison(Record):
    """Two versions on split traffic. The first fields are those of the metric that was asked about; `metrics` has all,
    `sentence` says what they amount to."""

    metric: str
    unit: str
    difference: float
    low: float
    high: float
    verdict: Literal["better", "worse", "undecided"]
    base: str
    candidate: str
    service: str
    split: list[float]
    split_p_value: float
    metrics: list[MetricComparison]
    sentence: str

    @property
    def split_as_asked(self) -> bool:
        """Whether the traffic's split may be trusted; the threshold is that of `Experiment`."""
        return self.split_p_value >= SPLIT_ALARM

    @classmethod
    def of(cls, experiment: Experiment, metric: str = "latency_ms") -> Comparison:
        """The experiment, with `metric` in front. Raises InvalidInput when it was not measured."""
        measured = [each for each in experiment.metrics if each.difference is not None]
        chosen = next((each for each in measured if each.metric == metric), None)
        if chosen is None or chosen.difference is None:
            known = ", ".join(each.metric for each in measured)
            raise InvalidInput(f"The experiment did not measure {metric!r}.", f"It measured: {known}.")
        return cls(
            metric=metric,
            unit=chosen.unit,
            difference=chosen.difference.value,
            low=chosen.difference.low,
            high=chosen.difference.high,
            verdict=chosen.verdict,
            base=experiment.base,
            candidate=experiment.candidate,
            service=experiment.service,
            split=experiment.split,
            split_p_value=experiment.split_p_value,
            metrics=measured,
            sentence=experiment.verdict,
        )


class LineageStep(Record):
    """One version on the way from the source to the served model. `detail` says in a few words what was done."""

    ref: str
    step: str
    format: str
    size_bytes: int
    detail: str = ""
    accuracy: float | None = None

    @classmethod
    def of(cls, version: Version, detail: str = "") -> LineageStep:
        return cls(
            ref=version.ref,
            step=version.lineage.step.value,
            format=version.format.value,
            size_bytes=version.size_bytes,
            detail=detail or version.lineage.source or "",
            accuracy=version.metrics.get("accuracy"),
        )


class Parity(Record):
    """How far an output moved when the model was converted, as a largest absolute difference."""

    name: str
    max_absolute_difference: float
    tolerance: float


class TypeTime(Record):
    """All nodes of one type together."""

    type: str
    share: float
    nodes: int


def installed() -> dict[str, str]:
    """The versions of the packages that a measurement depends on, by name."""
    found = {}
    for name in SOFTWARE:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


class Report(Record):
    """`accuracy_before` is of the model before fine-tuning; `accuracy_difference` is INT8 − FP32 on the same texts,
    with the ends of its 95 % interval; `accuracy_intervals` are by "before", "fp32" and "int8", as far as they are
    known. `operators` (the costliest first; all, if possible) and `peak_memory_bytes` are of INT8, the form to use."""

    title: str = "From a hub to a measured endpoint"
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    accuracy_before: float
    accuracy_fp32: float
    accuracy_int8: float
    accuracy_difference: float
    accuracy_difference_ci: tuple[float, float]
    accuracy_intervals: dict[str, Interval] = Field(default_factory=dict)
    test_samples: int | None = None
    size_fp32_bytes: int
    size_int8_bytes: int
    latency_ms: LatencyPair
    throughput_rps: ThroughputPair
    peak_memory_bytes: int
    peak_memory_fp32_bytes: int | None = None
    operators: list[OperatorTime]
    comparison: Comparison
    lineage: list[LineageStep] = Field(default_factory=list)
    parity: list[Parity] = Field(default_factory=list)
    machine: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=installed)
    notes: list[str] = Field(default_factory=list)

    @property
    def all_operators(self) -> bool:
        """Whether `operators` are all that the model has, not only the costliest."""
        return sum(operator.share for operator in self.operators) > 0.99

    @property
    def time_by_type(self) -> list[TypeTime]:
        """Types of operators, the costliest first."""
        by_type: dict[str, list[float]] = {}
        for operator in self.operators:
            by_type.setdefault(operator.type, []).append(operator.share)
        times = [TypeTime(type=type, share=sum(shares), nodes=len(shares)) for type, shares in by_type.items()]
        return sorted(times, key=lambda time: -time.share)

    @property
    def size_ratio(self) -> float:
        """How many times smaller INT8 is."""
        return self.size_fp32_bytes / self.size_int8_bytes

    @property
    def latency_ratio(self) -> float:
        """How many times faster INT8 answers, by the medians."""
        return self.latency_ms.fp32.p50 / self.latency_ms.int8.p50

    @property
    def throughput_ratio(self) -> float:
        return self.throughput_rps.int8 / self.throughput_rps.fp32
