"""What a search for a smaller or faster form of a model found, as one HTML file and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2

from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.optimizations import (
    Accuracy,
    Candidate,
    ClassChange,
    LayerLoss,
    Optimization,
    Timing,
    Verdict,
)
from jupyter_modeldeploy.reporting import charts, figures
from jupyter_modeldeploy.reporting.page import Page, template

SHOWN_CLASSES, SHOWN_LAYERS = 20, 20
PLOT_WIDTH, PLOT_HEIGHT = 520, 260
WORDS: dict[Verdict, str] = {
    "original": "the original",
    "recommended": "recommended",
    "front": "on the front",
    "dominated": "dominated",
    "slower": "not carried on",
    "too-much-loss": "loses too much",
    "failed": "failed",
    "no-time": "no time",
    "open": "under way",
}
TONES: dict[Verdict, str] = {"recommended": "int8", "front": "int8", "original": "fp32", "too-much-loss": "worse"}


@dataclass(frozen=True)
class Row:
    """One figure before and after, and how they compare."""

    name: str
    before: str
    after: str
    compared: str


@dataclass(frozen=True)
class Point:
    """A candidate in the plot: by how much it is better, and what it loses."""

    name: str
    tone: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Plot:
    points: list[Point]
    across: charts.Scale
    down: charts.Scale
    budget: float


class OptimizationReport(Page, Optimization):
    """An optimization that shows itself."""

    def html(self) -> str:
        return render(self)

    def heading(self) -> str:
        return f"Optimisation of {self.base}"


def render(optimization: Optimization | Mapping[str, Any]) -> str:
    """The report as an HTML page. Raises pydantic's ValidationError for a mapping that is none."""
    found = optimization if isinstance(optimization, Optimization) else Optimization.model_validate(optimization)
    shown = found.chosen or (found.candidates[0] if found.candidates else None)
    return _template().render(
        found=found,
        chosen=shown,
        rows=before_and_after(found),
        plot=_plot(found),
        classes=_classes(shown),
        layers=layers(found),
        words=WORDS,
        gain=found.gain,
        timing=timing_told,
        accuracy=accuracy_told,
        difference=difference_told,
    )


def before_and_after(found: Optimization) -> list[Row]:
    """The original beside the recommended candidate, as far as both were measured."""
    chosen = found.chosen
    if chosen is None or not found.candidates:
        return []
    original = found.original
    rows = [_sizes("Size", original.size_bytes, chosen.size_bytes)]
    for name, before, after in (
        ("Latency", original.latency or original.best, chosen.latency or chosen.best),
        ("Throughput", original.throughput, chosen.throughput),
    ):
        if before and after:
            rows += _speeds(name, before, after)
    rows.append(_sizes("Peak memory", original.peak_memory_bytes, chosen.peak_memory_bytes))
    for part, judged in (("rows that chose", chosen.validation), ("test rows", chosen.test)):
        if judged:
            before_value = judged.value.value - judged.difference.value
            rows.append(
                Row(
                    f"{judged.metric}, {judged.rows:,} {part}",
                    figures.percent(before_value),
                    accuracy_told(judged),
                    difference_told(judged),
                )
            )
    if chosen.test:
        rows.append(Row("Rows answered alike", "", figures.percent(chosen.test.agreement), ""))
    return [row for row in rows if row.after]


def layers(found: Optimization) -> list[LayerLoss]:
    """Of the recommended candidate, else of any that was calibrated, the most sensitive first."""
    candidates = [*([found.chosen] if found.chosen else []), *found.candidates]
    return next((one.layers for one in candidates if one.layers), [])


def timing_told(timing: Timing | None) -> str:
    if timing is None:
        return ""
    low, high = (figures.significant(end) for end in (timing.p50_ms.low, timing.p50_ms.high))
    return f"{figures.milliseconds(timing.p50_ms.median)} ({low} – {high})"


def accuracy_told(judged: Accuracy | None) -> str:
    return _told(judged.value, figures.percent) if judged else ""


def difference_told(judged: Accuracy | None) -> str:
    return _told(judged.difference, lambda share: figures.points(share, 2)) if judged else ""


def _told(interval: Interval, told: Any) -> str:
    return f"{told(interval.value)} ({told(interval.low)} – {told(interval.high)})"


def layout_told(timing: Timing) -> str:
    """`2 threads`, `2 × 1 thread, 4 rows`"""
    layout = timing.layout
    threads = f"{layout.threads} thread{'s' * (layout.threads > 1)}"
    return (
        (f"{layout.instances} × " if layout.instances > 1 else "")
        + threads
        + (f", {layout.batch} rows" if layout.batch > 1 else "")
    )


def _sizes(name: str, before: int | None, after: int | None) -> Row:
    if before is None or after is None:
        return Row(name, "", "", "")
    return Row(name, figures.size(before), figures.size(after), f"{figures.times(before / after)} smaller")


def _speeds(name: str, before: Timing, after: Timing) -> list[Row]:
    ratio = f"{figures.times(after.speed.median / before.speed.median)}"
    if name == "Latency":
        return [
            Row(
                "Latency p50",
                f"{timing_told(before)}, {layout_told(before)}",
                f"{timing_told(after)}, {layout_told(after)}",
                f"{ratio} as fast",
            ),
            Row("Latency p95", figures.milliseconds(before.p95_ms), figures.milliseconds(after.p95_ms), ""),
        ]
    told = [f"{figures.rate(one.rows_per_s.median)}, {layout_told(one)}" for one in (before, after)]
    ratio = figures.times(after.rows_per_s.median / before.rows_per_s.median)
    return [Row(name, told[0], told[1], f"{ratio} as much")]


def _plot(found: Optimization) -> Plot | None:
    """All candidates that were measured and judged, those on most rows as they were judged last."""
    shown = [(one, value) for one in found.candidates if (value := found.gain(one))]
    shown = [(one, value) for one, value in shown if one.validation or one is found.candidates[0]]
    if len(shown) < 2:
        return None
    zero = Interval(value=0, low=0, high=0)
    losses = [one.validation.difference if one.validation else zero for one, _ in shown]
    gains = [Interval(value=value, low=value, high=value) for _, value in shown]
    # A candidate that answers at random would press all others to one line.
    lowest = max(min(each.value for each in losses), -5 * max(found.max_loss, 0.01))
    within = [each for each in losses if each.value >= lowest]
    across = charts.scale_around(gains, PLOT_WIDTH, [0.9, 1.1])
    down = charts.scale_around([zero], PLOT_HEIGHT, [-found.max_loss, 0.005, *(each.value for each in within)])
    points = [
        Point(
            one.name,
            TONES.get(one.verdict, "before"),
            across.x(value),
            _height(down, each.value),
            _height(down, each.low),
            _height(down, each.high),
        )
        for (one, value), each in zip(shown, losses, strict=True)
    ]
    return Plot(points, across, down, _height(down, -found.max_loss))


def _height(scale: charts.Scale, value: float) -> float:
    return round(min(scale.width, max(0.0, scale.width - scale.x(value))), 2)


def _classes(chosen: Candidate | None) -> list[ClassChange]:
    """Those that changed most, the worst first."""
    judged = chosen.test or chosen.validation if chosen else None
    changes = judged.per_class if judged else []
    return sorted(changes, key=lambda one: (one.after or 0) - (one.before or 0))[:SHOWN_CLASSES]


@cache
def _template() -> jinja2.Template:
    return template("optimization.html.j2", figures=figures, charts=charts, shown_layers=SHOWN_LAYERS)
