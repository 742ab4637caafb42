"""What two measurements of a model have in common, and what one of them may cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record

Change = Literal["better", "worse", "undecided", "unknown"]
"""`undecided`: the interval of the ratio holds 1, or the change is a trifle; `unknown`: it has no interval."""


class MeasuredFigure(Record):
    """One figure of a measurement: `latency` at 4 connections, the memory, the milliseconds of a type of operators.
    `interval` is None where its noise is not known."""

    name: str
    unit: str
    value: float
    interval: Interval | None = None
    lower_is_better: bool = True
    group: Literal["load", "model", "operators"]


class MeasuredFigures(Record):
    """All figures of one job."""

    job: str
    title: str
    figures: list[MeasuredFigure]


class ComparedFigure(Record):
    """A figure of the first measurement and the same of the others, None where they lack it. `ratios` are the others'
    over the first's, with their 95 % intervals where both are known."""

    name: str
    unit: str
    group: Literal["load", "model", "operators"]
    values: list[float | None]
    ratios: list[Interval | None]
    changes: list[Change]


class ProfileComparison(Record):
    """Measurements beside the first of them. `regressions` are the names of figures that are worse in one of them."""

    jobs: list[str]
    titles: list[str]
    figures: list[ComparedFigure]
    regressions: list[str]


class BudgetLine(Record):
    """One limit and what was measured. `kept` is None where nothing measured tells."""

    name: str
    unit: str
    limit: float
    at_most: bool
    measured: float | None
    kept: bool | None


class BudgetCheck(Record):
    """Whether a measurement stays within a budget: every line is kept."""

    job: str
    title: str
    lines: list[BudgetLine]
    kept: bool = Field(description="whether every limit is kept; one that nothing measured tells is not")
