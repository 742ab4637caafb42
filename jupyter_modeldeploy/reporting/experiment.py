"""What an experiment found, as one HTML file, in a notebook, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from jupyter_modeldeploy.records import Decision, Experiment, GuardrailState, Interval, Look, MetricComparison
from jupyter_modeldeploy.records.experiments import Method
from jupyter_modeldeploy.reporting import charts, figures
from jupyter_modeldeploy.reporting.page import Page, template

PLOT_WIDTH, PLOT_HEIGHT, SHARE_HEIGHT = 560, 220, 90
MOST_WIDTHS = 3
"""The first looks know next to nothing: what is farther off than so many times the last interval is cut off."""
MISMATCH = 0.001
"""Below it the traffic was not split as asked, and no verdict may be trusted."""
NAMES = {
    "accuracy": "Accuracy",
    "confidence": "Confidence",
    "error_rate": "Error rate",
    "f1_macro": "Macro F1",
    "latency_ms": "Latency",
    "latency_p95": "Latency, 95th percentile",
    "size_bytes": "Size",
}
MEANINGS: dict[Method, str] = {
    "sequence": "The intervals are confidence sequences: they hold at all times at once, so one may look as often as "
    "one likes and stop whenever one likes.",
    "fixed": "The intervals are for one look, at the end: who looks in between and stops at what looks good is wrong "
    "more often than they say.",
    "stages": "The intervals are for looks at planned stages: each look spends a part of the risk, and all together "
    "are wrong no more often than they say.",
}
ROWS = "On labelled rows, of which both versions answered each."
COLUMNS: dict[str, Callable[[MetricComparison], str]] = {
    "Relative": lambda metric: figures.percent(metric.relative.value) if metric.relative else "",
    "p": lambda metric: "" if metric.p_value is None else figures.p_value(metric.p_value),
    "Chance better": lambda metric: "" if metric.chance_better is None else figures.percent(metric.chance_better),
    "Units missing": lambda metric: "" if metric.units_missing is None else f"{metric.units_missing:,}",
}
"""What is not known of every experiment."""
SUSPICIONS = {
    "crossed": "Units that met both versions",
    "busiest": "Units with far more requests than others",
    "duplicate": "Outcomes sent twice",
    "unknown": "Outcomes of units that were never served",
    "dropped": "Rows that were dropped",
    "damaged": "Damaged files of recorded requests",
}


@dataclass(frozen=True)
class Sequence:
    """A metric's interval at every look, over the minutes since the first; `band` and `line` are points of SVG."""

    metric: MetricComparison
    across: charts.Scale
    down: charts.Scale
    band: str
    line: str
    marks: list[float]
    """Heights of the smallest differences that matter."""

    def y(self, value: float) -> float:
        return _height(self.down, value)


@dataclass(frozen=True)
class Shares:
    """The candidate's share of the traffic over the minutes since the start, as points of SVG."""

    across: charts.Scale
    line: str


class ExperimentPage(Page, Experiment):
    """An experiment that shows itself."""

    def html(self) -> str:
        return _template().render(
            found=self,
            heading=self.heading(),
            mismatch=self.split_p_value < MISMATCH,
            sequences=[drawn for metric in self.metrics if (drawn := sequence_of(metric))],
            shares=shares_of(self),
            segments=[metric for metric in self.metrics if metric.segments],
            methods=sorted({metric.method for metric in self.metrics} - {""}),
            columns={name: text for name, text in COLUMNS.items() if any(map(text, self.metrics))},
            meaning=None if self.kind == "offline" else MEANINGS[self.method],
            suspicions=SUSPICIONS,
            units="rows" if self.kind == "offline" else "units",
        )

    def heading(self) -> str:
        return f"{self.candidate} against {self.base}{f' in {self.namespace}' if self.namespace else ''}"

    def write(self, path: str | Path) -> Path:
        """Write it to a file: as JSON where its name ends with `.json`, as Markdown with `.md`, else as a page."""
        written = Path(path)
        match written.suffix:
            case ".json":
                written.write_text(self.model_dump_json(indent=2), encoding="utf-8")
            case ".md":
                written.write_text(self.markdown(), encoding="utf-8")
            case _:
                return super().write(written)
        return written

    def trust(self) -> str:
        """Whether both versions had what the other had: by chance, or because they answered the same rows."""
        if self.kind == "offline":
            return ROWS
        told = "not as asked: no verdict may be trusted" if self.split_p_value < MISMATCH else "as asked"
        return f"The traffic was split {told} (sample-ratio check, p = {figures.p_value(self.split_p_value)})."

    def markdown(self) -> str:
        """A summary for a pull request or a chat: the verdict, the figures, the guardrails, what was done and why."""
        lines = [f"# {self.heading()}", "", self.verdict, ""]
        lines += [f"| Metric | {self.base} | {self.candidate} | Difference | Verdict |", "|---|---:|---:|---:|---|"]
        for metric in self.metrics:
            base, candidate = (quantity(value, metric.unit) for value in (metric.base, metric.candidate))
            told = metric.verdict if metric.difference else metric.note
            lines.append(f"| {named(metric.metric)} | {base} | {candidate} | {interval(metric)} | {told} |")
        if self.guardrails:
            lines += ["", "## Guardrails", "", *(f"- {guardrail(self, one)}" for one in self.guardrails)]
        if self.decisions:
            lines += ["", "## Decisions", "", *(f"- {decision(one)}" for one in self.decisions)]
        lines += ["", self.trust() if self.kind == "offline" else f"{self.trust()} {MEANINGS[self.method]}"]
        return "\n".join(lines) + "\n"


def named(metric: str) -> str:
    """A metric's name as a heading."""
    return NAMES.get(metric, metric.replace("_", " "))


def quantity(value: float | None, unit: str) -> str:
    return "" if value is None else figures.quantity(value, unit).strip()


def interval(metric: MetricComparison) -> str:
    """`−0.20 pp (−0.90 to +0.50)`; nothing where there is no difference, and no interval where it was counted."""
    found = metric.difference
    if found is None:
        return ""
    return around(found, metric.unit) if found.low < found.high else figures.difference(found.value, metric.unit)


def around(found: Interval, unit: str) -> str:
    value, *ends = (figures.difference(each, unit).strip() for each in (found.value, found.low, found.high))
    low, high = (end.split(figures.GAP)[0] for end in ends)
    return f"{value} ({low} to {high})"


def guardrail(found: Experiment, one: GuardrailState) -> str:
    """`Error rate worse by at most 2.00 %, else roll back: breached, worse by +5.00 pp (+4.00 to +6.00)`."""
    kept = one.guardrail
    unit = next((metric.unit for metric in found.metrics if metric.metric == kept.metric), "")
    most = figures.percent(kept.at_most) if kept.relative else quantity(kept.at_most, unit)
    harm = f"worse by {harm_of(found, one)}" if one.harm else one.note
    return f"{named(kept.metric)} worse by at most {most}, else {kept.then}: {one.state}{', ' * bool(harm)}{harm}"


def harm_of(found: Experiment, one: GuardrailState) -> str:
    if one.harm is None:
        return one.note
    if not one.guardrail.relative:
        units = (metric.unit for metric in found.metrics if metric.metric == one.guardrail.metric)
        return around(one.harm, next(units, ""))
    value, low, high = (figures.percent(each) for each in (one.harm.value, one.harm.low, one.harm.high))
    return f"{value} ({low} to {high})"


def decision(one: Decision) -> str:
    """`2026-11-22 12:11 UTC, roll back: 0 % of the traffic, by modeldeploy. error_rate is worse by 5 pp.`"""
    share = figures.percent(one.share, 0)
    return f"{one.at:%Y-%m-%d %H:%M} UTC, {one.action}: {share} of the traffic, by {one.by}. {one.why}"


def sequence_of(metric: MetricComparison) -> Sequence | None:
    """The picture of a metric's looks, whose height holds zero, the minimum effect and what is known by now."""
    if not metric.looks:
        return None
    last = metric.looks[-1].difference
    width = max(last.high - last.low, abs(last.value), metric.minimum_effect or 0) or 1.0
    marks = [metric.minimum_effect, -metric.minimum_effect] if metric.minimum_effect else []
    ends = [end for look in metric.looks for end in (look.difference.low, look.difference.high)]
    kept = [min(max(end, last.value - MOST_WIDTHS * width), last.value + MOST_WIDTHS * width) for end in ends]
    down = charts.scale_around([last], PLOT_HEIGHT, [0.0, *kept, *marks])
    minutes = _minutes(metric.looks)
    across = charts.Scale(0.0, max(minutes[-1], 1e-9), PLOT_WIDTH)
    at = [across.x(each) for each in minutes]
    differences = [look.difference for look in metric.looks]
    high = [(x, _height(down, each.high)) for x, each in zip(at, differences, strict=True)]
    low = [(x, _height(down, each.low)) for x, each in zip(at, differences, strict=True)]
    middle = [(x, _height(down, each.value)) for x, each in zip(at, differences, strict=True)]
    return Sequence(metric, across, down, _points(high + low[::-1]), _points(middle), [_height(down, m) for m in marks])


def shares_of(found: Experiment) -> Shares | None:
    """The steps of the traffic, from the first decision until the experiment was written last."""
    if not found.decisions:
        return None
    first, last = found.decisions[0].at, found.updated_at or found.decisions[-1].at
    across = charts.Scale(0.0, max((last - first).total_seconds() / 60, 1e-9), PLOT_WIDTH)
    points: list[tuple[float, float]] = []
    for one in found.decisions:
        x = across.x((one.at - first).total_seconds() / 60)
        points += [(x, points[-1][1])] if points else []
        points.append((x, round(SHARE_HEIGHT * (1 - one.share), 2)))
    return Shares(across, _points([*points, (float(PLOT_WIDTH), points[-1][1])]))


def _minutes(looks: list[Look]) -> list[float]:
    return [(look.at - looks[0].at).total_seconds() / 60 for look in looks]


def _height(scale: charts.Scale, value: float) -> float:
    """From the top; what is beyond the scale stays at its edge."""
    return round(min(scale.width, max(0.0, scale.width - scale.x(value))), 2)


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


@cache
def _template() -> jinja2.Template:
    return template(
        "experiment.html.j2",
        figures=figures,
        charts=charts,
        named=named,
        quantity=quantity,
        interval=interval,
        around=around,
        harm_of=harm_of,
        share_height=SHARE_HEIGHT,
    )
