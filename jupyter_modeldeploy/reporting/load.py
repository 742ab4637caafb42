"""How an endpoint answered under load, as one HTML file and in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import jinja2

from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.loads import LoadReport, StageName
from jupyter_modeldeploy.reporting import charts, figures
from jupyter_modeldeploy.reporting.page import Page, template

PLOT_WIDTH, PLOT_HEIGHT = 560, 260
TONES: dict[StageName, str] = {
    "generator": "worse",
    "network": "before",
    "queue": "undecided",
    "compute": "fp32",
    "encode": "int8",
}
WORDS: dict[StageName, str] = {
    "generator": "waiting to be sent",
    "network": "network and client",
    "queue": "the server's queue",
    "compute": "the model",
    "encode": "decoding and encoding",
}


@dataclass(frozen=True)
class Point:
    """A step in the picture, with the ends of its latency's interval."""

    label: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Plot:
    """Latency over throughput: the median, and the percentile that was asked for."""

    medians: list[Point]
    tails: list[Point]
    across: charts.Scale
    down: charts.Scale


class LoadPage(Page, LoadReport):
    """A load's report that shows itself."""

    def html(self) -> str:
        return _template().render(
            found=self,
            name=self.service or self.url,
            plot=plot_of(self),
            tones=TONES,
            words=WORDS,
            told=told,
            longest=max((sum(stage.mean_ms for stage in step.stages) for step in self.steps), default=0.0),
        )

    def heading(self) -> str:
        return f"Load on {self.service or self.url}"


def told(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    low, high = (figures.significant(end) for end in (interval.low, interval.high))
    return f"{figures.milliseconds(interval.value)} ({low} – {high})"


def plot_of(found: LoadReport) -> Plot | None:
    """The steps whose median is known, in their order."""
    shown = [step for step in found.steps if step.latency.p50 is not None]
    if not shown:
        return None
    medians = [step.latency.p50 for step in shown if step.latency.p50]
    tails = [step.latency.p99 for step in shown]
    speeds = [charts.interval(step.throughput_rps, step.throughput_rps, step.throughput_rps) for step in shown]
    across = charts.scale_around(speeds, PLOT_WIDTH, [0.0])
    values = [each.value for each in [*medians, *tails] if each is not None]
    down = charts.scale_around([charts.interval(0.0, 0.0, 0.0)], PLOT_HEIGHT, values)

    def point(label: str, speed: float, latency: Interval) -> Point:
        y, low, high = (round(_height(down, each), 2) for each in (latency.value, latency.low, latency.high))
        return Point(label, across.x(speed), y, low, high)

    points = [(step.label, step.throughput_rps) for step in shown]
    return Plot(
        medians=[point(*each, latency) for each, latency in zip(points, medians, strict=True)],
        tails=[point(*each, latency) for each, latency in zip(points, tails, strict=True) if latency is not None],
        across=across,
        down=down,
    )


def _height(scale: charts.Scale, value: float) -> float:
    """From the top; what is beyond the scale stays at its edge."""
    return min(scale.width, max(0.0, scale.width - scale.x(value)))


@cache
def _template() -> jinja2.Template:
    return template("load.html.j2", figures=figures)
