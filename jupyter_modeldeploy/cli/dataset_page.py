"""What a dataset holds, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.cli.views import fact_rows

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import DataReport, Dataset

SHOWN_CLASSES = 20


def show(door: Door, dataset: Dataset) -> None:
    columns = " → ".join(name for name in (dataset.text_column, dataset.label_column) if name)
    door.out.print(
        fact_rows(
            {
                "Dataset": dataset.ref,
                "Task": f"{dataset.task}, several classes each" if dataset.multi_label else dataset.task,
                "Format": dataset.format,
                "Columns": columns or None,
                "Source": dataset.source,
                "Rows": f"{dataset.rows:,}",
                "Split": ", ".join(f"{count:,} {side}" for side, count in dataset.splits.items()) or None,
            }
        )
    )
    if dataset.report is not None:
        _show_classes(door, dataset.report)
        _show_spreads(door, dataset.report)
        _show_examples(door, dataset.report)
        for warning in dataset.report.warnings:
            door.out.print(printable(warning), style="yellow", soft_wrap=True)


def _show_classes(door: Door, report: DataReport) -> None:
    names = sorted({name for counts in report.classes.values() for name in counts})
    if not names:
        return
    rows = table("Class", *(f">{side}" for side in report.classes))
    for name in names[:SHOWN_CLASSES]:
        rows.add_row(printable(name), *(f"{counts.get(name, 0):,}" for counts in report.classes.values()))
    door.out.print()
    door.out.print(rows)
    if len(names) > SHOWN_CLASSES:
        door.out.print(f"and {len(names) - SHOWN_CLASSES} more", style="dim")


def _show_spreads(door: Door, report: DataReport) -> None:
    rows = table("", "Unit", ">Least", ">Median", ">95 %", ">Most")
    for spread in report.distributions:
        values = (spread.minimum, spread.median, spread.p95, spread.maximum)
        rows.add_row(spread.of, spread.unit, *(f"{value:,.4g}" if value < 1 else f"{value:,.0f}" for value in values))
    door.out.print()
    door.out.print(rows)


def _show_examples(door: Door, report: DataReport) -> None:
    rows = table("Example", "Text", "Labels")
    for example in report.examples:
        rows.add_row(printable(example.place), printable(example.text), printable(", ".join(example.labels)))
    door.out.print()
    door.out.print(rows)
