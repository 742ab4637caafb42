"""How many replicas a service needs for what it has to do.

The number follows each measure in proportion, as Kubernetes' horizontal autoscaler does: replicas × measured ÷ target,
rounded up, by the measure that wants most. It grows at once; it shrinks by one replica when nothing wanted as many
for `down_after_s`, and to zero after `idle_s` without a request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from jupyter_modeldeploy.serving.supervision.member import Member

TOLERANCE = 0.1
"""A measure this near to its target changes nothing."""
MOST_GROWTH = 2.0
"""The queue's wait has no natural scale: it doubles the replicas at most."""


class Load(NamedTuple):
    """What the replicas reported for the last second, together: requests per second, the mean wait in milliseconds,
    the share of their cores (or of the GPU) that is used, and whether anything is under way."""

    rps: float = 0.0
    queue_ms: float = 0.0
    utilization: float = 0.0
    busy: bool = False


def measured(members: Sequence[Member], cores_each: float) -> Load:
    """What these replicas report, each of which has so many cores."""
    return Load(
        rps=sum(member.rps for member in members),
        queue_ms=max((member.vitals.get("queue_ms", 0.0) for member in members), default=0.0),
        utilization=max(
            sum(member.utilization for member in members) / cores_each / max(1, len(members)),
            max((member.vitals.get("gpu") or 0.0 for member in members), default=0.0),
        ),
        busy=any(member.vitals.get("in_flight") for member in members),
    )


class Autoscaler:
    """Decides for the `scaling` of a spec. `now` is in seconds of a clock that never goes back."""

    def __init__(self, now: float) -> None:
        self._active_at = now
        self._needed_at = now

    def active(self, now: float) -> None:
        """Somebody wants an answer, or the service has changed: idleness begins anew."""
        self._active_at = self._needed_at = now

    def wanted(self, spec: dict[str, Any], current: int, ready: int, load: Load, now: float) -> int:
        """How many replicas there should be, of which `current` are wanted and `ready` have measured `load`."""
        scaling = spec["scaling"]
        if not enabled(spec) or not current or not ready:
            return current
        if load.busy or load.rps > 0:
            self._active_at = now
        if scaling["min_replicas"] == 0 and now - self._active_at >= scaling["idle_s"]:
            return 0
        most: int = scaling["max_replicas"] or spec["replicas"]
        needed: int = min(most, max(1, scaling["min_replicas"], _needed(scaling, ready, load)))
        if needed >= current:
            self._needed_at = now
            return needed
        if now - self._needed_at < scaling["down_after_s"]:
            return current
        self._needed_at = now
        return current - 1


def enabled(spec: dict[str, Any]) -> bool:
    """Whether the number of replicas follows the load."""
    return spec["scaling"]["max_replicas"] is not None or spec["scaling"]["min_replicas"] == 0


def initial(spec: dict[str, Any]) -> int:
    """How many replicas to start with: what the spec says, within its bounds, and at least one."""
    scaling = spec["scaling"]
    most = scaling["max_replicas"] or max(spec["replicas"], scaling["min_replicas"])
    return int(min(most, max(spec["replicas"], scaling["min_replicas"], 1)))


def _needed(scaling: dict[str, Any], ready: int, load: Load) -> int:
    ratios = [
        load.utilization / scaling["target_utilization"],
        min(MOST_GROWTH, load.queue_ms / scaling["target_queue_ms"]),
    ]
    if scaling["target_rps"] is not None:
        ratios.append(load.rps / ready / scaling["target_rps"])
    largest = max(ratios)
    return ready if abs(largest - 1) <= TOLERANCE else math.ceil(ready * largest)
