"""How sure an effect is, by each method."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.statistics import fixed, sequences, stages
from jupyter_modeldeploy.experiments.statistics.effects import Effect
from jupyter_modeldeploy.experiments.statistics.estimates import Estimate
from jupyter_modeldeploy.experiments.statistics.planner import Design
from jupyter_modeldeploy.records import Interval
from jupyter_modeldeploy.records.experiments import Method

WORDS = {
    "sequence": "asymptotic confidence sequence (Waudby-Smith et al. 2024)",
    "fixed": "Welch's interval at a fixed horizon",
    "stages": "group-sequential with O'Brien-Fleming spending (Lan and DeMets 1983)",
}
SMALLEST_P = 1e-6
"""Of planned looks: smaller ones are not told apart."""
POWER = 0.8
FAR = 100
"""Times the units there are: nobody waits for more."""


@dataclass(frozen=True)
class Rule:
    """A method at one look. `fractions` are the shares of all planned units that this look and those before it had: a
    fixed horizon is judged when the last is 1, planned looks have limits of their own, a sequence asks for none."""

    method: Method = "sequence"
    level: float = 0.95
    fractions: tuple[float, ...] = (1.0,)
    tuned_to: float = sequences.TUNED_TO

    @property
    def is_due(self) -> bool:
        return self.method != "fixed" or self.fractions[-1] >= 1

    def interval(self, effect: Effect) -> Interval:
        reach = float(self._half_width(effect))
        value = float(effect.value)
        return Interval(value=value, low=value - reach, high=value + reach, level=self.level)

    def p_value(self, effect: Effect) -> float:
        """Of planned looks the repeated one: the lowest level at which this look would have decided. Their limits are
        of normal scores, so Student's are held to those of the same chance.

        Jennison and Turnbull, "Group Sequential Methods with Applications to Clinical Trials" (2000), chapter 9, and
        section 3.8 on variances that are estimated."""
        if self.method == "sequence":
            return float(sequences.p_value(effect, 0.0, self.level, self.tuned_to))
        if self.method == "fixed":
            return float(fixed.p_value(effect))
        limits, errors = _ladder(self.fractions, self.level)
        score = _normal_score(effect)
        return float(np.exp(np.interp(score, limits, errors))) if score >= limits[0] else 1.0

    def units_missing(self, base: Estimate, candidate: Estimate, effect: Effect, smallest: float | None) -> int | None:
        """How many units an answer needs beyond those there are, with a chance of 80 %, where the difference is as it
        seems or the `smallest` that matters; None where no number is enough, or only one that nobody waits for."""
        units = base.units + candidate.units
        try:
            design = Design(
                base.unit_variance,
                candidate.unit_variance,
                share=candidate.units / units,
                level=self.level,
                method=self.method,
                looks=5 if self.method == "stages" else 1,
                tuned_to=self.tuned_to,
            )
            missing = max(0, design.units_needed(smallest or abs(float(effect.value)), POWER) - units)
        except InvalidInput:  # of no difference, or one that is too small to be found
            return None
        return missing if missing <= FAR * units else None

    def _half_width(self, effect: Effect) -> float:
        if self.method == "sequence":
            return float(sequences.half_width(effect, self.level, self.tuned_to))
        if self.method == "fixed":
            return float(fixed.half_width(effect, self.level))
        return for_few(effect, _limit(self.fractions, self.level) * math.sqrt(effect.variance))


def for_few(effect: Effect, reach: float) -> float:
    """A half width that was made for many units, as wide as it has to be for those there are: Student's quantile in
    place of the normal one of the same chance."""
    spread = math.sqrt(effect.variance)
    if not spread or math.isinf(effect.freedom):
        return reach
    return spread * -float(special.stdtrit(effect.freedom, special.ndtr(-reach / spread)))


def _normal_score(effect: Effect) -> float:
    """How many standard errors it is from zero, less by as much as these are uncertain: `for_few` backwards."""
    score = abs(float(effect.value)) / math.sqrt(effect.variance)
    if math.isinf(effect.freedom):
        return score
    return -float(special.ndtri(special.stdtr(effect.freedom, -score)))


@functools.lru_cache(maxsize=256)
def _limit(fractions: Sequence[float], level: float) -> float:
    return float(stages.boundaries(fractions, level)[-1])


@functools.lru_cache(maxsize=64)
def _ladder(fractions: Sequence[float], level: float) -> tuple[np.ndarray, np.ndarray]:
    """The limits in standard errors at this look, rising, and the logarithms of the errors that they allow."""
    errors = np.unique(np.append(np.geomspace(SMALLEST_P, 0.9, 40), 1 - level))[::-1]
    return np.array([_limit(fractions, 1 - error) for error in errors]), np.log(errors)
