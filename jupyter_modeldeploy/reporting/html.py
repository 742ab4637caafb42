"""One HTML file that needs nothing beside it: no script, no font, no picture, no network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.reporting import charts, figures
from jupyter_modeldeploy.reporting.page import template
from jupyter_modeldeploy.reporting.report import METRIC_NAMES, Report

SHOWN_OPERATORS = 10
SHOWN_TYPES = 6


def render(report: Report | Mapping[str, Any]) -> str:
    """The report as an HTML page. Raises pydantic's ValidationError for a mapping that is no report."""
    checked = report if isinstance(report, Report) else Report.model_validate(report)
    return _template().render(
        report=checked,
        accuracies=_accuracies(checked),
        shown=SHOWN_OPERATORS,
        types=SHOWN_TYPES,
        names=METRIC_NAMES,
    )


def _accuracies(report: Report) -> list[tuple[str, Interval, str, str]]:
    """Label, interval, tone and text of each accuracy; one whose interval is not known is a point."""
    rows = []
    for label, tone, value in (
        ("Before", "before", report.accuracy_before),
        ("FP32", "fp32", report.accuracy_fp32),
        ("INT8", "int8", report.accuracy_int8),
    ):
        interval = report.accuracy_intervals.get(tone)
        text = figures.percent(value)
        if interval is not None:
            text += f" ({figures.percent(interval.low)} – {figures.percent(interval.high)})"
        rows.append((label, interval or charts.interval(value, value, value), tone, text))
    return rows


@cache
def _template() -> jinja2.Template:
    return template(
        "report.html.j2",
        figures=figures,
        charts=charts,
        share_tick=lambda value, digits: figures.percent(value, max(0, digits - 2)),
        point_tick=lambda value, digits: figures.points(value, max(0, digits - 2)),
        plain_tick=lambda value, digits: figures.signed(value, digits),
    )
