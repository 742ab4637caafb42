"""Measurements beside each other: versions, days, machines. A change counts where it is beyond its noise."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy import intervals
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.profile_comparisons import (
    Change,
    ComparedFigure,
    MeasuredFigure,
    MeasuredFigures,
    ProfileComparison,
)

TRIFLE = 0.02
"""A ratio this near to 1 is no change, however sure it is."""
UNKNOWN_NOISE = 0.15
"""Of a figure whose noise is not known, a change below this is taken for noise."""


def compare(measured: Sequence[MeasuredFigures]) -> ProfileComparison:
    """Every figure that at least two of them have, the others' over the first's. Raises InvalidInput for fewer than
    two, and where the others have nothing in common with the first."""
    if len(measured) < 2:
        raise InvalidInput("A comparison is of two measurements or more.", "Name the ids of two jobs.")
    first, others = measured[0], measured[1:]
    known = [{figure.name: figure for figure in each.figures} for each in others]
    rows = [_compared(figure, [each.get(figure.name) for each in known]) for figure in first.figures]
    rows = [row for row in rows if any(value is not None for value in row.values[1:])]
    if not rows:
        raise InvalidInput(
            "These measurements have no figure in common.", "Measure both with the same connections or rates."
        )
    return ProfileComparison(
        jobs=[each.job for each in measured],
        titles=[each.title for each in measured],
        figures=rows,
        regressions=[row.name for row in rows if "worse" in row.changes],
    )


def _compared(base: MeasuredFigure, others: Sequence[MeasuredFigure | None]) -> ComparedFigure:
    ratios = [_ratio(base, other) for other in others]
    return ComparedFigure(
        name=base.name,
        unit=base.unit,
        group=base.group,
        values=[base.value, *(other.value if other else None for other in others)],
        ratios=ratios,
        changes=[_change(base, other, ratio) for other, ratio in zip(others, ratios, strict=True)],
    )


def _ratio(base: MeasuredFigure, other: MeasuredFigure | None) -> Interval | None:
    if other is None or base.interval is None or other.interval is None or min(base.value, other.value) <= 0:
        return None
    return intervals.ratio(other.interval, base.interval)


def _change(base: MeasuredFigure, other: MeasuredFigure | None, ratio: Interval | None) -> Change:
    if other is None or base.value <= 0 or base.unit == "share":
        return "unknown"
    times = other.value / base.value
    sure = abs(times - 1) > UNKNOWN_NOISE if ratio is None else not ratio.low <= 1 <= ratio.high
    if not sure or abs(times - 1) <= TRIFLE:
        return "undecided"
    return "better" if (times < 1) == base.lower_is_better else "worse"
