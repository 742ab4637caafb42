"""One report of a served model: how it answers, where its time goes, and what would make it faster."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record
from jupyter_modeldeploy.records.loads import LoadReport
from jupyter_modeldeploy.records.profiles import MemoryParts, Operator, OperatorRun

Cause = Literal["float-weights", "no-batching", "threads", "preparation", "json"]
"""What makes a service slower than it need be: weights in FP32 where INT8 is fast, one request a run, threads that do
not fit the cores, work before the model runs, tensors as text."""


class RequestPart(Record):
    """A part of the mean request under load. `share` is of its whole time in the server and on the way."""

    name: str
    mean_ms: float
    share: float


class AdviceAction(Record):
    """What follows the advice: commands for a terminal, and the same as an operation of the API where one does it.
    Where it is the client that has to change, there are none and `how` says what."""

    commands: list[str] = Field(default_factory=list)
    operation: str | None = None
    request: dict[str, Any] = Field(default_factory=dict)
    how: str = ""


class Advice(Record):
    """Something that was tried beside the service and was faster. `evidence` is what was measured of the running
    service, `speed_up` how many times as many requests a second the trial answered as the service did in turns with it,
    with its 95 % interval; so much is predicted of following it."""

    cause: Cause
    title: str
    evidence: str
    speed_up: Interval
    latency_ratio: Interval | None = Field(default=None, description="the trial's median latency over the service's")
    trial: str = Field(description="what was measured, for how long")
    caution: str = ""
    action: AdviceAction


class AdviceTrial(Record):
    """Something that was tried: `kept` as advice, or not, and `why` in words."""

    cause: Cause
    title: str
    speed_up: Interval | None
    kept: bool
    why: str


class ServiceReport(Record):
    """A served model: how it answers under load, where a request's time goes, its operators and memory, and advice in
    the order of what it gains. `parts` is of `concurrency` connections, of which the trials were."""

    service: str
    version: str
    summary: str
    load: LoadReport
    concurrency: int
    parts: list[RequestPart]
    operators: list[Operator]
    run: OperatorRun | None = None
    operators_note: str = ""
    size_bytes: int
    memory: MemoryParts | None
    cores: int
    cores_busy: float
    advice: list[Advice]
    trials: list[AdviceTrial]
    notes: list[str] = Field(default_factory=list)
    seconds: float
    created_at: datetime
