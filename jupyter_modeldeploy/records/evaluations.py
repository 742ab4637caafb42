"""How good a version is on rows that were held out from its training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record


class EvaluatedMetric(Record):
    """One metric on the held-out rows, ratios from 0 to 1. `before` is the same of the model before training,
    or of the one it is held against, `majority` of answering everything with what is most frequent among the training
    rows. `difference` is this model minus the one before, on the same rows. What cannot be said is None."""

    name: str
    value: float
    interval: Interval | None = None
    before: float | None = None
    majority: float | None = None
    difference: Interval | None = None
    method: str = Field(default="", description="how the intervals were found")


class ClassResult(Record):
    """One class: of the answers that name it, the share that is right (`precision`); of its own rows, the share that
    was found (`recall`); their harmonic mean (`f1`). `support` counts the class in the held-out rows. For boxes there
    are the average precisions at an overlap of 0.5 and over 0.5 to 0.95 instead. None where nothing can be divided."""

    name: str
    support: int
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    ap50: float | None = None
    ap50_95: float | None = None


class Confusion(Record):
    """`counts[i][j]` rows of class i were answered with class j. Of many classes the most frequent stand for
    themselves, and the last row and column are the `joined` others together."""

    classes: list[str]
    counts: list[list[int]]
    joined: int = 0


class CalibrationBin(Record):
    """Answers whose confidence lies above `low`, up to `high`: their mean confidence and the share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


class Calibration(Record):
    """How far confidence can be taken at its word: `ece` is the expected calibration error (0 is best). Bins without an
    answer are left out."""

    ece: float
    bins: list[CalibrationBin]


class Mistake(Record):
    """A held-out row with a wrong answer, or that a language model finds least likely. `row` counts the held-out rows
    from 0; `score` is the confidence of the wrong answer, or the loss per token."""

    row: int
    text: str
    wanted: str
    answered: str
    score: float


class EvaluationReport(Record):
    """What a version's answers to the `rows` held-out rows come to. The first of the metrics is the one that
    the task is judged by. `worst` holds the most confident mistakes, the worst first."""

    kind: Literal["single-label", "multi-label", "tagging", "language-model", "detection"]
    dataset: str
    rows: int
    beside: str | None = Field(
        default=None, description="the version that `before` is of; None: the model before its training"
    )
    metrics: list[EvaluatedMetric]
    per_class: list[ClassResult] = Field(default_factory=list)
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    worst: list[Mistake] = Field(default_factory=list)

    def _repr_markdown_(self) -> str:
        """A notebook's view of it: the metrics beside those before training."""
        head = f"On {self.rows:,} held-out rows of {self.dataset}, with 95 % intervals\n\n"
        rows = [("Metric", "Value", "", self.beside or "Before", "Gain", ""), ("---",) * 6]
        rows += [
            (each.name, _figure(each.value), _ends(each.interval), _figure(each.before), *_gain(each.difference))
            for each in self.metrics
        ]
        return head + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _ends(interval: Interval | None) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if interval else ""


def _gain(difference: Interval | None) -> tuple[str, str]:
    return (f"{difference.value:+.3f}", _ends(difference)) if difference else ("", "")
