"""What a comparison says, in one sentence with a clause per metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jupyter_modeldeploy.records import GuardrailState, Interval, MetricComparison

SPLIT_ALARM = 0.001
"""Below this p-value the traffic was not split as asked: so rare by chance that a fault is likelier."""
NAMES = {
    "error_rate": "the rate of errors",
    "latency_ms": "latency",
    "latency_p95": "the 95th percentile of latency",
    "f1_macro": "macro F1",
}
NOT_DUE = "It is judged once, when all planned units are there."
ALIKE = 0.005
"""By what share sizes may differ and be one size."""


def sentence(
    candidate: str,
    metrics: Sequence[MetricComparison],
    split_p_value: float = 1.0,
    guardrails: Sequence[GuardrailState] = (),
) -> str:
    """First the guardrails that are breached, then each metric; where the split is off, that nothing can be said.
    Errors are left out where neither side had one."""
    if split_p_value < SPLIT_ALARM:
        return (
            f"The traffic was not split as asked (p = {split_p_value:.1e}), so nothing can be said about {candidate}: "
            "find out why requests are missing on one side."
        )
    units = {metric.metric: metric.unit for metric in metrics}
    breached = [
        _breach(state, units.get(state.guardrail.metric, "")) for state in guardrails if state.state == "breached"
    ]
    if metrics and not breached and all(metric.difference is None for metric in metrics):
        return f"Nothing can be said about {candidate} yet. {metrics[0].note}"
    clauses = [_clause(metric) for metric in metrics if not _goes_without_saying(metric)]
    return f"{candidate} {'; '.join([*breached, *clauses]) or 'had no unit yet'}."


def _goes_without_saying(metric: MetricComparison) -> bool:
    """That nobody erred, and that both are of one size."""
    flawless = metric.metric == "error_rate" and metric.base == metric.candidate == 0
    one_size = metric.base and metric.candidate and abs(metric.candidate / metric.base - 1) <= ALIKE
    return flawless or (metric.metric == "size_bytes" and bool(one_size))


def _breach(state: GuardrailState, unit: str) -> str:
    name = NAMES.get(state.guardrail.metric, state.guardrail.metric)
    unit = "%" if state.guardrail.relative else unit
    allowed = _figure(state.guardrail.at_most, unit)
    if state.harm is None:
        return f"breaks the guardrail on {name} ({allowed} allowed)"
    return f"breaks the guardrail on {name}: worse by {_figure(state.harm.low, unit)} at least, {allowed} allowed"


def _clause(metric: MetricComparison) -> str:
    name = NAMES.get(metric.metric, metric.metric)
    if metric.difference is None:
        return f"nothing can be said of {name} yet"
    if metric.metric == "size_bytes" and metric.base:
        share = 100 * abs(metric.difference.value) / metric.base
        return f"is {share:.0f} % {'larger' if metric.difference.value > 0 else 'smaller'}"
    if metric.metric == "latency_ms" and metric.base:
        return _latency_clause(metric, metric.difference, metric.base)
    value, interval = _in_words(metric.difference, metric)
    share = metric.unit == "proportion"
    value = value if share else f"{value} {metric.unit}".strip()
    if metric.verdict != "undecided":
        is_better = metric.verdict == "better"
        return f"{name} is {'better' if is_better else 'worse'} by {value}{' pp' if share else ''} ({interval})"
    undecided = _undecided(metric, metric.difference)
    return f"{name} differs by {value}{' pp' if share else ''} ({interval}){undecided}"


def _latency_clause(metric: MetricComparison, difference: Interval, base: float) -> str:
    value, interval = _in_words(difference, metric)
    if metric.verdict == "undecided":
        return f"does not differ measurably in latency ({value} ms, {interval})"
    share = 100 * abs(difference.value) / base
    return f"answers {share:.0f} % {'faster' if metric.verdict == 'better' else 'slower'} ({value} ms, {interval})"


def _undecided(metric: MetricComparison, difference: Interval) -> str:
    """Why there is no verdict, and what it takes."""
    smallest = metric.minimum_effect
    if smallest and -smallest < difference.low and difference.high < smallest:
        return f", less than the {_figure(smallest, metric.unit)} that matter"
    if metric.note == NOT_DUE:
        return ": not decided before all planned units are there"
    several = "" if difference.low <= 0 <= difference.high else ", as one of several metrics"
    if not metric.units_missing:
        return f": not decided{several}"
    return f": not decided{several}, about {_rounded(metric.units_missing):,} more units"


def _in_words(difference: Interval, metric: MetricComparison) -> tuple[str, str]:
    """The value and its interval, with the digits that the interval's width leaves a meaning."""
    scale = 100 if metric.unit == "proportion" else 1
    reach = scale * (difference.high - difference.low) / 2
    digits = min(4, max(1, -math.floor(math.log10(reach)))) if reach else 3
    value, low, high = (
        f"{round(scale * number, digits) + 0.0:+.{digits}f}".replace("-", "−")  # a zero has no minus
        for number in (difference.value, difference.low, difference.high)
    )
    kind = "sequence" if "sequence" in metric.method else "interval"
    return value, f"{100 * difference.level:.0f} % {kind} {low} … {high}"


def _figure(value: float, unit: str) -> str:
    """With its unit, to two digits."""
    scaled = 100 * value if unit in ("proportion", "%") else value
    digits = f"{scaled:,.0f}" if abs(scaled) >= 10 else f"{scaled:.2g}"
    return f"{digits.replace('-', '−')} {_unit(unit)}".strip()


def _unit(unit: str) -> str:
    return "pp" if unit == "proportion" else unit


def _rounded(count: int) -> int:
    """To two digits."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // step) * step
