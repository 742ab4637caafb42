"""The report as tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jupyter_modeldeploy.reporting import figures
from jupyter_modeldeploy.reporting.report import METRIC_NAMES, Comparison, Report

SHOWN_OPERATORS = 10
BAR_CELLS = 20
_STYLES = {"better": "green", "worse": "red", "undecided": "yellow"}


def terminal(report: Report | Mapping[str, Any]) -> Group:
    """The report's tables, to be printed by a rich console. Names in it are printed as they are, never as markup."""
    checked = report if isinstance(report, Report) else Report.model_validate(report)
    parts = [_forms(checked), _operators(checked), _comparison(checked.comparison)]
    return Group(*(Padding(part, (1, 0, 0, 0)) for part in parts), _sentence(checked.comparison))


def _forms(report: Report) -> Table:
    table = _table("FP32 and INT8", ("", "left"), ("FP32", "right"), ("INT8", "right"), ("INT8 against FP32", "left"))
    fp32, int8 = report.latency_ms.fp32, report.latency_ms.int8
    low, high = (figures.points(end) for end in report.accuracy_difference_ci)
    memory = report.peak_memory_fp32_bytes
    for row in (
        (
            "Accuracy, held out",
            figures.percent(report.accuracy_fp32),
            figures.percent(report.accuracy_int8),
            f"{figures.points(report.accuracy_difference)} ({low} … {high}); "
            f"before fine-tuning {figures.percent(report.accuracy_before)}",
        ),
        (
            "Size",
            figures.size(report.size_fp32_bytes),
            figures.size(report.size_int8_bytes),
            f"{figures.times(report.size_ratio)} smaller",
        ),
        (
            "Latency p50",
            figures.milliseconds(fp32.p50),
            figures.milliseconds(int8.p50),
            f"{figures.times(report.latency_ratio)} as fast",
        ),
        ("Latency p99", figures.milliseconds(fp32.p99), figures.milliseconds(int8.p99), ""),
        (
            "Throughput",
            figures.rate(report.throughput_rps.fp32),
            figures.rate(report.throughput_rps.int8),
            f"{figures.times(report.throughput_ratio)} as much",
        ),
        ("Peak memory", figures.size(memory) if memory else "–", figures.size(report.peak_memory_bytes), ""),
    ):
        table.add_row(*row)
    return table


def _operators(report: Report) -> Table:
    table = _table(
        "Costliest operators of INT8", ("Operator", "left"), ("Type", "left"), ("Share", "right"), ("", "left")
    )
    shown = report.operators[:SHOWN_OPERATORS]
    largest = max((operator.share for operator in shown), default=0) or 1
    for operator in shown:
        bar = "█" * round(BAR_CELLS * operator.share / largest)
        table.add_row(Text(operator.name), Text(operator.type), figures.percent(operator.share), Text(bar, "cyan"))
    return table


def _comparison(comparison: Comparison) -> Table:
    table = _table(
        "Compared under one load",
        ("", "left"),
        (comparison.base, "right"),
        (comparison.candidate, "right"),
        ("Difference", "right"),
        ("95 % interval", "right"),
        ("Verdict", "left"),
    )
    for metric in comparison.metrics:
        name, found = METRIC_NAMES.get(metric.metric, metric.metric), metric.difference
        if metric.base is None or metric.candidate is None or found is None:
            table.add_row(name, "–", "–", "–", "–", Text(metric.note))
            continue
        table.add_row(
            name,
            figures.quantity(metric.base, metric.unit),
            figures.quantity(metric.candidate, metric.unit),
            figures.difference(found.value, metric.unit),
            " … ".join(figures.difference(end, metric.unit) for end in (found.low, found.high)),
            Text(metric.verdict, _STYLES[metric.verdict]),
        )
    return table


def _sentence(comparison: Comparison) -> Text:
    split = f"Split check: p = {figures.p_value(comparison.split_p_value)}."
    return Text(f"{comparison.sentence} {split}", style="" if comparison.split_as_asked else "red")


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=Text(title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for header, justify in columns:
        table.add_column(Text(header), justify="left" if justify == "left" else "right")
    return table
