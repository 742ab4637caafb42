"""What a live experiment does next, from where it stands and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_modeldeploy.amounts import duration, percent
from jupyter_modeldeploy.experiments.sentences import SPLIT_ALARM
from jupyter_modeldeploy.records import GuardrailState, Interval, MetricComparison

SPLIT = "split"
"""Among what was waived: the alarm that the traffic was not split as asked."""


@dataclass(frozen=True)
class Ramp:
    """`steps` are the candidate's shares, one after the other, each held for `hold_s` seconds and until `hold_units`
    units met the version that is new at it. After `duration_s` seconds, those in which it was paused not counted, the
    experiment ends. With `promote` the candidate gets all the traffic where it proved better in the first metric."""

    steps: tuple[float, ...]
    hold_s: float
    hold_units: int
    duration_s: float
    promote: bool = False


@dataclass(frozen=True)
class Place:
    """Where an experiment stands: at which of the steps, since when, and when it ends (seconds since the epoch).
    `waived` are the guardrails, and perhaps `SPLIT`, in spite of which somebody told it to go on."""

    step: int
    since: float
    ends: float
    paused: bool = False
    waived: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Seen:
    """What is known `now`: how many units met the candidate at this step (the base where the candidate has no share
    yet), the guardrails, the check of the split and the comparison in the metric that decides. `anytime` says whether
    that comparison may be believed at any look, or only at the end."""

    now: float
    units: int
    guardrails: Sequence[GuardrailState] = ()
    split_p_value: float = 1.0
    primary: MetricComparison | None = None
    anytime: bool = True


@dataclass(frozen=True)
class Next:
    """What to do, and why in figures. `share` is the candidate's from then on; None leaves what to do about it to the
    end of the experiment."""

    action: Literal["step", "pause", "roll back", "promote", "end"]
    why: str
    by: Literal["guardrail", "split", "ramp", "alias"]
    share: float | None = None


def following(ramp: Ramp, place: Place, seen: Seen) -> Next | None:
    """The next decision, None where there is nothing to do but wait."""
    return _guarded(ramp, place, seen) or (None if place.paused else _timed(ramp, place, seen))


def _guarded(ramp: Ramp, place: Place, seen: Seen) -> Next | None:
    breached = [state for state in seen.guardrails if state.state == "breached"]
    for state in breached:
        if state.guardrail.then == "roll back":
            return Next("roll back", told(state), "guardrail", 0.0)
    if place.paused:
        return None
    share = ramp.steps[place.step]
    for state in breached:
        if state.guardrail.then == "pause" and state.guardrail.metric not in place.waived:
            return Next("pause", told(state), "guardrail", share)
    if seen.split_p_value < SPLIT_ALARM and SPLIT not in place.waived:
        why = f"The traffic was not split as asked (p = {seen.split_p_value:.1e}): units are missing on one side."
        return Next("pause", why, "split", share)
    return None


def _timed(ramp: Ramp, place: Place, seen: Seen) -> Next | None:
    share, is_last = ramp.steps[place.step], place.step == len(ramp.steps) - 1
    held_s = seen.now - place.since
    held = held_s >= ramp.hold_s and seen.units >= ramp.hold_units
    kept = f"{percent(share)} was held for {duration(held_s)} with {seen.units:,} units; {_guardrails(seen.guardrails)}"
    if is_last and held and share == 1:
        return Next("promote", f"{kept}. It was the last step.", "ramp", 1.0)
    over = seen.now >= place.ends
    if is_last and ramp.promote and (over or (held and seen.anytime)):
        lacking = _lacking(seen)
        if not lacking:
            return Next("promote", f"{_proven(seen.primary)}; {_guardrails(seen.guardrails)}.", "ramp", 1.0)
        if over:
            return Next("end", f"The time is over, and it is not promoted: {'; '.join(lacking)}.", "ramp")
    if over:
        return Next("end", f"The time is over; {kept}.", "ramp")
    if held and not is_last:
        return Next("step", f"{kept}.", "ramp", ramp.steps[place.step + 1])
    return None


def _lacking(seen: Seen) -> list[str]:
    """What keeps a candidate from being promoted."""
    missing = []
    if seen.primary is None or seen.primary.verdict != "better":
        missing.append(_proven(seen.primary))
    missing += [told(state) for state in seen.guardrails if state.state != "held"]
    if seen.split_p_value < SPLIT_ALARM:
        missing.append(f"the traffic was not split as asked (p = {seen.split_p_value:.1e})")
    return missing


def told(state: GuardrailState) -> str:
    """A guardrail's state in figures: `error_rate is worse by +5.1 % (+3.0 % to +7.2 %), at most 2.0 %: breached`."""
    rail = state.guardrail
    shown = percent if rail.relative or rail.metric.endswith("_rate") else _number
    if state.harm is None:
        return f"{rail.metric} is not known yet"
    harm, low, high = (shown(each) for each in (state.harm.value, state.harm.low, state.harm.high))
    return f"{rail.metric} is worse by {harm} ({low} to {high}), at most {shown(rail.at_most)}: {state.state}"


def _guardrails(states: Sequence[GuardrailState]) -> str:
    if not states:
        return "it has no guardrails"
    return f"guardrails: {'; '.join(told(state) for state in states)}"


def _proven(metric: MetricComparison | None) -> str:
    if metric is None:
        return "the metric that decides is not known yet"
    if metric.difference is None:
        return f"{metric.metric} cannot be told yet"
    return f"{metric.metric} is {metric.verdict} by {_span(metric.difference)} {metric.unit}".rstrip()


def _span(interval: Interval) -> str:
    return f"{interval.value:+.3g} ({interval.low:+.3g} to {interval.high:+.3g})"


def _number(value: float) -> str:
    return f"{value:.3g}"
