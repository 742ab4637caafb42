"""Experiments: two versions on the same traffic, what is measured of each, and what may be said of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Name, Record
from jupyter_modeldeploy.records.routing import Namespace

MetricKind = Literal["mean", "proportion", "ratio", "percentile"]
Method = Literal["sequence", "fixed", "stages"]
Breach = Literal["roll back", "pause", "report"]
OF_ANY = ("latency_ms", "error_rate", "size_bytes")
"""What is measured of any two versions, whatever they answer."""


class Metric(Record):
    """What is measured of each unit. `of` is one of the service's own figures (`latency_ms`, `errors`, `requests`,
    `confidence`) or the name of an outcome that clients post.

    A mean is the sum over a unit's rows; a proportion whether a unit has any; a ratio the sum of `of` over the sum of
    `per`, over all units; a percentile is of the rows themselves, as 0.99 of the latencies."""

    name: Name
    kind: MetricKind = "mean"
    of: Name
    per: Name | None = Field(default=None, description="what a ratio divides by: requests, or an outcome")
    percentile: float | None = Field(default=None, gt=0, lt=1, description="of a percentile: 0.99")
    unit: str = Field(default="", description="what the figure is counted in: ms; proportion for shares")
    lower_is_better: bool = False
    minimum_effect: float | None = Field(default=None, gt=0, description="the smallest difference that matters")


class Guardrail(Record):
    """What the candidate must not do: be worse than the base in `metric` by more than `at_most`, in the metric's unit
    or, where `relative`, as a share of the base's figure. `then` is done as soon as that is certain."""

    metric: Name
    at_most: float = Field(ge=0)
    relative: bool = False
    then: Breach = "roll back"


class Look(Record):
    """What was known of one metric at one time, by all units so far."""

    at: datetime
    units: int
    difference: Interval


class SegmentDifference(Record):
    """The difference among the units whose `attribute` is `value`: as measured, and drawn towards that of all."""

    attribute: str
    value: str
    units: int
    difference: Interval
    shrunk: Interval


class MetricComparison(Record):
    """One metric of candidate against base. `difference` is candidate − base, in `unit`; `verdict` is from the
    candidate's point of view. `p_value` counts all metrics that were looked at, and so does the verdict; the interval
    is of this metric alone. `relative` is of the base's figure. `chance_better` and `expected_loss` (of taking the
    candidate, in `unit`) are Bayesian, from a flat prior. `trend` is by how much the difference rises from one period,
    `trend_per`, to the next. Where nothing can be said yet there is no difference, and `note` says why."""

    metric: str
    unit: str
    lower_is_better: bool
    base: float | None
    candidate: float | None
    difference: Interval | None
    verdict: Literal["better", "worse", "undecided"]
    base_samples: int
    candidate_samples: int
    method: str
    p_value: float | None = None
    relative: Interval | None = None
    chance_better: float | None = None
    expected_loss: float | None = None
    minimum_effect: float | None = None
    units_missing: int | None = Field(default=None, description="units that an answer probably still needs")
    looks: list[Look] = Field(default_factory=list)
    segments: list[SegmentDifference] = Field(default_factory=list)
    trend: Interval | None = None
    trend_per: Literal["minute", "hour", "day"] | None = None
    note: str = ""


class GuardrailState(Record):
    """`harm` is by how much the candidate is worse, in the guardrail's terms; it is breached where even the least of
    the interval is beyond what is allowed, held where the most is within, and open in between. Where there is no
    interval, `note` says why."""

    guardrail: Guardrail
    harm: Interval | None = None
    state: Literal["open", "held", "breached"] = "open"
    note: str = ""


class Decision(Record):
    """Something that was done to the traffic, by whom and why: a step of the ramp, a pause, a rollback, a promotion."""

    at: datetime
    action: Literal["start", "step", "pause", "resume", "roll back", "promote", "stop", "end"]
    share: float = Field(description="the candidate's share of the traffic from then on, 0 to 1")
    by: str
    why: str


class ExperimentPlan(Record):
    """How many units an experiment needs, and what it finds with those it gets. `base` is the base's figure and
    `deviation` the standard deviation of one unit's, both in the metric's unit, and so are the effects.

    With a chance of `power` a difference of `minimum_effect` is found in `units`, which come in `days`, and one of
    `smallest_effect` in `duration_days`."""

    base: float | None
    deviation: float
    method: Method
    level: float
    power: float
    split: list[float]
    looks: int
    minimum_effect: float | None = None
    units: int | None = None
    units_of_each: list[int] = Field(default_factory=list)
    days: float | None = None
    duration_days: float | None = None
    smallest_effect: float | None = None


class Suspicion(Record):
    """Units or outcomes that were left out, or that look made up."""

    kind: Literal["crossed", "busiest", "duplicate", "unknown", "dropped", "damaged"]
    count: int
    note: str


class Experiment(Record):
    """A comparison of two versions on one service. `split_p_value` is of the sample-ratio check: below 0.001 the
    traffic was not split as asked and no verdict may be trusted.

    `generated` sends traffic of its own and is written once; `live` watches the service's own traffic, and is written
    again at every look; `offline` runs both versions on the same labelled rows, without a service's traffic. A rollout
    is a live one with `steps`, whose share of the candidate rises while the `guardrails` hold."""

    id: str
    service: Name | None
    base: str
    candidate: str
    split: list[float]
    metrics: list[MetricComparison]
    split_p_value: float
    verdict: str
    owner: str
    job: str | None = None
    created_at: datetime
    kind: Literal["generated", "live", "offline"] = "generated"
    unit: str = Field(default="request", description="what was assigned to a version: unit, request, row")
    method: Method = "fixed"
    units: list[int] = Field(default_factory=list, description="of the base and of the candidate")
    ends_at: datetime | None = None
    updated_at: datetime | None = None
    steps: list[float] = Field(default_factory=list, description="the candidate's shares, one after the other")
    namespace: Namespace | None = Field(default=None, description="whose units alone take part; None: all of them")
    alias: Name | None = Field(default=None, description="what moves to the candidate where that is promoted")
    outcome: Literal["running", "paused", "rolled back", "promoted", "ended", "stopped"] = "ended"
    guardrails: list[GuardrailState] = Field(default_factory=list)
    decisions: list[Decision] = Field(default_factory=list)
    suspicions: list[Suspicion] = Field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        """Whether it is watched, or waits to be."""
        return self.kind == "live" and self.outcome in ("running", "paused")

    @property
    def decisive(self) -> MetricComparison | None:
        """The metric that decides: of a live experiment the first, which whoever ran it named; of any other the first
        that tells of the answers, and latency where none does. None before anything is known."""
        found = self.metrics if self.kind == "live" else sorted(self.metrics, key=lambda one: one.metric in OF_ANY)
        return found[0] if found else None


class Rehearsal(Record):
    """What an experiment would have done in traffic that was recorded: nothing was changed. `recorded` units came
    within `seconds`; of each version, base first, `units` were taken, as the shares of the steps ask for. Where it
    `is_over` the last decision is an end, or a pause; else the recording ended first. `fallbacks` of the recorded units
    got another version's answer or an older one, which is a failure of the version that was asked; None where the
    recording does not tell them from other failures, as a live experiment's does not."""

    base: str
    candidate: str
    seconds: float
    recorded: int
    fallbacks: int | None = None
    units: list[int]
    decisions: list[Decision]
    guardrails: list[GuardrailState]
    metrics: list[MetricComparison]
    verdict: str
    is_over: bool
