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
    """One long action in a process of its own."""

    id: str
    kind: str
    title: str
    parameters: dict[str, Any]
    state: JobState
    progress: Progress = Progress()
    device: str | None = None
    owner: str
    attempt: int = 1
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
