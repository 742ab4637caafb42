"""Where a version's time and memory go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record
from jupyter_modeldeploy.records.reports import Latency, OperatorTime

Grouping = Literal["type", "layer", "operator"]
Bound = Literal["compute", "memory"]
DISPATCH = "dispatch"
"""The type of the one row that is no operator: what a run takes beside its operators."""


class CopySpeed(Record):
    """Bytes read and written a second by a copy whose two buffers take `bytes` together."""

    bytes: int
    gb_per_s: float


class Limits(Record):
    """What this machine's processor can do with `threads` threads: operations a second of a large matrix product by
    datatype (a multiplication and an addition are two), and how fast buffers of several sizes are copied."""

    threads: int
    gflops: dict[str, float]
    copies: list[CopySpeed]

    def gb_per_s(self, bytes: float) -> float:
        """The speed of the smallest copy that is no smaller, which tells in which cache it stays."""
        fitting = (copy for copy in self.copies if copy.bytes >= bytes)
        return next(fitting, self.copies[-1]).gb_per_s


class Operator(OperatorTime):
    """One operator in the mean of a run, or several of them together. `time_ms` and `calls` are of one run; `share` is
    of the run's time and sums to 1 with the row for dispatch.

    `operations` and `bytes` (each tensor read or written once) follow from the shapes, None where they are not known
    for this operator; `bound` says which of the machine's limits is the nearer one, `of_limit` how much of it is
    reached. `memory_bytes` is what the operator's outputs take."""

    layer: str = Field(default="", description="the module that it belongs to, as a path; empty where it is not known")
    shapes: str = Field(default="", description="of inputs and outputs: [1, 128, 384] × [384, 384] → [1, 128, 384]")
    dtype: str = ""
    operations: float | None = None
    bytes: float | None = None
    gflops: float | None = Field(default=None, description="billions of operations a second")
    gb_per_s: float | None = None
    bound: Bound | None = None
    of_limit: float | None = None
    memory_bytes: int | None = None

    @property
    def block(self) -> str:
        """The layer as far as its first number: `encoder.layer.3`."""
        parts = self.layer.split(".")
        numbers = [place for place, part in enumerate(parts) if part.isdigit()]
        return ".".join(parts[: numbers[0] + 1] if numbers else parts[:2])


class Span(Record):
    """One call of an operator within one run, for a timeline: milliseconds from the run's start. `depth` counts the
    calls that it lies within."""

    name: str
    type: str
    layer: str = ""
    start_ms: float
    duration_ms: float
    depth: int = 0


class OperatorRun(Record):
    """How the operators were timed. `run_ms` is a run without the profiler, `profiled_ms` one with it, in turns, both
    as means of the quickest third; `sum_ms` is what the operators and dispatch add up to after the profiler's own
    `event_cost_us` was taken off each of the `events`."""

    runtime: Literal["onnxruntime", "torch", "openvino"]
    threads: int
    runs: int
    run_ms: float
    profiled_ms: float
    sum_ms: float
    events: float = Field(description="that the profiler recorded in a run")
    event_cost_us: float
    graph_nodes: int | None = Field(
        default=None, description="of the graph that was run and kept with the job; None where the runtime has none"
    )

    @property
    def sum_error(self) -> float:
        """How far the sum is from the measured run, as a share of it."""
        return abs(self.sum_ms / self.run_ms - 1)


class Leak(Record):
    """Whether memory grows with the calls: bytes a call over the last `calls`, with its interval. `leaks` where the
    whole interval lies above zero and the growth is more than noise of the allocator."""

    calls: int
    bytes_per_call: Interval
    leaks: bool


class MemoryParts(Record):
    """What a process that does nothing but run the model takes, in bytes of resident memory. The parts come one after
    the other as the process starts and sum to what it has after its runs; the peak may lie higher, often at loading."""

    peak_bytes: int
    interpreter_bytes: int = Field(description="Python and this package")
    runtime_bytes: int = Field(description="the runtime's libraries")
    weights_bytes: int = Field(description="the model as it lies in memory once it is loaded")
    activations_bytes: int = Field(description="what the runs added: activations, the arena, scratch space")
    model_file_bytes: int
    device_bytes: int | None = Field(default=None, description="on a GPU, as its driver tells; None without one")
    leak: Leak | None = None


class Profile(Record):
    """One version, profiled: where its time goes, what it takes, how it answers. `operators` are all of them, the
    costliest first, with a row for what the run took beside them; `timeline` is one run. Latency and
    throughput are known where the version was asked through a service."""

    version: str
    operators: list[Operator]
    run: OperatorRun | None = None
    limits: Limits | None = None
    timeline: list[Span] = Field(default_factory=list)
    memory: MemoryParts | None = None
    peak_memory_bytes: int
    service: str | None = None
    latency: Latency | None = None
    throughput: Latency | None = None
    created_at: datetime


def grouped(operators: Iterable[Operator], by: Grouping) -> list[Operator]:
    """The operators put together by what `by` says, the costliest first; `operator` leaves them as they are."""
    if by == "operator":
        return sorted(operators, key=_cost)
    key: Callable[[Operator], str] = (lambda one: one.type) if by == "type" else _block
    groups: dict[str, list[Operator]] = {}
    for operator in operators:
        groups.setdefault(key(operator), []).append(operator)
    return sorted((_together(name, members) for name, members in groups.items()), key=_cost)


def _block(operator: Operator) -> str:
    return DISPATCH if operator.type == DISPATCH else operator.block or "(no layer)"


def _cost(operator: Operator) -> tuple[float, str]:
    return (-operator.time_ms, operator.name)


def _together(name: str, members: list[Operator]) -> Operator:
    """Rates are of those members whose operations and bytes are known."""
    time_ms = sum(one.time_ms for one in members)
    limited = [one for one in members if one.of_limit is not None]
    weight = sum(one.time_ms for one in limited)
    slowest = max(limited, key=lambda one: one.time_ms, default=None)
    return Operator(
        name=name,
        type=_only({one.type for one in members}),
        layer=_only({one.block for one in members}),
        dtype=_only({one.dtype for one in members if one.dtype}),
        share=sum(one.share for one in members),
        time_ms=time_ms,
        calls=sum(one.calls for one in members),
        operations=_sum(one.operations for one in members),
        bytes=_sum(one.bytes for one in members),
        gflops=_rate([(one.operations, one.time_ms) for one in members]),
        gb_per_s=_rate([(one.bytes, one.time_ms) for one in members]),
        bound=slowest.bound if slowest else None,
        of_limit=sum((one.of_limit or 0) * one.time_ms for one in limited) / weight if weight else None,
        memory_bytes=_whole(_sum(one.memory_bytes for one in members)),
    )


def _only(values: set[str]) -> str:
    return values.pop() if len(values) == 1 else ""


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rate(pairs: list[tuple[float | None, float]]) -> float | None:
    """Billions a second, of amounts and the milliseconds that they took."""
    known = [(amount, time_ms) for amount, time_ms in pairs if amount is not None]
    time_ms = sum(time for _, time in known)
    return sum(amount for amount, _ in known) / time_ms / 1e6 if time_ms > 0 else None
