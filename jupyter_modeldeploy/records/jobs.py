"""Long actions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from jupyter_modeldeploy.records.base import Failure, ProcessRef, Record


class JobState(StrEnum):
    queued = "queued"
    running = "running"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"
    interrupted = "interrupted"

    @property
    def ended(self) -> bool:
        return self not in LIVING


LIVING = (JobState.queued, JobState.running)


class Progress(Record):
    done: float = 0
    total: float | None = None
    unit: str = ""
    message: str = ""
    seconds_left: float | None = None


class Job(Record):
    """One long action in a process of its own. `parent` is the job that it is a part of: it works on its parent's
    device, and ends and is resumed with it. A job may have a `result` before its end: what it has found so far. Once
    `cancel_requested`, whatever its process dies of is its cancellation."""

    id: str
    parent: str | None = None
    kind: str
    title: str
    parameters: dict[str, Any]
    state: JobState
    progress: Progress = Progress()
    device: str | None = None
    owner: str
    attempt: int = 1
    cancel_requested: bool = False
    process: ProcessRef | None = None
    error: Failure | None = None
    result: dict[str, Any] | None = None
    created_at: datetime
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class MetricPoint(Record):
    name: str
    step: int
    value: float
    at: datetime


class Sample(Record):
    """What a model in training answered at `step` to a held-out row: `row` counts these from 0, `text` is what stands
    in it."""

    step: int
    row: int
    text: str
    answer: str
