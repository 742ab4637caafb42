"""How good a version is on held-out rows, in short tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Calibration, Confusion, EvaluationReport, Interval, Mistake

SHOWN_CLASSES, SHOWN_MISTAKES, SHOWN_CHARACTERS = 10, 3, 60
SHOWN_MATRIX, SHOWN_CONFUSIONS, SHOWN_NAME = 6, 5, 12


def show(door: Door, report: EvaluationReport, before: str = "Before") -> None:
    """`before` is what is told of the model that it is held against."""
    _show_metrics(door, report, before)
    if report.per_class:
        _show_classes(door, report)
    if report.confusion is not None:
        _show_confusion(door, report.confusion)
    if report.calibration is not None:
        _show_calibration(door, report.calibration)
    for mistake in report.worst[:SHOWN_MISTAKES]:
        door.out.print(_told(mistake), style="dim", soft_wrap=True)


def _show_metrics(door: Door, report: EvaluationReport, before: str) -> None:
    rows = table("Metric", ">Value", ">95 % interval", f">{printable(before)}", ">Majority", ">Difference")
    for metric in report.metrics:
        rows.add_row(
            metric.name,
            _figure(metric.value),
            _ends(metric.interval),
            _figure(metric.before),
            _figure(metric.majority),
            f"{metric.difference.value:+.3f} ({_ends(metric.difference)})" if metric.difference else "",
        )
    if report.calibration is not None:
        rows.add_row("calibration error", _figure(report.calibration.ece), "", "", "", "")
    door.out.print()
    door.out.print(f"On {report.rows:,} held-out rows of {report.dataset}:")
    door.out.print(rows)


def _show_classes(door: Door, report: EvaluationReport) -> None:
    boxes = report.kind == "detection"
    figures = ("ap50", "ap50_95") if boxes else ("precision", "recall", "f1")
    rows = table("Class", *(f">{name}" for name in figures), ">Boxes" if boxes else ">Held out")
    for one in sorted(report.per_class, key=lambda one: -one.support)[:SHOWN_CLASSES]:
        rows.add_row(printable(one.name), *(_figure(getattr(one, name)) for name in figures), f"{one.support:,}")
    door.out.print()
    door.out.print(rows)
    if len(report.per_class) > SHOWN_CLASSES:
        door.out.print(f"and {len(report.per_class) - SHOWN_CLASSES} more", style="dim")


def _show_confusion(door: Door, confusion: Confusion) -> None:
    """The whole matrix where it fits a terminal, else what is most often taken for something else."""
    door.out.print()
    if len(confusion.classes) <= SHOWN_MATRIX:
        names = [printable(name)[:SHOWN_NAME] for name in confusion.classes]
        rows = table("Label, answer", *(f">{name}" for name in names))
        for name, counts in zip(names, confusion.counts, strict=True):
            rows.add_row(name, *(f"{count:,}" for count in counts))
        door.out.print(rows)
        return
    wrong = [
        (count, confusion.classes[label], confusion.classes[answer])
        for label, counts in enumerate(confusion.counts)
        for answer, count in enumerate(counts)
        if label != answer and count
    ]
    for count, label, answer in sorted(wrong, key=lambda one: -one[0])[:SHOWN_CONFUSIONS]:
        door.tell(f"{count:,} × {label} taken for {answer}")


def _show_calibration(door: Door, calibration: Calibration) -> None:
    rows = table(">Confidence", ">Answers", ">Right")
    for each in calibration.bins:
        rows.add_row(_figure(each.confidence), f"{each.count:,}", _figure(each.accuracy))
    door.out.print()
    door.out.print(rows)


def _told(mistake: Mistake) -> str:
    """`0.98 sure of positive, not negative: a text …`"""
    answers = f"{mistake.score:.2f} sure of {mistake.answered}, not {mistake.wanted}" if mistake.answered else ""
    text = mistake.text or f"held-out row {mistake.row}"
    return printable(
        ": ".join(part for part in (answers or f"loss {mistake.score:.2f}", text[:SHOWN_CHARACTERS]) if part)
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _ends(interval: Interval | None) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if interval else ""
