"""What routing did, or would do: who gets which version and why, and how shadow versions answered."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Name, Record


class Assignment(Record):
    """The version that a request of `unit` gets, and why. `place` is the unit's in [0, 1); `in_namespace` tells whether
    it takes part, None where there is no namespace or no unit; `experiment` has it in its range of one."""

    unit: str | None
    version: int | None = Field(description="None: drawn for each request, by the shares")
    why: Literal["rule", "outside the namespace", "share"]
    rule: str | None = Field(default=None, description="the rule that fits, by its name or number")
    place: float | None = None
    in_namespace: bool | None = None
    experiment: str | None = None


class AssignedShare(Record):
    version: int
    units: int
    share: Interval


class RoutingPreview(Record):
    """Who gets what. `shares` are of the units that were given, or made up; `shadow` gets copies."""

    service: Name
    model: Name
    assignments: list[Assignment]
    shares: list[AssignedShare]
    shadow: list[int] = Field(default_factory=list)


class ShadowComparison(Record):
    """How `shadow` answered copies of requests that `version` answered. `agreement` is the share of answers with the
    same labels or, of tensors, with no difference to speak of; `difference` is the largest of each request's tensors.
    `slower_ms` is how much longer the shadow's run took than the run that was answered with, of the same requests."""

    model: Name
    version: str
    shadow: str
    copies: int
    errors: Interval
    agreement: Interval | None
    difference_median: float | None
    difference_max: float | None
    version_ms: float | None
    shadow_ms: float | None
    slower_ms: Interval | None


class ShadowFigures(Record):
    """`dropped` counts copies that were not run, since no instance had room."""

    service: Name
    comparisons: list[ShadowComparison]
    dropped: int
