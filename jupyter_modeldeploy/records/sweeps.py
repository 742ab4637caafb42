"""Searches for the options that a fine-tuning does best with."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Record

Option = bool | int | float | str
"""A value of an option that a sweep varies."""
Search = Literal["grid", "random", "bayesian"]


class TrialState(StrEnum):
    running = "running"
    done = "done"
    pruned = "pruned"
    failed = "failed"


class Trial(Record):
    """One training of a sweep, which is a job of its own. `value` is the sweep's metric on validation rows: of a pruned
    trial where it was stopped, None where there is none. `values` are those along the way."""

    number: int = Field(description="counted from 1")
    job: str
    options: dict[str, Option] = Field(description="those that vary")
    state: TrialState
    value: float | None = None
    values: list[float] = Field(default_factory=list)
    seconds: float | None = None
    error: str | None = None


class SweepResult(Record):
    """What a sweep has found so far, and at its end the version that was made from the best trial. `metric` was
    measured on validation rows; `metrics` are the version's own, on the held-out rows, which chose nothing."""

    search: Search
    metric: str
    direction: Literal["maximize", "minimize"]
    planned: int = Field(description="trials")
    trials: list[Trial] = Field(default_factory=list)
    best: int | None = Field(default=None, description="the number of the best trial")
    importance: dict[str, float] | None = Field(
        default=None, description="how much each option decides, in shares of 1; None where too few trials tell"
    )
    version: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    reused: bool = False

    @property
    def best_trial(self) -> Trial | None:
        return next((trial for trial in self.trials if trial.number == self.best), None)
