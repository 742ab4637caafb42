"""How a comparison went over time, in no more looks than a chart shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from jupyter_modeldeploy.records import Look, MetricComparison

MOST = 200


def with_looks(
    found: Sequence[MetricComparison], before: Sequence[MetricComparison], at: datetime
) -> list[MetricComparison]:
    """What was found now, each metric with the looks at it so far."""
    known = {one.metric: one.looks for one in before}
    return [one.model_copy(update={"looks": _and_now(known.get(one.metric, []), one, at)}) for one in found]


def _and_now(looks: Sequence[Look], found: MetricComparison, at: datetime) -> list[Look]:
    """The looks and this one; every second of them goes where they are too many."""
    if found.difference is None:
        return [*looks]
    kept = looks if len(looks) < MOST else looks[1::2]
    return [*kept, Look(at=at, units=found.base_samples + found.candidate_samples, difference=found.difference)]
