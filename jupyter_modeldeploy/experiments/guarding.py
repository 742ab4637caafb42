"""Whether the candidate does harm: certain as early as it can be, and always valid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.deciding import for_few
from jupyter_modeldeploy.experiments.measured import Measured, measured, successes, without_strays
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.statistics import sequences
from jupyter_modeldeploy.experiments.statistics.failures import LARGEST_RATIO, Counts, difference, ratio
from jupyter_modeldeploy.experiments.strata import Stratum, strata
from jupyter_modeldeploy.records import Guardrail, GuardrailState, Interval, Metric

TUNED_TO = 300
"""Units at which the intervals of harm are narrow: a guardrail is for what shows soon."""


def guard(
    observed: Sequence[Observed],
    base: str,
    candidate: str,
    guardrails: Sequence[Guardrail],
    metrics: Sequence[Metric],
    level: float = 0.95,
) -> list[GuardrailState]:
    """How each of the guardrails stands, in their order. Over all looks, and all guardrails together, one is breached
    that holds in truth with a chance of at most 1 − `level`.

    Whether a unit failed or not is judged exactly, from the first unit on; all else by an asymptotic confidence
    sequence, widened for few units. Raises InvalidInput for a guardrail on none of the `metrics`."""
    by_name = {metric.name: metric for metric in metrics}
    stages = strata(observed, base, candidate)
    error = (1 - level) / max(1, len(guardrails))
    found = []
    for guardrail in guardrails:
        if guardrail.metric not in by_name:
            raise InvalidInput(f"A guardrail on {guardrail.metric}, which is not measured.", f"Among: {list(by_name)}.")
        found.append(_state(guardrail, by_name[guardrail.metric], stages, error))
    return found


def _state(guardrail: Guardrail, metric: Metric, stages: Sequence[Stratum], error: float) -> GuardrailState:
    stages = [without_strays(metric, stage)[0] for stage in stages]
    try:
        counts = _counts(metric, stages)
        if counts is not None:
            return _of_counts(guardrail, metric, counts, error)
        harm = _harm(guardrail, metric, measured(metric, stages), error)
    except InvalidInput as error:
        return GuardrailState(guardrail=guardrail, note=str(error))
    return GuardrailState(guardrail=guardrail, harm=harm, state=_where(harm, guardrail.at_most))


def _counts(metric: Metric, stages: Sequence[Stratum]) -> list[Counts] | None:
    """Failures, where each unit fails or does not; None of all others. Raises InvalidInput without units."""
    found = []
    for stage in stages:
        base, candidate = (successes(metric, one) for one in stage.sides)
        if base is None or candidate is None:
            return None
        units = [one.units for one in stage.sides]
        if not metric.lower_is_better:
            base, candidate = units[0] - base, units[1] - candidate
        share = stage.candidate.weight / (stage.base.weight + stage.candidate.weight)
        found.append(Counts(base, units[0], candidate, units[1], share))
    return found or None


def _of_counts(guardrail: Guardrail, metric: Metric, counts: Sequence[Counts], error: float) -> GuardrailState:
    if not guardrail.relative:
        value, low, high = difference(counts, error)
    else:
        rate, least, most = ratio(counts, error, of_successes=not metric.lower_is_better)
        value, low, high = (one - 1 for one in (rate, least, most))
        if not metric.lower_is_better:
            value, low, high = -value, -high, -low
    harm = Interval(value=value, low=low, high=high, level=1 - 2 * error)
    state = _where(harm, guardrail.at_most)
    if abs(value) < LARGEST_RATIO - 1:
        return GuardrailState(guardrail=guardrail, harm=harm, state=state)
    note = "No unit of the base had any, so there is no share of it."
    return GuardrailState(guardrail=guardrail, state=state, note=note)


def _harm(guardrail: Guardrail, metric: Metric, found: Measured, error: float) -> Interval:
    """Raises InvalidInput where nothing says how sure it is."""
    effect = found.relative if guardrail.relative else found.effect
    if not effect.variance > 0:
        raise InvalidInput("All units are alike in it so far: nothing says how sure that is.", "Wait for more.")
    level = 1 - 2 * error  # harm is on one side
    reach = for_few(effect, float(sequences.half_width(effect, level, TUNED_TO)))
    value = float(effect.value) * (1 if metric.lower_is_better else -1)
    if not math.isfinite(reach):
        raise InvalidInput("There are too few units.", "Wait for more.")
    return Interval(value=value, low=value - reach, high=value + reach, level=level)


def _where(harm: Interval, at_most: float) -> Literal["open", "held", "breached"]:
    if harm.low > at_most:
        return "breached"
    return "held" if harm.high <= at_most else "open"
