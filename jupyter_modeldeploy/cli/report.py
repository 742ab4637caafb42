"""The demo's report on the terminal: the same figures as its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.amounts import percent, size
from jupyter_modeldeploy.cli.door import Door
from jupyter_modeldeploy.cli.results import metrics_table, operators_table, points
from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.records import Interval

if TYPE_CHECKING:
    from rich.table import Table

    from jupyter_modeldeploy.reporting.report import Report


def show(door: Door, report: Report) -> None:
    low, high = report.accuracy_difference_ci
    difference = Interval(value=report.accuracy_difference, low=low, high=high)
    comparison = report.comparison
    door.out.print()
    door.out.print(_forms(report))
    door.out.print(f"Accuracy on held-out rows before fine-tuning: {percent(report.accuracy_before)}")
    door.out.print(f"Accuracy of INT8 against FP32: {points(difference)}")
    door.out.print(f"Peak memory of INT8: {size(report.peak_memory_bytes)}")
    door.out.print()
    door.out.print(operators_table(report.operators, "Costliest operators of INT8"))
    door.out.print()
    title = f"{comparison.candidate} against {comparison.base}, sharing the traffic"
    door.out.print(metrics_table(comparison.metrics, title))
    door.out.print(comparison.sentence, style="bold")


def _forms(report: Report) -> Table:
    """Both forms side by side, and how many times better INT8 is."""
    rows = table("", ">FP32", ">INT8", ">Ratio", title=report.title)
    fp32, int8 = report.latency_ms.fp32, report.latency_ms.int8
    speeds = report.throughput_rps
    rows.add_row("Accuracy", percent(report.accuracy_fp32), percent(report.accuracy_int8), "")
    rows.add_row("Size", size(report.size_fp32_bytes), size(report.size_int8_bytes), f"{report.size_ratio:.2f}")
    rows.add_row("Latency p50 (ms)", f"{fp32.p50:.2f}", f"{int8.p50:.2f}", f"{report.latency_ratio:.2f}")
    rows.add_row("Latency p99 (ms)", f"{fp32.p99:.2f}", f"{int8.p99:.2f}", f"{fp32.p99 / int8.p99:.2f}")
    rows.add_row("Requests/s", f"{speeds.fp32:.1f}", f"{speeds.int8:.1f}", f"{report.throughput_ratio:.2f}")
    return rows
